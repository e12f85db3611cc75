"""Panels that a line is cut into, each around an origin: where its places are, and how it is split.

A panel holds the distances `near` to `far` from its origin, on one side. Where they are of different size its places
are even in the logarithm of the distance, so that a tail, or what a density does at the end of its support, is smooth.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from xent.distributions._nodes import NODES, PLACES, weights_at
from xent.distributions._problem import Problem
from xent.measures._primitives import two_sum

Array = np.ndarray[Any, Any]

# A panel that ends where floats do: towards infinity, towards the end of a support; and one beyond all landmarks.
OUTWARD, INWARD = 2, -2
BEYOND = 1  # with the sign of the direction
FARTHEST = 1e150  # the square of a distance is a float
_NEAREST = 1e-280  # of the distance at which the way to an end starts, or 1e-300
_RESOLVED = 2.0**10  # steps of floats from an end that is not 0: nearer, distances are not known
_LINE = 2.0**6  # the log density there is a line in the log of the distance, drawn so much farther out


class Panels(NamedTuple):
    """Panels of all lanes: arrays of one length."""

    lane: Array
    origin: Array
    side: Array
    near: Array
    far: Array
    open: Array  # OUTWARD, INWARD, BEYOND, -BEYOND or 0
    stuck: Array  # whether halving does not help


class Places(NamedTuple):
    """The places of panels, (panels, 21), their weights, and between which two places the log density is a line."""

    place: Array
    distance: Array
    kronrod: Array
    gauss: Array
    other: Array
    share: Array


def take(panels: Panels, index: Array) -> Panels:
    """Some of the panels."""
    return Panels(*(a[index] for a in panels))


def join(*parts: Panels) -> Panels:
    """All of these panels."""
    return Panels(*(np.concatenate(a) for a in zip(*parts, strict=True)))


def reach(origin: Any) -> Any:
    """The distance from an origin below which floats do not resolve distances; 0 at 0."""
    return np.where(origin == 0, 0.0, _RESOLVED * np.spacing(np.abs(origin)))


def spread(panels: Panels, *, whole: bool = False) -> Places:
    """Where the 21 places of each panel are, and what they weigh; `whole`: on integers alone."""
    origin, side = panels.origin[:, None], panels.side[:, None]
    near, far = panels.near[:, None], panels.far[:, None]
    steep = (near > 0) & (far > 2.0 * near)
    base = np.where(steep, near, 1.0)
    ratio = np.log(np.where(steep, far / base, 2.0))
    distance = np.where(steep, base * np.exp(ratio * NODES), near + (far - near) * NODES)
    floor = reach(origin)
    blurred = (near > 0) & (far <= 1.001 * floor)
    place = origin + side * distance
    place = np.round(place) if whole else place
    exact, lost = two_sum(place, -origin)
    known = np.where(blurred, distance, side * exact)
    slope = np.where(steep, known * ratio, far - near)
    # of a panel far from its origin not even `distance` is where the rule wants it; these differences are exact
    moved = np.log1p(np.where(steep, (known - distance) / np.where(steep, distance, 1.0), 0.0)) / ratio
    shift = np.where(steep, moved, ((known - near) + side * lost) / (far - near) - NODES)
    kronrod, gauss = weights_at(np.where(blurred, 0.0, shift))
    share = np.where(blurred, np.log(distance / np.where(blurred, floor, 1.0)) / math.log(_LINE), 0.0)
    place = np.where(blurred, origin + side * floor, place)
    other = np.where(blurred, origin + side * floor * _LINE, place)
    return Places(place, known, kronrod * slope, gauss * slope, other, share)


def split(panels: Panels) -> Panels:
    """Each panel in two: all lower halves, then all upper ones."""
    steep = (panels.near > 0) & (panels.far > 2.0 * panels.near)
    middle = np.where(steep, np.sqrt(panels.near) * np.sqrt(panels.far), 0.5 * (panels.near + panels.far))
    lower = panels._replace(far=middle, open=np.minimum(panels.open, BEYOND))
    upper = panels._replace(near=middle, open=np.maximum(panels.open, -BEYOND))
    return join(lower, upper)


def can_split(panels: Panels, *, whole: bool = False) -> Array:
    """Whether half of the panel still holds 21 places well apart."""
    where = np.abs(panels.origin) + panels.far
    step = 4096.0 if whole else 2.0**12 * np.spacing(where)
    blurred = (panels.near > 0) & (panels.far <= 1.001 * reach(panels.origin))
    return (panels.far - panels.near > step) | blurred | ((panels.origin == 0) & (panels.far > 2.0 * panels.near))


# -- the first panels of a problem -------------------------------------------------------------------------------------


def first_panels(problem: Problem, marks: Array, centres: Array) -> Panels:
    """Each lane's range cut at the ends of supports and at its landmarks; `centres` are those of p."""
    parts: list[Panels] = []
    for lane in range(problem.lanes):
        start, end = problem.start[lane], problem.end[lane]
        if not start < end:
            continue
        ends = np.concatenate([problem.low[:, lane], problem.high[:, lane]])
        inner = ends[(ends > start) & (ends < end)]
        cuts = [float(start), *(float(c) for c in np.unique(inner)), float(end)]
        known = marks[:, lane]
        for left, right in itertools.pairwise(cuts):
            inside = known[(known > left) & (known < right)]
            parts += [
                lane_of(lane, *chain)
                for chain in _segment(left, right, _graded(_thinned(inside)), float(centres[lane]))
            ]
    return join(*parts) if parts else lane_of(0, 0.0, 1.0, np.zeros(1), 0, 0.0)


