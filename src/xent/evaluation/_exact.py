"""Sums that do not depend on the order of their terms, because nothing is lost on the way.

A total is an integer count of 2**-1074, the smallest positive double: totals merge by `+`, and Python divides integers
with a single rounding. The compiled core adds up where it is there, NumPy otherwise; the integers are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from xent import _native_evaluation as core
from xent.evaluation import _layers
from xent.evaluation._layers import ONE, Floats, Ints, as_units, split

__all__ = [
    "ONE",
    "Floats",
    "Ints",
    "as_float",
    "as_units",
    "column_totals",
    "copies_total",
    "dot",
    "exact_sum",
    "group_sums",
    "group_totals",
    "ratio",
    "root",
    "total",
    "totals",
]

_FEW = 100 if core.available() else 4096
"""Up to here `math.fsum` over a list is faster; both are exact."""

_PRODUCT = 1 << 2148
"""The total of a single product of 1.0 and 1.0 in the core's units."""


def total(x: Floats) -> int:
    """Return the exact sum of finite `x`, in units of 2**-1074."""
    return totals([x])[0]


def totals(arrays: Sequence[Floats]) -> list[int]:
    """Return the exact sum of each of several arrays of finite numbers, as `total` does."""
    return core.totals(arrays) if core.available() else _layers.totals(arrays)


_LARGE = 2.0**900
"""Halves of larger floats, times their copies, may leave the range of a double."""

_MOST_COPIES = 2**26
"""A product with fewer copies than this is exact for either half of a float's digits."""


def copies_total(x: Floats, copies: Ints) -> int:
    """Return the exact sum of finite `x`, each taken as often as it has copies."""
    if copies.size == 0 or int(copies.max()) < _MOST_COPIES:
        large = np.abs(x) > _LARGE
        if large.any():
            pairs = zip(x[large].tolist(), copies[large].tolist(), strict=True)
            return sum(as_units(v) * c for v, c in pairs) + copies_total(x[~large], copies[~large])
        high, low = split(x)
        return total(high * copies) + total(low * copies)
    more = copies // _MOST_COPIES
    return copies_total(x, more) * _MOST_COPIES + copies_total(x, copies - more * _MOST_COPIES)


def exact_sum(x: Floats) -> float:
    """Return the correctly rounded sum of finite `x`."""
    if x.size <= _FEW:
        return math.fsum(x.tolist())
    return as_float(total(x))


def as_float(units: int) -> float:
    """Round a total to the nearest float; beyond the largest it is infinite."""
    return ratio(units, ONE)


def ratio(numerator: int, denominator: int) -> float:
    """Divide a total by one that is not negative, with a single rounding; NaN for 0 / 0."""
    if denominator == 0:
        return math.nan
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def root(square: Fraction) -> float:
    """Return the square root of a fraction >= 0, for any size of it."""
    if square == 0:
        return 0.0
    # Bring the fraction near 1 by an even power of two, so that neither it nor its root leaves the range of a double.
    shift = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    near_one = square / Fraction(4) ** shift
    return math.ldexp(math.sqrt(float(near_one)), shift)


def dot(a: Floats, b: Floats) -> Fraction:
    """Return the exact sum of the products of finite `a` and `b`."""
    return Fraction(core.dot(a, b), _PRODUCT) if core.available() else _layers.dot(a, b)


def group_sums(x: Floats, group: Ints, groups: int) -> Floats:
    """Return the correctly rounded sum of finite `x` in each of the groups 0..groups-1."""
    return core.group_sums(x, group, groups) if core.available() else _layers.group_sums(x, group, groups)


def group_totals(x: Floats, group: Ints, groups: int) -> list[int]:
    """Return the exact sum of finite `x` in each of the groups, as `total` does."""
    return core.group_totals(x, group, groups) if core.available() else _layers.group_totals(x, group, groups)


def column_totals(x: Floats, weight: Floats | None) -> list[int]:
    """Return the exact sum of each column of `x`, its rows times their weights; products are finite."""
    return core.column_totals(x, weight) if core.available() else _layers.column_totals(x, weight)
