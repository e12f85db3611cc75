"""The kernel forward: loss, statistics, or the part of a shard in them, from one read of the logits.

Moves V x (bytes of a logit) a row, and as much again for a dense target; beside these 8 bytes are read and 56 written a
row, at most. 11 instructions a logit of bfloat16 as Triton 3.7 compiles them for sm_90 (`benchmarks/gpu.py --count`),
one of them 2^x; smoothing adds 1, a softcap 15 with one 2^x, a dense target 15.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._forward import forward_pass
from xent.torch.backends.triton.kernels._math import log1p
from xent.torch.backends.triton.kernels._rows import listed, listed_logits, raised, remainder, row_sums


@triton.jit(do_not_specialize=["count", "k", "ignore_index"])
def statistics_kernel(
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
    loss,
    log_prob,
    logsumexp,
    entropy,
    argmax,
    CAP: tl.constexpr,
    HEAT: tl.constexpr,
    EXACT: tl.constexpr,
    BASE: tl.constexpr,
    DENSE: tl.constexpr,
    TOPK: tl.constexpr,
    SPREAD: tl.constexpr,
    WHOLE: tl.constexpr,
    WEIGHT: tl.constexpr,
    PARTIAL: tl.constexpr,
    ENTROPY: tl.constexpr,
    K: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """R rows a program, to what is not None of `loss`, `log_prob`, `logsumexp`, `entropy` and `argmax`, (count,) each.

    `state` is float64: m, S, T, H (4, count), or for PARTIAL m, n, s, A, T, Q (6, count). Of a shard
    `first` is the column of all outcomes at which it begins, `outcomes` the number of all; one int64 each.
    """
    rows = tl.program_id(0).to(tl.int64) * R + tl.arange(0, R)
    live = rows < count
    n_rows = count.to(tl.int64)
    begin = logits + rows * logits_stride
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
    _, z, w = listed_logits(begin, column, here, weight, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT, WEIGHT)
    m, n, s, a, t, q, idle, unlike, away, masked, total, top = forward_pass(
        begin, target + rows * target_stride, weight, kept, columns, 1.0 - smoothing, even, cap, cap_inverse, heat,
        heat_inverse, CAP, HEAT, EXACT, BASE, DENSE, SPREAD, WEIGHT, ENTROPY, ENTROPY, "evict_first", R, G, L, E,
    )  # fmt: skip
    whole, cost = row_sums(
        m, t, q, idle, unlike, away, masked, base, z, here, extra, w, BASE, DENSE, SPREAD
    )  # fmt: skip
    if PARTIAL:
        tl.store(state + rows, m.to(tl.float64), mask=live)
        tl.store(state + n_rows + rows, n.to(tl.float64), mask=live)
        tl.store(state + 2 * n_rows + rows, s.to(tl.float64), mask=live)
        tl.store(state + 3 * n_rows + rows, a.to(tl.float64), mask=live)
        tl.store(state + 4 * n_rows + rows, whole, mask=live)
        tl.store(state + 5 * n_rows + rows, cost, mask=live)
        if ENTROPY:
            tl.store(argmax + rows, top.to(tl.int64) + begins, mask=live)
    else:
        if DENSE:
            bad = live & ~((total >= 1.0 - tolerance) & (total <= 1.0 + tolerance))
        raised(flag, target, rows, bad, target_stride, DENSE, TOPK)
        rest = remainder(m, n, s, bad)
        log = log1p(rest)
        sum_log = m.to(tl.float64) + log
        spread = log - a.to(tl.float64) / (1.0 + rest)
        tl.store(state + rows, tl.where(kept, m, 0.0).to(tl.float64), mask=live)
        tl.store(state + n_rows + rows, tl.where(kept, rest, 0.0), mask=live)
        tl.store(state + 2 * n_rows + rows, tl.where(kept, whole, 0.0), mask=live)
        tl.store(state + 3 * n_rows + rows, tl.where(kept, spread, 0.0), mask=live)
        if ENTROPY:
            tl.store(log_prob + rows, tl.where(kept, -(log + cost), 0.0).to(tl.float32), mask=live)
            tl.store(logsumexp + rows, tl.where(kept, sum_log, 0.0).to(tl.float32), mask=live)
            tl.store(entropy + rows, tl.where(kept, spread, 0.0).to(tl.float32), mask=live)
            tl.store(argmax + rows, tl.where(kept, top, -1).to(tl.int64), mask=live)
        if loss is not None:
            value = whole * log + cost + zeta * sum_log * sum_log
            if tokens is not None:
                value = value * tl.load(tokens + rows, mask=live, other=0.0).to(tl.float64)
            tl.store(loss + rows, tl.where(kept, value, 0.0).to(loss.dtype.element_ty), mask=live)
