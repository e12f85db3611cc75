"""The walk back over rows of logits: their gradient from the statistics of the row, in the memory that is given."""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import exp
from xent.torch.backends.triton.kernels._rows import transformed


@triton.jit
def settled(m, s, t, g, lam, eta, kept, bad):
    """The numbers of a row as its gradient takes them, float32: it is 0 throughout if not kept, NaN if bad."""
    m = tl.where(kept & (m > -float("inf")), m, 0.0).to(tl.float32)
    s = tl.where(kept & ~bad, s, 0.0).to(tl.float32)
    t = tl.where(kept & ~bad, t, 0.0).to(tl.float32)
    g = tl.where(kept, tl.where(bad, float("nan"), g), 0.0).to(tl.float32)
    lam = tl.where(kept & ~bad, lam, 0.0).to(tl.float32)
    eta = tl.where(kept & ~bad, eta, 0.0).to(tl.float32)
    return m, s, t, g, lam, eta


@triton.jit
def backward_pass(
    logits,
    out,
    dense,
    weight,
    live,
    kept,
    columns,
    m,
    s,
    t,
    g,
    lam,
    eta,
    h,
    base,
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
    WEIGHT: tl.constexpr,
    ENTROPY: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """Write g (T p_j - c_j) + lam p_j - eta p_j (log p_j + h), times dz_j/dx_j, to `out` (R,).

    c_j is base w_j for BASE, a_j for DENSE; what a target lists is put right by `listed_gradient` afterwards. s is S.
    Rows that are not kept are not read, and their numbers are those of `settled`. From the last block to the first:
    those were read last, and are still near. `out` may be `logits`. One read, one write, 8 instructions an element, one
    of them 2^x, where nothing more is asked for.
    """
    column = (tl.arange(0, G)[:, None, None, None] * L + tl.arange(0, L)[None, None, :, None]) * E
    column = column + tl.arange(0, E)[None, None, None, :]
    reads = kept[None, :, None, None]
    m = m[None, :, None, None]
    inverse = tl.math.div_rn(tl.full([R], 1.0, tl.float32), 1.0 + s)
    # 1 - p of an outcome that outweighs all others together, from what the others weigh
    outweighs = (s < 1.0)[None, :, None, None]
    rest = (s * inverse)[None, :, None, None]
    log = tl.log(1.0 + s)[None, :, None, None]
    slope_p = ((g * t + lam) * inverse)[None, :, None, None]
    blocks = tl.cdiv(columns, G * L * E)
    for block in range(blocks):
        j = (blocks - 1 - block) * (G * L * E) + column
        inside = j < columns
        x = tl.load(logits[None, :, None, None] + j, mask=inside & reads, other=0.0, eviction_policy="evict_first")
        z, slope = transformed(x.to(tl.float32), cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT)
        d = z - m
        u = exp(d, EXACT)
        dz = u * slope_p
        if BASE:
            c = g * base
            if WEIGHT:
                w = tl.load(weight + j, mask=inside, other=0.0).to(tl.float32)
                dz = dz - c[None, :, None, None] * w
            else:
                dz = dz - c[None, :, None, None]
        if DENSE:
            p = tl.load(dense[None, :, None, None] + j, mask=inside & reads, other=0.0).to(tl.float32)
            c = tl.fma(p, keeping, smoothed)
            if WEIGHT:
                c = c * tl.load(weight + j, mask=inside, other=0.0).to(tl.float32)
            whole = t[None, :, None, None]
            dz = (whole * inverse[None, :, None, None]) * u - c
            dz = tl.where(outweighs & (u >= 1.0), (whole - c) - whole * rest, dz) * g[None, :, None, None]
            dz = dz + (lam * inverse)[None, :, None, None] * u
        if ENTROPY:
            said = tl.maximum(d, -200.0) - log + h[None, :, None, None]
            dz = dz - (eta * inverse)[None, :, None, None] * u * said
        if CAP or HEAT:
            dz = dz * slope
        tl.store(
            out[None, :, None, None] + j,
            dz.to(out.dtype.element_ty),
            mask=inside & live[None, :, None, None],
            eviction_policy="evict_first",
        )


@triton.jit
def listed_gradient(
    x,
    out,
    column,
    here,
    m,
    s,
    t,
    g,
    lam,
    eta,
    h,
    own,
    others,
    cap,
    cap_inverse,
    heat,
    heat_inverse,
    CAP: tl.constexpr,
    HEAT: tl.constexpr,
    EXACT: tl.constexpr,
    ENTROPY: tl.constexpr,
):
    """Write the gradient of what the targets list: logits `x` (R, K), coefficients `own` = a_j, `others` = T - a_j.

    Everything else of `out` must lie there already, also that of other threads.
    """
    m = m[:, None]
    z, slope = transformed(x, cap, cap_inverse, heat, heat_inverse, CAP, HEAT, EXACT)
    d = z - m
    u = exp(d, EXACT)
    inverse = tl.math.div_rn(tl.full([s.shape[0]], 1.0, tl.float32), 1.0 + s)[:, None]
    t = t[:, None]
    dz = (t * inverse) * u - own
    dz = tl.where((s < 1.0)[:, None] & (u >= 1.0), others - t * (s[:, None] * inverse), dz) * g[:, None]
    dz = dz + (lam[:, None] * inverse) * u
    if ENTROPY:
        said = tl.maximum(d, -200.0) - tl.log(1.0 + s)[:, None] + h[:, None]
        dz = dz - (eta[:, None] * inverse) * u * said
    if CAP or HEAT:
        dz = dz * slope
    tl.store(out[:, None] + column, dz.to(out.dtype.element_ty), mask=here)
