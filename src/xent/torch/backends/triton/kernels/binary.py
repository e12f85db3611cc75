"""The kernel of the binary losses: each element's loss and gradient in one reading of both tensors.

Moves (bytes of an input + bytes of a target) an element, as much as an input again for the gradient, 4 bytes for a loss
of its own, none for a sum: 6 bytes for bfloat16 both, loss and gradient. About 45 float32 operations an element from
log-odds and 65 from probabilities, one division (two from probabilities, where a gradient is made), no call of the
processor's own approximations, and one float64 addition where losses are summed.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import INFINITY, LN2, exp_whole, log1p_share, log_near, log_share


@triton.jit
def _factor(a, at, mask, span, times, WHOLE: tl.constexpr):
    """What multiplies the elements `at`: a number each, or `times` numbers over and over, each for `span` elements."""
    if not WHOLE:
        at = (at // span) % times
    return tl.load(a + at, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def _times(factor, value):
    """`factor` x `value`, where 0 times infinity is 0."""
    return tl.where((factor == 0.0) & (value == INFINITY), 0.0, factor * value)


@triton.jit
def _of_logits(x, y, rest, v, POSITIVE: tl.constexpr):
    """Loss and slope from log-odds x: v y softplus(-x) + (1 - y) softplus(x), without cancellation in either term."""
    e = exp_whole(-tl.abs(x))
    near = log1p_share(e)
    hit = v * y
    loss = _times(hit, tl.maximum(-x, 0.0) + near) + _times(rest, tl.maximum(x, 0.0) + near)
    # s = e / (1 + e), what 1 + e and the quotient round away put back. From s(x) = 1 - s for x >= 0 the slope follows
    # with one subtraction, whose terms are at most twice those of the formula.
    u = 1.0 + e
    inverse = tl.math.div_rn(tl.full(x.shape, 1.0, tl.float32), u)
    s = e * inverse
    s = tl.fma(inverse, tl.fma(-s, u, e) - s * (e - (u - 1.0)), s)
    both = tl.full(x.shape, 1.0, tl.float32)
    if POSITIVE:
        both = rest + hit
    slope = tl.where(x >= 0.0, tl.fma(-both, s, rest), tl.fma(both, s, -hit))
    return loss, slope


@triton.jit
def _of_probabilities(q, y, rest):
    """Loss and slope from probabilities q: -y log q - (1 - y) log(1 - q), nothing clipped."""
    below = q < 0.29289322
    middle = q <= 0.5
    # log(1 - q) = log(2 - 2q) - log 2 where 1 - q would round: 1 - 2q is exact from 1/4 on
    near = log_near(tl.where(below, -q, tl.where(middle, 1.0 - 2.0 * q, 0.0)))
    other = tl.where(below, near, tl.where(middle, near - LN2, log_share(1.0 - q)))
    loss = _times(y, -log_share(q)) + _times(rest, -other)
    over = tl.where(y == 0.0, 1.0, tl.where(rest == 0.0, -1.0, q - y))
    under = tl.where(y == 0.0, 1.0 - q, tl.where(rest == 0.0, q, q * (1.0 - q)))
    return loss, tl.math.div_rn(over, under)


@triton.jit(do_not_specialize=["divisor"])
def binary_kernel(
    input,
    target,
    count,
    divisor,
    weight,
    weight_span,
    weight_times,
    pos_weight,
    pos_span,
    pos_times,
    flag,
    loss,
    upstream,
    upstream_span,
    upstream_times,
    out,
    LOGITS: tl.constexpr,
    WEIGHT_WHOLE: tl.constexpr,
    POS_WHOLE: tl.constexpr,
    UPSTREAM_WHOLE: tl.constexpr,
    REDUCED: tl.constexpr,
    UNLESS_ONE: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """BLOCK elements a program. `loss`, if given, (count,) or, REDUCED, a sum for each program; `out`, if given, the
    gradient, over `divisor`.

    UNLESS_ONE: nothing is done where the one `upstream` is 1, since `out` holds the gradient for that already. WIDE:
    places are counted in 64 bits.
    """
    if UNLESS_ONE:  # noqa: SIM102  # settled when the kernel is compiled
        if tl.load(upstream) == 1.0:
            return
    at = tl.arange(0, BLOCK)
    if WIDE:
        at = at.to(tl.int64)
        at = at + tl.program_id(0).to(tl.int64) * BLOCK
    else:
        at = at + tl.program_id(0) * BLOCK
    inside = at < count
    x = tl.load(input + at, mask=inside, other=0.0).to(tl.float32)
    t = tl.load(target + at, mask=inside, other=0)
    if t.dtype == tl.float64:
        rest = (1.0 - t).to(tl.float32)
        y = t.to(tl.float32)
        wrong = ~((t >= 0.0) & (t <= 1.0))
    else:
        y = t.to(tl.float32)
        rest = 1.0 - y
        wrong = ~((y >= 0.0) & (y <= 1.0))
    wrong = wrong & inside
    if flag is not None:
        tl.store(flag + at * 0, tl.full([BLOCK], 3, tl.int64), mask=wrong)
    if LOGITS:
        v = tl.full([BLOCK], 1.0, tl.float32)
        if pos_weight is not None:
            v = _factor(pos_weight, at, inside, pos_span, pos_times, POS_WHOLE)
        value, slope = _of_logits(x, y, rest, v, pos_weight is not None)
    else:
        outside = inside & ~((x >= 0.0) & (x <= 1.0))
        if flag is not None:
            tl.store(flag + at * 0, tl.full([BLOCK], 4, tl.int64), mask=outside)
        wrong = wrong | outside
        value, slope = _of_probabilities(x, y, rest)
    if weight is not None:
        w = _factor(weight, at, inside, weight_span, weight_times, WEIGHT_WHOLE)
        value = tl.where(w == 0.0, 0.0, w * value)
        slope = tl.where(w == 0.0, 0.0, w * slope)
    if loss is not None:
        value = tl.where(wrong, float("nan"), tl.where(inside, value, 0.0))
        if REDUCED:
            tl.store(loss + tl.program_id(0), tl.sum(value.to(tl.float64), 0))
        else:
            tl.store(loss + at, value, mask=inside)
    if out is not None:
        if REDUCED:
            g = tl.full([1], 1.0, tl.float64)
            if upstream is not None:
                g = tl.load(upstream + tl.zeros([1], tl.int32)).to(tl.float64)
            slope = slope * (g / divisor.to(tl.float64)).to(tl.float32)
        else:
            slope = slope * _factor(upstream, at, inside, upstream_span, upstream_times, UPSTREAM_WHOLE)
        slope = tl.where(wrong, float("nan"), slope)
        tl.store(out + at, slope.to(out.dtype.element_ty), mask=inside)
