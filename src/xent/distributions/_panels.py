"""Panels that a line is cut into, each around an origin: where its places are, and how it is split.

A panel holds the distances `near` to `far` from its origin, on one side. Where they are of different size its places
are even in the logarithm of the distance, so that a tail, or what a density does at the end of its support, is smooth.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from xent.distributions._nodes import NODES, PLACES, weights_at
from xent.distributions._problem import Problem

Array = np.ndarray[Any, Any]

OUTWARD, INWARD = 1, -1  # a panel that ends where floats do: towards infinity, towards the end of a support
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
    open: Array  # OUTWARD, INWARD or 0
    stuck: Array  # splits in a row that have not helped


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
    blurred = (panels.open[:, None] == INWARD) & (far <= 1.001 * floor)
    place = origin + side * distance
    place = np.round(place) if whole else place
    known = np.where(blurred, distance, side * (place - origin))
    slope = np.where(steep, known * ratio, far - near)
    kronrod, gauss = weights_at((known - distance) / slope)
    share = np.where(blurred, np.log(distance / np.where(blurred, floor, 1.0)) / math.log(_LINE), 0.0)
    place = np.where(blurred, origin + side * floor, place)
    other = np.where(blurred, origin + side * floor * _LINE, place)
    return Places(place, known, kronrod * slope, gauss * slope, other, share)


def split(panels: Panels) -> Panels:
    """Each panel in two: all lower halves, then all upper ones."""
    steep = (panels.near > 0) & (panels.far > 2.0 * panels.near)
    middle = np.where(steep, np.sqrt(panels.near) * np.sqrt(panels.far), 0.5 * (panels.near + panels.far))
    lower = panels._replace(far=middle, open=np.where(panels.open == INWARD, INWARD, 0))
    upper = panels._replace(near=middle, open=np.where(panels.open == OUTWARD, OUTWARD, 0))
    return join(lower, upper)


def can_split(panels: Panels, *, whole: bool = False) -> Array:
    """Whether half of the panel still holds 21 places well apart."""
    where = np.abs(panels.origin) + panels.far
    step = 4096.0 if whole else 2.0**12 * np.spacing(where)
    blurred = (panels.open == INWARD) & (panels.far <= 1.001 * reach(panels.origin))
    return (panels.far - panels.near > step) | blurred | ((panels.origin == 0) & (panels.far > 2.0 * panels.near))


# -- the first panels of a problem -------------------------------------------------------------------------------------


def first_panels(problem: Problem, marks: Array) -> Panels:
    """Each lane's range cut at the ends of supports and at its landmarks."""
    parts: list[Panels] = []
    for lane in range(problem.lanes):
        start, end = problem.start[lane], problem.end[lane]
        if not start < end:
            continue
        ends = np.concatenate([problem.low[:, lane], problem.high[:, lane]])
        inner = ends[(ends > start) & (ends < end)]
        cuts = [float(start), *(float(c) for c in np.unique(inner)), float(end)]
        known = marks[:, lane]
        for left, right in zip(cuts[:-1], cuts[1:], strict=True):
            inside = known[(known > left) & (known < right)]
            parts += [_lane(lane, *chain) for chain in _segment(left, right, _thinned(inside))]
    return join(*parts) if parts else _lane(0, 0.0, 1.0, np.zeros(1), 0)


def _lane(lane: int, origin: float, side: float, distances: Array, opening: int) -> Panels:
    """A chain of panels between ascending distances from one origin; `opening` tells which of its ends is open."""
    count = distances.size - 1
    opens = np.zeros(count, dtype=np.int8)
    if opening and count:
        opens[-1 if opening == OUTWARD else 0] = opening
    full = np.full(count, 1.0)
    return Panels(
        np.full(count, lane), origin * full, side * full, distances[:-1], distances[1:], opens, np.zeros(count, int)
    )


def _thinned(marks: Array) -> Array:
    """Landmarks without those that come just after another: two distributions that nearly agree share theirs."""
    if marks.size < 3:
        return np.unique(marks)
    before, around = marks[1:-1] - marks[:-2], marks[2:] - marks[:-2]
    apart = before > np.maximum(0.05 * around, 2.0**14 * np.spacing(np.abs(marks[1:-1])))
    return np.unique(marks[np.concatenate([[True], apart, [True]])])


def _segment(left: float, right: float, marks: Array) -> list[tuple[float, float, Array, int]]:
    """The chains of a segment whose ends are ends of supports: (origin, side, distances, opening)."""
    width = right - left
    if width < 2.0**24 * np.spacing(max(abs(left), abs(right))):  # too narrow for more
        return [(left, 1.0, np.array([0.0, width]), 0)]
    centre = _centre(left, right, marks)
    below, above = marks[marks < centre], marks[marks > centre]
    chains: list[tuple[float, float, Array, int]] = []
    if math.isinf(left):
        chains.append((centre, -1.0, _outward(centre - below[::-1]), OUTWARD))
    else:
        chains.append((left, 1.0, _inward(left, np.append(below, centre) - left), INWARD))
    if math.isinf(right):
        chains.append((centre, 1.0, _outward(above - centre), OUTWARD))
    else:
        chains.append((right, -1.0, _inward(right, right - np.append(centre, above)[::-1]), INWARD))
    return chains


def _centre(left: float, right: float, marks: Array) -> float:
    if marks.size:
        return float(marks[marks.size // 2])
    if math.isinf(left):
        return 0.0 if math.isinf(right) else right - max(1.0, abs(right))
    return left + max(1.0, abs(left)) if math.isinf(right) else left + 0.5 * (right - left)


def _outward(distances: Array) -> Array:
    """From 0 through ascending distances to where floats end, in ever longer steps of the logarithm."""
    last = distances[-1] if distances.size else 1.0
    steps = last * np.exp(np.minimum(np.exp2(np.arange(0, 10)) - 1.0, 690.0))
    return np.unique(np.concatenate([[0.0], distances, np.minimum(steps, max(FARTHEST, 1e3 * last))]))


def _inward(origin: float, distances: Array) -> Array:
    """From next to nothing to ascending distances, in ever longer steps of the logarithm; cut where floats blur."""
    first = distances[0]
    least = max(first * _NEAREST, 1e-300)
    steps = np.maximum(first * np.exp(1.0 - np.exp2(np.arange(0, 11))), least)
    floor = float(reach(origin))
    if least < floor < first:
        steps = np.append(steps[(steps < 0.5 * floor) | (steps > 2.0 * floor)], floor)
    return np.unique(np.concatenate([[least], steps, distances[distances > floor]]))
