"""The gamma function's logarithm and its derivatives, for arrays of NumPy and PyTorch. Arguments are positive.

Elsewhere every function is NaN. Values are those of SciPy or PyTorch where these are right; derivatives of every order
are those of formulas made of elementary operations (PyTorch's own second derivative of lgamma is right to 1e-8 only).
"""

from __future__ import annotations

import math
import sys
from typing import Any

from xent.measures._namespace import differentiates, graft, library
from xent.measures._primitives import horner

# Bernoulli numbers B_2, B_4, ..., B_20
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
SHIFT = 16  # from here on the series in 1/x is right to 1e-20, and its derivatives nearly so
HALF_LOG_2PI = 0.9189385332046728


def lgamma(xp: Any, x: Any) -> Any:
    """log Γ(x) for x > 0, inf at 0. Within 4 ulp of max(1, |log Γ(x)|)."""
    safe = _positive(xp, x)
    value = _library_value("gammaln", safe)
    if differentiates(safe):
        value = graft(xp, value, _lgamma_by_recurrence(xp, safe))
    return _limits(xp, x, value, math.inf, math.inf)


def digamma(xp: Any, x: Any) -> Any:
    """ψ(x) = d log Γ(x) / dx for x > 0, -inf at 0. Within 4 ulp of max(1, |ψ(x)|)."""
    safe = _positive(xp, x)
    value = _library_value("digamma", safe)
    if differentiates(safe):
        y, small = _shifted(xp, safe)
        carrier = xp.log(y) - log_minus_digamma_of_large(y) - _reciprocals(xp, safe, small, 1)
        value = graft(xp, value, carrier)
    return _limits(xp, x, value, -math.inf, math.inf)


def polygamma(xp: Any, n: int, x: Any) -> Any:
    """The derivative of order n >= 1 of ψ at x > 0, infinite at 0. Within 4 ulp for n <= 4."""
    safe = _positive(xp, x)
    y, small = _shifted(xp, safe)
    sign = 1.0 if n % 2 else -1.0
    size = _polygamma_of_large(n, y) + math.factorial(n) * _reciprocals(xp, safe, small, n + 1)
    return _limits(xp, x, sign * size, sign * math.inf, 0.0)


def stirling(x: Any) -> Any:
    """log Γ(x) - ((x - ½) log x - x + ½ log 2π) for x >= 16: about 1/(12 x)."""
    r = 1.0 / x
    return r * horner(r * r, tuple(b / ((2 * k + 2) * (2 * k + 1)) for k, b in enumerate(BERNOULLI)))


def log_minus_digamma_of_large(x: Any) -> Any:
    """log x - ψ(x) for x >= 16: about 1/(2 x)."""
    r = 1.0 / x
    return r * (0.5 + r * horner(r * r, tuple(b / (2 * k + 2) for k, b in enumerate(BERNOULLI))))


def _polygamma_of_large(n: int, x: Any) -> Any:
    """The absolute derivative of order n >= 1 of ψ for x >= 16."""
    series = tuple(b * math.factorial(2 * k + 1 + n) / math.factorial(2 * k + 2) for k, b in enumerate(BERNOULLI))
    r = 1.0 / x
    return r**n * (math.factorial(n - 1) + r * (math.factorial(n) / 2 + r * horner(r * r, series)))


def _lgamma_by_recurrence(xp: Any, x: Any) -> Any:
    """log Γ(x + 16) - log x - ... - log(x + 15) where x is small: every derivative is a sum that does not cancel."""
    y, small = _shifted(xp, x)
    below = xp.where(small, x, xp.ones_like(x))
    logs = xp.zeros_like(x)
    for k in reversed(range(SHIFT)):
        logs = logs + xp.log(below + k)
    large = (y - 0.5) * xp.log(y) - y + HALF_LOG_2PI + stirling(y)
    return large - xp.where(small, logs, xp.zeros_like(x))


def _shifted(xp: Any, x: Any) -> tuple[Any, Any]:
    """x, or x + 16 where x is small; and where."""
    small = x < SHIFT
    return xp.where(small, x + SHIFT, x), small


def _reciprocals(xp: Any, x: Any, small: Any, power: int) -> Any:
    """The sum of (x + k)^-power for k < 16 where x is small, from the least term up; 0 elsewhere."""
    below = xp.where(small, x, xp.ones_like(x))
    total = xp.zeros_like(x)
    for k in reversed(range(SHIFT)):
        total = total + (1.0 / (below + k)) ** power
    return xp.where(small, total, xp.zeros_like(x))


def _positive(xp: Any, x: Any) -> Any:
    """x where it is positive and finite, else 1."""
    return xp.where((x > 0) & xp.isfinite(x), x, xp.ones_like(x))


def _limits(xp: Any, x: Any, value: Any, at_zero: float, at_infinity: float) -> Any:
    """`value` for positive finite x; the limits at 0 and infinity; NaN elsewhere."""
    limits = xp.where(x == 0, xp.full_like(x, at_zero), xp.full_like(x, at_infinity))
    limits = xp.where(x >= 0, limits, xp.full_like(x, math.nan))
    return xp.where((x > 0) & xp.isfinite(x), value, limits)


def _library_value(name: str, x: Any) -> Any:
    """`gammaln` or `digamma` of SciPy or of PyTorch."""
    if library(x) == "torch":
        return getattr(sys.modules["torch"].special, name)(x.detach())
    import scipy.special

    return getattr(scipy.special, name)(x)
