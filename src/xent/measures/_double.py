"""Logarithms and exponentials to about twice the working precision, as an unevaluated sum of two floats.

Used where an ordinary rounding would be magnified: comparing probabilities with logs, and in the exponent of a
perplexity. Values only: none of these has a derivative. e^-h for h on a grid of 1/256 comes from two small tables, the
rest is a short series.
"""

from __future__ import annotations

import decimal
from typing import Any, NamedTuple

import numpy as np

from xent.measures._namespace import detach, helper_device
from xent.measures._primitives import horner, two_product, two_sum

_STEPS = 256  # grid points a unit of the logarithm
_COARSE = 1024  # grid points a step of the coarse table
_REACH = {"float64": 88, "float32": 14}  # coarse steps of 4 to either side: products stay far from overflow

# the coefficients from r^5 on: what follows is below 1e-33 for |r| <= 1/512
_LOG_SERIES = (1 / 5, -1 / 6, 1 / 7, -1 / 8, 1 / 9, -1 / 10, 1 / 11)
_EXP_SERIES = (1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880)

# under, 2^n, n ln 2 as two floats (mpmath, 60 digits): tiny numbers are lifted before their logarithm is taken
_LIFT = {
    "float64": (2.0**-500, 2.0**600, 415.88830833596717, 1.8355172981578424e-14),
    "float32": (2.0**-55, 2.0**64, 44.361419677734375, -1.2189786957605975e-07),
}


def _tables(dtype: str) -> tuple[Any, ...]:
    """e^-4a and e^(-b/256) as pairs of floats of `dtype`."""
    reach = _REACH[dtype]
    parts: list[Any] = []
    with decimal.localcontext(decimal.Context(prec=50)):
        coarse, fine = decimal.Decimal(-4).exp(), (decimal.Decimal(-1) / _STEPS).exp()
        columns = ([coarse**a for a in range(-reach, reach + 1)], [fine**b for b in range(_COARSE)])
        for exact in columns:
            high = np.asarray([float(x) for x in exact]).astype(dtype)
            low = [float(x - decimal.Decimal(h)) for x, h in zip(exact, high.tolist(), strict=True)]
            parts += [high, np.asarray(low).astype(dtype)]
    return tuple(parts)


# made at import (some milliseconds): torch.compile can trace arrays that are there, not how they come to be
_TABLES = {dtype: _tables(dtype) for dtype in _REACH}


def _third(xp: Any, a: Any, low: Any) -> tuple[Any, Any]:
    """A third of `a + low` as two floats."""
    third_low = 1.850371707708594e-17 if a.dtype == xp.float64 else -9.934107e-09  # 1/3 less its nearest float
    third, lost = two_product(xp, a, xp.full_like(a, 1 / 3))
    return third, lost + (a * third_low + low * (1 / 3))


class _Powers(NamedTuple):
    """r²; a third of r³; and r⁴, each as two floats: the terms of the series whose rounding would show."""

    square: Any
    square_low: Any
    third: Any
    third_low: Any
    fourth: Any
    fourth_low: Any


def _powers(xp: Any, r: Any) -> _Powers:
    square, square_low = two_product(xp, r, r)
    cube, cube_lost = two_product(xp, r, square)
    fourth, fourth_lost = two_product(xp, square, square)
    third = _third(xp, cube, cube_lost + r * square_low)
    return _Powers(square, square_low, *third, fourth, fourth_lost + 2.0 * square * square_low)


def _look_up(xp: Any, table: Any, index: Any, like: Any) -> Any:
    values = xp.asarray(table, device=helper_device(like))
    return xp.reshape(xp.take(values, xp.reshape(index, (-1,)), axis=0), index.shape)


def _power(xp: Any, j: Any) -> tuple[Any, Any]:
    """e^(-j/256) for whole numbers j, as two floats; a wrong number beyond the reach of the tables."""
    dtype = "float64" if j.dtype == xp.float64 else "float32"
    reach, kind = _REACH[dtype], xp.arange(1).dtype
    j = xp.where(xp.isfinite(j), j, xp.zeros_like(j))
    coarse = xp.floor(j / _COARSE)
    a = xp.astype(xp.clip(coarse, -reach, reach), kind) + reach
    b = xp.astype(xp.clip(j - coarse * _COARSE, 0, _COARSE - 1), kind)
    first, first_low, second, second_low = _TABLES[dtype]
    f, g = _look_up(xp, first, a, j), _look_up(xp, second, b, j)
    product, lost = two_product(xp, f, g)
    return product, lost + (f * _look_up(xp, second_low, b, j) + g * _look_up(xp, first_low, a, j))


