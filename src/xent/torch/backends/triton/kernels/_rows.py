"""What the kernels know of a row before they read it: which outcomes its target lists, and with which coefficients.

A row's loss is  T l + Q + z_loss L^2,  with l = log(1 + S), L = m + l and, over all outcomes j,

    a_j = w_j t_j      T = sum of a_j      Q = sum of a_j (m - z_j)      S = sum of e^(z_j - m), one largest left out

Labels and top-k targets give a_j = w_j (base + extra_j), where base is the same for all outcomes (smoothing, a tail
that is spread) and extra is 0 but for the outcomes that are listed; a dense target is read beside the logits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import INFINITY, quotient, tanh, tanh_fast

MASK = tl.constexpr(-1e8)  # below, a logit is a mask, whose part of a sum would drown all the others


@triton.jit
def transformed(x, cap, cap_inverse, heat, heat_inverse, CAP: tl.constexpr, HEAT: tl.constexpr, EXACT: tl.constexpr):
    """z = cap tanh(x / cap) / heat, and dz/dx. Half precision: z to 2^-22 (|z| + cap / heat)."""
    slope = tl.zeros_like(x) + 1.0
    if EXACT:
        if CAP:
            x, slope = tanh(quotient(x, cap, cap_inverse))
            x = x * cap
        if HEAT:
            x = quotient(x, heat, heat_inverse)
            slope = slope * heat_inverse
    elif CAP:
        x, slope = tanh_fast(x, 2.0 * cap_inverse, heat_inverse)
        x = x * (cap * heat_inverse)
    elif HEAT:
        x = x * heat_inverse
        slope = slope * heat_inverse
    return x, slope


@triton.jit
def listed(
    target,
    probs,
    rows,
    live,
    target_stride,
    k,
    ignore_index,
    first,
    columns,
    outcomes,
    smoothing,
    tolerance,
    DENSE: tl.constexpr,
    TOPK: tl.constexpr,
    SPREAD: tl.constexpr,
    WHOLE: tl.constexpr,
    K: tl.constexpr,
):
    """The outcomes that each row lists (R, K): columns, whether here, extra; and of the row base, kept, bad.

    `first` is the column of all `outcomes` that is the first of the `columns` here. A dense target lists nothing.
    """
    if DENSE:
        extra = tl.zeros([rows.shape[0], K], tl.float32)
        here = extra > 0.0
        column = here.to(tl.int64)
        base = tl.zeros([rows.shape[0]], tl.float32)
        kept = live
        bad = live & (rows < 0)
    else:
        slot = tl.arange(0, K)[None, :]
        said = live[:, None] & (slot < k)
        index = tl.load(target + rows[:, None] * target_stride + slot, mask=said, other=0).to(tl.int64)
        in_range = (index >= 0) & (index < outcomes)
        many = outcomes.to(tl.float32)
        if TOPK:
            p = tl.load(probs + rows[:, None] * k + slot, mask=said, other=0.0).to(tl.float32)
            total = tl.sum(p, 1)
            wrong = (said & ~in_range) | ~(p >= 0.0)
            bad = (tl.max(wrong.to(tl.int32), 1) > 0) | ~(total <= 1.0 + tolerance)
            if WHOLE:
                bad = bad | (total < 1.0 - tolerance)
            bad = bad & live
            kept = live
            share = tl.zeros_like(total)
            if SPREAD:
                share = tl.where(outcomes > k, tl.maximum(1.0 - total, 0.0) / tl.maximum(many - k, 1.0), 0.0)
            extra = (1.0 - smoothing) * (p - share[:, None])
            base = (1.0 - smoothing) * share + smoothing / many
        else:
            kept = live & ~(tl.max((said & (index == ignore_index)).to(tl.int32), 1) > 0)
            bad = kept & ~(tl.max(in_range.to(tl.int32), 1) > 0)
            extra = tl.zeros([rows.shape[0], K], tl.float32) + (1.0 - smoothing)
            base = tl.zeros([rows.shape[0]], tl.float32) + smoothing / many
        column = index - first
        here = said & kept[:, None] & in_range & (column >= 0) & (column < columns)
        column = tl.where(here, column, 0)
    return column, here, extra, base, kept, bad


@triton.jit
def row_sums(
    m,
    t,
    q,
    idle,
    unlike,
    away,
    masked,
    base,
    z,
    here,
    extra,
    w,
    BASE: tl.constexpr,
    DENSE: tl.constexpr,
    SPREAD: tl.constexpr,
):
    """T and Q of each row, float64, from the sums of `forward_pass` and the listed outcomes z, w, extra (R, K).

    Masked outcomes without mass are listed and have base + extra = 0: they are in no sum. Those that spread mass meets
    have a loss of their own size, from which the listed ones are taken.
    """
    if DENSE:
        whole = t.to(tl.float64)
        cost = q.to(tl.float64)
    else:
        lift = w.to(tl.float64) * extra.to(tl.float64)
        below = tl.where(here & (z > -INFINITY), m.to(tl.float64)[:, None] - z.to(tl.float64), 0.0)
        whole = tl.sum(tl.where(here, lift, 0.0), 1)
        cost = tl.sum(tl.where(here, lift * below, 0.0), 1)
        own = lift
        if BASE:
            base = base.to(tl.float64)
            own = lift + base[:, None] * w.to(tl.float64)
            if SPREAD:
                far = here & (z > -INFINITY) & (z < MASK)
                cost = tl.sum(tl.where(here, tl.where(far, own, lift) * below, 0.0), 1)
                listed_away = tl.sum(tl.where(far, -w.to(tl.float64) * z.to(tl.float64), 0.0), 1)
                unlisted = masked - tl.sum((far & (w != 0.0)).to(tl.float32), 1) > 0.0
                cost = cost + tl.where(unlisted & (base != 0.0), base * (away.to(tl.float64) - listed_away), 0.0)
            whole = whole + base * (t.to(tl.float64) + idle.to(tl.float64))
            cost = cost + base * q.to(tl.float64)
            others = unlike - tl.sum((here & (z == -INFINITY) & (w != 0.0)).to(tl.float32), 1)
            cost = tl.where((others > 0.0) & (base != 0.0), INFINITY, cost)
        impossible = here & (z == -INFINITY) & (own != 0.0)
        cost = cost + tl.sum(tl.where(impossible, own * INFINITY, 0.0), 1)
    return whole, cost


@triton.jit
def listed_logits(
    begin,
    column,
    here,
    weight,
    cap,
    cap_inverse,
    heat,
    heat_inverse,
    CAP: tl.constexpr,
    HEAT: tl.constexpr,
    EXACT: tl.constexpr,
    WEIGHT: tl.constexpr,
):
    """What the rows list (R, K): the logits as they lie, z, and class weights."""
    x = tl.load(begin[:, None] + column, mask=here, other=0.0).to(tl.float32)
    z, _ = transformed(x, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT)
    w = tl.zeros_like(x) + 1.0
    if WEIGHT:
        w = tl.load(weight + column, mask=here, other=0.0).to(tl.float32)
    return x, z, w


@triton.jit
def remainder(m, n, s, bad):
    """S, float64: NaN where the row is -inf throughout, or bad."""
    rest = (n.to(tl.float64) - 1.0) + s.to(tl.float64)
    return tl.where((m == -INFINITY) | bad, float("nan"), rest)


@triton.jit
def raised(flag, target, rows, bad, target_stride, DENSE: tl.constexpr, TOPK: tl.constexpr):
    """Leave word of bad rows for the next call: 1 and the label, or 2 for what is no distribution.

    Every bad row writes the same number, or a label that is as bad as any other.
    """
    if flag is not None:
        if DENSE or TOPK:
            tl.store(flag + rows * 0, tl.full(rows.shape, 2, tl.int64), mask=bad)
        else:
            label = tl.load(target + rows * target_stride, mask=bad, other=0).to(tl.int64)
            tl.store(flag + 1 + rows * 0, label, mask=bad)
            tl.store(flag + rows * 0, tl.full(rows.shape, 1, tl.int64), mask=bad)
