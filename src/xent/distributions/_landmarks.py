"""Where the mass of a distribution lies: places to cut an integral at, from quantiles or from a look at the density."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xent.distributions._problem import Problem, log_densities
from xent.distributions._view import View

Array = np.ndarray[Any, Any]

_TAIL = (1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 2e-3, 0.02, 0.1, 0.25)
_COARSE = np.array([*_TAIL, 0.5, *(1.0 - p for p in reversed(_TAIL))])
_FINE = np.concatenate([np.geomspace(1e-15, 1e-3, 37), np.arange(1, 512) / 512, 1.0 - np.geomspace(1e-3, 1e-15, 37)])

_MODES = 12  # bumps that are told apart without quantiles
_DROPS = (0.5, 4.0, 32.0)  # of the log density from its mode: where a bump begins and ends
_ZOOM = 17  # places at a time
_STEPS = 18  # zooms: 8^18 is the whole of float64
# Distances from a mode, in its last place, and places to begin with.
_REACH = np.exp2(np.concatenate([np.arange(0.0, 110.0), np.arange(110.0, 540.0, 6.0)]))
_FEW = np.arange(48.0, 490.0, 8.0)
_SIZES = np.exp2(np.concatenate([-_FEW[::-1], np.arange(-40.0, 48.0, 0.25), _FEW]))


def landmarks(problem: Problem, *, thorough: bool = False) -> tuple[Array, Array]:
    """Places where the densities live, (marks, lanes), NaN where there are fewer; and the middle one of p (NaN: none).

    `thorough` looks everywhere.
    """
    found: list[Array] = []
    for view, low, high in zip(problem.views, problem.low, problem.high, strict=True):
        # quantiles of integers are often found by adding up to them: without end for heavy tails
        known = view.quantile is not None and (thorough or not view.discrete)
        if known:
            found.append(_from_quantiles(view, problem, _FINE if thorough else _COARSE))
        if not known or thorough:
            found.append(_from_scan(view, problem, np.maximum(low, problem.start), np.minimum(high, problem.end)))
    marks = _inside(problem, np.concatenate(found))
    own = _inside(problem, found[0])
    middle = np.maximum(np.sum(~np.isnan(own), axis=0) - 1, 0) // 2
    return marks, np.take_along_axis(own, middle[None], axis=0)[0]


def _inside(problem: Problem, marks: Array) -> Array:
    """Sorted, NaN at the end for those out of the range."""
    inside = np.isfinite(marks) & (marks > problem.start) & (marks < problem.end) & (np.abs(marks) < 1e150)
    return np.sort(np.where(inside, marks, math.nan), axis=0)


def _from_quantiles(view: View, problem: Problem, levels: Array) -> Array:
    assert view.quantile is not None
    wanted = np.broadcast_to(levels.reshape(-1, *(1,) * len(view.batch)), (levels.size, *view.batch))
    with np.errstate(all="ignore"):
        places = np.asarray(view.quantile(wanted), dtype=np.float64)
    places = places.reshape(-1, *(1,) * (len(problem.batch) - len(view.batch)), *view.batch)
    return np.broadcast_to(places, (levels.size, *problem.batch)).reshape(levels.size, -1)


def _from_scan(view: View, problem: Problem, low: Array, high: Array) -> Array:
    """The modes that a coarse look finds, each sharpened, and where the density has fallen around them."""
    grid = np.sort(_grid(low, high, whole=view.discrete), axis=0)
    heights = _heights(view, problem, grid)
    left, right = _brackets(grid, heights)
    for _ in range(_STEPS):
        if view.discrete and not np.any(right - left > 2.0):
            break
        left, right = _zoom(view, problem, left, right)
    modes = 0.5 * (left + right)
    if view.discrete:
        modes = np.round(modes)
    heights = _heights(view, problem, np.where(np.isnan(modes), grid[0], modes))
    modes = np.where(heights >= np.max(heights, axis=0) - 700.0, modes, math.nan)  # e^-700 of the highest is nothing
    return np.concatenate([modes, _widths(view, problem, modes)])


def _grid(low: Array, high: Array, *, whole: bool) -> Array:
    """Places between low and high: evenly between finite ends, and exponentially away from each end and from 0."""
    size = _SIZES[:, None]
    from_low, from_high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    finite = np.isfinite(low) & np.isfinite(high)
    even = np.arange(1, 1024)[:, None] / 1024.0
    width = np.where(finite, from_high - from_low, 0.0)
    around = [size + 0.0 * from_low, 0.0 * from_low - size]
    # factors that keep places apart where an end is 0: the same place twice looks like a peak
    parts = [from_low + 1.07 * size, from_high - 1.07 * size, *around, from_low + width * even]
    grid = np.concatenate([*parts, 0.0 * from_low[None]])
    if whole:
        grid = np.round(grid)
    middle = np.where(finite, 0.5 * (from_low + from_high), np.where(np.isfinite(low), from_low + 1.0, from_high - 1.0))
    return np.where((grid > low) & (grid < high), grid, middle)


def _heights(view: View, problem: Problem, places: Array) -> Array:
    """The log density of the logarithm of the distance from the nearer end of the support, if that is finite.

    A density that is infinite at its end has its mode there, and this one where its mass is.
    """
    heights = log_densities(view, problem, places)
    if not view.discrete:
        side = 0 if view is problem.p else 1
        distance = np.minimum(places - problem.low[side], problem.high[side] - places)
        bounded = np.isfinite(distance) & (distance > 0)
        heights = heights + np.log(np.where(bounded, distance, 1.0))
    return np.where(np.isnan(heights), -math.inf, heights)


def _brackets(grid: Array, heights: Array) -> tuple[Array, Array]:
    """The neighbours of the highest local maxima on the grid, (modes, lanes) each."""
    part, power = np.frexp(heights)
    heights = np.ldexp(np.round(part * 2.0**30), power - 30)  # the top of a bump is flat: rounding makes no peaks there
    padded = np.pad(heights, ((1, 1), (0, 0)), constant_values=-math.inf)
    peak = (heights >= padded[:-2]) & (heights > padded[2:])
    score = np.where(peak, heights, -math.inf)
    best = np.argsort(score, axis=0)[-_MODES:]
    # the same place may be there twice: the neighbours are the nearest others
    below = np.maximum.accumulate(np.where(grid[1:] > grid[:-1], grid[:-1], -math.inf), axis=0)
    below = np.concatenate([grid[:1], np.maximum(below, grid[0])])
    above = np.concatenate([grid[1:], grid[-1:]])
    left, right = np.take_along_axis(below, best, axis=0), np.take_along_axis(above, best, axis=0)
    real = np.isfinite(np.take_along_axis(score, best, axis=0))
    return np.where(real, left, math.nan), np.where(real, right, math.nan)


def _zoom(view: View, problem: Problem, left: Array, right: Array) -> tuple[Array, Array]:
    """The part of each bracket around its highest place."""
    share = np.linspace(0.0, 1.0, _ZOOM)[:, None, None]
    places = left + share * (right - left)
    look = np.where(np.isnan(places), 0.0, places)
    look = np.round(look) if view.discrete else look
    heights = _heights(view, problem, look.reshape(-1, problem.lanes)).reshape(places.shape)
    best = np.argmax(heights, axis=0)
    around = np.clip(np.stack([best - 1, best + 1]), 0, _ZOOM - 1)
    left, right = (np.take_along_axis(places, a[None], axis=0)[0] for a in around)
    return left, right


def _widths(view: View, problem: Problem, modes: Array) -> Array:
    """On each side of each mode: the nearest distances (powers of two) at which the density has dropped."""
    known = np.where(np.isnan(modes), 0.0, modes)
    unit = 1.0 if view.discrete else np.spacing(np.maximum(np.abs(known), 1e-12))
    top = _heights(view, problem, known)
    marks: list[Array] = []
    for side in (-1.0, 1.0):
        places = known + side * unit * _REACH[:, None, None]
        heights = _heights(view, problem, places.reshape(-1, problem.lanes)).reshape(places.shape)
        for drop in _DROPS:
            fallen = heights < top - drop
            first = np.argmax(fallen, axis=0)
            place = np.take_along_axis(places, first[None], axis=0)[0]
            marks.append(np.where(np.any(fallen, axis=0) & ~np.isnan(modes), place, math.nan))
    return np.concatenate(marks)
