"""Exact sums of products of two to four floats, in groups.

A product of d doubles is a multiple of 2**(-1074 d): a sum of them is kept as an integer count of that. Nothing is
rounded, so a common factor of the weights cancels to the bit, and it does not matter which rows were summed together.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from xent.evaluation._exact import ONE, Floats, Ints, as_units, column_totals, dot, group_totals, total
from xent.evaluation._layers import product_error

_LOW, _HIGH = 2.0**-200, 2.0**200
"""Products of up to four such floats, and the errors of these products, stay in the range of a double."""


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
    wide = np.broadcast_to(weight[:, None], x.shape)
    safe = _safe(x) & _safe(weight)[:, None]
    rest: list[tuple[int, int]] = []
    if not safe.all():
        rest = [(k, as_units(float(x[i, k])) * as_units(float(weight[i]))) for i, k in np.argwhere(~safe).tolist()]
        x, wide = np.where(safe, x, 0.0), np.where(safe, wide, 0.0)
    product = x * wide
    columns = [column_totals(product, None), column_totals(product_error(x, wide, product), None)]
    totals = [(a + b) * ONE for a, b in zip(*columns, strict=True)]
    for k, part in rest:
        totals[k] += part
    return totals


def _safe_totals(factors: Sequence[Floats], group: Ints | None, groups: int) -> list[int]:
    totals = [0] * groups
    for part in _expansion(factors):
        for g, value in enumerate(product_totals([part], group, groups)):
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
