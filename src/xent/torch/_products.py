"""The three products of the last layer, in blocks of outcomes: x Wᵀ + b, and back, dx += dz W and dW += dzᵀ x.

Half precision is multiplied in float32, from copies of a block at a time, unless the processor has units for bfloat16:
without them torch multiplies bfloat16 up to a hundred times slower. float16 always is, since p_j / N underflows in it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch

from xent.torch import _rows


@functools.cache
def bfloat16_units() -> bool:
    """Whether this processor multiplies matrices of bfloat16 itself, and torch lets it."""
    has = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]  # no public question
    return has and torch.backends.mkldnn.is_available()


def product_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which the products of `dtype` are done, and in which logits lie between them."""
    if dtype == torch.float16 or (dtype == torch.bfloat16 and not bfloat16_units()):
        return torch.float32
    return dtype


def sum_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which gradients of `dtype` are summed over chunks: at least float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def empty(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Fresh memory that is about to be filled."""
    return _rows.empty(shape, dtype) if _rows.available() else torch.empty(shape, dtype=dtype)


class Products:
    """The products of at most `rows` rows with blocks of `block` outcomes, and the memory they pass through.

    float32 and float64 logits go through a small dense block: written straight into rows as far apart as a whole
    vocabulary they take a quarter longer (their pages are too many for the processor's table of addresses).
    """

    def __init__(self, dtype: torch.dtype, rows: int, features: int, block: int) -> None:
        """Memory for `rows` rows of `features` numbers, whose weights have `dtype`."""
        self.dtype = product_dtype(dtype)
        self.block = block
        self._native_half = self.dtype == torch.bfloat16
        self._widens = self.dtype != dtype
        passed = block * (features if self._native_half else rows)
        self._between = empty((passed,), self.dtype)
        self._wide = empty((block * features,), self.dtype) if self._widens else None

    def _blocks(self, outcomes: int) -> Iterator[slice]:
        for start in range(0, outcomes, self.block):
            yield slice(start, min(start + self.block, outcomes))

    def _weight(self, weight: torch.Tensor, at: slice) -> torch.Tensor:
        if self._wide is None:
            return weight[at]
        part = weight[at]
        return self._wide[: part.numel()].view(part.shape).copy_(part)

    def logits(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, out: torch.Tensor) -> None:
        """Fill `out` with x Wᵀ + b; `bias` in the dtype of the products."""
        if self._native_half:
            if bias is None:
                torch.mm(x, weight.t(), out=out)
            else:
                torch.addmm(bias, x, weight.t(), out=out)
            return
        for at in self._blocks(weight.shape[0]):
            columns = self._between[: len(x) * (at.stop - at.start)].view(len(x), at.stop - at.start)
            torch.mm(x, self._weight(weight, at).t(), out=columns)
            if bias is None:
                out[:, at].copy_(columns)
            else:
                torch.add(columns, bias[at], out=out[:, at])

    def input_gradient(self, dz: torch.Tensor, weight: torch.Tensor, out: torch.Tensor) -> None:
        """Out += dz W."""
        if self._native_half:
            out.add_(torch.mm(dz, weight))
            return
        for at in self._blocks(weight.shape[0]):
            out.addmm_(dz[:, at], self._weight(weight, at))

    def weight_gradient(self, dz: torch.Tensor, x: torch.Tensor, out: torch.Tensor) -> None:
        """Out += dzᵀ x, in the dtype of `out`."""
        for at in self._blocks(out.shape[0]):
            if self._native_half:
                part = self._between[: (at.stop - at.start) * x.shape[1]].view(-1, x.shape[1])
                out[at].add_(torch.mm(dz[:, at].t(), x, out=part))
            else:
                out[at].addmm_(dz[:, at].t(), x)
