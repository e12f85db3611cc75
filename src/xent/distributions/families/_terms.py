"""What the formulas of families are made of: terms of divergences that never cancel, of quotients and differences."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

from xent.measures._namespace import quiet, smallest_normal
from xent.measures._pairs import NEAR
from xent.measures._primitives import Pair, contrast, kl_terms

Array = Any
_F = TypeVar("_F", bound=Callable[..., Any])


def silent(formula: _F) -> _F:
    """The formula, in which zeros and infinities raise no NumPy warning."""

    @functools.wraps(formula)
    def run(xp: Any, *args: Any) -> Any:
        with quiet(xp):
            return formula(xp, *args)

    return run  # pyright: ignore[reportReturnType]  # the same signature, by construction


def everywhere(xp: Any, condition: Array) -> bool:
    """Whether it holds for all of the batch: what decides if a formula reaches these parameters."""
    return bool(xp.all(condition))


def infinite_where(xp: Any, condition: Array, value: Array) -> Array:
    """The value, and inf where the condition holds."""
    condition, value = xp.broadcast_arrays(condition, value)
    return xp.where(condition, xp.full_like(value, math.inf), value)


def log_quotient(xp: Any, a: Array, b: Array) -> Array:
    """log(a/b) of positive numbers: of the exact difference within a factor of two, of two logs where a/b overflows."""
    a, b = xp.broadcast_arrays(a, b)
    one = xp.ones_like(a)
    quotient = a / b
    near = (quotient > 0.5) & (quotient < 2.0)
    safe = (quotient >= smallest_normal(quotient)) & xp.isfinite(quotient)
    close = xp.log1p(xp.where(near, a - b, 0.0 * one) / xp.where(near, b, one))
    plain = xp.log(xp.where(safe, a, one) / xp.where(safe, b, one))
    apart = xp.log(xp.where(safe, one, a)) - xp.log(xp.where(safe, one, b))
    return xp.where(near, close, xp.where(safe, plain, apart))


def excess(xp: Any, r: Array, s: Array, log_r: Array) -> Array:
    """r - 1 - log r >= 0 of a quotient r = a/b > 0, told with s = (a - b)/(a + b) and its logarithm."""
    never = xp.zeros_like(r) > 0.0
    return kl_terms(xp, Pair(xp.ones_like(r), r, -s, -log_r, xp.abs(s) < 0.5, never))


def psi(xp: Any, x: Array) -> Array:
    """e^x - 1 - x >= 0."""
    one = xp.ones_like(x)
    return kl_terms(xp, Pair(one, xp.exp(x), None, -x, xp.abs(x) < NEAR, one < 0.0))


def log_gap(xp: Any, r: Array, s: Array, log_r: Array, alpha: float) -> Array:
    """(log(alpha a + (1 - alpha) b) - alpha log a - (1 - alpha) log b) / (alpha (1 - alpha)), of r = a/b, s and log r.

    With m the mean it is (a/m - 1 - log(a/m)) / (1 - alpha) + (b/m - 1 - log(b/m)) / alpha: the linear terms cancel
    on paper. It is b/a - 1 - log(b/a) at alpha = 1, a/b - 1 - log(a/b) at 0, and inf where the mean is not positive.
    """
    if alpha == 1.0:
        return excess(xp, 1.0 / r, -s, -log_r)
    if alpha == 0.0:
        return excess(xp, r, s, log_r)
    one = xp.ones_like(r)
    first, second = xp.where(r < 1.0, r, one), xp.where(r < 1.0, one, 1.0 / r)  # a and b, the larger of them 1
    mean = alpha * first + (1.0 - alpha) * second
    proper = mean > 0.0
    mean = xp.where(proper, mean, one)
    log_mean = xp.log(mean)
    log_first = xp.where(r < 1.0, log_r, 0.0 * one) - log_mean
    apart = xp.where(proper, (1.0 - alpha) * s / (1.0 + alpha * s), 0.0 * one)
    value = excess(xp, first / mean, apart, log_first) / (1.0 - alpha)
    log_second = xp.where(r < 1.0, 0.0 * one, -log_r) - log_mean
    apart = xp.where(proper, -alpha * s / (1.0 - (1.0 - alpha) * s), 0.0 * one)
    value = value + excess(xp, second / mean, apart, log_second) / alpha
    return infinite_where(xp, ~proper, value)


def positives(xp: Any, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """How two positive numbers compare: a/b, (a - b)/(a + b), log(a/b)."""
    a, b = xp.broadcast_arrays(a, b)
    return a / b, contrast(xp, a, b, a - b), log_quotient(xp, a, b)
