"""The logarithm of the Bessel function I0, what entropies need of it, and its Bregman divergence.

Below 200 means under the von Mises distribution are sums over even places of the circle, which the trapezoidal rule
gives to the last digit; every sum has terms of one sign. From 50 on log I0(k) = k - ½ log(2πk) + w(k), where w is a
series in 1/k.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from xent.distributions._bregman import kl_term, psi
from xent.measures._namespace import helper_device
from xent.measures._primitives import horner

_PLACES = 136  # on the whole circle: what is left out is e^(-136²/400) < 1e-20 of the whole at 200
_LARGE, _DENSE = 50.0, 200.0
_ORDERS = 16


def _log_series() -> tuple[float, ...]:
    """The coefficients of k^-1, k^-2, ... in log(sqrt(2πk) e^-k I0(k)): the logarithm of Abramowitz & Stegun 9.7.1."""
    terms = [Fraction(1)]
    for m in range(1, _ORDERS + 1):
        terms.append(terms[-1] * Fraction((2 * m - 1) ** 2, 8 * m))
    logs: list[Fraction] = [Fraction(0)]
    for m in range(1, _ORDERS + 1):
        logs.append(terms[m] - sum((j * logs[j] * terms[m - j] for j in range(1, m)), Fraction(0)) / m)
    return tuple(float(c) for c in logs[1:])


_SERIES = _log_series()


def log_i0_less(xp: Any, k: Any) -> Any:
    """log I0(k) - k I1(k)/I0(k) for k >= 0."""
    small, safe, far = _split(xp, k)
    weights, lack = _weights(xp, safe)
    near = xp.log(xp.sum(weights, axis=-1)) + safe * _mean(xp, weights, lack)
    r = 1.0 / far
    series = r * horner(r, tuple((m + 1) * c for m, c in enumerate(_SERIES, start=1)))
    return xp.where(small, near, 0.5 * xp.log(math.e / (2.0 * math.pi) * r) + series)


def mean_cosine(xp: Any, k: Any) -> Any:
    """I1(k)/I0(k) for k >= 0: below 200 the mean of cos sinh(k cos) over that of cosh(k cos)."""
    small, safe, far = _split(xp, k)
    weights, lack = _rule(xp, k)
    cosine = 1.0 - lack
    turn = safe[..., None] * cosine
    near = xp.sum(weights * cosine * xp.sinh(turn), axis=-1) / xp.sum(weights * xp.cosh(turn), axis=-1)
    return xp.where(small, near, 1.0 - _lack_of_large(far))


def _mean_lack(xp: Any, k: Any) -> Any:
    """1 - I1(k)/I0(k) for k >= 0."""
    small, safe, far = _split(xp, k)
    return xp.where(small, _mean(xp, *_weights(xp, safe)), _lack_of_large(far))


def _lack_of_large(k: Any) -> Any:
    """1 - I1(k)/I0(k) for large k: ½/k - w'(k)."""
    r = 1.0 / k
    return r * (0.5 + r * horner(r, tuple(m * c for m, c in enumerate(_SERIES, start=1))))


def log_i0_divergence(xp: Any, a: Any, b: Any) -> Any:
    """log I0(b) - log I0(a) - A(a)(b - a) >= 0 with A = I1/I0, for a and b >= 0."""
    distant = (xp.abs(b - a) > 10.0) & ((b > 4.0 * a) | (a > 4.0 * b))
    both_small = (a < _DENSE) & (b < _DENSE) & ~distant
    both_large = ~both_small & (a >= _LARGE) & (b >= _LARGE)
    one = xp.ones_like(a)
    near = _divergence_of_small(xp, xp.where(both_small, a, one), xp.where(both_small, b, one))
    far = _divergence_of_large(xp, xp.where(both_large, a, _DENSE * one), xp.where(both_large, b, _DENSE * one))
    apart = (log_i0e(xp, b) - log_i0e(xp, a)) + (b - a) * _mean_lack(xp, a)
    return xp.where(both_small, near, xp.where(both_large, far, apart))


def log_i0e(xp: Any, k: Any) -> Any:
    """log I0(k) - k for k >= 0."""
    small, safe, far = _split(xp, k)
    weights, _ = _weights(xp, safe)
    r = 1.0 / far
    return xp.where(small, xp.log(xp.sum(weights, axis=-1)), 0.5 * xp.log(r / (2.0 * math.pi)) + r * horner(r, _SERIES))


def _divergence_of_small(xp: Any, a: Any, b: Any) -> Any:
    """log(1 + the mean under a of e^x - 1 - x), x = (b - a)(cos - A(a)), whose mean is 0."""
    weights, lack = _weights(xp, a)
    x = (b - a)[..., None] * (_mean(xp, weights, lack)[..., None] - lack)
    return xp.log1p(_mean(xp, weights, psi(xp, x)))


def _divergence_of_large(xp: Any, a: Any, b: Any) -> Any:
    """That of ½ log(1/k), and that of the series as of Stirling's: t² v Q_m for k^-m."""
    d = b - a
    t, u, v = d / a, 1.0 / a, 1.0 / b
    q, power = xp.ones_like(u), xp.ones_like(u)
    series = q * _SERIES[0]
    for m, c in enumerate(_SERIES[1:], start=2):
        power = power * u
        q = q * v + m * power
        series = series + c * q
    return 0.5 * kl_term(xp, a, b, -d) / a + t * t * v * series


def _split(xp: Any, k: Any) -> tuple[Any, Any, Any]:
    """Where k is below 200; k there and 1 elsewhere; 200 there and k elsewhere."""
    small = k < _DENSE
    return small, xp.where(small, k, xp.ones_like(k)), xp.where(small, xp.full_like(k, _DENSE), k)


def _rule(xp: Any, like: Any) -> tuple[Any, Any]:
    """Weights of places on half the circle that sum to 1, and 1 - cos there, along one axis."""
    half = _PLACES // 2
    weights = [(1.0 if 0 < j < half else 0.5) / half for j in range(half + 1)]
    lack = [2.0 * math.sin(math.pi * j / _PLACES) ** 2 for j in range(half + 1)]
    made = {"dtype": like.dtype, "device": helper_device(like)}
    return xp.asarray(weights, **made), xp.asarray(lack, **made)


def _weights(xp: Any, k: Any) -> tuple[Any, Any]:
    """The terms of e^-k I0(k), along a last axis, and 1 - cos at their places."""
    weights, lack = _rule(xp, k)
    return weights * xp.exp(-k[..., None] * lack), lack


def _mean(xp: Any, weights: Any, values: Any) -> Any:
    return xp.sum(weights * values, axis=-1) / xp.sum(weights, axis=-1)
