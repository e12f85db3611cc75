"""Distillation as operators that torch.compile, torch.export and dispatch modes can see: the same bits as eager."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from xent.torch import _native_soft, _pairs, _reference_distillation, _triton
from xent.torch._distillation_operands import Rule, check_teacher
from xent.torch._operands import positive_denominator
from xent.torch._reference import loss_dtype


@functools.lru_cache(maxsize=256)
def loss_of(rule: Rule) -> _native_soft.Loss:
    """The loss with its options, for the compiled core."""
    options = rule._asdict()
    return _native_soft.Loss(
        functools.partial(_pairs.distillation, **options),
        functools.partial(_reference_distillation.distillation, **options),
        rule.reduction != "none",
    )


@torch.library.custom_op("xent::distillation", mutates_args=(), device_types=("cpu", "cuda"))
def distillation(
    student: Tensor,
    teacher: Tensor,
    probs: Tensor | None,
    token_weight: Tensor | None,
    divisor: Tensor | None,
    kind: str,
    temperature: float,
    tail: str | None,
    reduction: str,
    denominator: float | None,
    backend: str,
) -> Tensor:
    """The loss of rows, reduced."""
    rule = Rule(kind, temperature, tail, reduction, denominator)
    tensors = student, teacher, probs, token_weight, divisor
    if backend == "triton":
        return _triton.kernels("distillation").loss(tensors, rule, "none")
    if divisor is not None:
        positive_denominator(divisor.item())
    check_teacher(teacher, probs, student.shape[-1], tail, teacher.shape[:1])
    return _native_soft.value(loss_of(rule), *tensors)


@distillation.register_fake
def _(student: Tensor, *args: Any) -> Tensor:
    shape = student.shape[:1] if args[7] == "none" else ()
    return student.new_empty(shape, dtype=loss_dtype(student.dtype))


@torch.library.custom_op("xent::distillation_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def distillation_gradient(
    upstream: Tensor,
    student: Tensor,
    teacher: Tensor,
    probs: Tensor | None,
    token_weight: Tensor | None,
    divisor: Tensor | None,
    kind: str,
    temperature: float,
    tail: str | None,
    reduction: str,
    denominator: float | None,
    backend: str,
) -> Tensor:
    """d(sum of upstream x loss) / d(student)."""
    rule = Rule(kind, temperature, tail, reduction, denominator)
    tensors = student, teacher, probs, token_weight, divisor
    if backend == "triton":
        return _triton.kernels("distillation").gradient(upstream, tensors, rule)
    return _native_soft.gradient(loss_of(rule), upstream, tensors)


@distillation_gradient.register_fake
def _(upstream: Tensor, student: Tensor, *args: Any) -> Tensor:
    return torch.empty_like(student, memory_format=torch.contiguous_format)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:5])
    ctx.rule = inputs[5:]


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    rest = (None,) * 10
    if torch.is_grad_enabled():
        return _native_soft.composed(loss_of(Rule(*ctx.rule[:5])), upstream, ctx.saved_tensors), *rest
    return distillation_gradient(upstream, *ctx.saved_tensors, *ctx.rule), *rest


distillation.register_autograd(_backward, setup_context=_keep)