def lane_of(lane: int, origin: float, side: float, distances: Array, opening: int, marked: float) -> Panels:
    """A chain of panels between ascending distances from one origin, open towards OUTWARD or INWARD (or 0, nowhere).

    `marked` is the distance of the last landmark in that direction.
    """
    distances = _apart(origin, distances, float(reach(origin)) if opening == INWARD else 0.0)
    near, far = distances[:-1], distances[1:]
    opens = np.zeros(near.size, dtype=np.int8)
    if opening == OUTWARD:
        opens[near >= marked] = BEYOND
        opens[-1] = OUTWARD
    elif opening == INWARD:
        opens[far <= marked] = -BEYOND
        opens[0] = INWARD
    full = np.full(near.size, 1.0)
    return Panels(np.full(near.size, lane), origin * full, side * full, near, far, opens, np.zeros(near.size, bool))


def _apart(origin: float, distances: Array, floor: float) -> Array:
    """Ascending distances, without those that floats hardly tell from the one before; the last one stays.

    Those up to `floor` are exact, as no place stands for them.
    """
    step = 2.0**12 * np.spacing(np.abs(origin) + distances)
    kept = (np.diff(distances, prepend=-math.inf) > step) | (distances <= floor)
    if distances.size > 1 and distances[-1] - distances[-2] <= step[-1]:
        kept[-2] = distances.size == 2
    kept[-1] = kept[0] = True
    return distances[kept]


def _thinned(marks: Array) -> Array:
    """Landmarks without those that come just after another: two distributions that nearly agree share theirs."""
    marks = np.unique(marks)
    if not marks.size:
        return marks
    gaps = np.diff(marks, prepend=-math.inf, append=math.inf)
    least = np.maximum(0.05 * np.minimum(np.append(math.inf, gaps[:-2]), gaps[1:]), 2.0**14 * np.spacing(np.abs(marks)))
    least[0] = 0.0
    return marks[gaps[:-1] > np.where(np.isfinite(least), least, 2.0**14 * np.spacing(np.abs(marks)))]


def _graded(marks: Array) -> Array:
    """Landmarks, and more next to where they are close: a bump goes on beyond its last one, and a long panel is blind.

    A gap that is far longer than the one beside it is cut at eight times that length, and so on.
    """
    gaps = np.diff(marks)
    more = [marks]
    for side, short, long in ((1.0, gaps[:-1], gaps[1:]), (-1.0, gaps[1:], gaps[:-1])):
        cut = np.flatnonzero(long > 64.0 * short)
        more += [marks[at + 1] + side * _growing(8.0 * short[at], long[at]) for at in cut]
    return np.unique(np.concatenate(more))


Chain = tuple[float, float, Array, int, float]


def _segment(left: float, right: float, marks: Array, centre: float) -> list[Chain]:
    """The chains of a segment whose ends are ends of supports: what `_lane` wants but the lane."""
    width = right - left
    if width < 2.0**24 * np.spacing(max(abs(left), abs(right))):  # too narrow for more
        return [(left, 1.0, np.array([0.0, width]), 0, 0.0)]
    marks = marks[_clear(left, right, marks)]
    if math.isfinite(width):
        centre = left + 0.5 * width  # what an end does is resolved from that end alone
    elif not left < centre < right:
        centre = _centre(left, right, marks)
    below, above = marks[marks < centre], marks[marks > centre]
    return [
        _chain(left, 1.0, below - left, centre - left) if math.isfinite(left) else _away(centre, -1.0, centre - below),
        _chain(right, -1.0, right - above, right - centre)
        if math.isfinite(right)
        else _away(centre, 1.0, above - centre),
    ]


