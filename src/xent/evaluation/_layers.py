"""Exact sums with NumPy alone: what `_exact` computes where the compiled core is missing.

Floats are split into layers: multiples of a common power of two, few enough bits long that NumPy adds a whole layer
without rounding (the error-free extraction of Rump, Ogita and Oishi, "Accurate floating-point summation I", 2008,
algorithm 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ONE = 1 << 1074
"""The total of a single 1.0."""

_BLOCK = 16384
"""Values added up at a time: they stay in the cache."""

_LARGE = 2.0**900
"""Above it the extraction would leave the range of a double."""

_SMALL = 2.0**-450
"""Outside [2**-450, 2**450] the product of two floats, or the error of it, may leave the range of a double."""


def as_units(value: float) -> int:
    """Return a finite float as an integer count of 2**-1074."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * (ONE // denominator)


def totals(arrays: Sequence[Floats]) -> list[int]:
    """Return the exact sum of each array."""
    return [total(x) for x in arrays]


def total(x: Floats) -> int:
    """Return the exact sum of finite `x`."""
    _require_finite(x)
    return sum(_block_total(x[i : i + _BLOCK]) for i in range(0, x.size, _BLOCK))


def _block_total(x: Floats) -> int:
    large = np.abs(x) > _LARGE
    if large.any():
        return sum(as_units(v) for v in x[large].tolist()) + _block_total(x[~large])
    return sum(as_units(part) for part in _layers(x))


def dot(a: Floats, b: Floats) -> Fraction:
    """Return the exact sum of the products of finite `a` and `b`."""
    _require_finite(a)
    _require_finite(b)
    safe = _safe(a) & _safe(b)
    rest = Fraction(0)
    if not safe.all():
        rest = sum((Fraction(x) * Fraction(y) for x, y in zip(a[~safe].tolist(), b[~safe].tolist(), strict=True)), rest)
        a, b = a[safe], b[safe]
    blocks = (slice(i, i + _BLOCK) for i in range(0, a.size, _BLOCK))
    return Fraction(sum(_block_dot(a[block], b[block]) for block in blocks), ONE) + rest


def _block_dot(a: Floats, b: Floats) -> int:
    product = a * b
    return total(product) + total(product_error(a, b, product))


def group_sums(x: Floats, group: Ints, groups: int) -> Floats:
    """Return the correctly rounded sum of finite `x` in each of the groups 0..groups-1."""
    _require_finite(x)
    if (np.abs(x) > _LARGE).any():
        return np.array([_rounded(part) for part in group_totals(x, group, groups)])
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
    """Return the exact sum of finite `x` in each of the groups."""
    _require_finite(x)
    totals = [0] * groups
    large = np.abs(x) > _LARGE
    for g, value in zip(group[large].tolist(), x[large].tolist(), strict=True):
        totals[g] += as_units(value)
    rest = np.where(large, 0.0, x)
    while rest.any():
        rest, layer = _extract(rest)
        for g, part in enumerate(np.bincount(group, weights=layer, minlength=groups).tolist()):
            totals[g] += as_units(part)
    return totals


def column_totals(x: Floats, weight: Floats | None) -> list[int]:
    """Return the exact sum of each column of `x`, its rows times their weights; products are finite."""
    height = max(256, 2**20 // max(x.shape[1], 1))
    totals = [0] * x.shape[1]
    for i in range(0, len(x), height):
        part = x[i : i + height] if weight is None else x[i : i + height] * weight[i : i + height, None]
        _require_finite(part)
        large = np.abs(part) > _LARGE
        for k, value in zip(np.nonzero(large)[1].tolist(), part[large].tolist(), strict=True):
            totals[k] += as_units(value)
        rest = np.where(large, 0.0, part)
        while rest.any():
            rest, layer = _extract(rest)
            for k, part in enumerate(layer.sum(axis=0).tolist()):
                totals[k] += as_units(part)
    return totals


def _require_finite(x: Floats) -> None:
    if not np.isfinite(x).all():
        raise ValueError("only finite numbers have an exact sum")


def _rounded(units: int) -> float:
    try:
        return units / ONE
    except OverflowError:
        return math.inf if units > 0 else -math.inf


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


def product_error(a: Floats, b: Floats, product: Floats) -> Floats:
    """Return a * b - fl(a * b), exactly (Dekker 1971, with Veltkamp's splitting)."""
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def split(x: Floats) -> tuple[Floats, Floats]:
    scaled = 134217729.0 * x  # 2**27 + 1
    high = scaled - (scaled - x)
    return high, x - high
