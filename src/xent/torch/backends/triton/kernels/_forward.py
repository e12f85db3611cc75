"""The walk forward over rows of logits: the sums from which every loss and statistic is made."""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import INFINITY, exp
from xent.torch.backends.triton.kernels._rows import transformed

_NONE = tl.constexpr(2147483647)


@triton.jit
def _sum(x):
    """Over what a lane holds: within threads, which is free of waiting."""
    return tl.sum(tl.sum(x, 3), 0)


@triton.jit
def forward_pass(
    logits,
    dense,
    weight,
    kept,
    columns,
    keeping,
    smoothed,
    cap,
    cap_inverse,
    heat,
    heat_inverse,
    CAP: tl.constexpr,
    HEAT: tl.constexpr,
    EXACT: tl.constexpr,
    BASE: tl.constexpr,
    LISTS: tl.constexpr,
    DENSE: tl.constexpr,
    WEIGHT: tl.constexpr,
    ENTROPY: tl.constexpr,
    ARGMAX: tl.constexpr,
    LEAVES: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """One walk over R rows, which begin at `logits` (R,) and, for dense targets, `dense` (R,).

    Of each row: m, n, s, A, t, q, idle, unlike, total, top, where m is the largest z; n, how many are at m; s and A,
    the sums of e^d and e^d d over those below, d = z - m; t and q, the sums of c_j and c_j (m - z_j), with c_j = w_j
    for BASE and a_j for DENSE; idle and unlike, the sum of the c_j that LISTS leaves out of both since z_j is -inf, and
    how many of them are not 0 (what is listed may have no mass after all); total, the sum of a dense target, NaN where
    it holds a negative number; top, the lowest column at m.

    Each of the R x L lanes keeps a state of its own, so that warps wait for one another at the end of the row alone.
    LEAVES says what becomes of what was read: "evict_last" where it is read again soon. Every logit is read once; 11
    instructions, one of them 2^x, where nothing more is asked for.
    """
    column = (tl.arange(0, G)[:, None, None, None] * L + tl.arange(0, L)[None, None, :, None]) * E
    column = column + tl.arange(0, E)[None, None, None, :]
    reads = kept[None, :, None, None]
    m = tl.full([R, L], -INFINITY, tl.float32)
    ref = tl.zeros([R, L], tl.float32)  # m where that is a number to subtract, else 0
    n = tl.zeros([R, L], tl.float32)
    s = tl.zeros([R, L], tl.float32)
    a = tl.zeros([R, L], tl.float32)
    t = tl.zeros([R, L], tl.float32)
    q = tl.zeros([R, L], tl.float32)
    idle = tl.zeros([R, L], tl.float32)
    unlike = tl.zeros([R, L], tl.float32)
    total = tl.zeros([R, L], tl.float32)
    top = tl.full([R, L], _NONE, tl.int32)
    for start in range(0, columns, G * L * E):
        j = start + column
        inside = j < columns
        x = tl.load(logits[None, :, None, None] + j, mask=inside & reads, other=-INFINITY, eviction_policy=LEAVES)
        z, _ = transformed(x.to(tl.float32), cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT)
        if CAP:
            z = tl.where(inside, z, -INFINITY)
        new = tl.maximum(m, tl.max(tl.max(z, 3), 0))
        new_ref = tl.where(new == -INFINITY, 0.0, new)
        rises = new > m
        fade = exp(m - new_ref, EXACT)
        d = z - new_ref[None, :, :, None]
        u = exp(d, EXACT)
        largest = (u >= 1.0).to(tl.float32)
        if ENTROPY:
            a = (a + tl.where(m == -INFINITY, 0.0, m - new_ref) * (n + s)) * fade + _sum(u * tl.maximum(d, -200.0))
        s = (s + tl.where(rises, n, 0.0)) * fade + _sum(u - largest)
        n = tl.where(rises, 0.0, n) + _sum(largest)
        if BASE and not LISTS:
            if WEIGHT:
                c = tl.load(weight + j, mask=inside, other=0.0).to(tl.float32)
                q = q + (new_ref - ref) * t + _sum(tl.where(c == 0.0, 0.0, -c * d))
                t = t + _sum(c)
            else:
                q = q + (new_ref - ref) * t - _sum(tl.where(inside, d, 0.0))
                t = t + _sum(tl.where(inside, tl.full([G, R, L, E], 1.0, tl.float32), 0.0))
        if BASE and LISTS:
            c = inside.to(tl.float32)
            if WEIGHT:
                c = tl.load(weight + j, mask=inside, other=0.0).to(tl.float32)
            finite = z > -INFINITY
            q = q + (new_ref - ref) * t + _sum(tl.where(finite, -c * d, 0.0))
            t = t + _sum(tl.where(finite, c, 0.0))
            idle = idle + _sum(tl.where(finite, 0.0, c))
            unlike = unlike + _sum(tl.where(finite | (c == 0.0), 0.0, 1.0))
        if DENSE:
            p = tl.load(dense[None, :, None, None] + j, mask=inside & reads, other=0.0).to(tl.float32)
            total = total + _sum(tl.where(p >= 0.0, p, float("nan")))
            c = tl.where(inside, tl.fma(p, keeping, smoothed), 0.0)
            if WEIGHT:
                c = c * tl.load(weight + j, mask=inside, other=0.0).to(tl.float32)
            q = q + (new_ref - ref) * t + _sum(tl.where(c == 0.0, 0.0, -c * d))
            t = t + _sum(c)
        if ARGMAX:
            lowest = tl.min(tl.min(tl.where(z == new[None, :, :, None], j, _NONE), 3), 0)
            top = tl.where(rises, lowest, top)
        m = new
        ref = new_ref
    peak = tl.max(m, 1)
    row_ref = tl.where(peak == -INFINITY, 0.0, peak)[:, None]
    at = m == peak[:, None]
    fade = exp(m - row_ref, EXACT)
    a = tl.sum((a + tl.where(m == -INFINITY, 0.0, m - row_ref) * (n + s)) * fade, 1)
    q = tl.sum(q + (row_ref - ref) * t, 1)
    s = tl.sum(tl.where(at, s, (s + n) * fade), 1)
    n = tl.sum(tl.where(at, n, 0.0), 1)
    top = tl.min(tl.where(at, top, _NONE), 1)
    top = tl.where(top == _NONE, 0, top)
    return peak, n, s, a, tl.sum(t, 1), q, tl.sum(idle, 1), tl.sum(unlike, 1), tl.sum(total, 1), top
