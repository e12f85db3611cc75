"""Panels that are halved until the two Gauss-Kronrod rules agree, and what lies beyond the last of them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from xent._errors import DistributionError
from xent.distributions._nodes import NODES, PLACES
from xent.distributions._panels import INWARD, OUTWARD, Panels, can_split, columns, join, somewhere, split, spread, take
from xent.distributions._problem import Array, Problem, Totals, log_densities, member, terms
from xent.distributions._view import View

_RTOL = 1e-13
_ROUNDS = 80
_MOST = 4000  # panels a lane
# Log of the range of distances up to where floats, or integers, end: to tell a power of the logarithm from a power.
_RANGE, _RANGE_OF_INTEGERS = 300.0, 28.0


class Measured(NamedTuple):
    """What panels hold: arrays of one length. `tail` is what lies beyond an open end."""

    value: Array
    error: Array
    noise: Array
    slope_p: Array
    slope_q: Array
    mass: Array
    mass_q: Array
    mass_error: Array
    mass_tail_error: Array
    tail: Array
    tail_error: Array
    diverges: Array
    overflows: Array
    infinite: Array
    within: Array  # infinite within the support of q
    floor: Array  # the least finite log density of q


def sums(problem: Problem, panels: Panels, a: Array) -> Array:
    """The sum of each lane."""
    return np.bincount(panels.lane, weights=a, minlength=problem.lanes)


def totals(problem: Problem, panels: Panels, measured: Measured) -> Totals:
    """What all panels of each lane hold."""
    return Totals(
        value=sums(problem, panels, measured.value + measured.tail),
        error=sums(problem, panels, measured.error + measured.tail_error + measured.noise),
        slope=sums(problem, panels, measured.slope_p + measured.slope_q),
        mass=sums(problem, panels, measured.mass),
        mass_q=sums(problem, panels, measured.mass_q),
        mass_error=sums(problem, panels, measured.mass_error + measured.mass_tail_error),
        infinite=sums(problem, panels, measured.infinite) > 0,
    )


# -- adaptivity --------------------------------------------------------------------------------------------------------


def adapt(problem: Problem, panels: Panels, rtol: float | None) -> tuple[Panels, Measured]:
    """Panels, halved until the relative bound is reached or nothing helps, and what they hold."""
    rtol = rtol or _RTOL
    measured = _measure(problem, panels)
    for _ in range(_ROUNDS):
        wanted = np.flatnonzero(_wanted(problem, panels, measured, rtol))
        if not wanted.size:
            break
        rest = np.setdiff1d(np.arange(panels.lane.size), wanted, assume_unique=True)
        halves = split(take(panels, wanted))
        found = _measure(problem, halves)
        halves = halves._replace(stuck=_stuck(measured, wanted, found.error))
        panels = join(take(panels, rest), halves)
        measured = Measured(*(np.concatenate([a[rest], b]) for a, b in zip(measured, found, strict=True)))
    return panels, measured


def _wanted(problem: Problem, panels: Panels, measured: Measured, rtol: float) -> Array:
    """Which panels to halve: those with more than their share of what their lane may be off."""
    count = np.bincount(panels.lane, minlength=problem.lanes)
    size = np.abs(sums(problem, panels, measured.value + measured.tail))
    floor = 0.5 * sums(problem, panels, measured.noise)
    allowed = np.maximum(np.where(np.isfinite(size), rtol * size, math.inf), floor)
    done = sums(problem, panels, measured.error) <= allowed
    share = (allowed / (2.0 * np.maximum(count, 1)))[panels.lane]
    rough = ~done[panels.lane] & (measured.error > share) & (measured.error > 2.0 * measured.noise)
    rough |= measured.mass_error > 1e-9
    hopeless = (sums(problem, panels, measured.infinite | measured.overflows) > 0) | (count > _MOST)
    return rough & ~hopeless[panels.lane] & ~panels.stuck & can_split(panels, whole=problem.p.discrete)


def _stuck(measured: Measured, wanted: Array, halves: Array) -> Array:
    """Whether halving has not helped: rounding is spread over both halves, what a kink or a pole does is in one."""
    error = measured.error[wanted]
    lower, upper = halves[: error.size], halves[error.size :]
    useless = (lower + upper > 0.5 * error) & (np.minimum(lower, upper) > 0.1 * np.maximum(lower, upper))
    stuck = useless & (error < 1e-6 * np.abs(measured.value[wanted]))
    return np.concatenate([stuck, stuck])


# -- panels ------------------------------------------------------------------------------------------------------------


def _measure(problem: Problem, panels: Panels) -> Measured:
    """The integrals over each panel."""
    places = spread(panels, whole=problem.p.discrete)
    lp, lq = _known(problem, panels, places, [_densities(view, problem, panels, places) for view in problem.views])
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
        range_ = _RANGE_OF_INTEGERS if problem.p.discrete else _RANGE
        tail, tail_error, diverges = _beyond(panels, places, value, range_)
        diverges |= _fades(panels, places, value, lp, range_)
        mass_tail, mass_tail_error, _ = _beyond(panels, places, density, range_)
        mass_q = _mass_of(panels, places, lq, range_)
        slope_p, slope_q = (np.sum(weight * slope, axis=1) for slope in (found.slope_p, found.slope_q))
    return Measured(
        kronrod,
        error,
        noise,
        slope_p,
        slope_q,
        mass + mass_tail,
        mass_q,
        np.where(np.isfinite(mass_error), mass_error, 0.0),
        mass_tail_error,
        tail,
        tail_error,
        diverges | np.any(overflow, axis=1),
        np.any(overflow, axis=1),
        np.any(ruled_out, axis=1),
        np.any(ruled_out, axis=1) & ~np.any(ruled_out & ~_within(problem, lanes, places.place), axis=1),
        np.min(np.where(np.isfinite(lp if lq is None else lq), lp if lq is None else lq, 0.0), axis=1),
    )


def _within(problem: Problem, lanes: Array, places: Array) -> Array:
    return (places >= problem.low[-1, lanes]) & (places <= problem.high[-1, lanes])


def _mass_of(panels: Panels, places: Any, heights: Array | None, range_: float) -> Array:
    """The mass of q in each panel; nothing where there is no q."""
    if heights is None:
        return np.zeros(panels.lane.size)
    density = np.exp(np.where(np.isfinite(heights), heights, -math.inf))
    return np.sum(places.kronrod * density, axis=1) + _beyond(panels, places, density, range_)[0]


def _known(problem: Problem, panels: Panels, places: Any, found: list[Array]) -> tuple[Array, Array | None]:
    """Log densities without NaN, which is an error, but 0 far out where nothing of p is left."""
    lp, beyond = found[0], (panels.open != 0)[:, None]
    faint = beyond & (np.isnan(lp) | (lp < -700.0))
    for view, heights in zip(problem.views, found, strict=True):
        unknown = np.isnan(heights) & ~faint
        if np.any(unknown):
            panel, place = np.argwhere(unknown)[0]
            raise DistributionError(
                f"`{view.name}`{member(problem, int(panels.lane[panel]))} has a log density of NaN at "
                f"{places.place[panel, place]:.6g}. Look at its parameters, or pass `bounds=(low, high)` within which "
                "it is a number."
            )
    lp, *rest = [np.where(np.isnan(heights), -math.inf, heights) for heights in found]
    return lp, rest[0] if rest else None


def _densities(view: View, problem: Problem, panels: Panels, places: Any) -> Array:
    """Log densities of a view at the places of panels, (panels, 21); a line next to an end that floats blur."""
    found = at_places(view, problem, panels, places.place)
    lined = np.flatnonzero(places.share[:, 0] != 0)
    if lined.size:
        other = at_places(view, problem, take(panels, lined), places.other[lined])
        first = found[lined]
        known = np.isfinite(first) & np.isfinite(other)
        change = np.where(known, other, 0.0) - np.where(known, first, 0.0)
        found = found.copy()
        found[lined] = first + places.share[lined] * change
    return found


def at_places(view: View, problem: Problem, panels: Panels, places: Array) -> Array:
    """One call for all lanes: each lane's panels are its column, and a column that is too short repeats a place."""
    order, lane, row, rows = columns(problem, panels)
    table = np.empty((rows, PLACES, problem.lanes))
    table[:] = somewhere(problem)
    table[row, :, lane] = places[order]
    heights = log_densities(view, problem, table.reshape(-1, problem.lanes)).reshape(table.shape)
    found = np.empty(places.shape)
    found[order] = heights[row, :, lane]
    return found


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


