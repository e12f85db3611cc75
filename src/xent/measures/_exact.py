"""Distributions to about twice the working precision: probabilities and surprisals as pairs of floats, values only.

For the places where one rounding would be magnified: probabilities compared with logs, exponents of perplexities,
products of marginals, and probabilities beside their complement.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent.measures._distributions import counts_row, softmax
from xent.measures._double import exact_complement, exact_exp, exact_log
from xent.measures._namespace import detach
from xent.measures._primitives import exact_sum, two_product, two_sum


class Twice(NamedTuple):
    """A number as the unevaluated sum of two floats."""

    high: Any
    low: Any

    def __neg__(self) -> Twice:
        """Both with the other sign."""
        return Twice(-self.high, -self.low)

    def minus(self, other: Twice) -> Twice:
        """The difference, to twice the working precision."""
        high, lost = two_sum(self.high, -other.high)
        return Twice(*two_sum(high, lost + (self.low - other.low)))


def divided(xp: Any, a: Twice, b: Twice) -> Twice:
    """a/b to twice the working precision."""
    share = a.high / b.high
    product, lost = two_product(xp, share, b.high)
    return Twice(share, (((a.high - product) - lost) + (a.low - share * b.low)) / b.high)


def _summed(xp: Any, a: Twice) -> Twice:
    """The sum along the last axis, which is kept with length 1."""
    high, low = exact_sum(xp, a.high)
    total, lost = two_sum(high, low + xp.sum(a.low, axis=-1))
    return Twice(xp.expand_dims(total, axis=-1), xp.expand_dims(lost, axis=-1))


def exact_row(xp: Any, kind: str, a: Any) -> tuple[Twice, Twice]:
    """Probabilities and surprisals of a row of any kind but labels; infinities and zeros as they come."""
    a = detach(a)
    zero = xp.zeros_like(a)
    if kind == "logits":
        parts = softmax(xp, a)
        z = Twice(parts.z, parts.low)
        e = Twice(*exact_exp(xp, *z))
        mass = _summed(xp, e)
        return divided(xp, e, mass), Twice(*exact_log(xp, *mass)).minus(z)
    if kind == "logprobs":
        return Twice(*exact_exp(xp, a, zero)), Twice(-a, zero)
    p = Twice(a, zero)
    if kind == "counts":
        row = counts_row(xp, a)
        p = Twice(row.p, row.low)
    return p, -Twice(*exact_log(xp, *p))


def exact_bernoulli(xp: Any, kind: str, x: Any) -> tuple[Twice, Twice]:
    """-log P(1) and -log P(0) of a Bernoulli distribution of any kind."""
    x = detach(x)
    zero, one = xp.zeros_like(x), xp.ones_like(x)
    if kind == "logits":
        size = xp.abs(x)
        small = Twice(*exact_log(xp, *_sum_of_one_and(xp, Twice(*exact_exp(xp, -size, zero)))))
        large = small.minus(Twice(-size, zero))
        up = x > 0
        ones = Twice(*(xp.where(up, s, t) for s, t in zip(small, large, strict=True)))
        return ones, Twice(*(xp.where(up, t, s) for s, t in zip(small, large, strict=True)))
    if kind == "logprobs":
        return Twice(-x, zero), -Twice(*exact_log(xp, *exact_complement(xp, x)))
    return -Twice(*exact_log(xp, x, zero)), -Twice(*exact_log(xp, *two_sum(one, -x)))


def _sum_of_one_and(xp: Any, a: Twice) -> Twice:
    return Twice(xp.ones_like(a.high), xp.zeros_like(a.high)).minus(-a)


def exact_ratio(xp: Any, p: Twice, q: Twice, plain: Any) -> Any:
    """log(p/q) from the surprisals of both; `plain` where that is not finite."""
    high, low = q.minus(p)
    ratio = high + low
    return xp.where(xp.isfinite(ratio), ratio, detach(plain))


def exact_expectation(xp: Any, weight: Twice, value: Twice, absent: Any) -> Twice:
    """The sum of weight times value along the last axis, without `absent` outcomes; NaN where a value is not finite."""
    product, lost = two_product(xp, weight.high, value.high)
    nothing = absent | ((weight.high == 0) & xp.isfinite(value.high))
    zero = xp.zeros_like(product)
    rest = lost + (weight.low * value.high + weight.high * value.low)
    total = _summed(xp, Twice(xp.where(nothing, zero, product), xp.where(nothing, zero, rest)))
    return Twice(total.high[..., 0], total.low[..., 0])
