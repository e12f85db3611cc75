"""Adaptive Gauss-Kronrod quadrature of one-dimensional densities, all lanes of a batch at once.

The range is cut at the ends of the supports and at landmarks of the densities, then panels are halved until the
difference of the two rules, which is far above the error of the better one, is small enough. What lies beyond the
last float is added from the way the integrand falls, with its own bound; what rounding does is measured by moving the
log densities.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from xent._errors import DistributionError, NotConverged
from xent.distributions._integrands import Integrand
from xent.distributions._landmarks import landmarks
from xent.distributions._nodes import NODES, PLACES
from xent.distributions._panels import INWARD, OUTWARD, Panels, can_split, first_panels, join, spread, split, take
from xent.distributions._problem import (
    Integral,
    Problem,
    conclude,
    log_densities,
    pose,
    terms,
    with_derivatives,
)
from xent.distributions._view import View

Array = np.ndarray[Any, Any]

_RTOL = 1e-13
_ROUNDS = 80
_MOST = 4000  # panels a lane
_MASS = 1e-6  # how far from 1 a density may integrate
_DECADES = 300.0  # log of the range of the last panel, about: to tell a power of the logarithm from a power


class Measured(NamedTuple):
    """What panels hold: arrays of one length. `tail` is what lies beyond an open end."""

    value: Array
    error: Array
    noise: Array
    slope_p: Array
    slope_q: Array
    mass: Array
    mass_error: Array
    tail: Array
    tail_error: Array
    diverges: Array
    infinite: Array


def integrate(
    integrand: Integrand,
    p: View,
    q: View | None,
    *,
    bounds: tuple[float, float] | None = None,
    rtol: float | None = None,
) -> Integral:
    """The measure of one-dimensional densities, with a bound of its error, for each member of the broadcast batch.

    `bounds` is where the mass lies, `rtol` the relative error to reach (1e-13 unless told; where rounding or the shape
    of the densities does not allow it, the bound says what was reached). Infinity where p has mass that q rules out.
    DistributionError where p does not integrate to 1, NotConverged where the integral is not finite.
    """
    problem = pose(integrand, p, q, bounds)
    panels, measured = _adapted(problem, landmarks(problem), rtol or _RTOL)
    if np.any(_lost(problem, panels, measured) > 1e-9):
        panels, measured = _adapted(problem, landmarks(problem, thorough=True), rtol or _RTOL)
    infinite = _sums(problem, panels, measured.infinite) > 0
    _check_mass(problem, panels, measured, infinite)
    _check_convergence(problem, panels, measured, infinite)
    value = _sums(problem, panels, measured.value + measured.tail)
    value = np.where(infinite, math.inf, value)
    error = np.where(infinite, 0.0, _bound(problem, panels, measured))
    carrier = None if np.any(infinite) else _carrier(problem, panels)
    n = PLACES * int(np.max(np.bincount(panels.lane, minlength=1)))
    return conclude(problem, value, error, carrier, n)


def _sums(problem: Problem, panels: Panels, a: Array) -> Array:
    """The sum of each lane."""
    return np.bincount(panels.lane, weights=a, minlength=problem.lanes)


def _lost(problem: Problem, panels: Panels, measured: Measured) -> Array:
    """How far the mass of p is from 1."""
    return np.abs(_sums(problem, panels, measured.mass) - 1.0)


def _bound(problem: Problem, panels: Panels, measured: Measured) -> Array:
    """Of the rules, the tails, the rounding, and of a density whose mass is not 1 to the last digit."""
    error = _sums(problem, panels, measured.error + measured.tail_error + measured.noise)
    lost = _lost(problem, panels, measured)
    slopes = _sums(problem, panels, measured.slope_p + measured.slope_q)
    return error + np.where(lost > 8.0 * problem.eps, 2.0 * lost * slopes, 0.0)


# -- adaptivity --------------------------------------------------------------------------------------------------------


def _adapted(problem: Problem, marks: Array, rtol: float) -> tuple[Panels, Measured]:
    """Panels, halved until the bound is reached or nothing helps, and what they hold."""
    panels = first_panels(problem, marks)
    measured = _measure(problem, panels)
    for _ in range(_ROUNDS):
        wanted = np.flatnonzero(_wanted(problem, panels, measured, rtol))
        if not wanted.size:
            break
        rest = np.setdiff1d(np.arange(panels.lane.size), wanted, assume_unique=True)
        halves = split(take(panels, wanted))
        found = _measure(problem, halves)
        halves = halves._replace(stuck=_stuck(panels.stuck[wanted], measured.error[wanted], found.error))
        panels = join(take(panels, rest), halves)
        measured = Measured(*(np.concatenate([a[rest], b]) for a, b in zip(measured, found, strict=True)))
    return panels, measured


def _wanted(problem: Problem, panels: Panels, measured: Measured, rtol: float) -> Array:
    """Which panels to halve: those with more than their share of what their lane may be off."""
    count = np.bincount(panels.lane, minlength=problem.lanes)
    size = np.abs(_sums(problem, panels, measured.value + measured.tail))
    floor = 0.5 * _sums(problem, panels, measured.noise)
    allowed = np.maximum(np.where(np.isfinite(size), rtol * size, math.inf), floor)
    done = _sums(problem, panels, measured.error) <= allowed
    share = (allowed / (2.0 * np.maximum(count, 1)))[panels.lane]
    rough = ~done[panels.lane] & (measured.error > share) & (measured.error > 2.0 * measured.noise)
    rough |= measured.mass_error > 1e-9
    hopeless = (_sums(problem, panels, measured.infinite) > 0) | (count > _MOST)
    return rough & ~hopeless[panels.lane] & (panels.stuck < 2) & can_split(panels)


def _stuck(before: Array, error: Array, halves: Array) -> Array:
    """Splits in a row that have not helped: rounding is spread over both halves, a kink or a pole is in one."""
    lower, upper = halves[: error.size], halves[error.size :]
    useless = (lower + upper > 0.5 * error) & (np.minimum(lower, upper) > 0.1 * np.maximum(lower, upper))
    stuck = np.where(useless & (error < 1e-3), before + 1, 0)
    return np.concatenate([stuck, stuck])


# -- panels ------------------------------------------------------------------------------------------------------------


def _measure(problem: Problem, panels: Panels, *, whole: bool = False) -> Measured:
    """The integrals over each panel."""
    places = spread(panels, whole=whole)
    lp, *rest = [_densities(view, problem, panels, places) for view in problem.views]
    _check_known(problem, panels, places.place, lp, rest)
    lq = rest[0] if rest else None
    lanes = np.broadcast_to(panels.lane[:, None], lp.shape)
    found = terms(problem, lanes, places.place, lp, lq)
    ruled_out = np.isinf(found.value) & (np.isinf(lp) | (np.isinf(lq) if lq is not None else False))
    overflow = ~np.isfinite(found.value) & ~ruled_out
    value = np.where(np.isfinite(found.value), found.value, 0.0)
    with np.errstate(all="ignore"):
        density = np.where(np.isfinite(lp), np.exp(lp), 0.0)
        kronrod = np.sum(places.kronrod * value, axis=1)
        mass = np.sum(places.kronrod * density, axis=1)
        error = np.abs(kronrod - np.sum(places.gauss * value, axis=1))
        mass_error = np.abs(mass - np.sum(places.gauss * density, axis=1))
        weight = np.abs(places.kronrod)
        noise = np.sum(weight * (found.noise + _blur(problem, places, lp, lq, found)), axis=1)
        noise += 1e-10 * np.sum(weight * np.abs(value) * (places.share != 0), axis=1)
        tail, tail_error, diverges = _beyond(panels, places, value)
        mass_tail, mass_tail_error, _ = _beyond(panels, places, density)
    return Measured(
        kronrod,
        error,
        noise,
        np.sum(weight * found.slope_p, axis=1),
        np.sum(weight * found.slope_q, axis=1),
        mass + mass_tail,
        np.where(np.isfinite(mass_error), mass_error, 0.0) + 0.0 * mass_tail_error,
        tail,
        tail_error,
        diverges | np.any(overflow, axis=1),
        np.any(ruled_out, axis=1),
    )


def _densities(view: View, problem: Problem, panels: Panels, places: Any) -> Array:
    """Log densities of a view at the places of panels, (panels, 21); a line next to an end that floats blur."""
    found = _at(view, problem, panels, places.place)
    lined = np.flatnonzero(places.share[:, 0] != 0)
    if lined.size:
        other = _at(view, problem, take(panels, lined), places.other[lined])
        first = found[lined]
        known = np.isfinite(first) & np.isfinite(other)
        change = np.where(known, other, 0.0) - np.where(known, first, 0.0)
        found = found.copy()
        found[lined] = first + places.share[lined] * change
    return found


def _at(view: View, problem: Problem, panels: Panels, places: Array) -> Array:
    """One call for all lanes: each lane's panels are its column, and a column that is too short repeats a place."""
    order = np.argsort(panels.lane, kind="stable")
    lane = panels.lane[order]
    first = np.searchsorted(lane, np.arange(problem.lanes))
    row = np.arange(lane.size) - first[lane]
    table = np.empty((int(np.max(row)) + 1, PLACES, problem.lanes))
    table[:] = _somewhere(problem)
    table[row, :, lane] = places[order]
    heights = log_densities(view, problem, table.reshape(-1, problem.lanes)).reshape(table.shape)
    found = np.empty(places.shape)
    found[order] = heights[row, :, lane]
    return found


