"""The terms of an f-divergence whose convex function is the caller's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xent._errors import ShapeError
from xent.measures._alpha_pairs import Both
from xent.measures._namespace import detach, helper_device, is_traced, quiet, smallest_normal

_ZERO = 1e-6  # f(1) may be off 0 by the rounding of float32


def f_terms(xp: Any, x: Both, f: Callable[[Any], Any], slope: float) -> Any:
    """q f(p/q); p times the slope of f at infinity where q is 0, and 0 where both are."""
    low = 4.0 * smallest_normal(x.p)
    safe = (x.p >= low) & (x.q >= low)
    one, zero = xp.ones_like(x.p), xp.zeros_like(x.p)
    nothing = (x.p == 0) & (x.q == 0)  # absent, or both below the least number
    far = xp.exp(xp.where(safe | nothing, zero, x.ratio))
    quotient = xp.where(safe, xp.where(safe, x.p, one) / xp.where(safe, x.q, one), far)
    at = xp.where(x.missing, one, xp.where(x.absent, x.p, quotient))
    beyond = x.p * slope if math.isfinite(slope) else xp.full_like(x.p, slope) + x.p
    inside = x.q * _applied(xp, f, xp.where(nothing, one, at))
    return xp.where(x.missing, xp.where(x.absent, zero, beyond), xp.where(nothing, zero, inside))


def _applied(xp: Any, f: Callable[[Any], Any], t: Any) -> Any:
    """f of each ratio, refused where it is no function of ratios or f(1) is not 0."""
    at_one = f(xp.ones((), dtype=t.dtype, device=helper_device(t)))
    if not is_traced(at_one) and not abs(float(detach(at_one))) <= _ZERO:
        raise ValueError(
            f"`f(1)` is {float(detach(at_one)):.6g}; it must be 0, so that equal distributions are 0 apart. "
            "Subtract it from `f`."
        )
    values = f(_off_zero(xp, f, t))
    if tuple(getattr(values, "shape", ())) != tuple(t.shape):
        raise ShapeError(
            f"`f` gave shape {tuple(getattr(values, 'shape', ()))} for ratios of shape {tuple(t.shape)}; "
            "it works element by element."
        )
    return values


def _off_zero(xp: Any, f: Callable[[Any], Any], t: Any) -> Any:
    """Ratios, the least positive number in the place of a 0 at which `f` is NaN: t log t as it is written has a limit.

    Where f(0) is infinite it stays so.
    """
    zero = xp.zeros((), dtype=t.dtype, device=helper_device(t))
    with quiet(xp):
        unknown = xp.isnan(detach(f(zero)))
    return xp.where(unknown & (t == 0), zero + smallest_normal(t), t)
