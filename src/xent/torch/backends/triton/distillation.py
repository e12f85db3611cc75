"""Distillation by the Triton kernel: tensors in, tensors out, and its place under autograd. Nothing is waited for.

`student` is (N, V), float32, bfloat16 or float16, of any strides; the teacher is `teacher` (N, V), floating too, or
indices (N, k) of `probs` (N, k), which are made whole: a row of float32 for each.
"""

from __future__ import annotations

import functools

import numpy as np
import torch

from xent._check import sum_tolerance
from xent.torch import _native_soft, _reference_distillation
from xent.torch._distillation_operands import Rule
from xent.torch._native_soft import Found, Tensors
from xent.torch._reference import dense
from xent.torch._rows import DIGITS
from xent.torch.backends.triton import flag, launch, soft
from xent.torch.backends.triton.kernels.distillation import distillation_kernel
from xent.torch.backends.triton.loss import placed
from xent.torch.backends.triton.rows import even

_KIND = {"forward": 0, "reverse": 1, "js": 2}  # those of `kernels._pairs`


def _whole(indices: torch.Tensor, probs: torch.Tensor, outcomes: int, rule: Rule) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (N, V) of a top-k teacher, and what each row sums to: 1 unless the tail is dropped, NaN where the row is
    no distribution. An outcome that is named twice is not looked for.
    """
    indices, probs = indices.to(torch.int64), probs.detach()
    total = probs.sum(-1, dtype=torch.float64)
    wrong = ((indices < 0) | (indices >= outcomes) | ~(probs >= 0)).any(-1)
    tolerance = sum_tolerance(DIGITS[probs.dtype], outcomes)
    wrong = wrong | ~(total - 1 <= tolerance)
    if rule.tail is None:
        wrong = wrong | (total - 1 < -tolerance)
    t = dense(indices.clamp(0, outcomes - 1), probs, outcomes, rule.tail == "spread")
    mass = t.sum(-1, dtype=torch.float64)
    t.div_(mass.masked_fill(mass == 0, 1.0).to(t.dtype).unsqueeze(-1)).log_()
    # Its probabilities are those at the temperature, by which the kernel divides.
    logits = t.mul_(rule.temperature).to(torch.float32).masked_fill_(wrong.unsqueeze(-1), 0.0)
    mass = mass if rule.tail == "drop" else torch.ones_like(mass)
    return logits, mass.masked_fill(wrong, torch.nan)


def over(
    count: int, token_weight: torch.Tensor | None, divisor: torch.Tensor | None, rule: Rule, on: torch.Tensor
) -> torch.Tensor | None:
    """What a mean is over, () float64 on the device: infinite where no row counts; None for other reductions."""
    if rule.reduction != "mean":
        return None
    if divisor is not None:
        return placed(divisor, on.device)
    if rule.denominator is not None:
        return torch.full((), rule.denominator, dtype=torch.float64, device=on.device)
    if token_weight is None:
        return torch.full((), count or torch.inf, dtype=torch.float64, device=on.device)
    weight = token_weight.detach()
    return torch.where((weight != 0).any(), weight.sum(dtype=torch.float64), torch.inf)


def rows(
    student: torch.Tensor,
    teacher: torch.Tensor,
    mass: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    by: torch.Tensor | None,
    rule: Rule,
    *,
    want_loss: bool,
    upstream: torch.Tensor | None,
    out: torch.Tensor | None,
    unless_one: bool = False,
) -> torch.Tensor | None:
    """The loss of each row, before `by` divides it; float64 where it is to be summed.

    `out`, if given, receives the gradient of upstream x loss / by; it may be `student`. Its rows lie without gaps.
    """
    n, v = student.shape
    heat = float(np.float32(rule.temperature))
    dtype = torch.float32 if rule.reduction == "none" else torch.float64
    loss = torch.empty(n, dtype=dtype, device=student.device) if want_loss else None
    blocks = launch.blocks(v, student.element_size())._replace(G=1)  # two rows at a time
    launch.start(
        distillation_kernel, launch.cdiv(n, blocks.R), student, student=student, student_stride=student.stride(0),
        teacher=teacher, teacher_stride=teacher.stride(0), count=n, columns=v, mass=mass,
        tokens=None if token_weight is None else token_weight.detach().contiguous(), divisor=by, heat=heat,
        heat_low=rule.temperature - heat, inverse=1.0 / rule.temperature, flag=flag.cell(student), loss=loss,
        upstream=upstream, upstream_stride=upstream.stride(0) if upstream is not None and upstream.ndim else 0,
        out=out, out_stride=0 if out is None else out.stride(0), KIND=_KIND[rule.kind],
        EXACT=max(student.itemsize, teacher.itemsize) > 2, UNLESS_ONE=unless_one, **blocks._asdict(),
    )  # fmt: skip
    return loss


def reduced(losses: torch.Tensor, by: torch.Tensor | None, rule: Rule) -> torch.Tensor:
    """The losses of rows: each, their sum or their mean."""
    if rule.reduction == "none":
        return losses
    total = losses.sum()
    return (total if by is None else total / by).to(torch.float32)


def distillation(
    student: torch.Tensor,
    teacher: torch.Tensor,
    probs: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    divisor: torch.Tensor | None,
    *,
    rule: Rule,
    want_loss: bool = True,
    upstream: torch.Tensor | float | None = None,
    out: torch.Tensor | None = None,
    unless_one: bool = False,
) -> Found:
    """The loss, and where `upstream` is given d(upstream . loss)/d(student), to `out` if given.

    `upstream` is 1.0 or a tensor, () or for "none" (N,). `unless_one`: `out` holds the gradient for an upstream of 1,
    and is left alone where `upstream` is 1.
    """
    student, mass = even(student.detach()), None
    if probs is None:
        teacher = even(teacher.detach())
    else:
        teacher, mass = _whole(teacher, probs, student.shape[-1], rule)
    by = over(len(student), token_weight, divisor, rule, student)
    if upstream is not None and out is None:
        out = torch.empty_like(student, memory_format=torch.contiguous_format)
    given = upstream.detach() if isinstance(upstream, torch.Tensor) else None
    losses = rows(
        student, teacher, mass, token_weight, by, rule, want_loss=want_loss, upstream=given, out=out,
        unless_one=unless_one,
    )  # fmt: skip
    return Found(None if losses is None else reduced(losses, by, rule), out)


@functools.lru_cache(maxsize=256)
def _loss_of(rule: Rule) -> _native_soft.Loss:
    """The loss with its options."""
    return _native_soft.Loss(
        functools.partial(distillation, rule=rule),
        functools.partial(_reference_distillation.distillation, **rule._asdict()),
        rule.reduction != "none",
    )


def loss(tensors: Tensors, rule: Rule, gradient: str) -> torch.Tensor:
    """The loss of tensors that are checked, its gradient made where the choice says."""
    flag.raise_earlier()
    return soft.loss(_loss_of(rule), gradient, tensors)


def gradient(upstream: torch.Tensor, tensors: Tensors, rule: Rule) -> torch.Tensor:
    """d(sum of upstream x loss) / d(student)."""
    return soft.gradient(_loss_of(rule), upstream, tensors)
