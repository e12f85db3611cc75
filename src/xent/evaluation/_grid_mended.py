"""Recalibration from grids: the map, what it gives in a cross-fit, and its test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._affine import AffineMap, standardize
from xent.evaluation._estimates import UNDEFINED, estimate
from xent.evaluation._exact import Floats, Ints, exact_sum
from xent.evaluation._folds import FOLDS
from xent.evaluation._grid_binary import BinaryGrid, Points
from xent.evaluation._grid_clusters import ClusterSums, fold_of
from xent.evaluation._grid_nodes import ONE
from xent.evaluation._grid_temperature import Curve, TemperatureGrid
from xent.evaluation._maps import Mass, minimize_map, slope_at
from xent.evaluation._recalibration import Mended, score_tail
from xent.evaluation._student import chi2_tail
from xent.evaluation.results import Estimate

_EXACT, _CLOSE = 1e-8, 1e-4


@dataclass(frozen=True, slots=True)
class Whole:
    """What all rows add up to: how many, their weights, the squares of these; whether they all weigh the same."""

    rows: int
    weight: float
    square: float
    even: bool
    seed: int

    @property
    def unit(self) -> float:
        """The weight of a row, where all weigh the same."""
        return self.weight / self.rows


@dataclass(frozen=True, slots=True)
class _Fall:
    """Sums over rows of what a cross-fit gains: w·fall, w²·fall², w²·fall; None where a fold has no map."""

    first: float
    second: float
    twice: float

    def estimate(self, whole: Whole) -> Estimate:
        """The mean over independent rows."""
        mean = self.first / whole.weight
        square = max(self.second - 2.0 * mean * self.twice + mean * mean * whole.square, 0.0)
        n = whole.rows
        return estimate(mean, math.sqrt(square * n / (n - 1)) / whole.weight if n > 1 else math.nan, n)


def undefined(kind: str, state: str) -> Mended:
    """No map."""
    names = ("slope", "intercept") if kind == "affine" else ("temperature",)
    return Mended(kind, dict.fromkeys(names, math.nan), math.nan, UNDEFINED, math.nan, state, None)


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
        gain = _clustered(fall, clusters, moves, whole)
        p_value = _score_p_value(clusters, slice(None) if map_.degrees == 2 else slice(1, None))
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
    return _Fall(first, second, twice).estimate(whole)


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
        part = AffineMap(np.arange(len(x)), Mass(None), (x - map_.centre) / (map_.spread or 1.0), x, map_.centre, map_.spread)
        spread = spread + slope_at(part.terms(map_.identity), Mass(2.0 * cross)).hessian[used, used]
    return score_tail(score, spread)


def _clustered(gain: Estimate, clusters: ClusterSums, moves: list[Floats | None], whole: Whole) -> Estimate:
    """The gain with the standard error of its second-order expansion, cluster by cluster."""
    weight, score, curvature = clusters.table()
    groups = len(weight)
    if groups < 2 or not math.isfinite(gain.value):
        return UNDEFINED
    fold = fold_of(clusters.keys, whole.seed)
    fall = np.zeros(groups)
    upper = np.triu_indices(clusters.degrees)
    for k, move in enumerate(moves):
        mine = fold == k
        if move is not None:
            pairs = np.outer(move, move) * (1.0 - 0.5 * np.eye(len(move)))
            fall[mine] = -(score[mine] @ move) - curvature[mine] @ pairs[upper]
    apart = fall - weight * (exact_sum(fall) / whole.weight)
    se = math.sqrt(exact_sum(apart * apart) * groups / (groups - 1)) / whole.weight
    return estimate(gain.value, se, groups)


def _score_p_value(clusters: ClusterSums, used: slice) -> float:
    score = clusters.table()[1][:, used]
    parts = [np.ascontiguousarray(column) for column in score.T]
    spread = np.array([[exact_sum(a * b) for a in parts] for b in parts])
    return score_tail(np.array([exact_sum(part) for part in parts]), spread)


def temperature(
    grid: TemperatureGrid, loss: float, whole: Whole, clusters: ClusterSums | None, spread: float
) -> Mended:
    """The temperature of rows whose mean loss is `loss`; `spread` is the sum of w² f'' at the forecasts as given."""
    every = grid.folds()
    if not every:
        return undefined("temperature", "undefined")
    curve = grid.curve(every)
    flat = grid.spread == 0.0
    state = "fitted" if flat else _temperature_state(grid, curve)
    if state != "fitted":
        return undefined("temperature", state)
    b = 1.0 if flat else curve.best()
    fits = [1.0 if flat else grid.curve([f for f in every if f != k]).best() for k in every]
    falls = [_temperature_fall(grid.curve([k]), fit) for k, fit in zip(every, fits, strict=True)]
    gain = UNDEFINED
    if len(every) > 1 and all(map(math.isfinite, fits)):
        gain = _Fall(*(math.fsum(column) for column in zip(*falls, strict=True))).estimate(whole)
    if clusters is not None:
        moves: list[Floats | None] = [None] * FOLDS
        for k, fit in zip(every, fits, strict=True):
            moves[k] = np.array([fit - 1.0])
        gain = _clustered(gain, clusters, moves, whole)
    mended = min(loss + curve.at(b) / whole.weight, loss)
    p_value = 1.0 if flat else _temperature_p_value(curve, b, whole, clusters, spread)
    return Mended("temperature", {"temperature": 1.0 / b if b else math.inf}, mended, gain, p_value, "fitted", None)


def _temperature_state(grid: TemperatureGrid, curve: Curve) -> str:
    if grid.highest <= 0.0:
        return "separated"
    if grid.lowest >= 0.0 or curve.slope[0] >= 0.0:
        return "reversed"
    return "fitted" if math.isfinite(curve.best()) else "undefined"


def _temperature_fall(curve: Curve, b: float) -> tuple[float, float, float]:
    if not math.isfinite(b):
        return 0.0, 0.0, 0.0
    second, twice = curve.squares_at(b)
    return -curve.at(b), second, -twice


def _temperature_p_value(
    curve: Curve, b: float, whole: Whole, clusters: ClusterSums | None, spread: float
) -> float:
    if clusters is not None:
        return _score_p_value(clusters, slice(None))
    if whole.even:
        return chi2_tail(2.0 * (curve.at(1.0) - curve.at(b)) / whole.unit, 1)
    return score_tail(np.array([curve.slope[ONE]]), np.array([[spread]]))
