"""`evaluate`: from arrays to an `Evaluation`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from xent._units import per_nat
from xent.evaluation._estimates import Sampling, mean, skill
from xent.evaluation._exact import Floats
from xent.evaluation._recalibration import Mended, recalibrate
from xent.evaluation._rows import Rows, read_rows
from xent.evaluation._tables import class_table, frequencies, mean_or_inf, tail_share, worst_rows
from xent.evaluation.results import Also, Audit, Clipped, Estimate, Evaluation, Recalibration
from xent.measures import surprisal as surprisal_of

CLIPS = (2.0**-52, 1e-15, 1e-7)
"""Where others clip: scikit-learn and NumPy code in float64, older scikit-learn, Keras and code in float32."""


def evaluate(
    y: Any,
    q: Any,
    *,
    classes: Sequence[Any] | None = None,
    weight: Any = None,
    cluster: Any = None,
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
    unit : {"nats", "bits", "bans"}
        Of all losses in the result.
    seed : int
        Chooses the folds of the cross-fitted gain.

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
    rows = read_rows(y, q, classes, weight, cluster)
    with np.errstate(all="ignore"):
        losses = row_losses(rows)
        return assemble(rows, losses, unit, scale, recalibrate(rows, losses, mean_or_inf(losses, rows), seed))


def row_losses(rows: Rows) -> Floats:
    """-log q_y of each row in nats, or -sum_k y_k log q_k for soft labels, where 0 · inf is 0."""
    if rows.soft is None:
        return rows.of_label(rows.surprisal)
    return _soft_losses(rows.soft, rows.surprisal)


def _soft_losses(soft: Floats, surprisal: Floats) -> Floats:
    return np.where(soft > 0.0, soft * surprisal, 0.0).sum(axis=1)


def assemble(rows: Rows, losses: Floats, unit: str, scale: float, mended: Mended) -> Evaluation:
    """The evaluation of rows whose losses and recalibration are known, in nats; `scale` turns those into the unit."""
    finite = np.isfinite(losses)
    loss = mean_or_inf(losses, rows)
    share = frequencies(rows)
    surprisal = np.where(share > 0.0, surprisal_of(share, check=False), 0.0)
    uncertainty = math.fsum((share * surprisal).tolist())
    prior = surprisal[rows.main_label()] if rows.soft is None else _soft_losses(rows.soft, surprisal[None, :])
    whole = mean(losses, Sampling.of(rows)) if finite.all() else Estimate(loss, math.nan, math.nan, math.nan)
    return Evaluation(
        n=rows.n,
        classes=rows.classes,
        unit=unit,
        cross_entropy=in_unit(whole, scale),
        finite_cross_entropy=in_unit(whole if finite.all() else mean(losses[finite], Sampling.of(rows, finite)), scale),
        clipped=tuple(Clipped(eps, mean_or_inf(_clipped(rows, losses, eps), rows) * scale) for eps in CLIPS),
        uncertainty=uncertainty * scale,
        skill=skill(losses, prior, rows, uncertainty),
        miscalibration=(loss - mended.loss) * scale,
        discrimination=(uncertainty - mended.loss) * scale,
        recalibration=Recalibration(
            mended.kind, mended.parameters, in_unit(mended.gain, scale), mended.p_value, mended.state
        ),
        isotonic=None,
        classwise=None,
        per_class=class_table(rows, losses, scale),
        worst_rows=worst_rows(rows, losses, scale),
        tail_share=tail_share(rows, losses),
        audit=_audit(rows, losses),
        clusters=None if rows.cluster is None else rows.clusters,
        confusions=(),
        slices=(),
        also=Also(math.nan, math.nan, math.nan, math.nan),
        reliability=(),
        loss_histogram=(),
        temperature_curve=(),
    )


def in_unit(estimate: Estimate, scale: float) -> Estimate:
    """Convert an estimate from nats."""
    return Estimate(estimate.value * scale, estimate.se * scale, estimate.low * scale, estimate.high * scale)


def _clipped(rows: Rows, losses: Floats, eps: float) -> Floats:
    ceiling = -math.log(eps)
    if rows.soft is None:
        return np.minimum(losses, ceiling)
    return _soft_losses(rows.soft, np.minimum(rows.surprisal, ceiling))


def _audit(rows: Rows, losses: Floats) -> Audit:
    return Audit(
        rows=rows.given,
        dropped=rows.given - rows.n,
        zero_probability_rows=int(np.isinf(losses).sum()),
        unnormalized_rows=rows.unnormalized,
        renormalized_rows=0,
    )
