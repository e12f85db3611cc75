"""Distillation of the last layer, a chunk of rows at a time: both logits made, compared, and forgotten.

    z_s = x_s W_sᵀ + b_s, z_t = x_t W_tᵀ + b_t      dz from both, in the memory of z_s      dx = dz W_s, dW += dzᵀ x_s

Rows of weight 0 are never part of a chunk. The gradients of weights and bias are summed in float32 at least, and
rounded once, however many chunks there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch

from xent import _native
from xent.torch import _pairs
from xent.torch._distillation_operands import Rule
from xent.torch._products import Products, empty, product_dtype, sum_dtype
from xent.torch._reference import loss_dtype
from xent.torch._rows import held

_BLOCKS = (2048, 512, 128, 32)  # outcomes a product takes at a time
_SCRATCH = 5 * 1024 * 8  # bytes of a thread of the core: kPairScratch of native/soft_api.hpp


class Layers(NamedTuple):
    """Rows and layers of student and teacher, and what weighs the rows."""

    input: torch.Tensor  # (N, D)
    weight: torch.Tensor  # (V, D)
    bias: torch.Tensor | None  # (V,)
    teacher_input: torch.Tensor  # (N, E)
    teacher_weight: torch.Tensor  # (V, E)
    teacher_bias: torch.Tensor | None  # (V,)
    token_weight: torch.Tensor | None  # (N,)
    divisor: torch.Tensor | None  # () what a mean is over, as a tensor


class Wanted(NamedTuple):
    """Which gradients are asked for: what is not is never computed."""

    input: bool
    weight: bool
    bias: bool


class Found(NamedTuple):
    """Loss () or (N,), and the gradients in the dtype they are summed in."""

    loss: torch.Tensor
    input: torch.Tensor | None
    weight: torch.Tensor | None
    bias: torch.Tensor | None


class Plan(NamedTuple):
    """Rows a chunk, outcomes a block."""

    rows: int
    block: int


def _bytes(p: Layers, block: int) -> tuple[int, int]:
    """Of a call, and for each row of a chunk."""
    outcomes, rows = len(p.weight), 64
    call = 48 * len(p.input) + _SCRATCH * _native.threads() + 16 * outcomes
    for input in (p.input, p.teacher_input):
        size = product_dtype(input.dtype).itemsize
        call += block * input.shape[1] * 4
        rows += (outcomes + block) * size + 2 * input.shape[1] * max(size, input.itemsize)
    return call, rows + p.input.shape[1] * (4 + p.input.itemsize)


def plan(p: Layers, budget: int) -> Plan:
    """Chunks as equal as they can be, as few as the budget lets.

    A budget for no row is an error that names the least.
    """
    count, outcomes = len(p.input), len(p.weight)

    def rows(block: int) -> int:
        call, row = _bytes(p, block)
        return (budget - call) // row

    blocks = [min(block, outcomes) for block in _BLOCKS]
    block = next((b for b in blocks if rows(b) >= min(8, count)), blocks[-1])
    most = rows(block)
    if most < 1:
        raise ValueError(
            f"`memory_budget` is {budget:,} bytes, too little for one row of logits of student and teacher; this call "
            f"needs at least {sum(_bytes(p, block)):,}."
        )
    chunks = max(1, -(-count // most))
    return Plan(max(1, -(-count // chunks)), block)


def _chunks(p: Layers, size: int) -> Iterator[slice | torch.Tensor]:
    """The rows that count."""
    if p.token_weight is None or bool((p.token_weight != 0).all()):
        yield from (slice(start, min(start + size, len(p.input))) for start in range(0, len(p.input), size))
    else:
        yield from (p.token_weight != 0).nonzero().squeeze(1).split(size)


def over(p: Layers, rule: Rule) -> float | None:
    """What the losses are divided by; None where no row counts."""
    if p.token_weight is not None and not bool((p.token_weight != 0).any()):
        return None
    if rule.reduction != "mean":
        return 1.0
    if p.divisor is not None:
        return p.divisor.item()
    if rule.denominator is not None:
        return rule.denominator
    total = float(len(p.input)) if p.token_weight is None else p.token_weight.double().sum().item()
    return total if len(p.input) else None


class _Half:
    """The layer of one of the two: its products and the memory of its logits."""

    def __init__(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, plan: Plan) -> None:
        self.input, self.weight = input, weight
        self.products = Products(input.dtype, plan.rows, input.shape[1], plan.block)
        self.memory = empty((plan.rows * len(weight),), self.products.dtype)
        self.bias = None if bias is None else bias.to(self.products.dtype)

    def logits(self, at: slice | torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of the input as the products take them, and their logits."""
        x = self.input[at].to(self.products.dtype)
        z = self.memory[: len(x) * len(self.weight)].view(len(x), len(self.weight))
        self.products.logits(x, self.weight, self.bias, z)
        return x, z


def distill(p: Layers, rule: Rule, budget: int, wanted: Wanted, upstream: torch.Tensor | float = 1.0) -> Found:
    """The loss, and the wanted gradients of upstream x loss; `upstream` is a tensor (N,) with reduction "none"."""
    held(*p)
    chunks, by, inside = plan(p, budget), over(p, rule), any(wanted)
    each_row = rule._replace(reduction="none" if rule.reduction == "none" else "sum", denominator=None)
    found = _zeros(p, rule, wanted)
    if by is None or len(p.input) == 0:
        return found
    student = _Half(p.input, p.weight, p.bias, chunks)
    teacher = _Half(p.teacher_input, p.teacher_weight, p.teacher_bias, chunks)
    total = 0.0
    for at in _chunks(p, chunks.rows):
        x, z = student.logits(at)
        _, t = teacher.logits(at)
        scale = upstream[at] if isinstance(upstream, torch.Tensor) else upstream / by
        tokens = None if p.token_weight is None else p.token_weight[at]
        loss = _pairs.distillation(
            z,
            t,
            None,
            tokens,
            **each_row._asdict(),
            upstream=scale if inside else None,
            out=z if inside else None,
        ).loss
        assert loss is not None  # it was asked for
        if rule.reduction == "none":
            found.loss[at] = loss
        else:
            total += loss.item()
        _multiply_back(at, x, z, student, found)
    if rule.reduction != "none":
        found.loss.fill_(total / by)
    return found


def _zeros(p: Layers, rule: Rule, wanted: Wanted) -> Found:
    def sums(like: torch.Tensor) -> torch.Tensor:
        return empty(tuple(like.shape), sum_dtype(like.dtype)).zero_()

    return Found(
        torch.zeros(len(p.input) if rule.reduction == "none" else (), dtype=loss_dtype(p.input.dtype)),
        sums(p.input) if wanted.input else None,
        sums(p.weight) if wanted.weight else None,
        sums(p.bias) if wanted.bias and p.bias is not None else None,
    )


def _multiply_back(at: slice | torch.Tensor, x: torch.Tensor, dz: torch.Tensor, student: _Half, found: Found) -> None:
    if found.input is not None:
        dx = torch.zeros(x.shape, dtype=found.input.dtype)
        student.products.input_gradient(dz, student.weight, dx)
        found.input[at] = dx
    if found.weight is not None:
        student.products.weight_gradient(dz, x, found.weight)
    if found.bias is not None:
        found.bias.add_(dz.sum(0, dtype=found.bias.dtype))
