"""What files of families share: parameters outside their domain, ends of supports, the steadier of two sums."""

from __future__ import annotations

import functools
import math
from typing import Any

Array = Any


def is_positive(xp: Any, *values: Array) -> Array:
    """Where all are positive and finite."""
    good = (values[0] > 0) & xp.isfinite(values[0])
    for value in values[1:]:
        good = good & (value > 0) & xp.isfinite(value)
    return good


def is_finite(xp: Any, *values: Array) -> Array:
    """Where all are finite."""
    good = xp.isfinite(values[0])
    for value in values[1:]:
        good = good & xp.isfinite(value)
    return good


def where_valid(xp: Any, good: Array, value: Array) -> Array:
    """`value`, NaN where the parameters are outside their domain."""
    return xp.where(good, value, xp.full_like(value, math.nan))


def ones_elsewhere(xp: Any, good: Array, *values: Array) -> tuple[Array, ...]:
    """The values where they are `good` and 1 elsewhere: formulas then raise nothing and poison no derivative."""
    return tuple(xp.where(good, value, xp.ones_like(value)) for value in values)


def where_inside(xp: Any, starts: Array, ends: Array, value: Array) -> Array | None:
    """`value` where p's support is that of q, inf where p reaches outside, None where it lies properly inside.

    `starts` is where p starts less where q does, `ends` where p ends less where q does.
    """
    outside = (starts < 0) | (ends > 0)
    if bool(xp.any(~outside & ((starts > 0) | (ends < 0)))):
        return None
    value, outside = xp.broadcast_arrays(value, outside)
    return xp.where(outside, xp.full_like(value, math.inf), value)


def steadier(xp: Any, first: tuple[Array, ...], second: tuple[Array, ...]) -> Array:
    """The sum of the terms that cancel less, of two sums that are equal."""
    sums = [functools.reduce(lambda a, b: a + b, terms) for terms in (first, second)]
    sizes = [functools.reduce(lambda a, b: a + b, (xp.abs(term) for term in terms)) for terms in (first, second)]
    return xp.where(sizes[0] <= sizes[1], sums[0], sums[1])