def _somewhere(problem: Problem) -> Array:
    """A place in the range of each lane, to fill with."""
    start = np.where(np.isfinite(problem.start), problem.start, np.minimum(problem.end, 1.0) - 1.0)
    end = np.where(np.isfinite(problem.end), problem.end, start + 1.0)
    return 0.5 * (start + end)


def _blur(problem: Problem, places: Any, lp: Array, lq: Array | None, found: Any) -> Array:
    """What a place that the view rounds to its own dtype does to the term; nothing for float64, whose weights know."""
    if problem.eps < 1e-10:
        return np.zeros_like(lp)
    total = np.zeros_like(lp)
    for heights, slope in ((lp, found.slope_p), (lq, found.slope_q)):
        if heights is not None:
            bounded = np.where(np.isfinite(heights), heights, 0.0)
            rise = np.abs(np.gradient(bounded, axis=1)) / np.abs(np.gradient(places.place, axis=1))
            total += slope * np.where(np.isfinite(rise), rise, 0.0) * np.abs(places.place) * problem.eps
    return total


def _beyond(panels: Panels, places: Any, value: Array) -> tuple[Array, Array, Array]:
    """What lies beyond the open end of a panel: its integral, a bound of its error, and whether it is infinite.

    In the logarithm u of the distance an integrand v is v·e^u, which falls as e^(-κu) in the end: κ is that of the last
    two places. Over the range of a panel a power of u looks so too, κ = m/u: where m is hardly above 1, or below, there
    is no knowing.
    """
    tail, error = np.zeros(panels.lane.size), np.zeros(panels.lane.size)
    diverges = np.zeros(panels.lane.size, dtype=bool)
    for opening, last, next_ in ((OUTWARD, -1, -2), (INWARD, 0, 1)):
        at = np.flatnonzero(panels.open == opening)
        ends, before = np.abs(value[at, last]), np.abs(value[at, next_])
        g_end, g_before = ends * places.distance[at, last], before * places.distance[at, next_]
        lengths = np.abs(np.log(places.distance[at, last] / places.distance[at, next_]))
        alive = (g_end > 0) & (g_before > 0)
        fall = np.log(np.where(alive, g_before / np.where(alive, g_end, 1.0), 1.0)) / lengths
        power = fall * _DECADES
        endless = alive & (power < 1.5)
        rest = np.log(panels.far[at] / panels.near[at]) * NODES[0]
        good = alive & ~endless
        size = np.where(good, np.sign(value[at, last]) * g_end * np.exp(-fall * rest) / np.where(good, fall, 1.0), 0.0)
        tail[at] = size
        error[at] = np.where(good, 2.0 * np.abs(size) / np.where(good, power - 1.0, 1.0), 0.0)
        diverges[at] = endless
    return tail, error, diverges