def _clear(left: float, right: float, marks: Array) -> Array:
    """Which landmarks are not just at an end: there they mark a density that rises towards it."""
    clear = np.ones(marks.shape, dtype=bool)
    for end in (left, right):
        if math.isfinite(end) and marks.size:
            distances = np.abs(marks - end)
            clear &= distances > max(2.0 * _LINE * float(reach(end)), 1e-100 * float(np.max(distances)))
    return clear


def _away(centre: float, side: float, distances: Array) -> Chain:
    distances = np.sort(distances)
    return centre, side, _outward(distances), OUTWARD, float(distances[-1]) if distances.size else 0.0


def _chain(end: float, side: float, distances: Array, centre: float) -> Chain:
    distances = np.append(np.sort(distances), centre)
    return end, side, _inward(end, distances), INWARD, float(distances[0])


def _centre(left: float, right: float, marks: Array) -> float:
    """Where to cut a range that is not bounded and does not hold the middle of p."""
    if marks.size:
        return float(marks[marks.size // 2])
    if math.isinf(left):
        return 0.0 if math.isinf(right) else right - max(1.0, abs(right))
    return left + max(1.0, abs(left))


def _outward(distances: Array) -> Array:
    """From 0 through ascending distances to where floats end, in ever longer steps of the logarithm."""
    last = distances[-1] if distances.size else 1.0
    limit = max(FARTHEST, 1e3 * last)
    distances = np.concatenate(
        [distances, last + _growing(last - (distances[-2] if distances.size > 1 else 0.0), last)]
    )
    steps = last * np.exp(np.minimum(np.exp2(np.arange(0, 10)) - 1.0, math.log(limit) - math.log(last)))
    return np.unique(np.concatenate([[0.0], distances, np.minimum(steps, limit)]))


def _growing(gap: float, limit: float) -> Array:
    """Lengths up to a limit, each eight times the one before: what follows the last landmark of a bump."""
    steps = max(0, int(math.log(limit / gap) / math.log(8.0)) + 1) if limit > gap > 0 else 0
    return gap * 8.0 ** np.arange(steps)


def _inward(origin: float, distances: Array) -> Array:
    """From next to nothing to ascending distances, in ever longer steps of the logarithm; cut where floats blur."""
    floor = float(reach(origin))
    first = distances[0]
    if distances.size > 1:
        distances = np.concatenate([first - _growing(distances[1] - first, 0.6 * first), distances])
    least = max(first * _NEAREST, 1e-300)
    steps = np.maximum(first * np.exp(1.0 - np.exp2(np.arange(0, 11))), least)
    if least < floor < first:
        steps = np.append(steps[(steps < 0.5 * floor) | (steps > 2.0 * floor)], floor)
    return np.unique(np.concatenate([[least], steps, distances]))


# -- panels as columns -------------------------------------------------------------------------------------------------


def columns(problem: Problem, panels: Panels) -> tuple[Array, Array, Array, int]:
    """The order of panels by lane, the lane and the row of each in it, and the number of rows."""
    order = np.argsort(panels.lane, kind="stable")
    lane = panels.lane[order]
    row = np.arange(lane.size) - np.searchsorted(lane, np.arange(problem.lanes))[lane]
    return order, lane, row, int(np.max(row)) + 1


def tables(problem: Problem, panels: Panels) -> tuple[Array, Array, Array, Array]:
    """Places, weights, other places and shares (see `Places`), each (n, lanes); a weight of 0 fills short columns."""
    places = spread(panels, whole=problem.p.discrete)
    order, lane, row, rows = columns(problem, panels)
    filled = [np.zeros((rows, PLACES, problem.lanes)) for _ in range(4)]
    filled[0][:] = filled[2][:] = somewhere(problem)
    for table, a in zip(filled, (places.place, places.kronrod, places.other, places.share), strict=True):
        table[row, :, lane] = a[order]
    place, weight, other, share = (a.reshape(-1, problem.lanes) for a in filled)
    return place, weight, other, share


def somewhere(problem: Problem) -> Array:
    """A place in the range of each lane, to fill with."""
    start = np.where(np.isfinite(problem.start), problem.start, np.minimum(problem.end, 1.0) - 1.0)
    end = np.where(np.isfinite(problem.end), problem.end, start + 1.0)
    middle = 0.5 * (start + end)
    return np.floor(middle) if problem.p.discrete else middle
