"""Distillation of the last layer as operators that torch.compile, torch.export and dispatch modes can see."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xent.torch import _linear_distillation_autograd as autograd
from xent.torch import _linear_distillation_loop as loop
from xent.torch import _triton
from xent.torch._distillation_operands import Rule
from xent.torch._linear_distillation_loop import Layers, Wanted
from xent.torch._operands import positive_denominator
from xent.torch._reference import loss_dtype


@torch.library.custom_op("xent::linear_distillation", mutates_args=(), device_types=("cpu", "cuda"))
def linear_distillation(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    teacher_input: Tensor,
    teacher_weight: Tensor,
    teacher_bias: Tensor | None,
    token_weight: Tensor | None,
    divisor: Tensor | None,
    kind: str,
    temperature: float,
    tail: str | None,
    reduction: str,
    denominator: float | None,
    budget: int,
    backend: str,
) -> Tensor:
    """The loss, () or (N,)."""
    p = Layers(input, weight, bias, teacher_input, teacher_weight, teacher_bias, token_weight, divisor)
    rule = Rule(kind, temperature, tail, reduction, denominator)
    if backend == "triton":
        return _triton.kernels("linear_distillation").loss(p, rule, budget, "none")
    if divisor is not None:
        positive_denominator(divisor.item())
    return loop.distill(p, rule, budget, autograd.NOTHING).loss


@linear_distillation.register_fake
def _(input: Tensor, *args: Any) -> Tensor:
    return input.new_empty(input.shape[:1] if args[10] == "none" else (), dtype=loss_dtype(input.dtype))


@torch.library.custom_op("xent::linear_distillation_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def linear_distillation_gradient(
    upstream: Tensor,
    wanted: list[bool],
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    teacher_input: Tensor,
    teacher_weight: Tensor,
    teacher_bias: Tensor | None,
    token_weight: Tensor | None,
    divisor: Tensor | None,
    kind: str,
    temperature: float,
    tail: str | None,
    reduction: str,
    denominator: float | None,
    budget: int,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients by input, weight and bias; an empty tensor for what is not wanted."""
    p = Layers(input, weight, bias, teacher_input, teacher_weight, teacher_bias, token_weight, divisor)
    rule = Rule(kind, temperature, tail, reduction, denominator)
    again = _triton.kernels("linear_distillation").again if backend == "triton" else autograd.again
    three = again(p, rule, budget, Wanted(*wanted), upstream)
    first, second, third = (input.new_empty(0) if g is None else g for g in three)
    return first, second, third


@linear_distillation_gradient.register_fake
def _(upstream: Tensor, wanted: list[bool], *args: Any) -> tuple[Tensor, Tensor, Tensor]:
    first, second, third = (
        a.new_empty(a.shape) if want and a is not None else args[0].new_empty(0)
        for a, want in zip(args[:3], wanted, strict=True)
    )
    return first, second, third


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:8])
    ctx.rule = inputs[8:]


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    wanted = [need and a is not None for need, a in zip(ctx.needs_input_grad[:3], ctx.saved_tensors, strict=False)]
    rest = (None,) * 12
    if torch.is_grad_enabled():
        rule = Rule(*ctx.rule[:5])
        return *autograd.composed(Layers(*ctx.saved_tensors), rule, Wanted(*wanted), upstream), *rest
    made = linear_distillation_gradient(upstream, wanted, *ctx.saved_tensors, *ctx.rule)
    return *(g if want else None for g, want in zip(made, wanted, strict=True)), *rest


linear_distillation.register_autograd(_backward, setup_context=_keep)
