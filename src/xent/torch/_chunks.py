"""How much of the logits is held at a time: the most rows whose temporary memory stays within a budget of bytes.

Few large chunks are best: every chunk reads and writes the whole gradient of the weights once more.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import torch

from xent.torch._products import product_dtype

DEFAULT = 256 << 20
NOT_SAID = 0  # the default, or as much more as the call takes
_BLOCKS = (2048, 512, 128, 32)  # outcomes a product takes at a time


class Shape(NamedTuple):
    """What the memory of a call depends on."""

    rows: int  # of the input
    counted: int  # those of them that are part of a chunk
    features: int
    outcomes: int
    positions: int  # rows of logits for each row of the input
    dtype: torch.dtype
    element: int  # bytes that the rows of logits take beside each logit
    each: int  # bytes for every row of logits of the call: mask, states, losses, what multiplies them
    target: int  # bytes of one row's target that is copied
    gathered: bool  # rows are picked out of the input
    bias: bool  # is there one?
    kept: int = 0  # bytes of each number of the input's gradient, where that is kept wide
    passed: int = 0  # bytes that some rows of logits at a time pass through, however many there are


class Plan(NamedTuple):
    """Rows of the input a chunk, outcomes a block."""

    rows: int
    block: int


def checked_budget(budget: Any) -> int:
    """`memory_budget` in bytes."""
    if budget is None:
        return DEFAULT
    try:
        if isinstance(budget, bool):
            raise TypeError
        number = operator.index(budget)
    except TypeError:
        raise TypeError(f"`memory_budget` is {budget!r}; it is a whole number of bytes, or None.") from None
    if number <= 0:
        raise ValueError(f"`memory_budget` is {number}; it is a number of bytes above 0.")
    return number


def _whole_call(s: Shape, block: int) -> int:
    """Bytes that do not depend on the rows of a chunk."""
    size = product_dtype(s.dtype).itemsize
    wide = size if product_dtype(s.dtype) != s.dtype else 0
    native_half = size == 2
    blocks = block * s.features * (wide or (size if native_half else 0))
    rows = s.rows * s.positions * s.each + s.rows * s.features * s.kept + s.passed + 2048
    vectors = s.outcomes * (8 + (wide * s.positions if s.bias else 0) + (8 if s.bias else 0))
    return blocks + rows + vectors


def _row(s: Shape, block: int) -> int:
    """Bytes for each row of a chunk."""
    size = product_dtype(s.dtype).itemsize
    copies = 3 if s.positions > 1 and s.gathered else 1
    features = s.features * (2 * copies * max(size, 4) + s.dtype.itemsize)
    return s.outcomes * (size + s.element) + block * size + features + s.target + 64


def plan(s: Shape, budget: int) -> Plan:
    """The chunks of a call on the CPU; a budget that is said and too small for a row is an error."""
    said, budget = budget != NOT_SAID, budget or DEFAULT
    if not said:  # what does not depend on the chunk leaves it a fair part
        budget = max(
            budget, _whole_call(s, _BLOCKS[0]) + DEFAULT // 4, _whole_call(s, _BLOCKS[-1]) + _row(s, _BLOCKS[-1])
        )
    block = next((b for b in _BLOCKS if _whole_call(s, b) + 8 * _row(s, b) <= budget), _BLOCKS[-1])
    block = min(block, s.outcomes)
    return Plan(equal(s.counted, _whole_call(s, block), _row(s, block), budget), block)


def equal(counted: int, whole: int, row: int, budget: int) -> int:
    """Rows a chunk, as equal and as few chunks as `budget` bytes let: `whole` of the call, and `row` for each."""
    most = (budget - whole) // row
    if most < 1:
        raise ValueError(
            f"`memory_budget` is {budget:,} bytes; this call needs at least {whole + row:,}, of which a row of logits "
            f"takes {row:,}. Raise it, or leave it out."
        )
    chunks = max(1, -(-counted // most))
    return max(1, -(-counted // chunks))
