"""Slope and intercept from the grid of two classes."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._affine import AffineMap, standardize
from xent.evaluation._curve import TEMPERATURES
from xent.evaluation._estimates import UNDEFINED
from xent.evaluation._exact import Floats, Ints, exact_sum
from xent.evaluation._folds import FOLDS
from xent.evaluation._grid_binary import BinaryGrid, Points
from xent.evaluation._grid_clusters import ClusterSums
from xent.evaluation._grid_mended import Fall, Whole, clustered, score_p_value, undefined
from xent.evaluation._maps import Mass, minimize_map, slope_at
from xent.evaluation._recalibration import Mended, score_tail
from xent.evaluation._student import chi2_tail
from xent.evaluation.results import Estimate, TemperaturePoint

_EXACT, _CLOSE = 1e-8, 1e-4


def affine(grid: BinaryGrid, loss: float, whole: Whole, clusters: ClusterSums | None) -> Mended:
    """Slope and intercept of rows whose mean loss is `loss`."""
    state = _affine_state(grid)
    if state != "fitted":
        return undefined("affine", state)
    points = grid.points()
    x, centre, spread = standardize(points.x, Mass(points.mass))
    map_ = AffineMap(np.arange(len(x)), Mass(points.mass), x, points.y, centre, spread)
    theta = _best(map_, None, _EXACT)
    if theta is None:
        return undefined("affine", "undefined")
    before, after = map_.terms(map_.identity), map_.terms(theta)
    saved = exact_sum(points.mass * (before.loss - after.loss))
    fits = [_without(map_, points, k, theta) for k in range(FOLDS)]
    if clusters is None:
        gain = _affine_gain(grid, map_, points, fits, whole)
        p_value = _affine_p_value(map_, points, grid, 2.0 * saved / whole.unit if whole.even else None)
    else:
        moves = [None if fit is None else _move(map_, fit) for fit in fits]
        fall = _affine_gain(grid, map_, points, fits, whole)
        gain = clustered(fall, clusters, moves, whole)
        p_value = score_p_value(clusters, slice(None) if map_.degrees == 2 else slice(1, None))
    mended = min(loss - saved / whole.weight, loss)
    return Mended("affine", map_.parameters(theta), mended, gain, p_value, "fitted", None)


def _affine_state(grid: BinaryGrid) -> str:
    if min(grid.high) == -math.inf:
        return "separated"
    if min(grid.low) == max(grid.high) or len(grid.coarse.keys) == 1:
        return "fitted"
    if grid.low[1] >= grid.high[0]:
        return "separated"
    return "reversed" if grid.high[1] <= grid.low[0] else "fitted"


def _best(map_: AffineMap, start: Floats | None, tolerance: float) -> Floats | None:
    # Whether outcomes overlap was decided by the rows; the means of cells need not show it.
    return map_.fit(None, tolerance) if map_.degrees == 1 else minimize_map(map_, start, tolerance, None)


def _without(map_: AffineMap, points: Points, fold: int, start: Floats) -> Floats | None:
    others = map_.subset(points.fold != fold)
    if len(others.rows) == 0 or others.y.min() == others.y.max():
        return None
    return _best(others, start, _CLOSE)


def _move(map_: AffineMap, theta: Floats) -> Floats:
    """How far a fit lies from the forecasts as given, in slope and intercept."""
    found = map_.parameters(theta)
    return np.array([found["slope"] - 1.0, found["intercept"]])


def _affine_gain(
    grid: BinaryGrid, map_: AffineMap, points: Points, fits: list[Floats | None], whole: Whole
) -> Estimate:
    sums: list[tuple[float, float, float]] = []
    crosses = grid.cross_points()
    for fold, fit in enumerate(fits):
        mine = points.fold == fold
        if not mine.any():
            continue
        if fit is None:
            return UNDEFINED
        part = map_.subset(mine)
        fall = part.terms(part.identity).loss - part.terms(fit).loss
        mass, square = points.mass[mine], points.square[mine]
        sums.append((exact_sum(mass * fall), exact_sum(square * fall * fall), exact_sum(square * fall)))
        sums.append(_cross_sums(map_, crosses, fold, fit))
    first, second, twice = (math.fsum(column) for column in zip(*sums, strict=True))
    return Fall(first, second, twice).estimate(whole)


def _cross_sums(
    map_: AffineMap, crosses: tuple[Floats, Ints, Floats], fold: int, fit: Floats
) -> tuple[float, float, float]:
    """What a soft label's two outcomes add together to the squares."""
    x, folds, cross = crosses
    mine = folds == fold
    if not mine.any():
        return 0.0, 0.0, 0.0
    u = (x[mine] - map_.centre) / (map_.spread or 1.0)
    falls = []
    for y in (0.0, 1.0):
        part = AffineMap(np.arange(len(u)), Mass(None), u, np.full(len(u), y), map_.centre, map_.spread)
        falls.append(part.terms(part.identity).loss - part.terms(fit).loss)
    both = cross[mine]
    return 0.0, 2.0 * exact_sum(both * falls[0] * falls[1]), exact_sum(both * (falls[0] + falls[1]))


def _affine_p_value(map_: AffineMap, points: Points, grid: BinaryGrid, ratio: float | None) -> float:
    if ratio is not None:
        return chi2_tail(ratio, map_.degrees)
    used = slice(None) if map_.degrees == 2 else slice(1, None)
    terms = map_.terms(map_.identity)
    score = slope_at(terms, Mass(points.mass)).gradient[used]
    spread = slope_at(terms, Mass(points.square)).hessian[used, used]
    x, _, cross = grid.cross_points()
    if len(x):
        part = AffineMap(
            np.arange(len(x)), Mass(None), (x - map_.centre) / (map_.spread or 1.0), x, map_.centre, map_.spread
        )
        spread = spread + slope_at(part.terms(map_.identity), Mass(2.0 * cross)).hessian[used, used]
    return score_tail(score, spread)


def affine_curve(grid: BinaryGrid, loss: float, whole: Whole) -> tuple[TemperaturePoint, ...]:
    """Return the mean loss in nats by rising temperature; () if it is infinite."""
    if not math.isfinite(loss):
        return ()
    points = grid.points()
    map_ = AffineMap(np.arange(len(points.x)), Mass(None), points.x, points.y, 0.0, 1.0)
    before = map_.terms(np.array([1.0, 0.0])).loss
    found = {}
    for t in TEMPERATURES:
        rise = points.mass * (map_.terms(np.array([1.0 / t, 0.0])).loss - before)
        found[t] = loss if t == 1.0 else loss + exact_sum(rise) / whole.weight
    return tuple(TemperaturePoint(t, found[t]) for t in sorted(found))