# -- what is refused ---------------------------------------------------------------------------------------------------


def _check_known(problem: Problem, panels: Panels, places: Array, lp: Array, rest: list[Array]) -> None:
    """A density that is NaN is an error, also far out: nothing would be known of the tail."""
    for view, heights in zip(problem.views, (lp, *rest), strict=True):
        unknown = np.isnan(heights)
        if np.any(unknown):
            panel, place = np.argwhere(unknown)[0]
            where = _member(problem, int(panels.lane[panel]))
            raise DistributionError(
                f"`{view.name}`{where} has a log density of NaN at {places[panel, place]:.6g}. Pass `bounds=` within "
                "which it is a number, or look at its parameters."
            )


def _check_mass(problem: Problem, panels: Panels, measured: Measured, infinite: Array) -> None:
    mass = _sums(problem, panels, measured.mass)
    allowed = _MASS + _sums(problem, panels, measured.mass_error) + 1e3 * problem.eps
    off = np.flatnonzero(~(np.abs(mass - 1.0) <= allowed) & ~infinite)
    if off.size:
        lane = int(off[0])
        raise DistributionError(
            f"`{problem.p.name}`{_member(problem, lane)} integrates to {mass[lane]:.6g} from {problem.start[lane]:.6g} "
            f"to {problem.end[lane]:.6g}, not to 1. If its mass lies where it was not found, give `bounds=(low, high)` "
            "around it; a density that is not normalised has to be."
        )


