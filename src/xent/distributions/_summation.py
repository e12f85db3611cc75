"""Sums over the integers: one by one where the mass is, then by quadrature on integer places.

Far from its mode a probability is smooth from one integer to the next. The sum over [a, b] is there the integral from
a - 1/2 to b + 1/2, up to the slopes at both ends over 24 (Euler and Maclaurin), and the places of a Gauss-Kronrod rule
may be integers, with weights made for where they are. So a million terms cost a few hundred, and a tail like that of
zeta is followed to 2^52.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from xent._errors import DistributionError
from xent.distributions._adaptive import adapt, totals
from xent.distributions._integrands import Integrand
from xent.distributions._landmarks import landmarks
from xent.distributions._panels import OUTWARD, Panels, join, lane_of, tables
from xent.distributions._problem import (
    Array,
    Integral,
    Problem,
    Totals,
    conclude,
    log_densities,
    member,
    missing,
    nothing,
    pose,
    terms,
    with_derivatives,
)
from xent.distributions._refusals import check_convergence, check_mass
from xent.distributions._view import View

_SMOOTH = 8192.0  # integers from the middle of p, and between landmarks, for the rule to be one of smooth terms
_DIRECT = 2**22  # terms that are added one by one, over all lanes
_LAST = 2.0**52  # integers beyond have no half between them


def summate(
    integrand: Integrand,
    p: View,
    q: View | None,
    *,
    bounds: tuple[float, float] | None = None,
    rtol: float | None = None,
) -> Integral:
    """The measure of distributions of integers, with a bound of its error, for each member of the broadcast batch.

    `bounds` is where the mass lies, `rtol` the relative error to reach in the tails. Infinity where p has mass that q
    rules out. DistributionError where p does not add up to 1, NotConverged where the sum is not finite.
    """
    problem = pose(integrand, p, q, bounds)
    if not problem.lanes:
        return nothing(problem)
    problem = replace(problem, start=np.ceil(problem.start), end=np.floor(problem.end))
    found, places, weights = _with(problem, *landmarks(problem), rtol)
    if np.any(missing(problem, found) > 1e-9):  # a bump was not seen
        found, places, weights = _with(problem, *landmarks(problem, thorough=True), rtol)
    check_mass(problem, found)
    carrier = None if np.any(found.infinite) else with_derivatives(problem, places, weights, None)
    return conclude(problem, found, carrier, places.shape[0])


def _with(problem: Problem, marks: Array, centres: Array, rtol: float | None) -> tuple[Totals, Array, Array]:
    """What each lane adds up to with these landmarks, at which places (n, lanes), and their weights."""
    low, high, centres = _windows(problem, marks, centres)
    found, places, weights = _one_by_one(problem, low, high)
    panels = _tails(problem, low, high, centres, marks)
    if panels is None:
        return found, places, weights
    panels, measured = adapt(problem, panels, rtol)
    check_convergence(problem, panels, measured, found.infinite)
    found = Totals(*(_added(a, b) for a, b in zip(found, totals(problem, panels, measured), strict=True)))
    more, weight, _, _ = tables(problem, panels)
    return _corrected(problem, found, low, high), np.concatenate([places, more]), np.concatenate([weights, weight])


def _added(a: Array, b: Array) -> Array:
    return a | b if a.dtype == bool else a + b


def _windows(problem: Problem, marks: Array, centres: Array) -> tuple[Array, Array, Array]:
    """First and last integer to add one by one, and the middle, of each lane."""
    start, end = problem.start, problem.end
    fallback = np.where(np.isfinite(start), start, np.where(np.isfinite(end), end, 0.0))
    centres = np.where(np.isnan(centres), fallback, np.round(centres))
    first = np.nanmin(np.concatenate([marks, centres[None]]), axis=0)
    last = np.nanmax(np.concatenate([marks, centres[None]]), axis=0)
    room = 32.0 + np.ceil(0.25 * (last - first))
    low = np.minimum(np.floor(first) - room, centres - _SMOOTH)
    high = np.maximum(np.ceil(last) + room, centres + _SMOOTH)
    if problem.lanes * float(np.max(np.minimum(high, end) - np.maximum(low, start))) > _DIRECT:
        low, high = centres - _SMOOTH, centres + _SMOOTH
    low, high = np.maximum(low, start), np.minimum(high, end)
    # a rest that is no longer than this is added too
    low = np.where(low - start <= _SMOOTH, start, low)
    high = np.where(end - high <= _SMOOTH, end, high)
    return low, high, centres


# -- one by one --------------------------------------------------------------------------------------------------------


def _one_by_one(problem: Problem, low: Array, high: Array) -> tuple[Totals, Array, Array]:
    """The sum over all integers from low to high, the places (n, lanes), and their weights, 1 or 0."""
    count = high - low + 1.0
    places = low + np.arange(max(int(np.max(count)), 1), dtype=np.float64)[:, None]
    weights = np.where(places <= high, 1.0, 0.0)
    places = np.minimum(places, np.maximum(high, low))
    lp, *rest = [_known(view, problem, places) for view in problem.views]
    lanes = np.broadcast_to(np.arange(problem.lanes), places.shape)
    found = terms(problem, lanes, places, lp, rest[0] if rest else None)
    counted = weights > 0
    infinite = np.any(counted & np.isinf(found.value), axis=0)
    value = np.where(counted & np.isfinite(found.value), found.value, 0.0)
    rounding = 8.0 * float(np.finfo(np.float64).eps) * _sum(np.abs(value))
    masses = [_sum(np.where(counted, np.exp(np.minimum(a, 0.0)), 0.0)) for a in (lp, *rest)]
    totals_ = Totals(
        value=_sum(value),
        error=_sum(weights * found.noise) + rounding,
        slope=_sum(weights * (found.slope_p + found.slope_q)),
        mass=masses[0],
        mass_q=masses[-1],
        mass_error=np.zeros(problem.lanes),
        infinite=infinite,
    )
    return totals_, places, weights


def _sum(a: Array) -> Array:
    """The sums of the lanes, pairwise."""
    return np.sum(np.ascontiguousarray(a.T), axis=1)


def _known(view: View, problem: Problem, places: Array) -> Array:
    heights = log_densities(view, problem, places)
    if np.any(np.isnan(heights)):
        place, lane = np.argwhere(np.isnan(heights))[0]
        raise DistributionError(
            f"`{view.name}`{member(problem, int(lane))} has a log probability of NaN at {places[place, lane]:.6g}. "
            "Look at its parameters, or pass `bounds=(low, high)` within which it is a number."
        )
    return heights


# -- by quadrature -----------------------------------------------------------------------------------------------------


def _tails(problem: Problem, low: Array, high: Array, centres: Array, marks: Array) -> Panels | None:
    """Panels for what lies below low and above high of each lane; None where nothing does."""
    parts: list[Panels] = []
    for lane in range(problem.lanes):
        for side, edge, end in ((-1.0, low[lane], problem.start[lane]), (1.0, high[lane], problem.end[lane])):
            if edge == end:
                continue
            origin = centres[lane] + 0.5  # the halves are between the windows
            begin = side * (edge + 0.5 * side - origin)
            distances = side * (marks[:, lane] - origin)
            limit = side * (end + 0.5 * side - origin)
            chain = _chain(begin, distances[distances > begin], limit)
            marked = float(np.max(distances[np.isfinite(distances)], initial=begin))
            parts.append(lane_of(lane, float(origin), side, chain, OUTWARD if math.isinf(end) else 0, marked))
    return join(*parts) if parts else None


def _chain(begin: float, marks: Array, limit: float) -> Array:
    """From begin through landmarks to the limit, in ever longer steps of the logarithm, none of them short."""
    limit = min(limit, _LAST)
    marks = np.sort(marks)
    last = max(float(marks[-1]) if marks.size else begin, _SMOOTH)
    steps = last * np.exp(np.exp2(np.arange(0, 6)) - 1.0)
    chain = [begin]
    for distance in (*marks, *steps):
        if distance - chain[-1] >= _SMOOTH and limit - distance >= _SMOOTH:
            chain.append(float(distance))
    return np.array([*chain, limit])


def _corrected(problem: Problem, found: Totals, low: Array, high: Array) -> Totals:
    """With the slopes at the ends of the integrals over 24; 1 % of that stands for the terms that follow."""
    change, error = np.zeros(problem.lanes), np.zeros(problem.lanes)
    masses = np.zeros((2, problem.lanes))
    edges = [
        (high + 1.0, 1.0, problem.end > high),
        (problem.end, -1.0, (problem.end > high) & np.isfinite(problem.end)),
    ]
    edges += [(low - 1.0, -1.0, problem.start < low)]
    edges += [(problem.start, 1.0, (problem.start < low) & np.isfinite(problem.start))]
    for edge, inward, there in edges:
        first = np.where(there, edge, low)
        pair = np.stack([first, np.where(there, edge + inward, low)])
        lp, *rest = [_known(view, problem, pair) for view in problem.views]
        lanes = np.broadcast_to(np.arange(problem.lanes), pair.shape)
        value = terms(problem, lanes, pair, lp, rest[0] if rest else None).value
        value = np.where(np.isfinite(value), value, 0.0)
        slope = np.where(there, value[1] - value[0], 0.0) / 24.0
        change, error = change + slope, error + 0.01 * np.abs(slope)
        with np.errstate(all="ignore"):
            for k, a in enumerate((lp, *rest)):
                masses[k] += np.where(there, np.exp(a[1]) - np.exp(a[0]), 0.0) / 24.0
    mass, mass_q = masses
    return found._replace(
        value=found.value + change, error=found.error + error, mass=found.mass + mass, mass_q=found.mass_q + mass_q
    )
