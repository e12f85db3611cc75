"""Nearest neighbours, and how many points lie within a distance: the only place that asks scipy.spatial.

In one dimension sorted numbers need no tree. A distance is always the float `|a - b|`, also where a bound such as
`x + r` was searched for: what was found at distance r is at distance r when it is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Points = np.ndarray[Any, Any]

# Threads cost more than they bring below this many queries.
_MANY = 10_000


def nearest(x: Points, k: int, norm: float = np.inf) -> tuple[Points, Points]:
    """The points in an order that suits the search, and the distance from each to its kth nearest other one."""
    if x.shape[1] == 1:
        ordered = np.sort(x[:, 0])
        return ordered[:, None], own_radii(ordered, k)
    tree = _tree(x)
    ordered = x[tree.indices]  # queries in the tree's own order find it in the processor's cache
    return ordered, tree.query(ordered, k=[k + 1], p=norm, workers=_workers(x))[0][:, 0]


def nearest_others(x: Points, k: int) -> tuple[Points, Points]:
    """The points in an order that suits the search, and which (n, k) rows are nearest to each in the max norm."""
    tree = _tree(x)
    ordered = x[tree.indices]
    found = tree.query(ordered, k=k + 1, p=np.inf, workers=_workers(x))[1]
    # A point is among its own nearest, unless k + 1 duplicates of it were found first.
    itself = found == tree.indices[:, None]
    itself[~itself.any(axis=1), k] = True
    return ordered, _places(tree)[found[~itself].reshape(-1, k)]


def nearest_across(x: Points, y: Points, k: int, norm: float) -> tuple[Points, Points]:
    """The distances from each row of `x` (in an order that suits the search) to the nearest and kth row of `y`."""
    if x.shape[1] == 1:
        centres, ordered = np.sort(x[:, 0]), np.sort(y[:, 0])
        return _radii_across(centres, ordered, 1), _radii_across(centres, ordered, k)
    found = _tree(y).query(x, k=[1, k], p=norm, workers=_workers(x))[0]
    return found[:, 0], found[:, 1]


def count_within(x: Points, radius: Points, *, closed: bool) -> Points:
    """How many other rows lie nearer to each row of `x` than `radius` in the max norm; `closed`: or as near."""
    if x.shape[1] == 1:
        order = np.argsort(x[:, 0])
        counts = np.empty(len(x), dtype=np.int64)
        ordered = x[order, 0]
        counts[order] = count_between(ordered, ordered, radius[order], closed=closed)
        return counts - 1
    return count_near(x, x, radius, closed=closed) - 1


def count_near(x: Points, centres: Points, radius: Points, *, closed: bool) -> Points:
    """How many rows of `x` lie nearer to each of `centres` than `radius` in the max norm; `closed`: or as near.

    A centre that is itself among the rows counts, also at radius 0.
    """
    if x.shape[1] == 1:
        return count_between(np.sort(x[:, 0]), centres[:, 0], radius, closed=closed)
    reach = radius if closed else np.nextafter(radius, 0)
    return _tree(x).query_ball_point(centres, reach, p=np.inf, return_length=True, workers=_workers(centres))


# -- one dimension ---------------------------------------------------------------------------------------------------


def own_radii(ordered: Points, k: int) -> Points:
    """The distance from each of the sorted numbers to its kth nearest other one.

    The k nearest and the number itself are k + 1 in a row: of all such rows the one that reaches least far.
    """
    n = len(ordered)
    radii = np.full(n, np.inf)
    spans = np.empty(n)
    for below in range(k + 1):
        above = k - below
        inner = slice(below, n - above)
        centre, span = ordered[inner], spans[: n - k]
        np.subtract(centre, ordered[: n - k], out=span)
        np.maximum(span, ordered[k:] - centre, out=span)
        np.minimum(radii[inner], span, out=radii[inner])
    return radii


def _radii_across(centres: Points, ordered: Points, k: int) -> Points:
    """The distance from each sorted centre to the kth nearest of the sorted numbers."""
    edge = np.full(k, np.inf)
    padded = np.concatenate([-edge, ordered, edge])
    place = np.searchsorted(ordered, centres) + k
    radii = np.full(len(centres), np.inf)
    for below in range(k + 1):
        first, last = place - below, place - below + k - 1
        span = np.maximum(centres - padded[first], padded[last] - centres)
        np.minimum(radii, span, out=radii)
    return radii


def count_between(ordered: Points, centres: Points, radius: Points, *, closed: bool) -> Points:
    """How many of the sorted numbers lie nearer to each centre than `radius`; `closed`: or as near."""
    edged = np.concatenate([[-np.inf], ordered, [np.inf]])  # edged[i + 1] is ordered[i]
    reach = radius if closed else np.nextafter(radius, 0)
    sides: tuple[Any, Any] = ("left", "right") if closed else ("right", "left")
    low = np.searchsorted(ordered, centres - radius, side=sides[0])
    high = np.searchsorted(ordered, centres + radius, side=sides[1])
    _settle(low, lambda i, at: centres[at] - edged[i + 1] > reach[at], len(ordered))
    _settle(high, lambda i, at: edged[i + 1] - centres[at] <= reach[at], len(ordered))
    return high - low


def _settle(ends: Points, holds: Callable[[Points, Any], Points], n: int) -> None:
    """Make each of `ends` the number of places i < n at which `holds`, which are the first ones.

    Those that were searched for by a rounded bound are off by one at most, but for ties and numbers as good as tied.
    """
    at = np.nonzero(~holds(ends - 1, slice(None)) | holds(ends, slice(None)))[0]
    ends[at] += np.where(holds(ends[at], at), 1, -1)
    at = at[~holds(ends[at] - 1, at) | holds(ends[at], at)]
    low, high = np.zeros(len(at), dtype=np.int64), np.full(len(at), n)
    while (low < high).any():
        middle = (low + high) // 2
        inside = holds(middle, at)
        low, high = np.where(inside, middle + 1, low), np.where(inside, high, middle)
    ends[at] = low


# -- several dimensions ----------------------------------------------------------------------------------------------


def _tree(x: Points) -> Any:
    from scipy.spatial import KDTree

    # Midpoint splits build in half the time of medians and answer as fast; leaves of 12 suit few neighbours best.
    return KDTree(x, leafsize=12, balanced_tree=False)


def _places(tree: Any) -> Points:
    """Where each row of the data stands in the tree's order."""
    places = np.empty(tree.n, dtype=np.int64)
    places[tree.indices] = np.arange(tree.n)
    return places


def _workers(queries: Points) -> int:
    return -1 if len(queries) >= _MANY else 1
