"""`evaluate`: from arrays to an `Evaluation`."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xent._units import per_nat
from xent.evaluation._assemble import assemble
from xent.evaluation._calibration import calibrate
from xent.evaluation._dask import evaluate_dask, is_dask
from xent.evaluation._losses import row_losses
from xent.evaluation._rows import read_rows
from xent.evaluation._slices import read_slices
from xent.evaluation._spread import cross_entropy
from xent.evaluation._tally import Tally
from xent.evaluation._worst import read_naming
from xent.evaluation.results import Evaluation


def evaluate(
    y: Any,
    q: Any,
    *,
    classes: Sequence[Any] | None = None,
    weight: Any = None,
    cluster: Any = None,
    slices: Mapping[str, Any] | None = None,
    id: Any = None,
    unit: str = "nats",
    seed: int = 0,
) -> Evaluation:
    r"""How good the predictions `q` of the outcomes `y` are, and why they are not better.

        L = \frac{\sum_i w_i l_i}{\sum_i w_i}, \quad l_i = -\log q_i[y_i]

        L = uncertainty - discrimination + miscalibration

    Parameters
    ----------
    y : array (N,) or (N, K)
        What happened: class indices 0..K-1 (integers or whole floats); with `classes` their names; or soft labels, a
        distribution in each row, or floats in [0, 1] beside a `q` of shape (N,). `xent.Labels(y)` is always indices.
    q : array (N, K) or (N,)
        The predictions. Plain floats are probabilities, one column the probability of class 1; `xent.LogProbs` and
        `xent.Logits` say otherwise, a single logit is that of class 1. Narrower floats are widened to float64 first.
    classes : sequence of K names, optional
        In the order of the columns of `q`.
    weight : array (N,), optional
        Relative weights >= 0: a common factor changes nothing, a row of weight 0 is left out.
    cluster : sequence of N hashable labels, optional
        Rows of one cluster are not independent: standard errors, folds and tests go by cluster.
    slices : mapping of column name to sequence of N values, optional
        The loss of the rows with each value of each column is told apart; at most 1,000 values a column.
    id : sequence of N names, optional
        What `worst_rows` calls the rows, whole numbers or text; without it their number from 0.
    unit : {"nats", "bits", "bans"}
        Of all losses in the result.
    seed : int
        Chooses folds, the label sets of the isotonic null and the rows of the class-wise map.

    Any of y, q, weight, cluster, slices and id may be Dask collections: then every partition is evaluated where it is
    computed and only small states travel, as with `xent.Evaluator`.

    Returns
    -------
    Evaluation
        Plain numbers, in `unit` where they are losses.

    Raises
    ------
    ValueError
        For NaN, values outside [0, 1], rows whose sum is off 1 by more than 0.01, labels outside the classes, lengths
        that differ, no row, fewer than two classes, bad weights, or names that are too few or there twice. The message
        names the argument, the first row (from 0) and what is there.

    Edge cases
    ----------
    q_y = 0                the loss is inf; `finite_cross_entropy` is over the other rows, `clipped` what others print
    off 1 by <= 0.01       used as given, and counted in `audit.unnormalized_rows` if it is more than rounding
    one class only         uncertainty is 0, skill NaN
    separated labels       no map is best: recalibration, miscalibration and discrimination are NaN
    soft labels, K > 32    `skill` has a standard error with clusters only
    > 262,144 confusions   so many pairs of label and likeliest class are not kept: `confusions` is empty

    Accuracy
    --------
    Means are exact sums of the rows' losses, rounded once; neither they nor anything else depend on the order of the
    rows, save `row` in `worst_rows`. The identity closes to 1e-12.

    Gradient
    --------
    None: the result is plain numbers.

    References
    ----------
    Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958 (slope and intercept).
    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017 (temperature).
    Dimitriadis, Gneiting, Jordan, "Stable reliability diagrams", PNAS 118, 2021 (the identity).

    Examples
    --------
    >>> import xent
    >>> e = xent.evaluate([1, 0, 1, 1, 0, 0], [0.9, 0.2, 0.6, 0.4, 0.3, 0.5])
    >>> round(e.cross_entropy.value, 4), round(e.uncertainty, 4), round(e.skill.value, 4)
    (0.4676, 0.6931, 0.3254)
    """
    scale = per_nat(unit)
    seed = operator.index(seed)
    sliced = slices.values() if isinstance(slices, Mapping) else ()
    if is_dask(y, q, weight, cluster, id, *sliced):
        given = {"y": y, "q": q, "weight": weight, "cluster": cluster, "id": id}
        return evaluate_dask(given, slices, {"classes": classes, "unit": unit, "seed": seed})
    rows = read_rows(y, q, classes, weight, cluster)
    naming = read_naming(id, rows.given, numbered=True)
    columns = read_slices(slices, rows.given)
    losses = row_losses(rows)
    with np.errstate(all="ignore"):
        tally = Tally.of(rows, losses, naming, columns)
        calibration = calibrate(rows, losses, cross_entropy(tally.sums).value, seed)
        return assemble(tally, calibration, rows.classes, unit, scale)
