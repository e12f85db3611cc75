"""The kernel of distillation: rows of a student's and a teacher's logits, their divergence, its gradient.

Three walks over both rows: their normalisers, the divergence, the gradient. Moves V x (bytes of both logits) a row from
memory and V x bytes of the student's back for the gradient, and reads both rows once more (twice, with the gradient)
from the second level of the cache where the rows that are worked on at a time fit there, else from memory. Operations
an outcome: 14 float32 and two 2^x in the first walk, about 50 (js 85) and two 2^x in the second, about 30 (js 65) and
two in the third (js adds one 2^x to either); 32 more for each 2^x of float32 logits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import INFINITY, exp, log1p
from xent.torch.backends.triton.kernels._pairs import FORWARD, JS, apart, normaliser, slope, terms
from xent.torch.backends.triton.kernels._rows import remainder


@triton.jit
def _pair(
    student,
    teacher,
    j,
    reads,
    columns,
    student_m,
    teacher_m,
    student_inverse,
    teacher_inverse,
    high,
    low,
    inverse,
    EXACT: tl.constexpr,
):
    """s, t, d of the outcomes `j` of rows that begin at `student` and `teacher` (R,); 0 where there is no outcome."""
    inside = (j < columns) & reads[None, :, None, None]
    x = tl.load(student[None, :, None, None] + j, mask=inside, other=-INFINITY).to(tl.float32)
    y = tl.load(teacher[None, :, None, None] + j, mask=inside, other=-INFINITY).to(tl.float32)
    s = exp((x - student_m[None, :, None, None]) * inverse, EXACT) * student_inverse[None, :, None, None]
    t = exp((y - teacher_m[None, :, None, None]) * inverse, EXACT) * teacher_inverse[None, :, None, None]
    return s, t, apart(x, y, high[None, :, None, None], low[None, :, None, None], inverse, EXACT)


@triton.jit
def _share(rest):
    """1 / (1 + S), float32."""
    return tl.math.div_rn(tl.full(rest.shape, 1.0, tl.float32), 1.0 + rest.to(tl.float32))


@triton.jit(do_not_specialize=["count"])
def distillation_kernel(
    student,
    student_stride,
    teacher,
    teacher_stride,
    count,
    columns,
    mass,
    tokens,
    divisor,
    heat,
    heat_low,
    inverse,
    flag,
    loss,
    upstream,
    upstream_stride,
    out,
    out_stride,
    KIND: tl.constexpr,
    EXACT: tl.constexpr,
    UNLESS_ONE: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """R rows a program: `loss` (count,) before the division by `divisor`, and `out`, either None; `out` may be
    `student`.

    `mass`: what the teacher's row sums to, where outcomes were dropped; NaN where it is no distribution, which is
    flagged. The temperature is heat + heat_low. UNLESS_ONE: nothing is done where the one `upstream` is 1, since `out`
    holds the gradient for that already.
    """
    if UNLESS_ONE:  # noqa: SIM102  # settled when the kernel is compiled
        if tl.load(upstream) == 1.0:
            return
    rows = tl.program_id(0).to(tl.int64) * R + tl.arange(0, R)
    live = rows < count
    kept = live
    scale = tl.zeros([R], tl.float64) + 1.0
    if tokens is not None:
        scale = tl.load(tokens + rows, mask=live, other=0.0).to(tl.float64)
        kept = kept & (scale != 0.0)
    if mass is not None:
        whole = tl.load(mass + rows, mask=live, other=1.0).to(tl.float64)
        if flag is not None:
            tl.store(flag + rows * 0, tl.full([R], 5, tl.int64), mask=whole != whole)
    t = tl.zeros([R], tl.float64) + heat + heat_low
    first = student + rows * student_stride
    second = teacher + rows * teacher_stride
    student_m, student_n, student_s = normaliser(first, kept, columns, inverse, EXACT, R, G, L, E)
    teacher_m, teacher_n, teacher_s = normaliser(second, kept, columns, inverse, EXACT, R, G, L, E)
    none = student_m == INFINITY  # never: what `remainder` is told of targets
    student_rest = remainder(student_m, student_n, student_s, none & (rows < 0))
    teacher_rest = remainder(teacher_m, teacher_n, teacher_s, none & (rows < 0))
    between = (student_m.to(tl.float64) - teacher_m.to(tl.float64)) + t * (log1p(student_rest) - log1p(teacher_rest))
    high = between.to(tl.float32)
    low = (between - high.to(tl.float64)).to(tl.float32)
    student_share = _share(student_rest)
    teacher_share = _share(teacher_rest)

    column = (tl.arange(0, G)[:, None, None, None] * L + tl.arange(0, L)[None, None, :, None]) * E
    column = column + tl.arange(0, E)[None, None, None, :]
    total = tl.zeros([R, L], tl.float32)
    excess = tl.zeros([R, L], tl.float32)
    mean = tl.zeros([R, L], tl.float32)
    norm = tl.zeros([R, L], tl.float32)
    blocks = tl.cdiv(columns, G * L * E)
    for block in range(blocks):  # from the end, which was read last and is still near
        j = (blocks - 1 - block) * (G * L * E) + column
        s, p, d = _pair(
            first, second, j, kept, columns, student_m, teacher_m, student_share, teacher_share, high, low, inverse,
            EXACT,
        )  # fmt: skip
        term, more, part = terms(s, p, d, KIND, EXACT)
        total += tl.sum(tl.sum(term, 3), 0)
        excess += tl.sum(tl.sum(more, 3), 0)
        mean += tl.sum(tl.sum(part, 3), 0)
        norm += tl.sum(tl.sum(s, 3), 0)
    over = tl.sum(excess.to(tl.float64), 1)
    value = tl.sum(total.to(tl.float64), 1)
    value = value - over * over * (0.125 if KIND == JS else 0.5)
    value = tl.where(value < 0.0, 0.0, value)
    result = value
    if mass is not None:
        result = tl.where(whole == 0.0, 0.0, whole * value + whole * tl.log(tl.where(whole > 0.0, whole, 1.0)))
        result = tl.where(whole == whole, result, whole)
    if loss is not None:
        result = tl.where(kept, result * (t * t) * scale, 0.0)
        tl.store(loss + rows, result.to(loss.dtype.element_ty), mask=live)
    if out is not None:
        if divisor is not None:
            by = tl.load(divisor + rows * 0)
            kept = kept & (by < INFINITY)
            scale = scale / by
        if upstream is not None:
            scale = scale * tl.load(upstream + rows * upstream_stride, mask=live, other=0.0).to(tl.float64)
        bad = kept & (value != value)
        if mass is not None:
            kept = kept & (whole != 0.0)
            bad = kept & ((value != value) | (whole != whole))
            scale = scale * whole
        g = (scale * t).to(tl.float32)
        if KIND == FORWARD:  # the normalisers put right by what the divergence has shown of them
            shift = 1.0 + over
            between = between + t * tl.log(tl.where(shift > 0.0, shift, 1.0))
            high = between.to(tl.float32)
            low = (between - high.to(tl.float64)).to(tl.float32)
        mean = (tl.sum(mean.to(tl.float64), 1) / tl.sum(norm.to(tl.float64), 1)).to(tl.float32)
        to = out + rows * out_stride
        for start in range(0, columns, G * L * E):
            j = start + column
            s, p, d = _pair(
                first, second, j, kept, columns, student_m, teacher_m, student_share, teacher_share, high, low,
                inverse, EXACT,
            )  # fmt: skip
            dz = slope(s, p, d, mean[None, :, None, None], KIND, EXACT) * g[None, :, None, None]
            dz = tl.where(kept[None, :, None, None], dz, 0.0)
            dz = tl.where(bad[None, :, None, None], float("nan"), dz)
            there = (j < columns) & live[None, :, None, None]
            tl.store(to[None, :, None, None] + j, dz.to(out.dtype.element_ty), mask=there)
