"""Loss and gradient in one pass: a row is read, read again while it is still in the cache, and written.

Moves 2 V x (bytes of a logit) a row to and from memory where the rows that are worked on at a time fit in the second
level of the cache (two programs a multiprocessor, each with half a row to come on average: 132 x 256 kB = 34 MB for
128,256 outcomes in bfloat16 on an H200), and another V x bytes from that cache. Operations: those of `statistics` and
`gradient` together.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._backward import backward_pass, listed_gradient, settled
from xent.torch.backends.triton.kernels._forward import forward_pass
from xent.torch.backends.triton.kernels._math import log1p
from xent.torch.backends.triton.kernels._rows import listed, listed_logits, raised, remainder, row_sums


@triton.jit(do_not_specialize=["count", "k", "ignore_index"])
def fused_kernel(
    logits,
    logits_stride,
    count,
    columns,
    target,
    target_stride,
    probs,
    k,
    weight,
    tokens,
    first,
    outcomes,
    flag,
    ignore_index,
    smoothing,
    tolerance,
    zeta,
    cap,
    cap_inverse,
    heat,
    heat_inverse,
    state,
    divisor,
    loss,
    out,
    out_stride,
    CAP: tl.constexpr,
    HEAT: tl.constexpr,
    EXACT: tl.constexpr,
    BASE: tl.constexpr,
    DENSE: tl.constexpr,
    TOPK: tl.constexpr,
    SPREAD: tl.constexpr,
    WHOLE: tl.constexpr,
    WEIGHT: tl.constexpr,
    K: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """R rows a program: `loss` (count,), `out` the gradient of their sum over `divisor`, `state` (4, count) or None."""
    rows = tl.program_id(0).to(tl.int64) * R + tl.arange(0, R)
    live = rows < count
    n_rows = count.to(tl.int64)
    begin = logits + rows * logits_stride
    end = out + rows * out_stride
    aside = target + rows * target_stride
    begins = tl.zeros([], tl.int64)
    everything = begins + columns
    if first is not None:
        begins = tl.load(first)
        everything = tl.load(outcomes)
    even = smoothing / everything.to(tl.float32)
    column, here, extra, base, kept, bad = listed(
        target, probs, rows, live, target_stride, k, ignore_index, begins, columns, everything, smoothing,
        tolerance, DENSE, TOPK, SPREAD, WHOLE, K,
    )  # fmt: skip
    g = tl.zeros([R], tl.float64) + 1.0
    if tokens is not None:
        g = tl.load(tokens + rows, mask=live, other=0.0).to(tl.float64)
    scale = g
    if divisor is not None:
        by = tl.load(divisor + rows * 0)
        kept = kept & (by != float("inf"))
        scale = g / by
    x, z, w = listed_logits(begin, column, here, weight, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT, WEIGHT)
    m, n, s, _, t, q, idle, unlike, away, masked, total, _ = forward_pass(
        begin, aside, weight, kept, columns, 1.0 - smoothing, even, cap, cap_inverse, heat,
        heat_inverse, CAP, HEAT, EXACT, BASE, DENSE, SPREAD, WEIGHT, False, False, "evict_last", R, G, L, E,
    )  # fmt: skip
    whole, cost = row_sums(
        m, t, q, idle, unlike, away, masked, base, z, here, extra, w, BASE, DENSE, SPREAD
    )  # fmt: skip
    if DENSE:
        bad = kept & ~((total >= 1.0 - tolerance) & (total <= 1.0 + tolerance))
    raised(flag, target, rows, bad, target_stride, DENSE, TOPK)
    rest = remainder(m, n, s, bad)
    log = log1p(rest)
    sum_log = m.to(tl.float64) + log
    value = (whole * log + cost + zeta * sum_log * sum_log) * g
    tl.store(loss + rows, tl.where(kept, value, 0.0).to(loss.dtype.element_ty), mask=live)
    if state is not None:
        tl.store(state + rows, tl.where(kept, m, 0.0).to(tl.float64), mask=live)
        tl.store(state + n_rows + rows, tl.where(kept, rest, 0.0), mask=live)
        tl.store(state + 2 * n_rows + rows, tl.where(kept, whole, 0.0), mask=live)
        tl.store(state + 3 * n_rows + rows, tl.zeros([R], tl.float64), mask=live)
    own = w.to(tl.float64) * (extra.to(tl.float64) + base.to(tl.float64)[:, None])
    others = (whole[:, None] - own).to(tl.float32)
    own = own.to(tl.float32)
    nothing = tl.zeros([R], tl.float32)
    lam = 2.0 * zeta * sum_log * scale
    m, s, t, g, lam, _ = settled(m, rest, whole, scale, lam, nothing, kept, bad)
    tl.debug_barrier()  # every thread has read what the row lists before any writes
    backward_pass(
        begin, end, aside, weight, live, kept, columns, m, s, t, g, lam, nothing, nothing, base, 1.0 - smoothing,
        even, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT, BASE, DENSE, WEIGHT, False, R,
        G, L, E,
    )  # fmt: skip
    if not DENSE:
        tl.debug_barrier()  # the row is written before its listed outcomes are put right
        listed_gradient(
            x, end, column, here & kept[:, None], m, s, t, g, lam, nothing, nothing, own, others, cap, cap_inverse,
            heat, heat_inverse, CAP, HEAT, EXACT, False,
        )  # fmt: skip
