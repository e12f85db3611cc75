"""The kernel backward: the gradient of the logits from the statistics of their rows, in the memory that is given.

Moves 2 V x (bytes of a logit) a row, one read and one write; a dense target is read beside. 8 instructions a logit of
bfloat16 as Triton 3.7 compiles them for sm_90, one of them 2^x; smoothing adds 1, a softcap 18 with one 2^x, a dense
target 14.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._backward import backward_pass, listed_gradient, settled
from xent.torch.backends.triton.kernels._math import log1p
from xent.torch.backends.triton.kernels._rows import listed, listed_logits


@triton.jit(do_not_specialize=["count", "k", "ignore_index"])
def gradient_kernel(
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
    upstream,
    upstream_stride,
    by_logsumexp,
    by_entropy,
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
    UNLESS_ONE: tl.constexpr,
    K: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """R rows a program. With statistics, `upstream` is that of log_prob, negated, and the other two those of the rest.

    UNLESS_ONE: nothing is done where the one `upstream` is 1, since `out` holds the gradient for that already.
    """
    if UNLESS_ONE:  # noqa: SIM102  # settled when the kernel is compiled
        if tl.load(upstream) == 1.0:
            return
    rows = tl.program_id(0).to(tl.int64) * R + tl.arange(0, R)
    live = rows < count
    n_rows = count.to(tl.int64)
    begin = logits + rows * logits_stride
    end = out + rows * out_stride
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
    x, _, w = listed_logits(begin, column, here, weight, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT, WEIGHT)
    m = tl.load(state + rows, mask=live, other=0.0)
    rest = tl.load(state + n_rows + rows, mask=live, other=0.0)
    whole = tl.load(state + 2 * n_rows + rows, mask=live, other=0.0)
    h = tl.load(state + 3 * n_rows + rows, mask=live, other=0.0)
    g = tl.load(upstream + rows * upstream_stride, mask=live, other=0.0).to(tl.float64)
    if tokens is not None:
        g = g * tl.load(tokens + rows, mask=live, other=0.0).to(tl.float64)
    if divisor is not None:
        by = tl.load(divisor + rows * 0)
        kept = kept & (by != float("inf"))
        g = g / by
    lam = 2.0 * zeta * (m + log1p(rest)) * g
    eta = tl.zeros_like(g)
    if by_logsumexp is not None:
        lam = lam + tl.load(by_logsumexp + rows, mask=live, other=0.0).to(tl.float64)
    if by_entropy is not None:
        eta = eta + tl.load(by_entropy + rows, mask=live, other=0.0).to(tl.float64)
    own = w.to(tl.float64) * (extra.to(tl.float64) + base.to(tl.float64)[:, None])
    others = (whole[:, None] - own).to(tl.float32)
    own = own.to(tl.float32)
    m, s, t, g, lam, eta = settled(m, rest, whole, g, lam, eta, kept, bad)
    h = h.to(tl.float32)
    tl.debug_barrier()  # every thread has read what the row lists before any writes
    backward_pass(
        begin, end, target + rows * target_stride, weight, live, kept, columns, m, s, t, g, lam, eta, h, base,
        1.0 - smoothing, even, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT, BASE, DENSE,
        WEIGHT, by_entropy is not None, R, G, L, E,
    )  # fmt: skip
    if not DENSE:
        tl.debug_barrier()  # the row is written before its listed outcomes are put right
        listed_gradient(
            x, end, column, here & kept[:, None], m, s, t, g, lam, eta, h, own, others, cap, cap_inverse, heat,
            heat_inverse, CAP, HEAT, EXACT, by_entropy is not None,
        )  # fmt: skip
