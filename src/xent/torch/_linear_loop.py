"""The logits, a chunk of rows at a time: made, turned into their gradient in place, multiplied back, forgotten.

    z = x Wᵀ + b        dz from z, in the memory of z        dx = dz W        dW += dzᵀ x        db += sum of dz

Rows that are ignored are never part of a chunk. The gradients of weights and bias are summed in float32 at least,
and rounded once, however many chunks there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NamedTuple

import torch

from xent.torch import _parallel_rows, _rows, _rows_reference
from xent.torch._chunks import Plan, Shape, plan
from xent.torch._linear_operands import LinearOperands
from xent.torch._products import Products, empty, sum_dtype

STATE = {"native": _rows._STATE, "reference": 0, "parallel": 48, "triton": 4}  # pyright: ignore[reportPrivateUsage]  # doubles a row of logits

At = slice | torch.Tensor
Each = Callable[[At, int, torch.Tensor], None]


class Wanted(NamedTuple):
    """Which gradients are asked for: what is not is never computed."""

    input: bool
    weight: bool
    bias: bool


NOTHING = Wanted(False, False, False)


class Gradients(NamedTuple):
    """Gradients of input, weights and bias; the last two in the dtype they are summed in."""

    input: torch.Tensor | None  # (N, D), in the dtype they are summed in where they are scaled later
    weight: torch.Tensor | None  # (C, P, D)
    bias: torch.Tensor | None  # (C, P)


def kernel(backend: str) -> ModuleType:
    """What works on the rows of logits: `_rows`, or its like made of torch operations."""
    return _rows if backend == "native" else _rows_reference


def state_shape(rows: torch.Size, backend: str) -> tuple[int, ...]:
    """Of what a backend keeps of `rows` (N, P) of logits for the way back; the Triton kernels keep columns."""
    return (STATE[backend], *rows) if backend == "triton" else (*rows, STATE[backend])


def kept(p: LinearOperands, ignore_index: int) -> torch.Tensor | None:
    """(N, P) bool, which rows of logits count; None where all do."""
    if p.soft:
        return None
    mask = p.target.to(torch.int64) != ignore_index
    return None if mask.all() else mask


def zeros(p: LinearOperands, wanted: Wanted, *, scaled: bool = False) -> Gradients:
    """Gradients to add to. Those that are `scaled` later stay wide until then: a half is rounded once."""
    dtype = sum_dtype(p.input.dtype) if scaled else p.input.dtype

    def sums(like: torch.Tensor) -> torch.Tensor:
        return empty(tuple(like.shape), sum_dtype(like.dtype)).zero_()

    return Gradients(
        torch.zeros((p.target.shape[0], p.input.shape[-1]), dtype=dtype) if wanted.input else None,
        sums(p.weight) if wanted.weight else None,
        sums(p.bias) if wanted.bias and p.bias is not None else None,
    )


def _each(p: LinearOperands, mask: torch.Tensor | None, backend: str) -> int:
    """Bytes for every row of logits of a call, whatever the chunk: the most of before, and of while, it is walked."""
    labels = 0 if p.soft else (8 if p.target.dtype != torch.int64 else 0) + 4  # converted, and compared
    divided = 10 + (0 if p.classes is None or p.soft else 24)
    walked = (10 if mask is not None else 0) + 8 * STATE[backend] + 8 + 16  # mask, states, losses, upstream
    return max(labels, divided, walked)


def planned(p: LinearOperands, mask: torch.Tensor | None, backend: str, budget: int, *, scaled: bool = False) -> Plan:
    """The chunks of a call; the gradient of the input is a wide one where it is `scaled` later."""
    wide = sum_dtype(p.input.dtype).itemsize if scaled and p.input.dtype.itemsize == 2 else 0
    copied = p.target.element_size() * p.weight.shape[0] if p.soft and p.probs is None else 0
    element = _rows_reference.ELEMENT if backend == "reference" else 0
    n, positions = p.target.shape[:2]
    passed = _parallel_rows.passed(n, p.weight.shape[0]) if backend == "parallel" else 0
    shape = Shape(
        n,
        n if mask is None else int(mask.any(1).sum()),
        p.input.shape[-1],
        p.weight.shape[0],
        positions,
        p.input.dtype,
        element,
        _each(p, mask, backend),
        copied if positions > 1 else 0,
        mask is not None or p.input.dim() > 2,
        p.bias is not None,
        wide,
        passed,
    )
    return plan(shape, budget)


def _chunks(rows: int, mask: torch.Tensor | None, size: int) -> Iterator[At]:
    """The rows of the input at which anything counts."""
    if mask is None:
        yield from (slice(start, min(start + size, rows)) for start in range(0, rows, size))
    else:
        some = mask.any(1).nonzero().squeeze(1)
        yield from some.split(size) if len(some) else ()


class _Walk:
    """The memory of one call, and what is done with one chunk."""

    def __init__(
        self,
        p: LinearOperands,
        mask: torch.Tensor | None,
        plan: Plan,
        gradients: Gradients,
        held: torch.Tensor | None = None,
    ) -> None:
        self.p, self.mask, self.gradients, self.held = p, mask, gradients, held
        self.products = Products(p.input.dtype, plan.rows, p.input.shape[-1], plan.block)
        self.memory = empty((plan.rows * p.weight.shape[0],), self.products.dtype) if held is None else held.view(-1)
        self.bias = None if p.bias is None else p.bias.to(self.products.dtype)

    def chunk(self, at: At, each: Each) -> None:
        """All positions of the rows `at`."""
        x = self.p.taken(at).to(self.products.dtype)
        total = self.gradients.input
        # Summed where it belongs, unless the rows are scattered or rounding must wait for the last position.
        direct = total is not None and isinstance(at, slice) and total.dtype == sum_dtype(total.dtype)
        dx = None if total is None else total[at] if direct else x.new_zeros(x.shape, dtype=sum_dtype(x.dtype))
        for position in range(self.p.weight.shape[1]):
            self._position(at, position, x, dx, each)
        if total is None or dx is None or direct:
            return
        if isinstance(at, slice):
            total[at].copy_(dx)
        else:
            total.index_copy_(0, at, dx.to(total.dtype))

    def _position(self, at: At, position: int, x: torch.Tensor, dx: torch.Tensor | None, each: Each) -> None:
        inside = None
        if self.mask is not None and self.p.weight.shape[1] > 1:
            inside = self.mask[at, position].nonzero().squeeze(1)
            if len(inside) == 0:
                return
            assert isinstance(at, torch.Tensor)  # a mask picks rows
            at, x = at[inside], x[inside]
        weight, outcomes = self.p.weight[:, position], self.p.weight.shape[0]
        z = self.memory[: len(x) * outcomes].view(len(x), outcomes)
        if self.held is None:
            self.products.logits(x, weight, None if self.bias is None else self.bias[:, position], z)
        each(at, position, z)
        if dx is not None and inside is None:
            self.products.input_gradient(z, weight, dx)
        elif dx is not None and inside is not None:
            part = torch.zeros_like(x, dtype=dx.dtype)
            self.products.input_gradient(z, weight, part)
            dx.index_add_(0, inside, part)
        if self.gradients.weight is not None:
            self.products.weight_gradient(z, x, self.gradients.weight[:, position])
        if self.gradients.bias is not None:
            self.gradients.bias[:, position].add_(z.sum(0, dtype=self.gradients.bias.dtype))


def walk(
    p: LinearOperands,
    mask: torch.Tensor | None,
    plan: Plan,
    each: Each,
    gradients: Gradients,
    held: torch.Tensor | None = None,
) -> None:
    """Call `each` with rows, position and their logits; what it leaves there is multiplied back into `gradients`.

    `held` are the logits of an only chunk and position, as a walk before made them; it is overwritten.
    """
    rows = p.target.shape[0]
    if rows == 0:
        return
    steps = _Walk(p, mask, plan, gradients, held)
    for at in _chunks(rows, mask, plan.rows):
        steps.chunk(at, each)