def _check_convergence(problem: Problem, panels: Panels, measured: Measured, infinite: Array) -> None:
    bad = np.flatnonzero(measured.diverges & ~infinite[panels.lane])
    if not bad.size:
        return
    panel = int(bad[0])
    lane = int(panels.lane[panel])
    so_far = _sums(problem, panels, measured.value)[lane]
    to = panels.near[panel] if panels.open[panel] == INWARD else panels.far[panel]
    names = " and ".join(f"`{view.name}`" for view in problem.views)
    raise NotConverged(
        f"The integral over {names}{_member(problem, lane)} does not converge: at a distance of {to:.3g} from "
        f"{panels.origin[panel]:.6g} it has come to {so_far:.6g} and its terms do not fall. The measure is infinite; "
        "`bounds=(low, high)` gives its part within them."
    )


def _member(problem: Problem, lane: int) -> str:
    """Which member of a batch, for a message."""
    if not problem.batch:
        return ""
    return f" at {tuple(int(i) for i in np.unravel_index(lane, problem.batch))} of the batch"


# -- derivatives -------------------------------------------------------------------------------------------------------


def _carrier(problem: Problem, panels: Panels) -> Any:
    """The integral again at the final places, whose weights are constants, by the library that differentiates."""
    if all(view.library != "torch" for view in problem.views):
        return None
    places = spread(panels)
    order = np.argsort(panels.lane, kind="stable")
    lane = panels.lane[order]
    row = np.arange(lane.size) - np.searchsorted(lane, np.arange(problem.lanes))[lane]
    shape = (int(np.max(row)) + 1, PLACES, problem.lanes)
    tables = [np.zeros(shape) for _ in range(4)]
    tables[0][:] = tables[2][:] = _somewhere(problem)
    for table, a in zip(tables, (places.place, places.kronrod, places.other, places.share), strict=True):
        table[row, :, lane] = a[order]
    place, weight, other, share = (a.reshape(-1, problem.lanes) for a in tables)
    between = (other, share) if np.any(share != 0) else None
    return with_derivatives(problem, place, weight, between)