def _in_reach(xp: Any, j: Any) -> Any:
    reach = _REACH["float64" if j.dtype == xp.float64 else "float32"]
    return xp.abs(j) < (reach - 1) * _COARSE


def exact_log(xp: Any, x: Any, low: Any) -> tuple[Any, Any]:
    """log(x + low) as two floats, x > 0; the second is 0 where x is 0 or out of reach."""
    x, low = detach(x), detach(low)
    under, lift, shift, shift_low = _LIFT["float64" if x.dtype == xp.float64 else "float32"]
    small, zero = (x < under) & (x > 0), xp.zeros_like(x)
    factor = xp.where(small, xp.full_like(x, lift), xp.ones_like(x))
    plain = xp.log(x)
    j = xp.round(xp.log(x * factor) * _STEPS)
    power, power_low = _power(xp, j)
    product, lost = two_product(xp, x * factor, power)
    r, r_low = two_sum(product - 1.0, lost + (x * factor * power_low + low * factor * power))
    powers = _powers(xp, r)
    lifted = xp.where(small, xp.full_like(x, shift), zero)
    high, lost = two_sum(j / _STEPS, -lifted)
    rest = 0.0 - xp.where(small, xp.full_like(x, shift_low), zero)
    for term in (r, -0.5 * powers.square, powers.third, -0.25 * powers.fourth):
        rest = rest + lost
        high, lost = two_sum(high, term)
    series = powers.fourth * r * horner(r, _LOG_SERIES)
    lows = r_low / (1.0 + r) - 0.5 * powers.square_low
    rest = (rest + lost) + (lows + (powers.third_low - 0.25 * powers.fourth_low) + series)
    high, rest = two_sum(high, rest)
    good = _in_reach(xp, j) & (x > 0) & xp.isfinite(rest)
    return xp.where(good, high, plain), xp.where(good, rest, zero)


def _growth(xp: Any, x: Any, low: Any) -> tuple[Any, Any, Any]:
    """e^(x + low) = e^(j/256) (1 + g): the whole number j, and g as two floats."""
    j = xp.round(x * _STEPS)
    r, r_low = two_sum(x - j / _STEPS, low)
    powers = _powers(xp, r)
    part, part_low = _third(xp, 0.125 * powers.fourth, 0.125 * powers.fourth_low)
    growth, first = two_sum(r, 0.5 * powers.square)
    growth, second = two_sum(growth, 0.5 * powers.third)
    growth, third = two_sum(growth, part)
    series = powers.fourth * r * horner(r, _EXP_SERIES)
    lows = r_low + 0.5 * powers.square_low + (r + 0.5 * powers.square + 0.5 * powers.third) * r_low
    rest = lows + (0.5 * powers.third_low + part_low + series)
    return j, *two_sum(growth, (first + second + third) + rest)


def exact_exp(xp: Any, x: Any, low: Any) -> tuple[Any, Any]:
    """e^(x + low) as two floats; the second is 0 out of reach."""
    x, low = detach(x), detach(low)
    j, growth, growth_low = _growth(xp, x, low)
    power, power_low = _power(xp, -j)
    product, lost = two_product(xp, power, growth)
    high, second = two_sum(power, product)
    high, rest = two_sum(high, second + lost + power * growth_low + power_low * (1.0 + growth))
    good = _in_reach(xp, j) & xp.isfinite(rest)
    return xp.where(good, high, xp.exp(x)), xp.where(good, rest, xp.zeros_like(x))


def exact_complement(xp: Any, x: Any) -> tuple[Any, Any]:
    """1 - e^x as two floats, x <= 0; full relative precision near 0 too."""
    x = detach(x)
    j, growth, growth_low = _growth(xp, x, xp.zeros_like(x))
    e, e_low = exact_exp(xp, x, xp.zeros_like(x))
    high, lost = two_sum(xp.ones_like(x), -e)
    high, low = two_sum(high, lost - e_low)
    return xp.where(j == 0, -growth, high), xp.where(j == 0, -growth_low, low)
