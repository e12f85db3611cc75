"""Recalibration: the best map on all rows, whether there is anything to mend, and what mending would really give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._affine import AffineMap
from xent.evaluation._estimates import UNDEFINED
from xent.evaluation._exact import Floats, exact_sum, group_sums
from xent.evaluation._gain import as_given, cross_fit
from xent.evaluation._maps import Map, Mass, Terms, slope_at
from xent.evaluation._rows import Rows
from xent.evaluation._student import chi2_tail
from xent.evaluation._temperature import TemperatureMap
from xent.evaluation.results import Estimate

_EXACT = 1e-8
"""Length of the last Newton step of the fit on all rows; what it leaves is of the order of its square."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The map in nats: its kind and parameters, the loss after it, the cross-fitted gain and the p-value.

    `fall` is what each row gains in the cross-fit; None where that is undefined, or copies of a row gain unlike.
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
            state = map_.obstacle() or "undefined"
            return Mended(kind, map_.parameters(None), math.nan, UNDEFINED, math.nan, state, None)
        fitted = map_.terms(theta)
        after = losses.copy()
        after[map_.rows] = as_given(rows, map_, fitted)
        mended = Mass(rows.weight, rows.count).mean(after)
        gain, fall = cross_fit(rows, map_, theta, fitted, losses, seed)
        p_value = _p_value(rows, map_, fitted)
        # The identity is one of the maps: where it is the best, rounding must not make it look worse than itself.
        return Mended(kind, map_.parameters(theta), min(mended, loss), gain, p_value, "fitted", fall)


def _p_value(rows: Rows, map_: Map, fitted: Terms) -> float:
    """Test of the identity: likelihood ratio, or a score test that is right under weights or clusters."""
    if map_.degrees == 0:
        return 1.0
    start = map_.terms(map_.identity)
    if rows.weight is None and rows.cluster is None:
        before, after = map_.mass.sum(start.loss), map_.mass.sum(fitted.loss)
        return chi2_tail(2.0 * (before - after), map_.degrees)
    used = slice(None) if map_.degrees == len(start.gradient) else slice(-1, None)
    if rows.cluster is not None:
        code = rows.cluster[map_.rows]
        scores = [group_sums(map_.mass.weigh(g), code, rows.clusters) for g in start.gradient[used]]
        score = np.array([exact_sum(s) for s in scores])
        spread = np.array([[exact_sum(a * b) for a in scores] for b in scores])
    else:
        score = np.array([map_.mass.sum(g) for g in start.gradient[used]])
        # Under the hypothesis each label is drawn from its forecast, so the variance of the score is known.
        square = None if map_.mass.weight is None else map_.mass.weight * map_.mass.weight
        spread = slope_at(start, Mass(square, map_.mass.count)).hessian[used, used]
    return score_tail(score, spread)


def score_tail(score: Floats, spread: Floats) -> float:
    if np.linalg.matrix_rank(spread, hermitian=True) < len(score):
        return math.nan
    return chi2_tail(float(score @ np.linalg.solve(spread, score)), len(score))
