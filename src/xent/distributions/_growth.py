"""How much the Bregman divergence of g (see `_bregman`) grows where a little is added to both of its arguments.

With A = a + h and B = b + k it is the divergence from A to B less that from a to b. Each term of the divergence is
taken as its own difference, by products: Δ(x y) = Δx y + x' Δy. What changes is known from h, k and the determinant
b A - a B, so that nothing cancels for the tiniest h and k.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent.distributions._bregman import log_ratio, phi
from xent.distributions._special import BERNOULLI, SHIFT
from xent.measures._namespace import helper_device


class Grown(NamedTuple):
    """a and b, d = b - a, what is added to a and to b, e = k - h, and cross = b (a + h) - a (b + k).

    The differences are known better than the rounded numbers tell.
    """

    a: Any
    b: Any
    d: Any
    h: Any
    k: Any
    e: Any
    cross: Any


def excess_growth(xp: Any, x: Grown) -> Any:
    """The divergence of g from a + h to b + k, less that from a to b."""
    small = (x.a < SHIFT) | (x.b < SHIFT)
    one = xp.ones_like(x.a)
    places = Grown(*(xp.where(small, value, fill)[..., None] for value, fill in zip(x, _idle(one), strict=True)))
    shifts = xp.arange(SHIFT, dtype=x.a.dtype, device=helper_device(x.a))
    steps = xp.sum(_growth_of_step(xp, _shifted(places, shifts)), axis=-1)
    far = _shifted(x, float(SHIFT))
    large = Grown(*(xp.where(small, up, value) for up, value in zip(far, x, strict=True)))
    return xp.where(small, steps, 0.0 * one) + _growth_of_large(xp, large)


def _idle(one: Any) -> Grown:
    zero = 0.0 * one
    return Grown(one, one, zero, zero, zero, zero, zero)


def _shifted(x: Grown, shift: Any) -> Grown:
    """The same with a shift added to a and b: the determinant changes by k - h times the shift."""
    return x._replace(a=x.a + shift, b=x.b + shift, d=x.d + 0.0 * shift, cross=x.cross - shift * x.e)


def _growth_of_step(xp: Any, x: Grown) -> Any:
    """Of (b + 1) log1p(z) + d/a, z = -d/(b (a + 1)); where z is small of -d z/a - (b + 1)(z - log1p(z))."""
    more_a, more_b = x.a + x.h, x.b + x.k
    z = -(x.d / (x.a + 1.0)) / x.b
    stretch = (x.b + 1.0) / x.b * (x.a / (x.a + 1.0))  # 1 + z
    change = x.cross / x.b / more_b / (more_a + 1.0) + x.d / x.b * x.h / ((x.a + 1.0) * (more_a + 1.0))
    slope = x.cross / x.a / more_a  # the change of -d/a
    near = (z > -0.5) & (z < 1.0)
    z = xp.where(near, z, xp.zeros_like(z))
    y = change / stretch
    curve = (more_b + 1.0) * (phi(xp, y) + y * z) + x.k * phi(xp, z)
    close = slope * z - (x.d + x.e) / more_a * change - curve
    logs = log_ratio(xp, more_a, more_b) + xp.log((more_b + 1.0) / (more_a + 1.0))
    far = (x.b + 1.0) * xp.log1p(y) + x.k * logs - slope
    return xp.where(near, close, far)


def _growth_of_large(xp: Any, x: Grown) -> Any:
    """Of half t - log1p(t), t = d/a, and of t² v G, where G is the series in u = 1/a and v = 1/b."""
    more_a, more_b = x.a + x.h, x.b + x.k
    t, more_t = x.d / x.a, (x.d + x.e) / more_a
    less = x.cross / x.a / more_a  # t less what it grows to
    w = -x.cross / more_a / x.b
    v, more_v = 1.0 / x.b, 1.0 / more_b
    more_factor = more_t * more_t * more_v
    change = -less * (t + more_t) * v - more_t * more_t * (x.k * v * more_v)
    series, growth = _series(x, more_a, more_b)
    return 0.5 * (phi(xp, w) + w * t) + change * series + more_factor * growth


def _series(x: Grown, more_a: Any, more_b: Any) -> tuple[Any, Any]:
    """G at a and b, and how much it grows."""
    u, more_u, v, more_v = 1.0 / x.a, 1.0 / more_a, 1.0 / x.b, 1.0 / more_b
    du, dv = -x.h * u * more_u, -x.k * v * more_v
    q = more_q = power = more_power = 1.0 + 0.0 * u
    dq = dpower = 0.0 * u
    series, growth = q * (BERNOULLI[0] / 2.0), dq
    for k, bernoulli in enumerate(BERNOULLI[1:], start=1):
        for m in (2 * k, 2 * k + 1):
            dpower = dpower * u + du * more_power
            power, more_power = power * u, more_power * more_u
            dq = dq * v + dv * more_q + m * dpower
            q, more_q = q * v + m * power, more_q * more_v + m * more_power
        weight = bernoulli / ((2 * k + 2) * (2 * k + 1))
        series, growth = series + q * weight, growth + dq * weight
    return series, growth
