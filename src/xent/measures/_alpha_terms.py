"""The alpha family, outcome by outcome: what its divergences of rows and of densities alike are made of.

With r = log(p/q), the term of the divergence of order alpha is that of Amari's, by Bregman:

    (alpha p + (1 - alpha) q - p^alpha q^(1 - alpha)) / (alpha (1 - alpha)) >= 0

which is p r - p + q at alpha = 1 and the same with p and q changed at 0. Orders below 1/2 are computed so: the order
1 - alpha of (q, p). Hence 1/2 <= a here, and b = a - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xent.measures._alpha_pairs import Both, finite
from xent.measures._namespace import detach, graft
from xent.measures._primitives import horner, log_complement, total, two_product, two_sum

Terms = Callable[[Any, Both, float, float], Any]

# -- terms -------------------------------------------------------------------------------------------------------------


def _multiple(xp: Any, x: Both, b: float) -> tuple[Any, Any]:
    """b r, and what its rounding lost."""
    high, lost = two_product(xp, detach(x.ratio), xp.full_like(x.ratio, b))
    return graft(xp, high, b * x.ratio), finite(xp, lost + b * x.ratio_low)


def _exponent(xp: Any, x: Both, a: float, b: float) -> tuple[Any, Any]:
    """log of p e^(b r) = q e^(a r), by the one of a and b that is exact, and what its rounding lost.

    Edges, where it would be infinite, give 0.
    """
    base, base_low = (x.surprisal, x.low) if a >= 0.5 else (x.other, x.other_low)
    y, low = _multiple(xp, x, b if a >= 0.5 else a)
    exponent, rest = two_sum(detach(y), -detach(base))
    edge, zero = x.absent | x.missing, xp.zeros_like(low)
    rest = rest + (low - base_low)
    # beyond lie exponents whose exponential is 0 or infinite, or whose own digits are enough
    rest = xp.where(xp.abs(rest) < 1e-3, rest, zero)
    return xp.where(edge, zero, graft(xp, exponent, y - base)), xp.where(edge, zero, rest)


def _at_edges(xp: Any, x: Both, a: float, b: float, shift: Any) -> Any:
    """p^a q^(1 - a) e^-shift where p or q is 0: 0, with a slope that is steep and finite."""
    most = 60.0  # no slope then overflows on its way back to float32, and a zero can multiply it
    by_p, by_q = (w * xp.exp(xp.clip(detach(c * x.ratio) - shift, None, most)) for w, c in ((x.p, b), (x.q, a)))
    nothing = xp.where(x.absent, by_p, by_q)
    if b < 0:
        return xp.where(x.absent & x.missing, xp.zeros_like(nothing), nothing)
    return xp.where(x.absent, xp.zeros_like(nothing), xp.full_like(nothing, xp.inf) + x.p)


def _power(xp: Any, x: Both, a: float, b: float) -> Any:
    """p^a q^(1 - a)."""
    if x.quotient is None:
        exponent, low = _exponent(xp, x, a, b)
        inside = xp.exp(exponent) * (1.0 + low)
    else:
        inside = x.p * x.quotient.power(b) if a >= 0.5 else x.q * x.quotient.power(a)
    edge = x.absent | x.missing
    if x.quotient is not None and not edge.any():
        return inside
    return xp.where(edge, _at_edges(xp, x, a, b, 0.0), inside)


def log_moment(xp: Any, x: Both, a: float, b: float) -> Any:
    """log of the sum of p^a q^(1 - a) along the last axis: infinite where the sum is 0 or infinite."""
    if x.quotient is not None:
        return xp.log(total(xp, _power(xp, x, a, b)))
    exponent, low = _exponent(xp, x, a, b)
    edge = x.absent | x.missing
    shift = xp.max(xp.where(edge, xp.full_like(exponent, -xp.inf), detach(exponent)), axis=-1, keepdims=True)
    shift = finite(xp, shift)
    inside = xp.exp(xp.where(edge, xp.full_like(exponent, -xp.inf), exponent - shift)) * (1.0 + low)
    endless = xp.any(x.missing & ~x.absent, axis=-1) if b >= 0 else xp.zeros_like(edge[..., 0])
    rim = xp.zeros_like(inside) if b >= 0 else _at_edges(xp, x, a, b, shift)
    moment = total(xp, xp.where(edge, rim, inside))
    known = (moment != 0) & ~endless
    value = xp.log(xp.where(known, moment, xp.ones_like(moment))) + shift[..., 0]
    limit = xp.where(endless, xp.full_like(value, xp.inf), xp.full_like(value, -xp.inf))
    return xp.where(known, value, limit + moment)


def _coefficients(a: float, scale: float, reach: float) -> tuple[float, ...]:
    """Those of sum over k >= 2 of r^k/k! (1 + a + ... + a^(k-2)), over r², in powers of `scale` r."""
    found: list[float] = []
    powers, factor, k = 1.0, 1.0, 2
    while len(found) < 2 or (k - 1) * reach ** (k - 2) / math.factorial(k) > 2e-18:
        found.append(powers / math.factorial(k))
        factor /= scale
        powers = powers * (a / scale) + factor
        k += 1
    return tuple(found)


def _series(xp: Any, x: Both, size: Any, a: float, b: float, reach: float) -> Any:
    """The term for |log(p/q)| = `size` up to `reach` / max(1, a), as a series without cancellation."""
    scale = max(1.0, a)
    at = size * scale
    up = x.q * horner(at, _coefficients(a, scale, reach))
    down = x.p * horner(at, _coefficients(-b, scale, reach))
    return xp.where(x.ratio < 0, down, up) * (size * size)


def difference(xp: Any, x: Both) -> Any:
    """p - q, from the ratio: what p and q lost when they were rounded is not magnified."""
    edge = x.absent | x.missing
    r = xp.where(edge, xp.zeros_like(x.ratio), x.ratio)
    size = xp.where(r < 0, -r, r)
    return xp.where(edge, x.p - x.q, xp.where(r < 0, x.q, -x.p) * xp.expm1(-size))


def alpha_terms(xp: Any, x: Both, a: float, b: float) -> Any:
    """The terms of the divergence of order a: never negative, and infinite where p > 0 = q says so."""
    edge = x.absent | x.missing
    reach = 3.0 if a <= 1 else 2.0 if a <= 2 else 1.0
    size = xp.where(x.ratio < 0, -x.ratio, x.ratio)
    near = (size * max(1.0, a) <= reach) & ~edge
    series = _series(xp, x, xp.where(near, size, xp.zeros_like(size)), a, b, reach)
    if x.quotient is not None and near.all():
        return series
    return xp.where(near, series, (growth(xp, x, a, b) - difference(xp, x)) / a)


def growth(xp: Any, x: Both, a: float, b: float) -> Any:
    """p (e^(b r) - 1)/b, which is p r at b = 0."""
    edge = x.absent | x.missing
    if b == 0.0:
        endless = x.missing & ~x.absent
        return xp.where(endless, xp.full_like(x.p, xp.inf) + x.p, x.p * (x.ratio + x.ratio_low))
    y, y_low = _multiple(xp, x, b)
    small = (xp.abs(y) < 1.0) & ~edge
    grown = xp.expm1(xp.where(small, y, xp.zeros_like(y)))
    slight = x.p * ((grown + y_low * (1.0 + detach(grown))) / b)
    if x.quotient is not None and small.all():
        return slight
    return xp.where(small, slight, (_power(xp, x, a, b) - x.p) / b)


# -- from one number to another ----------------------------------------------------------------------------------------


def log_over(xp: Any, value: Any, c: float) -> Any:
    """-log(1 - c v)/c for c v <= 1, which is v at c = 0."""
    x = value * c
    small = xp.abs(x) < 1e-5
    tiny = xp.where(small, x, xp.zeros_like(x))
    series = value * (1.0 + tiny * (0.5 + tiny * (1 / 3 + tiny * 0.25)))
    if c == 0.0:
        return value
    return xp.where(small, series, -log_complement(xp, xp.where(small, xp.zeros_like(x), x)) / c)


def log_sum(xp: Any, x: Both, a: float, b: float, terms: Terms, c: float) -> Any:
    """-log(S)/c for the sum S of p^a q^(1 - a), where that of `terms` is (1 - S)/c.

    From the terms while S is within a factor two of 1, from the log of S beyond.
    """
    if c == 0.0:
        return total(xp, terms(xp, x, a, b))
    if x.quotient is None:
        log_s = log_moment(xp, x, a, b)
        close = xp.abs(log_s) < 0.6931471805599453
        summed = total(xp, terms(xp, x.only(xp, close), a, b))
    else:
        summed = total(xp, terms(xp, x, a, b))
        close = (summed * c > -1.0) & (summed * c < 0.5)
        log_s = xp.zeros_like(summed) if close.all() else log_moment(xp, x, a, b)
    far = xp.where(close, xp.zeros_like(log_s), log_s) / -c
    return xp.where(close, log_over(xp, xp.where(close, summed, xp.zeros_like(summed)), c), far)
