"""`compare`: two models on the same rows, from arrays to a `Comparison`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from xent._errors import ShapeError
from xent._forms import Form, Probs
from xent._units import per_nat
from xent.evaluation._arrays import is_float, to_numpy
from xent.evaluation._assemble import assemble
from xent.evaluation._calibration import calibrate
from xent.evaluation._compare_parts import average_losses, by_class, correlation, difference, gain_of_average, movers
from xent.evaluation._estimates import UNDEFINED, Sampling, in_unit
from xent.evaluation._exact import Floats
from xent.evaluation._folds import row_keys
from xent.evaluation._forecasts import Raw, raw_forecasts
from xent.evaluation._labels import named_classes
from xent.evaluation._losses import row_losses
from xent.evaluation._rows import Rows, read_rows
from xent.evaluation._spread import cross_entropy
from xent.evaluation._tables import mean_or_inf
from xent.evaluation._tally import Tally
from xent.evaluation._worst import read_naming
from xent.evaluation.results import Averaging, Comparison, Estimate, Evaluation, JoinAudit

_Read = TypeVar("_Read")


def compare(
    y: Any,
    q_a: Any,
    q_b: Any,
    *,
    names: Sequence[str] = ("A", "B"),
    classes: Sequence[Any] | None = None,
    weight: Any = None,
    cluster: Any = None,
    unit: str = "nats",
    seed: int = 0,
) -> Comparison:
    r"""Which of two models is better on the same rows, as they are and once each is recalibrated.

        difference = \frac{\sum_i w_i (l_{A,i} - l_{B,i})}{\sum_i w_i}, \quad l_{A,i} = -\log q_{A,i}[y_i]

        recalibrated_difference = difference - a.recalibration.gain + b.recalibration.gain

    Parameters
    ----------
    y : array (N,) or (N, K)
        What happened, as `evaluate` takes it.
    q_a, q_b : array (N, K) or (N,)
        The predictions of A and of B, as `evaluate` takes them. Row i of both is about `y[i]`, and their columns are in
        the same order; the one may be probabilities and the other logits.
    names : pair of str
        What the two are called in the result.
    classes : sequence of K names, optional
        In the order of the columns of both.
    weight : array (N,), optional
        Relative weights >= 0: a common factor changes nothing, a row of weight 0 is left out.
    cluster : sequence of N hashable labels, optional
        Rows of one cluster are not independent: standard errors, folds and tests go by cluster.
    unit : {"nats", "bits", "bans"}
        Of all losses in the result.
    seed : int
        Chooses the folds of the cross-fitted gains.

    Returns
    -------
    Comparison
        `a` and `b` are what `evaluate` gives for each alone. A negative `difference` is better for A.

    Raises
    ------
    ValueError
        For all that `evaluate` refuses, and where the two differ in rows or classes. The message names `q_a` or `q_b`,
        the first row (from 0) and what is there.

    Edge cases
    ----------
    l_A infinite, l_B not      difference is inf, and -inf the other way round; NaN if both are infinite
    no map is best for one     recalibrated_difference is NaN
    one loss is constant       correlation is NaN
    equal losses in a row      the row counts for neither in `wins`, which are shares of rows, not of weight

    Accuracy
    --------
    Means, standard errors and the correlation come from exact sums, rounded once; nothing depends on the order of the
    rows, save `row` in `worst_rows` and `movers`. Both identities close to 1e-12. Swapping A and B negates both
    differences to the bit.

    Gradient
    --------
    None: the result is plain numbers.

    References
    ----------
    Diebold and Mariano, "Comparing predictive accuracy", Journal of Business and Economic Statistics 13, 1995.

    Examples
    --------
    >>> import xent
    >>> c = xent.compare([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.3], [0.6, 0.4, 0.7, 0.4], names=("new", "old"))
    >>> round(c.difference.value, 4), round(c.difference.low, 4), round(c.difference.high, 4), c.wins
    (-0.1733, -0.5571, 0.2106, (0.75, 0.25))
    """
    scale = per_nat(unit)
    seed = operator.index(seed)
    pair = _pair_of_names(names)
    classes = named_classes(classes)
    cluster = list(cluster) if isinstance(cluster, Iterable) and not hasattr(cluster, "dtype") else cluster
    labels = _labels(y, _same_shape(q_a, q_b))
    with np.errstate(all="ignore"):
        a = _naming("q_a", lambda: read_rows(labels, q_a, classes, weight, cluster))
        b = _naming("q_b", lambda: read_rows(labels, q_b, classes, weight, cluster))
        # Rows that are equal for one model may differ for the other: which of them is in which fold then matters.
        a, b = replace(a, beside=row_keys(b, seed)), replace(b, beside=row_keys(a, seed))
        return _assemble(_alone(a, unit, scale, seed), _alone(b, unit, scale, seed), pair, scale)


@dataclass(frozen=True, slots=True)
class _Alone:
    """One model: its rows, their losses in nats, what recalibration takes off each of them (None: undefined), and its
    evaluation."""

    rows: Rows
    losses: Floats
    fall: Floats | None
    evaluation: Evaluation


def _alone(rows: Rows, unit: str, scale: float, seed: int) -> _Alone:
    losses = row_losses(rows)
    tally = Tally.of(rows, losses, read_naming(None, rows.given, numbered=True), {})
    calibration = calibrate(rows, losses, cross_entropy(tally.sums).value, seed)
    return _Alone(rows, losses, calibration.mended.fall, assemble(tally, calibration, rows.classes, unit, scale))


def _assemble(a: _Alone, b: _Alone, names: tuple[str, str], scale: float) -> Comparison:
    rows, one, two = a.rows, a.evaluation, b.evaluation
    sampling = Sampling.of(rows)
    mended = UNDEFINED
    if a.fall is not None and b.fall is not None:
        mended = difference(a.losses - a.fall, b.losses - b.fall, sampling)
    return Comparison(
        n=rows.n,
        unit=one.unit,
        names=names,
        a=one,
        b=two,
        difference=in_unit(difference(a.losses, b.losses, sampling), scale),
        recalibrated_difference=in_unit(mended, scale),
        correlation=correlation(a.losses, b.losses),
        unpaired_se=_both(one.cross_entropy, two.cross_entropy),
        wins=(_share(a.losses, b.losses), _share(b.losses, a.losses)),
        audit=JoinAudit(matched=rows.given, only_a=0, only_b=0),
        per_class=by_class(rows, (a.losses, b.losses), (rows.surprisal, b.rows.surprisal), scale),
        movers=movers(rows, a.losses, b.losses, scale),
        averaging=_averaging(a, b, sampling, scale),
    )


def _averaging(a: _Alone, b: _Alone, sampling: Sampling, scale: float) -> Averaging:
    averaged = average_losses(a.rows, (a.losses, b.losses), (a.rows.surprisal, b.rows.surprisal))
    better = a.losses if mean_or_inf(a.losses, a.rows) <= mean_or_inf(b.losses, b.rows) else b.losses
    whole, gain = gain_of_average(averaged, better, sampling)
    return Averaging(cross_entropy=in_unit(whole, scale), gain=in_unit(gain, scale))


def _both(a: Estimate, b: Estimate) -> float:
    """The standard error of a difference of independent means; NaN where one has none."""
    return math.nan if math.isnan(a.se) or math.isnan(b.se) else math.hypot(a.se, b.se)


def _share(mine: Floats, other: Floats) -> float:
    return int((mine < other).sum()) / mine.size


def _pair_of_names(names: Sequence[str]) -> tuple[str, str]:
    found = (names,) if isinstance(names, str) else tuple(names)
    if len(found) != 2:
        raise ValueError(f"`names` has {len(found)} entries; it is two names, of A and of B.")
    return str(found[0]), str(found[1])


def _same_shape(q_a: Any, q_b: Any) -> tuple[Raw, Raw]:
    """Look at both forecasts; they are about the same rows and the same classes."""
    a, b = _naming("q_a", lambda: raw_forecasts(q_a)), _naming("q_b", lambda: raw_forecasts(q_b))
    if a.rows != b.rows:
        raise ShapeError(f"`q_b` has {b.rows} rows and `q_a` has {a.rows}; row i of both is about `y[i]`.")
    if a.classes != b.classes:
        raise ShapeError(f"`q_b` has {b.classes} classes and `q_a` has {a.classes}; both forecast the same classes.")
    return a, b


def _labels(y: Any, raws: tuple[Raw, Raw]) -> Any:
    """Fractions beside a forecast of one column are soft labels; beside the other model they mean the same."""
    if isinstance(y, Form) or not any(raw.one_column for raw in raws):
        return y
    values = to_numpy("y", y)
    soft = values.ndim == 1 and is_float(values) and bool(((values > 0.0) & (values < 1.0)).any())
    return Probs(values) if soft else y


def _naming(name: str, read: Callable[[], _Read]) -> _Read:
    """Call `read`; what it says of `q` is about the argument `name`."""
    try:
        return read()
    except ValueError as error:
        text = str(error)
        for old, new in (("`q`", f"`{name}`"), ("(q)`", f"({name})`")):
            text = text.replace(old, new)
        raise type(error)(text) from None
