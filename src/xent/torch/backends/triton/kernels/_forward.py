"""The walk forward over rows of logits: the sums from which every loss and statistic is made."""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import INFINITY, exp
from xent.torch.backends.triton.kernels._rows import MASK, transformed

_NONE = tl.constexpr(2147483647)


@triton.jit
def _sum(x):
    """Over what a lane holds: within threads, which is free of waiting."""
    return tl.sum(tl.sum(x, 3), 0)


@triton.jit
def _block(
    logits,
    dense,
    weight,
    j,
    columns,
    reads,
    state,
    keeping,
    smoothed,
    cap,
    cap_inverse,
    heat,
    heat_inverse,
    FULL: tl.constexpr,
    CAP: tl.constexpr,
    HEAT: tl.constexpr,
    EXACT: tl.constexpr,
    BASE: tl.constexpr,
    DENSE: tl.constexpr,
    SPREAD: tl.constexpr,
    WEIGHT: tl.constexpr,
    ENTROPY: tl.constexpr,
    ARGMAX: tl.constexpr,
    LEAVES: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """The `state` of each lane with the columns `j` (G, 1, L, E) taken in, all of which there are if FULL."""
    m, ref, n, s, a, t, q, idle, unlike, away, masked, total, top = state
    inside = j < columns
    there = reads if FULL else inside & reads
    x = tl.load(logits[None, :, None, None] + j, mask=there, other=-INFINITY, eviction_policy=LEAVES)
    z, _ = transformed(x.to(tl.float32), cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT)
    if CAP and not FULL:
        z = tl.where(inside, z, -INFINITY)
    new = tl.maximum(m, tl.max(tl.max(z, 3), 0))
    new_ref = tl.where(new == -INFINITY, 0.0, new)
    rises = new > m
    fade = exp(m - new_ref, EXACT)
    d = z - new_ref[None, :, :, None]
    u = exp(d, EXACT)
    largest = (u >= 1.0).to(tl.float32)
    if ENTROPY:
        # below -200 all has faded to 0, and a mask's distance times a count may be infinite
        a = (a + tl.maximum(m - new_ref, -200.0) * (n + s)) * fade + _sum(u * tl.maximum(d, -200.0))
    s = (s + tl.where(rises, n, 0.0)) * fade + _sum(u - largest)
    n = tl.where(rises, 0.0, n) + _sum(largest)
    if BASE or DENSE:
        c = tl.full([G, R, L, E], 1.0, tl.float32)
        if DENSE:
            p = tl.load(dense[None, :, None, None] + j, mask=there, other=0.0).to(tl.float32)
            total = total + _sum(tl.where(p >= 0.0, p, float("nan")))
            c = tl.fma(p, keeping, smoothed)
        if WEIGHT:
            c = c * tl.load(weight + j, mask=inside, other=0.0).to(tl.float32)
        if not FULL:
            c = tl.where(inside, c, 0.0)
        q = q + (new_ref - ref) * t
        if SPREAD:
            possible = (z > -INFINITY) | (c == 0.0)
            unlike = unlike + _sum(tl.where(possible, 0.0, 1.0))
            far = (z > -INFINITY) & (z < MASK) & (c != 0.0)
            away = away + _sum(tl.where(far, -c * z, 0.0))
            masked = masked + _sum(far.to(tl.float32))
            near = z >= MASK
            q = q + _sum(tl.where(near, -c * d, 0.0))
            t = t + _sum(tl.where(near, c, 0.0))
            idle = idle + _sum(tl.where(near, 0.0, c))
        elif DENSE or WEIGHT:
            q = q - _sum(tl.where(c == 0.0, 0.0, c * d))
            t = t + _sum(c)
        elif FULL:
            q = q - _sum(d)
            t = t + (G * E)
        else:
            q = q - _sum(tl.where(inside, d, 0.0))
            t = t + _sum(tl.where(inside & (u >= 0.0), 1.0, 0.0))
    if ARGMAX:
        lowest = tl.min(tl.min(tl.where(z == new[None, :, :, None], j, _NONE), 3), 0)
        top = tl.where(rises, lowest, top)
    return new, new_ref, n, s, a, t, q, idle, unlike, away, masked, total, top


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
    DENSE: tl.constexpr,
    SPREAD: tl.constexpr,
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

    Of each row: m, n, s, A, t, q, idle, unlike, away, masked, total, top, where m is the largest z; n, how many are at
    m; s and A, the sums of e^d and e^d d over those below, d = z - m; t and q, the sums of c_j and c_j (m - z_j), with
    c_j = w_j for BASE and a_j for DENSE. SPREAD leaves out of t and q what may be listed as without mass: where z_j is
    -inf, of which unlike counts the c_j that are not 0, and where it is finite and below MASK, of which away is the sum
    of -c_j z_j and masked the count; idle is the sum of all these c_j. total is the sum of a dense target, NaN where it
    holds a negative number; top, the lowest column at m.

    Each of the R x L lanes keeps a state of its own, so that warps wait for one another at the end of the row alone.
    LEAVES says what becomes of what was read: "evict_last" where it is read again soon. Every logit is read once; 11
    instructions, one of them 2^x, where nothing more is asked for.
    """
    column = (tl.arange(0, G)[:, None, None, None] * L + tl.arange(0, L)[None, None, :, None]) * E
    column = column + tl.arange(0, E)[None, None, None, :]
    reads = kept[None, :, None, None]
    nothing = tl.zeros([R, L], tl.float32)
    m = tl.full([R, L], -INFINITY, tl.float32)
    ref = nothing  # m where that is a number to subtract, else 0
    n = nothing
    s = nothing
    a = nothing
    t = nothing
    q = nothing
    idle = nothing
    unlike = nothing
    away = nothing
    masked = nothing
    total = nothing
    top = tl.full([R, L], _NONE, tl.int32)
    whole = columns // (G * L * E) * (G * L * E)
    for start in range(0, whole, G * L * E):
        m, ref, n, s, a, t, q, idle, unlike, away, masked, total, top = _block(
            logits, dense, weight, start + column, columns, reads,
            (m, ref, n, s, a, t, q, idle, unlike, away, masked, total, top), keeping, smoothed, cap, cap_inverse, heat,
            heat_inverse, True, CAP, HEAT, EXACT, BASE, DENSE, SPREAD, WEIGHT, ENTROPY, ARGMAX, LEAVES, R, G, L, E,
        )  # fmt: skip
    for start in range(whole, columns, G * L * E):
        m, ref, n, s, a, t, q, idle, unlike, away, masked, total, top = _block(
            logits, dense, weight, start + column, columns, reads,
            (m, ref, n, s, a, t, q, idle, unlike, away, masked, total, top), keeping, smoothed, cap, cap_inverse, heat,
            heat_inverse, False, CAP, HEAT, EXACT, BASE, DENSE, SPREAD, WEIGHT, ENTROPY, ARGMAX, LEAVES, R, G, L, E,
        )  # fmt: skip
    peak = tl.max(m, 1)
    row_ref = tl.where(peak == -INFINITY, 0.0, peak)[:, None]
    at = m == peak[:, None]
    fade = exp(m - row_ref, EXACT)
    a = tl.sum((a + tl.maximum(m - row_ref, -200.0) * (n + s)) * fade, 1)
    q = tl.sum(q + (row_ref - ref) * t, 1)
    s = tl.sum(tl.where(at, s, (s + n) * fade), 1)
    n = tl.sum(tl.where(at, n, 0.0), 1)
    top = tl.min(tl.where(at, top, _NONE), 1)
    top = tl.where(top == _NONE, 0, top)
    t = tl.sum(t, 1)
    idle = tl.sum(idle, 1)
    unlike = tl.sum(unlike, 1)
    away = tl.sum(away, 1)
    masked = tl.sum(masked, 1)
    total = tl.sum(total, 1)
    return peak, n, s, a, t, q, idle, unlike, away, masked, total, top
