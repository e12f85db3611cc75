"""Sums that do not depend on the order of their terms, because nothing is lost on the way.

Floats are split into layers: multiples of a common power of two, few enough bits long that NumPy adds a whole layer
without rounding (the error-free extraction of Rump, Ogita and Oishi, "Accurate floating-point summation I", 2008,
algorithm 3.2). A total is kept as an integer count of 2**-1074, the smallest positive double: totals merge by `+`, and
Python divides integers with a single rounding.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ONE = 1 << 1074
"""The total of a single 1.0."""

_FEW = 4096
"""Up to here `math.fsum` over a list is faster than the layers; both are exact."""

_BLOCK = 16384
"""Values added up at a time: they stay in the cache."""

_LARGE = 2.0**900
_SMALL = 2.0**-450
"""Outside [1 / 2**450, 2**450] the square of a float, or the error of it, may leave the range of a double."""


def total(x: Floats) -> int:
    """Return the exact sum of finite `x`, in units of 2**-1074."""
    return sum(_block_total(x[i : i + _BLOCK]) for i in range(0, x.size, _BLOCK))


def _block_total(x: Floats) -> int:
    large = np.abs(x) > _LARGE
    if large.any():
        return sum(as_units(v) for v in x[large].tolist()) + _block_total(x[~large])
    return sum(as_units(part) for part in _layers(x))


_MOST_COPIES = 2**26
"""A product with fewer copies than this is exact for either half of a float's digits."""


def copies_total(x: Floats, copies: Ints) -> int:
    """Return the exact sum of finite `x`, each taken as often as it has copies."""
    if copies.size == 0 or int(copies.max()) < _MOST_COPIES:
        large = np.abs(x) > _LARGE
        if large.any():
            pairs = zip(x[large].tolist(), copies[large].tolist(), strict=True)
            return sum(as_units(v) * c for v, c in pairs) + copies_total(x[~large], copies[~large])
        high, low = _split(x)
        return total(high * copies) + total(low * copies)
    more = copies // _MOST_COPIES
    return copies_total(x, more) * _MOST_COPIES + copies_total(x, copies - more * _MOST_COPIES)


def exact_sum(x: Floats) -> float:
    """Return the correctly rounded sum of finite `x`."""
    if x.size <= _FEW:
        return math.fsum(x.tolist())
    return as_float(total(x))


def as_units(value: float) -> int:
    """Return a finite float as an integer count of 2**-1074."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * (ONE // denominator)


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
    safe = _safe(a) & _safe(b)
    rest = Fraction(0)
    if not safe.all():
        rest = sum((Fraction(x) * Fraction(y) for x, y in zip(a[~safe].tolist(), b[~safe].tolist(), strict=True)), rest)
        a, b = a[safe], b[safe]
    blocks = (slice(i, i + _BLOCK) for i in range(0, a.size, _BLOCK))
    return Fraction(sum(_block_dot(a[block], b[block]) for block in blocks), ONE) + rest


def _block_dot(a: Floats, b: Floats) -> int:
    product = a * b
    return total(product) + total(_product_error(a, b, product))


def group_sums(x: Floats, group: Ints, groups: int) -> Floats:
    """Return the correctly rounded sum of finite `x` in each of the groups 0..groups-1."""
    layers: list[Floats] = []
    rest = x
    while rest.any():
        rest, layer = _extract(rest)
        layers.append(np.bincount(group, weights=layer, minlength=groups).astype(np.float64))
    if len(layers) <= 1:
        return layers[0] if layers else np.zeros(groups)
    several = np.flatnonzero(np.sum([layer != 0 for layer in layers], axis=0) > 1)
    sums = np.sum(layers, axis=0)
    for g, parts in zip(several.tolist(), np.stack(layers, axis=1)[several].tolist(), strict=True):
        sums[g] = math.fsum(parts)
    return sums


def group_totals(x: Floats, group: Ints, groups: int) -> list[int]:
    """Return the exact sum of finite `x` in each of the groups, as `total` does."""
    totals = [0] * groups
    rest = x
    while rest.any():
        rest, layer = _extract(rest)
        for g, part in enumerate(np.bincount(group, weights=layer, minlength=groups).tolist()):
            totals[g] += as_units(part)
    return totals


def column_totals(x: Floats, weight: Floats | None) -> list[int]:
    """Return the exact sum of each column of `x`, finite and at most 2**900, its rows times their weights."""
    height = max(256, 2**20 // x.shape[1])
    totals = [0] * x.shape[1]
    for i in range(0, len(x), height):
        rest = x[i : i + height] if weight is None else x[i : i + height] * weight[i : i + height, None]
        while rest.any():
            rest, layer = _extract(rest)
            for k, part in enumerate(layer.sum(axis=0).tolist()):
                totals[k] += as_units(part)
    return totals


def _layers(x: Floats) -> list[float]:
    """Split |x| <= 2**900 into layers and return the exact sum of each."""
    sums: list[float] = []
    while x.any():
        x, layer = _extract(x)
        sums.append(float(layer.sum()))
    return sums


def _extract(x: Floats) -> tuple[Floats, Floats]:
    """Split x into (rest, layer): x == rest + layer exactly, and any partial sum of the layer is exact too."""
    most = float(np.max(np.abs(x)))
    # |x| <= 2**e, n <= 2**m: then layer holds multiples of 2**(e + m - 53) whose sums stay below 2**(e + m).
    sigma = math.ldexp(1.0, math.frexp(most)[1] + max(x.size, 2).bit_length())
    layer = (x + sigma) - sigma
    return x - layer, layer


def _safe(x: Floats) -> NDArray[np.bool_]:
    size = np.abs(x)
    return ((size >= _SMALL) & (size <= 1.0 / _SMALL)) | (size == 0.0)


def _product_error(a: Floats, b: Floats, product: Floats) -> Floats:
    """Return a * b - fl(a * b), exactly (Dekker 1971, with Veltkamp's splitting)."""
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _split(x: Floats) -> tuple[Floats, Floats]:
    scaled = 134217729.0 * x  # 2**27 + 1
    high = scaled - (scaled - x)
    return high, x - high
