"""Recalibration: the best map on all rows, whether there is anything to mend, and what mending would really give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._affine import AffineMap
from xent.evaluation._estimates import UNDEFINED, Sampling, mean
from xent.evaluation._exact import Floats, exact_sum, group_sums
from xent.evaluation._folds import folds
from xent.evaluation._maps import Map, Terms, slope_at, some, weighted
from xent.evaluation._rows import Rows
from xent.evaluation._student import chi2_tail
from xent.evaluation._temperature import TemperatureMap
from xent.evaluation.results import Estimate

_EXACT = 1e-8
"""Length of the last Newton step of the fit on all rows; what it leaves is of the order of its square."""

_CLOSE = 1e-3
"""The same for the fits on four fifths: only their loss on other rows is used, which is flat there, so that an error of
1e-6 in the parameters is one of about 1e-12 in the loss. With many rows one step from the fit on all rows is enough."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The map in nats: its kind and parameters, the loss after it, the cross-fitted gain and the p-value.

    `fall` is what each row gains in the cross-fit; None where that is undefined.
    """

    kind: str
    parameters: dict[str, float]
    loss: float
    gain: Estimate
    p_value: float
    state: str
    fall: Floats | None


def recalibrate(rows: Rows, losses: Floats, loss: float, seed: int) -> Mended:
    """Fit slope and intercept (two classes) or a temperature (more) to rows whose mean loss is `loss`."""
    kind = "affine" if rows.k == 2 else "temperature"
    if not math.isfinite(loss):
        names = ("slope", "intercept") if rows.k == 2 else ("temperature",)
        return Mended(kind, dict.fromkeys(names, math.nan), math.nan, UNDEFINED, math.nan, "infinite", None)
    map_: Map = AffineMap.of(rows, losses) if rows.k == 2 else TemperatureMap.of(rows, losses)
    with np.errstate(all="ignore"):
        theta = map_.fit(None, _EXACT)
        if theta is None:
            return Mended(kind, map_.parameters(None), math.nan, UNDEFINED, math.nan, "undefined", None)
        fitted = map_.terms(theta)
        after = losses.copy()
        after[map_.rows] = _as_given(rows, map_, fitted)
        mended = mean(after, Sampling(rows.weight, None, rows.n)).value
        # The identity is one of the maps: where it is the best, rounding must not make it look worse than itself.
        fall = _cross_fitted_fall(rows, map_, theta, fitted, losses, seed)
        gain = UNDEFINED if fall is None else mean(fall, Sampling.of(rows))
        p_value = _p_value(rows, map_, fitted)
        return Mended(kind, map_.parameters(theta), min(mended, loss), gain, p_value, "fitted", fall)


def _as_given(rows: Rows, map_: Map, terms: Terms) -> Floats:
    """Losses of the map's rows after it; soft labels that do not sum to 1 count by their sum."""
    return terms.loss if rows.soft is None else terms.loss * rows.soft[map_.rows].sum(axis=1)


def _cross_fitted_fall(rows: Rows, map_: Map, theta: Floats, fitted: Terms, losses: Floats, seed: int) -> Floats | None:
    """Fall of each row's loss when each fold is mapped by a fit to the others; None if one of those has none."""
    if rows.clusters < 2:
        return None
    fold = folds(rows, seed)
    of_map = fold[map_.rows]
    fall = np.zeros(rows.n)
    for k in range(int(fold.max()) + 1):
        here = of_map == k
        if not here.any():
            continue
        others = map_.subset(~here)
        best = others.fit(theta, _CLOSE, slope_at(some(fitted, ~here), others.weight))
        if best is None:
            return None
        part = map_.subset(here)
        fall[part.rows] = losses[part.rows] - _as_given(rows, part, part.terms(best))
    return fall


def _p_value(rows: Rows, map_: Map, fitted: Terms) -> float:
    """Test of the identity: likelihood ratio, or a score test that is right under weights or clusters."""
    if map_.degrees == 0:
        return 1.0
    start = map_.terms(map_.identity)
    if rows.weight is None and rows.cluster is None:
        before = exact_sum(weighted(start.loss, map_.weight))
        after = exact_sum(weighted(fitted.loss, map_.weight))
        return chi2_tail(2.0 * (before - after), map_.degrees)
    used = slice(None) if map_.degrees == len(start.gradient) else slice(-1, None)
    scores = [weighted(g, map_.weight) for g in start.gradient[used]]
    if rows.cluster is not None:
        code = rows.cluster[map_.rows]
        scores = [group_sums(s, code, rows.clusters) for s in scores]
        spread = np.array([[exact_sum(a * b) for a in scores] for b in scores])
    else:
        # Under the hypothesis each label is drawn from its forecast, so the variance of the score is known.
        square = None if map_.weight is None else map_.weight * map_.weight
        spread = slope_at(start, square).hessian[used, used]
    score = np.array([exact_sum(s) for s in scores])
    return _tail(score, spread)


def _tail(score: Floats, spread: Floats) -> float:
    if np.linalg.matrix_rank(spread, hermitian=True) < len(score):
        return math.nan
    return chi2_tail(float(score @ np.linalg.solve(spread, score)), len(score))
