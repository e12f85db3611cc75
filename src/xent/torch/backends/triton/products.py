"""The three products of the last layer on a GPU: logits, and back, dx = dz W and dW += dzᵀ x, summed in float32.

Every product is one call of torch, in the dtype of the input: a GPU has units for halves. Each is 2 N V D operations.
From halves to a float32 sum torch multiplies by itself where it has `out_dtype`; elsewhere a block of outcomes at a
time, through float32 copies.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch

BLOCK = 2048  # outcomes at a time where a product passes through other memory


@functools.cache
def _takes(device: torch.device, dtype: torch.dtype, adds: bool) -> bool:
    """Whether torch multiplies halves into float32 there, and (`adds`) onto what lies there. Tried once."""
    if device.type != "cuda":
        return False
    a = torch.zeros((16, 16), dtype=dtype, device=device)
    total = torch.zeros((16, 16), dtype=torch.float32, device=device)
    try:
        if adds:
            torch.addmm(total, a, a, out_dtype=torch.float32, out=total)  # pyright: ignore[reportCallIssue]
        else:
            torch.mm(a, a, out_dtype=torch.float32, out=total)  # pyright: ignore[reportCallIssue]
    except (RuntimeError, TypeError):  # torch 2.8 adds to halves alone
        return False
    return True


def passed(device: torch.device, dtype: torch.dtype, features: int, outcomes: int) -> tuple[int, int]:
    """Bytes of other memory that the products pass through: those of a call, and for each row of a chunk."""
    if dtype.itemsize > 2 or _takes(device, dtype, True):
        return 0, 0
    block = min(BLOCK, outcomes)
    return 4 * block * features, 0 if _takes(device, dtype, False) else 4 * (block + features)


def _blocks(outcomes: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, outcomes)) for start in range(0, outcomes, BLOCK))


def logits(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, out: torch.Tensor) -> None:
    """Fill `out` with x Wᵀ + b."""
    if bias is None:
        torch.mm(x, weight.t(), out=out)
    else:
        torch.addmm(bias, x, weight.t(), out=out)


def input_gradient(dz: torch.Tensor, weight: torch.Tensor, out: torch.Tensor) -> None:
    """Fill `out` with dz W, in its own dtype or float32."""
    if out.dtype == dz.dtype:
        torch.mm(dz, weight, out=out)
    elif _takes(dz.device, dz.dtype, False):
        torch.mm(dz, weight, out_dtype=out.dtype, out=out)  # pyright: ignore[reportCallIssue]
    else:
        out.zero_()
        for at in _blocks(len(weight)):
            out.addmm_(dz[:, at].to(out.dtype), weight[at].to(out.dtype))


def weight_gradient(dz: torch.Tensor, x: torch.Tensor, out: torch.Tensor, *, first: bool) -> None:
    """Out = dzᵀ x for the `first` chunk, and += for the others, in the dtype of `out`: their own or float32."""
    if out.dtype == dz.dtype:
        if first:
            torch.mm(dz.t(), x, out=out)
        else:
            torch.addmm(out, dz.t(), x, out=out)
    elif first and _takes(dz.device, dz.dtype, False):
        torch.mm(dz.t(), x, out_dtype=out.dtype, out=out)  # pyright: ignore[reportCallIssue]
    elif _takes(dz.device, dz.dtype, True):
        torch.addmm(out, dz.t(), x, out_dtype=out.dtype, out=out)  # pyright: ignore[reportCallIssue]
    else:
        _weight_gradient_by_blocks(dz, x, out, first)


def _weight_gradient_by_blocks(dz: torch.Tensor, x: torch.Tensor, out: torch.Tensor, first: bool) -> None:
    wide = _takes(dz.device, dz.dtype, False)
    x = x if wide else x.to(out.dtype)
    for at in _blocks(len(out)):
        if first:
            out[at].zero_()
        if wide:
            out[at].add_(torch.mm(dz[:, at].t(), x, out_dtype=out.dtype))  # pyright: ignore[reportCallIssue]
        else:
            out[at].addmm_(dz[:, at].t().to(out.dtype), x)
