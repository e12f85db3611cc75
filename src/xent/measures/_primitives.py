"""Small formulas that every measure is made of, for arrays of any library. Sums run along the last axis.

Every branch that is not taken is kept finite (a double `where`), so that no derivative is poisoned by it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from xent.measures._namespace import detach, graft, largest, smallest_normal


class Pair(NamedTuple):
    """Two probabilities of the same outcome, and how they compare (all arrays of one shape).

    ratio = log(p/q), near = within a factor three, absent = p is 0 and not merely underflowed. s = (p - q)/(p + q), or
    None where the ratio is what is known best.
    """

    p: Any
    q: Any
    s: Any
    ratio: Any
    near: Any
    absent: Any


# (atanh(s)/s - 1)/s² and ((1+s)log1p(s) + (1-s)log1p(-s))/(2s²) as polynomials of s² on [0, 1/4], to 8e-18 and 4e-18:
# mpmath.chebyfit(f, [0, 0.25], 14 or 13)[::-1] at 60 digits. A test computes them again.
_ATANH = (
    0.3333333333333333,
    0.20000000000000864,
    0.14285714285490106,
    0.11111111133938968,
    0.09090907881509189,
    0.07692345940270638,
    0.06665886352701884,
    0.05893099692590042,
    0.05160769881147162,
    0.05441915418234587,
    0.012292448728540531,
    0.13557903913692299,
    -0.14450491183414468,
    0.21098097885975797,
)
_JENSEN = (
    0.5,
    0.08333333333332957,
    0.03333333333417433,
    0.01785714278358462,
    0.011111114442826787,
    0.0075756681259546875,
    0.005496039225737219,
    0.004149163545572993,
    0.003403390495890675,
    0.0019227255431347884,
    0.004608809769443027,
    -0.003369780364448289,
    0.007184402783872926,
)
# (e^-x - 1 + x)/x² by Taylor on |x| <= ln 3, and the term of a Jensen-Shannon divergence over (p + q) x² as a
# polynomial of x² to 6e-20: mpmath.chebyfit(f, [0, 1.001 * log(3)**2], 12)[::-1]. x = log(p/q).
_PSI = tuple((-1.0) ** k / math.factorial(k + 2) for k in range(20))
_JENSEN_OF_RATIO = (
    0.0625,
    -0.007812499999999984,
    0.0008680555555549429,
    -9.223090276827438e-05,
    9.610615003045114e-06,
    -9.917760740754181e-07,
    1.017917343641774e-07,
    -1.041074688804264e-08,
    1.0599168368016331e-09,
    -1.0566428590863428e-10,
    9.462147757148247e-12,
    -5.541511048246747e-13,
)


def horner(u: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, constant first, at `u`."""
    value = u * coefficients[-1] + coefficients[-2]
    for c in reversed(coefficients[:-2]):
        value = value * u + c
    return value


# -- error-free sums and products ------------------------------------------------------------------------------------


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """`a + b` rounded, and what the rounding lost, exactly (NaN where the sum is not finite)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_difference(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """`a - b` rounded, and what the rounding lost (0 for an infinite difference), which has no derivative."""
    difference = a - b
    high, low = two_sum(detach(a), -detach(b))
    return difference, xp.where(xp.isfinite(high), low, xp.zeros_like(low))


def two_product(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """`a * b` rounded, and what the rounding lost, by Veltkamp's splitting. For factors far from overflow."""
    splitter = 134217729.0 if a.dtype == xp.float64 else 4097.0  # 2^27 + 1, 2^12 + 1
    product = a * b
    a_high, b_high = a * splitter, b * splitter
    a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def exact_sum(xp: Any, a: Any) -> tuple[Any, Any]:
    """The sum along the last axis and what its rounding lost: a tree of error-free sums. No derivative."""
    high = detach(a)
    low = xp.zeros_like(high[..., :1])
    while high.shape[-1] > 1:
        half = high.shape[-1] // 2
        left, right, rest = high[..., :half], high[..., half : 2 * half], high[..., 2 * half :]
        total, lost = two_sum(left, right)
        low = low + xp.sum(lost, axis=-1, keepdims=True)
        high = xp.concat([total, rest], axis=-1) if rest.shape[-1] else total
    high, low = high[..., 0], low[..., 0]
    low = xp.where(xp.isfinite(low), low, xp.zeros_like(low))
    return two_sum_finite(xp, high, low)


