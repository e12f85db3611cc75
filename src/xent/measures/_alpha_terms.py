"""The alpha family, outcome by outcome: what its divergences of rows and of densities alike are made of.

With r = log(p/q), the term of the divergence of order alpha is that of Amari's, by Bregman:

    (alpha p + (1 - alpha) q - p^alpha q^(1 - alpha)) / (alpha (1 - alpha)) >= 0

which is p r - p + q at alpha = 1 and the same with p and q changed at 0. Orders below 1/2 are computed so: the order
1 - alpha of (q, p). Hence 1/2 <= a here, and b = a - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from xent.measures._distributions import Row, onehot, row
from xent.measures._exact import Twice, divided, exact_row
from xent.measures._namespace import detach, graft
from xent.measures._primitives import (
    horner,
    log_complement,
    ratio_of_contrast,
    total,
    two_product,
    two_sum,
)

SLIGHT = 1e-290  # orders as near 0 or 1 are 0 or 1: quotients by less would overflow
_CLOSE = 2.0**-6  # |log(p/q)| below which the ratio is that of the contrast (p - q)/(p + q)


Terms = Callable[[Any, "Both", float, float], Any]


class Both(NamedTuple):
    """Two probabilities or densities of the same outcome.

    ratio = log(p/q) and the surprisals are finite: where p is `absent` (0, not merely underflowed) or q `missing`
    they stand for the smallest normal number or for nothing, and nothing but slopes is made of them. Each `low` is
    what the rounding of the one before it lost.
    """

    p: Any
    q: Any
    ratio: Any
    ratio_low: Any
    surprisal: Any
    low: Any
    other: Any
    other_low: Any
    absent: Any
    missing: Any

    def only(self, xp: Any, rows: Any) -> Both:
        """The same in `rows`; in the others p and q are equal."""
        kept = xp.expand_dims(rows, axis=-1)
        zero = xp.zeros_like(self.ratio)
        kept_numbers = (xp.where(kept, x, zero) for x in self[2:8])
        return Both(self.p, self.q, *kept_numbers, absent=self.absent & kept, missing=self.missing & kept)

    def changed(self) -> Both:
        """With p and q changed."""
        first = (self.q, self.p, -self.ratio, -self.ratio_low)
        return Both(*first, self.other, self.other_low, self.surprisal, self.low, self.missing, self.absent)


def exact_order(alpha: float) -> tuple[bool, float, float]:
    """Whether p and q change places, and the order a >= 1/2 that is computed then, with b = a - 1 to all its digits."""
    if alpha >= 0.5:
        return False, alpha, alpha - 1.0
    return True, 1.0 - alpha, -alpha if abs(alpha) > SLIGHT else 0.0


def ordered(x: Both, alpha: float) -> tuple[Both, float, float]:
    """p and q, in their places or changed, with `exact_order`."""
    changed, a, b = exact_order(alpha)
    return x.changed() if changed else x, a, b


# -- two rows, or two densities ----------------------------------------------------------------------------------------


def _finite(xp: Any, value: Any) -> Any:
    return xp.where(xp.isfinite(value), value, xp.zeros_like(value))


def _possible(xp: Any, r: Row) -> Any:
    """The surprisals of a row, finite for what is absent, NaN where that is given."""
    s = r.surprisal(r.absent)
    return xp.where(xp.isinf(s), xp.zeros_like(s), s)


def _beside(xp: Any, exact: Twice, plain: Any) -> tuple[Any, Any]:
    """The exact number with the derivatives of the plain one, and its low part; the plain one where it is infinite."""
    good = xp.isfinite(exact.high) & xp.isfinite(exact.low)
    value = xp.where(good, exact.high, detach(plain))
    return graft(xp, value, plain), xp.where(good, exact.low, xp.zeros_like(value))


def _near_ratio(xp: Any, first: Row, second: Row, ratio: Any, low: Any) -> tuple[Any, Any]:
    """log(p/q) of nearly equal numbers, from their exact difference: 2 atanh of (p - q)/(p + q)."""
    p, q = (Twice(*xp.broadcast_arrays(detach(r.p), r.low, ratio)[:2]) for r in (first, second))
    near = (xp.abs(ratio) < _CLOSE) & ~first.absent & ~second.absent
    contrast = divided(xp, p.minus(q), p.minus(-q))
    high, rest = ratio_of_contrast(*(xp.where(near, s, xp.zeros_like(s)) for s in contrast))
    return graft(xp, xp.where(near, high, detach(ratio)), ratio), xp.where(near, rest, low)


def both_rows(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Both:
    """The outcomes of two rows side by side; labels as one-hot rows."""
    if kp == "labels":
        kp, p = "probs", onehot(xp, p, q).p
    first, second = row(xp, kp, p), row(xp, kq, q)
    absent, missing = first.absent, second.absent
    plain_p, plain_q = (_possible(xp, r) for r in (first, second))
    exact_p, exact_q = exact_row(xp, kp, p)[1], exact_row(xp, kq, q)[1]
    ratio, ratio_low = _beside(xp, exact_q.minus(exact_p), plain_q - plain_p)
    if not {kp, kq} & {"logits", "logprobs"}:
        ratio, ratio_low = _near_ratio(xp, first, second, ratio, ratio_low)
    parts = (first.p, second.p, ratio, ratio_low, *_beside(xp, exact_p, plain_p), *_beside(xp, exact_q, plain_q))
    return Both(*xp.broadcast_arrays(*parts, absent, missing))


def row_and_one(xp: Any, kind: str, a: Any) -> Both:
    """The outcomes of a row beside the number 1: what entropies are made of."""
    r = row(xp, kind, a)
    s, low = _beside(xp, exact_row(xp, kind, a)[1], _possible(xp, r))
    zero = xp.zeros_like(s)
    return Both(r.p, xp.ones_like(s), -s, -low, s, low, zero, zero, r.absent, xp.zeros_like(r.absent))


def both_densities(xp: Any, log_p: Any, log_q: Any) -> Both:
    """Two densities at the same places, from their logs; -inf is a density of 0."""
    log_p, log_q = xp.broadcast_arrays(log_p, log_q)
    zero = xp.zeros_like(log_p)
    absent, missing = log_p == -xp.inf, log_q == -xp.inf
    a, b = xp.where(absent, zero, log_p), xp.where(missing, zero, log_q)
    high, low = two_sum(detach(a), -detach(b))
    ratio = graft(xp, high, a - b)
    return Both(xp.exp(log_p), xp.exp(log_q), ratio, _finite(xp, low), -a, zero, -b, zero, absent, missing)


# -- terms -------------------------------------------------------------------------------------------------------------


def _multiple(xp: Any, x: Both, b: float) -> tuple[Any, Any]:
    """b r, and what its rounding lost."""
    high, lost = two_product(xp, detach(x.ratio), xp.full_like(x.ratio, b))
    return graft(xp, high, b * x.ratio), _finite(xp, lost + b * x.ratio_low)


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


def log_moment(xp: Any, x: Both, a: float, b: float) -> Any:
    """log of the sum of p^a q^(1 - a) along the last axis: infinite where the sum is 0 or infinite."""
    exponent, low = _exponent(xp, x, a, b)
    edge = x.absent | x.missing
    shift = xp.max(xp.where(edge, xp.full_like(exponent, -xp.inf), detach(exponent)), axis=-1, keepdims=True)
    shift = _finite(xp, shift)
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
    return xp.where(near, series, (growth(xp, x, a, b) - difference(xp, x)) / a)


def growth(xp: Any, x: Both, a: float, b: float) -> Any:
    """p (e^(b r) - 1)/b, which is p r at b = 0."""
    edge = x.absent | x.missing
    if b == 0.0:
        endless = x.missing & ~x.absent
        return xp.where(endless, xp.full_like(x.p, xp.inf) + x.p, x.p * (x.ratio + x.ratio_low))
    exponent, low = _exponent(xp, x, a, b)
    power = xp.where(edge, _at_edges(xp, x, a, b, 0.0), xp.exp(exponent) * (1.0 + low))
    y, y_low = _multiple(xp, x, b)
    small = (xp.abs(y) < 1.0) & ~edge
    grown = xp.expm1(xp.where(small, y, xp.zeros_like(y)))
    quotient = (grown + y_low * (1.0 + detach(grown))) / b
    return xp.where(small, x.p * quotient, (power - x.p) / b)


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
    log_s = log_moment(xp, x, a, b)
    close = xp.abs(log_s) < 0.6931471805599453
    near = log_over(xp, total(xp, terms(xp, x.only(xp, close), a, b)), c)
    far = xp.where(close, xp.zeros_like(log_s), log_s) / -c
    return xp.where(close, near, far)
