"""Exact sums of products of two to four floats, in groups.

A product of d doubles is a multiple of 2**(-1074 d): a sum of them is kept as an integer count of that. Nothing is
rounded, so a common factor of the weights cancels to the bit, and it does not matter which rows were summed together.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from xent.evaluation._exact import ONE, Floats, Ints, as_units, dot, group_totals, total
from xent.evaluation._layers import product_error

_LOW, _HIGH = 2.0**-200, 2.0**200
"""Products of up to four such floats, and the errors of these products, stay in the range of a double."""

_BLOCK = 16384
"""Rows multiplied at a time: they stay in the cache."""


def product_totals(factors: Sequence[Floats], group: Ints | None, groups: int) -> list[int]:
    """Return the exact sum of the products of finite `factors` in each group, in units of 2**(-1074 · factors).

    `group` None puts everything into one group.
    """
    if len(factors) == 1:
        return [total(factors[0])] if group is None else group_totals(factors[0], group, groups)
    if len(factors) == 2 and group is None:
        whole = dot(factors[0], factors[1])
        return [whole.numerator * (ONE * ONE // whole.denominator)]
    safe = np.logical_and.reduce([_safe(x) for x in factors])
    if safe.all():
        return _safe_totals(factors, group, groups)
    some = None if group is None else group[safe]
    totals = _safe_totals([x[safe] for x in factors], some, groups)
    for i in np.flatnonzero(~safe).tolist():
        totals[0 if group is None else int(group[i])] += prod(as_units(float(x[i])) for x in factors)
    return totals


def column_product_totals(x: Floats, weight: Floats) -> list[int]:
    """Return the exact sum of each column of `x`, its rows times their weights, in units of 2**-2148."""
    return [product_totals([np.ascontiguousarray(x[:, k]), weight], None, 1)[0] for k in range(x.shape[1])]


def _safe_totals(factors: Sequence[Floats], group: Ints | None, groups: int) -> list[int]:
    totals = [0] * groups
    for i in range(0, factors[0].size, _BLOCK):
        block = slice(i, i + _BLOCK)
        of_block = None if group is None else group[block]
        for part in _expansion([x[block] for x in factors]):
            for g, value in enumerate(product_totals([part], of_block, groups)):
                totals[g] += value
    # The parts are doubles: multiples of 2**-1074.
    unit = ONE ** (len(factors) - 1)
    return [value * unit for value in totals]


def _expansion(factors: Sequence[Floats]) -> list[Floats]:
    """Arrays whose sum is the product, exactly."""
    parts = [factors[0]]
    for factor in factors[1:]:
        products = [part * factor for part in parts]
        errors = [product_error(part, factor, p) for part, p in zip(parts, products, strict=True)]
        parts = [*products, *(e for e in errors if e.any())]
    return parts


def _safe(x: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    size = np.abs(x)
    return ((size >= _LOW) & (size <= _HIGH)) | (size == 0.0)