def two_sum_finite(xp: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """`high + low` rounded and what is left, 0 where the sum is infinite."""
    total, lost = two_sum(high, low)
    return total, xp.where(xp.isfinite(total), lost, xp.zeros_like(lost))


def total(xp: Any, a: Any) -> Any:
    """The sum along the last axis, rounded once, with the derivative of a sum."""
    high, _ = exact_sum(xp, a)
    return graft(xp, high, xp.sum(a, axis=-1))


# -- products and logarithms that know 0 log 0 = 0 ---------------------------------------------------------------------


_MASK = 3e4  # surprisals beyond are those of masks: half of the largest float16


def steepest(xp: Any, like: Any) -> Any:
    """-log of the smallest normal number: what stands for an infinite surprisal that nothing weighs."""
    return xp.full_like(like, -math.log(smallest_normal(like)))


def times(xp: Any, weight: Any, value: Any, absent: Any) -> Any:
    """`weight * value`, where an infinite value gives 0 for an `absent` outcome, and infinity for every other.

    A weight that only underflowed to 0 is not absent. Where the weight is 0, the derivative by it is the value; that of
    an infinite value or of a mask (a logit of -1e5, or the smallest float) is as steep as the log of the smallest
    normal number: finite, and harmless when a zero multiplies it.
    """
    size = xp.abs(value)
    endless = xp.isinf(size)
    steep = steepest(xp, value)
    idle = endless | ((weight == 0) & (size > _MASK))
    product = weight * xp.where(idle, xp.where(value < 0, -steep, steep), value)
    # a value cut at the largest float (`bounded`) is larger in truth
    reached = (endless & ~absent) | ((weight > 0) & (size >= largest(value)))
    present = detach(xp.where(weight > 0, weight, xp.ones_like(weight)))
    return xp.where(reached, (value + detach(value)) * present, product)


def bounded(xp: Any, value: Any, absent: Any) -> Any:
    """Surprisals of outcomes that are not `absent`, cut at the largest float where they overflowed to infinity."""
    over = xp.isinf(value) & ~absent
    return xp.where(over, xp.full_like(value, largest(value)), value)


def minus_log(xp: Any, p: Any, idle: Any) -> Any:
    """-log p; where p is 0 and `idle` that of the smallest normal number, for a product with a weight of 0.

    Below the smallest normal number an `idle` one has no derivative: 1/p would overflow.
    """
    normal = xp.full_like(p, smallest_normal(p))
    small = idle & (p < normal)
    value = xp.log(xp.where(p == 0, normal, detach(p)))
    return 0.0 - xp.where(small, value, xp.log(xp.where(small, normal, p)))


def surprisal_of(xp: Any, p: Any) -> Any:
    """-log p, infinite at 0; below the smallest normal number the derivative is that of a straight line.

    It is finite, so that a 0 that multiplies it stays 0, and no second derivative overflows.
    """
    normal = smallest_normal(p)
    small = p < normal
    value = 0.0 - xp.log(detach(p))
    line = 0.0 - (p - detach(p)) / normal
    safe = 0.0 - xp.log(xp.where(small, xp.ones_like(p), p))
    return xp.where(small, value + line, safe)


def log_complement(xp: Any, q: Any) -> Any:
    """log(1 - q) for 0 <= q <= 1: the log of the rounded difference, and what the rounding lost.

    Not log1p(-q): XLA's is 128 ulp off in float64 near q = 0.414.
    """
    rest = 1.0 - q
    lost = (1.0 - rest) - q
    return xp.log(rest) + detach(lost / xp.where(rest == 0, xp.ones_like(rest), rest))


def log1mexp(xp: Any, x: Any) -> Any:
    """log(1 - e^x) for x <= 0."""
    near = x > -0.6931471805599453
    half = xp.full_like(x, -0.6931471805599453)
    far = log_complement(xp, xp.exp(xp.where(near, half, x)))
    return xp.where(near, xp.log(-xp.expm1(xp.where(near, x, half))), far)


def positive_part(xp: Any, x: Any) -> Any:
    """max(x, 0), whose derivative at 0 is 1 (so that it fits `distance`)."""
    return xp.where(x < 0, xp.zeros_like(x), x)


def distance(xp: Any, x: Any) -> Any:
    """|x|, whose derivative at 0 is 1: a function of |x| that is smooth in x keeps its second derivative there."""
    return xp.where(x < 0, -x, x)


def softplus(xp: Any, x: Any) -> Any:
    """log(1 + e^x), right at both infinities."""
    return positive_part(xp, x) + xp.log1p(xp.exp(-distance(xp, x)))


def sigmoid(xp: Any, x: Any) -> Any:
    """1/(1 + e^-x) with full relative precision in both tails."""
    e = xp.exp(-distance(xp, x))
    return xp.where(x < 0, e, xp.ones_like(e)) / (1.0 + e)


# -- divergence terms --------------------------------------------------------------------------------------------------


def _lift(xp: Any, both: Any) -> Any:
    """A factor that makes subnormal numbers normal: without it the derivative of a quotient by them overflows."""
    normal = smallest_normal(both)
    return xp.where(both < 4.0 * normal, xp.full_like(both, 1.0 / normal), xp.ones_like(both))


def contrast(xp: Any, p: Any, q: Any, difference: Any) -> Any:
    """(p - q)/(p + q) in [-1, 1] from a difference that is known exactly; 0 where both are 0."""
    both = p + q
    lift = _lift(xp, both)
    return (difference * lift) / xp.where(both == 0, lift, both * lift)


def ratio_of_contrast(s: Any, low: Any) -> tuple[Any, Any]:
    """log(p/q) = 2 atanh(s + low) for |s| <= 1/2 from s = (p - q)/(p + q), and what its last sum lost."""
    u = s * s
    return two_sum(2.0 * s, 2.0 * low + 2.0 * (s * u) * horner(u, _ATANH))


def log_ratio(xp: Any, p: Any, q: Any) -> Any:
    """log(p/q): of the quotient where that is safe, else the difference of logs. 0 where both are 0."""
    low = smallest_normal(p) * 4.0
    safe = (p >= low) & (q >= low)
    one, tiny = xp.ones_like(p), xp.full_like(p, smallest_normal(p))
    quotient = xp.log(xp.where(safe, p, one) / xp.where(safe, q, one))
    above = xp.where(p == 0, tiny, xp.where(safe, one, p))
    below = xp.where((p == 0) & (q == 0), tiny, xp.where(safe, one, q))
    return xp.where(safe, quotient, xp.log(above) - xp.log(below))


def kl_terms(xp: Any, pair: Pair) -> Any:
    """p log(p/q) - p + q >= 0 of each outcome.

    Within a factor three it is (p + q) s² + 2p s³ (1/3 + s²/5 + ...), which does not cancel; p = 0 gives q.
    """
    p, q = pair.p, pair.q
    if pair.s is None:
        x = xp.where(pair.near, pair.ratio, xp.zeros_like(pair.ratio))
        series = p * (x * x) * horner(x, _PSI)
    else:
        u = pair.s * pair.s
        series = (p + q) * u + 2.0 * p * (pair.s * u) * horner(u, _ATANH)
    return xp.where(pair.near, series, times(xp, p, pair.ratio, pair.absent) + (q - p))


def js_terms(xp: Any, pair: Pair) -> Any:
    """Half of p log(p/m) + q log(q/m), m = (p + q)/2, of each outcome: symmetric bit for bit, and >= 0."""
    p, q = pair.p, pair.q
    both = p + q
    if pair.s is None:
        x = xp.where(pair.near, pair.ratio, xp.zeros_like(pair.ratio))
        series = both * (x * x) * horner(x * x, _JENSEN_OF_RATIO)
    else:
        u = pair.s * pair.s
        series = 0.5 * both * u * horner(u, _JENSEN)
    swap = p < q
    large, small = xp.where(swap, q, p), xp.where(swap, p, q)
    lift = _lift(xp, both)
    half = xp.where(both == 0, lift, 0.5 * both * lift)
    share = xp.where(both == 0, xp.ones_like(both), large * lift / half)
    far = large * xp.log(share) - small * minus_log(xp, small * lift / half, small == 0)
    return xp.where(pair.near, series, 0.5 * far)
