"""Bregman divergences of the logarithm of the gamma function, and what entropies need of it: nothing cancels.

log Γ(x) = x log x - x + g(x), and g is convex: g(x) = ½ log(2π/x) + s(x) with the remainder s of Stirling, and
g(x) - g(x + 1) = (x + 1) log(1 + 1/x) - 1. So every divergence is a sum of positive terms, each of them known to its
last digits from the difference of the arguments, which callers know better than the rounded arguments tell.
"""

from __future__ import annotations

import math
from typing import Any

from xent.distributions._special import (
    BERNOULLI,
    HALF_LOG_2PI,
    SHIFT,
    digamma,
    lgamma,
    log_minus_digamma_of_large,
    stirling,
)
from xent.measures._namespace import detach, graft, helper_device
from xent.measures._primitives import Pair, contrast, horner, kl_terms, two_product, two_sum

# (e^x - 1 - x)/x² by Taylor for |x| < 1
_PSI = tuple(1.0 / math.factorial(k + 2) for k in range(18))


def cross_difference(xp: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """a b - c d, right to its last digits for numbers far from overflow and underflow."""
    (left, left_low), (right, right_low) = two_product(xp, detach(a), detach(b)), two_product(xp, detach(c), detach(d))
    difference, low = two_sum(left, -right)
    exact = difference + (low + (left_low - right_low))
    plain = a * b - c * d
    return graft(xp, xp.where(xp.isfinite(exact), exact, detach(plain)), plain)


def log_ratio(xp: Any, p: Any, q: Any) -> Any:
    """log(p/q) of positive numbers, where the ratio may overflow."""
    quotient = detach(p) / detach(q)
    safe = (quotient > 1e-300) & (quotient < 1e300)
    one = xp.ones_like(quotient)
    near = xp.log(xp.where(safe, p, one) / xp.where(safe, q, one))
    return xp.where(safe, near, xp.log(p) - xp.log(q))


def kl_term(xp: Any, p: Any, q: Any, difference: Any) -> Any:
    """p log(p/q) - p + q >= 0 for positive p and q whose difference p - q is known."""
    s = contrast(xp, p, q, difference)
    near = xp.abs(s) < 0.5
    s = xp.where(near, s, xp.zeros_like(s))
    return kl_terms(xp, Pair(p, q, s, log_ratio(xp, p, q), near, p == 0))


def phi(xp: Any, t: Any) -> Any:
    """t - log1p(t) >= 0 for t > -1."""
    return kl_term(xp, xp.ones_like(t), 1.0 + t, -t)


def psi(xp: Any, x: Any) -> Any:
    """expm1(x) - x >= 0."""
    near = xp.abs(x) < 1.0
    small = xp.where(near, x, xp.zeros_like(x))
    far = xp.where(near, xp.ones_like(x), x)
    return xp.where(near, small * small * horner(small, _PSI), xp.expm1(far) - far)


def log_quotient(xp: Any, p: Any, q: Any) -> Any:
    """log(p/q) for positive p and q: near 0 as right as elsewhere."""
    near = (p < 2.0 * q) & (q < 2.0 * p)
    one = xp.ones_like(p)
    close = xp.log1p(xp.where(near, p - q, xp.zeros_like(p)) / xp.where(near, q, one))
    return xp.where(near, close, log_ratio(xp, xp.where(near, one, p), xp.where(near, one, q)))


def lgamma_divergence(xp: Any, a: Any, b: Any, difference: Any = None) -> Any:
    """log Γ(b) - log Γ(a) - ψ(a)(b - a) >= 0 for positive a and b, where b - a may be known better than they tell."""
    d = b - a if difference is None else difference
    return kl_term(xp, b, a, d) + excess(xp, a, b, d)


def excess(xp: Any, a: Any, b: Any, d: Any) -> Any:
    """The divergence of g: that of log Γ less b log(b/a) - b + a; d = b - a. Never negative."""
    small = (a < SHIFT) | (b < SHIFT)
    if not bool(xp.any(small)):
        return _excess_of_large(xp, a, b, d)
    one = xp.ones_like(a + b)
    below_a, below_b, step = (xp.where(small, x, fill)[..., None] for x, fill in ((a, one), (b, one), (d, 0.0 * one)))
    shifts = xp.arange(SHIFT, dtype=a.dtype, device=helper_device(a))
    steps = xp.sum(_step(xp, below_a + shifts, below_b + shifts, step), axis=-1)
    steps = xp.where(small, steps, 0.0 * one)
    return steps + _excess_of_large(xp, xp.where(small, a + SHIFT, a), xp.where(small, b + SHIFT, b), d)


def _step(xp: Any, a: Any, b: Any, d: Any) -> Any:
    """The divergence of (x + 1) log(1 + 1/x), (b + 1) log1p(z) + d/a, z = -d/(b (a + 1)).

    z is between -1 and infinity. Where it is small that is d²/(a b (a + 1)) - (b + 1)(z - log1p(z)), of which no more
    than a bit cancels.
    """
    z = -(d / (a + 1.0)) / b
    near = (z > -0.5) & (z < 1.0)
    close = (-d / a) * z - (b + 1.0) * phi(xp, xp.where(near, z, xp.zeros_like(z)))
    far = (b + 1.0) * (log_ratio(xp, a, b) + xp.log((b + 1.0) / (a + 1.0))) + d / a
    return xp.where(near, close, far)


def _excess_of_large(xp: Any, a: Any, b: Any, d: Any) -> Any:
    """The divergence of ½ log(2π/x) + s(x) for a and b from 16 on.

    Of x^-m it is t² v Q_m, where t = d/a, u = 1/a, v = 1/b and Q_m = Σ_j j u^(j-1) v^(m-j).
    """
    t, u, v = d / a, 1.0 / a, 1.0 / b
    q, power = xp.ones_like(u), xp.ones_like(u)  # Q_1 and u^0
    series = q * (BERNOULLI[0] / 2.0)
    for k, bernoulli in enumerate(BERNOULLI[1:], start=1):
        for m in (2 * k, 2 * k + 1):
            power = power * u
            q = q * v + m * power
        series = series + q * (bernoulli / ((2 * k + 2) * (2 * k + 1)))
    return 0.5 * kl_term(xp, a, b, -d) / a + t * t * v * series


def log_minus_digamma(xp: Any, x: Any) -> Any:
    """log x - ψ(x) > 0 for x > 0."""
    y, small, below = _raised(xp, x)
    steps = xp.sum(phi(xp, 1.0 / below), axis=-1)
    return log_minus_digamma_of_large(y) + xp.where(small, steps, xp.zeros_like(x))


def gamma_entropy(xp: Any, x: Any) -> Any:
    """The entropy x + log Γ(x) + (1 - x) ψ(x) of the standard gamma distribution, less ½ log x.

    For large x it is ½ log(2π) + s(x) + (x - 1)(log x - ψ(x)). From x to x + 1 the entropy grows by log x - ψ(x).
    """
    y, small, below = _raised(xp, x)
    rest = log_minus_digamma_of_large(y)
    shifts = xp.arange(1, SHIFT + 1, dtype=x.dtype, device=helper_device(x))
    steps = SHIFT * rest + xp.sum(shifts * phi(xp, 1.0 / below), axis=-1) - 0.5 * xp.log(y / x)
    return HALF_LOG_2PI + stirling(y) + (y - 1.0) * rest - xp.where(small, steps, xp.zeros_like(x))


def digamma_step(xp: Any, x: Any, h: Any) -> Any:
    """ψ(x + h) - ψ(x) >= 0 for x > 0 and h >= 0: a sum of positive terms.

    With r = 1/y and s = 1/(y + h) that of r^n is h r s P_n, where P_n is the sum of r^j s^(n-1-j).
    """
    y, small, below = _raised(xp, x)
    step = h[..., None]
    steps = xp.sum(step / below / (below + step), axis=-1)
    r, s = 1.0 / y, 1.0 / (y + h)
    p, power = xp.ones_like(r), xp.ones_like(r)
    series = 0.5 * p
    for k, bernoulli in enumerate(BERNOULLI):
        for n in (2 * k + 2, 2 * k + 3):
            power = power * r
            p = p * s + power
            if n == 2 * k + 2:
                series = series + p * (bernoulli / n)
    return xp.log1p(h * r) + h * r * s * series + xp.where(small, steps, xp.zeros_like(steps))


def log_beta(xp: Any, a: Any) -> Any:
    """The sum of log Γ along the last axis less log Γ of the sum: of what the least add to the largest.

    Within 4 ulp of the largest of 1, the value, and log Γ of all but the largest.
    """
    ordered = xp.sort(a, axis=-1)
    least, most = ordered[..., :-1], ordered[..., -1]
    rest = xp.sum(least, axis=-1)
    grown = digamma(xp, most) * rest + lgamma_divergence(xp, most, most + rest, rest)
    return xp.sum(lgamma(xp, least), axis=-1) - grown


def _raised(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """x + 16 where x is small, and x elsewhere; where; and x, x + 1, ..., x + 15 along a new axis, of small ones."""
    small = x < SHIFT
    shifts = xp.arange(SHIFT, dtype=x.dtype, device=helper_device(x))
    below = xp.where(small, x, xp.ones_like(x))[..., None] + shifts
    return xp.where(small, x + SHIFT, x), small, below