def _beyond(panels: Panels, places: Any, value: Array, range_: float) -> tuple[Array, Array, Array]:
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
        power = fall * range_
        endless = alive & (power < 1.5)
        rest = np.log(panels.far[at] / panels.near[at]) * NODES[0]
        good = alive & ~endless
        size = np.where(good, np.sign(value[at, last]) * g_end * np.exp(-fall * rest) / np.where(good, fall, 1.0), 0.0)
        tail[at] = size
        error[at] = np.where(good, 2.0 * np.abs(size) / np.where(good, power - 1.0, 1.0), 0.0)
        diverges[at] = endless
    return tail, error, diverges


def _fades(panels: Panels, places: Any, value: Array, lp: Array, range_: float) -> Array:
    """Whether p underflows, beyond all landmarks, where the integrand does not yet fall: what seems over is not."""
    faint = (lp < -500.0) & (lp > -700.0) & (value != 0) & (panels.open[:, None] != 0)
    at = np.flatnonzero(np.sum(faint, axis=1) >= 2)
    fading = np.zeros(panels.lane.size, dtype=bool)
    for panel in at:
        two = np.flatnonzero(faint[panel])
        two = two[-2:] if panels.open[panel] > 0 else two[1::-1]
        distance = places.distance[panel, two]
        size = np.log(np.abs(value[panel, two]) * distance)
        fading[panel] = (size[0] - size[1]) * range_ < 1.5 * abs(math.log(distance[1] / distance[0]))
    return fading
