"""What the caller of a distillation loss passed: checked once, brought to rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from xent._errors import ShapeError
from xent._forms import TopK
from xent.torch._operands import check_top_k, checked_denominator, floating, together, token_weights, top_k
from xent.torch._options import number

_KINDS = ("forward", "reverse", "js")
# Colder, T^2 leaves the range of numbers; hotter, the divergence is lost in the rounding of logits divided by T.
_COLDEST, _HOTTEST = 1e-30, 1e8


class Rule(NamedTuple):
    """The options of a distillation, checked."""

    kind: str
    temperature: float
    tail: str | None  # of a top-k teacher
    reduction: str
    denominator: float | None


class Pair(NamedTuple):
    """Student and teacher as rows."""

    student: torch.Tensor  # (N, V)
    teacher: torch.Tensor  # (N, V) logits, or (N, k) indices
    probs: torch.Tensor | None  # (N, k)
    token_weight: torch.Tensor | None  # (N,)
    shape: tuple[int, ...]  # of the loss with reduction "none"


def options(kind: Any, temperature: Any, reduction: Any, denominator: Any) -> tuple[Rule, torch.Tensor | None]:
    """The options, and the denominator where it is a tensor; a ValueError or TypeError says what each may be."""
    if kind not in _KINDS:
        raise ValueError(f'`kind` is {kind!r}; it is "forward", "reverse" or "js".')
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f'`reduction` is {reduction!r}; it is "none", "mean" or "sum".')
    heat = number("temperature", temperature, "Divide the logits by it, and multiply the loss by its square")
    if not _COLDEST <= heat <= _HOTTEST:
        raise ValueError(f"`temperature` is {heat:g}; it lies between {_COLDEST:g} and {_HOTTEST:g}.")
    if denominator is not None:
        denominator = checked_denominator(denominator, reduction)
    if isinstance(denominator, torch.Tensor):
        return Rule(kind, heat, None, reduction, None), denominator
    return Rule(kind, heat, None, reduction, denominator), None


def logits_of(name: str, a: Any) -> None:
    """Refuse what is no tensor of at least one outcome a row."""
    floating(name, a)
    if a.dim() == 0 or a.shape[-1] == 0:
        raise ShapeError(f"`{name}` has shape {tuple(a.shape)}; its last axis holds at least one logit.")


def pair(student: Any, teacher: Any, token_weight: Any, kind: str) -> tuple[Pair, str | None]:
    """Student and teacher as rows, and what a top-k teacher says of its tail."""
    logits_of("student", student)
    outer, outcomes = tuple(student.shape[:-1]), student.shape[-1]
    probs = tail = None
    if isinstance(teacher, TopK):
        tail = teacher.tail
        teacher, probs = top_k(teacher, outer, outcomes, student, "teacher", "student")
        if kind != "forward" and tail == "drop":
            raise ValueError(
                f'`teacher` drops its tail, so that kind="{kind}" would be infinite; pass `tail="spread"`, or '
                'kind="forward".'
            )
    else:
        floating("teacher", teacher)
        together("teacher", teacher, "student", student)
        if teacher.shape != student.shape:
            raise ShapeError(
                f"`teacher` has shape {tuple(teacher.shape)} and `student` {tuple(student.shape)}; they have the same "
                "shape."
            )
        teacher = rows(teacher)
    if token_weight is not None:
        token_weights(token_weight, outer, "student", student)
        token_weight = token_weight.reshape(-1)
    return Pair(rows(student), teacher, probs, token_weight, outer), tail


def rows(a: torch.Tensor) -> torch.Tensor:
    """(..., V) as (N, V): a view where there is one."""
    return a if a.dim() == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def check_teacher(
    teacher: torch.Tensor, probs: torch.Tensor | None, outcomes: int, tail: str | None, shape: Sequence[int]
) -> None:
    """Read a top-k teacher; a DistributionError says which row is no distribution, and why."""
    if probs is not None:
        check_top_k(teacher, probs, outcomes, tuple(shape), tail=tail is not None, name="teacher")
