"""How a kernel is started: the blocks that fit a row, and the one call that starts it."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import numpy as np
import torch
import triton

from xent.torch import _triton

_LANES = 512  # the most lanes of a row: two programs of 16 warps fill a multiprocessor of 65,536 registers
_NARROW = 128  # lanes of a program that works on several rows


class Blocks(NamedTuple):
    """What a program holds at a time: G x R x L x E logits, each thread E beside one another (16 bytes)."""

    R: int  # rows
    G: int  # stretches of a row
    L: int  # lanes of a row
    E: int
    num_warps: int


def blocks(columns: int, itemsize: int, *, heavy: bool = False) -> Blocks:
    """The blocks for rows of so many logits; each length is a power of 2. Where more is kept of each logit, fewer."""
    each = 16 // itemsize
    lanes = triton.next_power_of_2(triton.cdiv(columns, each))
    if lanes <= _NARROW:
        return Blocks(_NARROW // lanes, 1, lanes, each, 4)
    lanes = min(lanes, _LANES)
    stretches = min(triton.next_power_of_2(triton.cdiv(columns, lanes * each)), 2 if heavy else 4)
    return Blocks(1, stretches, lanes, each, max(4, lanes // 32))


def start(kernel: Any, programs: int, on: torch.Tensor, *, num_warps: int, **arguments: Any) -> None:
    """Start `programs` of `kernel` on the device of `on`; nothing is waited for.

    No multiplication and addition are fused but where the kernel says so, so that every compiler rounds alike.
    """
    if programs == 0:
        return
    device = torch.cuda.device(on.device) if on.is_cuda else contextlib.nullcontext()
    # The interpreter computes with NumPy, which warns of the infinities and NaN that a GPU makes in silence.
    silence = np.errstate(all="ignore") if _triton.interpreted() else contextlib.nullcontext()
    # 64 registers a thread let two programs of 16 warps work on a multiprocessor, one while the other waits.
    limit = {"maxnreg": 64} if num_warps == _LANES // 32 and on.is_cuda and not torch.version.hip else {}
    with device, silence:
        kernel[(programs,)](**arguments, num_warps=num_warps, enable_fp_fusion=False, **limit)
