"""Gradients times one number: a read and a write of each, and nothing but one number read where that is 1.

Moves 2 x (bytes of a number) a number in place; from float32 sums to a half dtype 4 + 2 bytes, cast on the way. One
multiplication a number, in float32, rounded once.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["steps"])
def scale_kernel(values, count, steps, upstream, out, IN_PLACE: tl.constexpr, B: tl.constexpr):
    """`out` = `upstream` () x `values` (count,); each program takes `steps` blocks of B.

    IN_PLACE: `out` is `values`, and nothing is done where `upstream` is 1.
    """
    factor = tl.load(upstream).to(tl.float32)
    if IN_PLACE:  # noqa: SIM102  # settled when the kernel is compiled
        if factor == 1.0:
            return
    for step in range(steps):
        block = tl.program_id(0) + step * tl.num_programs(0)
        at = block.to(tl.int64) * B + tl.arange(0, B)
        value = tl.load(values + at, mask=at < count, other=0.0).to(tl.float32)
        tl.store(out + at, (value * factor).to(out.dtype.element_ty), mask=at < count)
