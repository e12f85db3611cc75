"""The binary losses as operators that torch.compile, torch.export and dispatch modes can see: the same bits as eager.

The gradient is made in the backward pass. Values are checked inside the operators, where there are values.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from xent.torch import _binary_operands, _elements, _native_soft, _reference_binary, _triton
from xent.torch._reference import loss_dtype


@functools.cache
def loss_of(logits: bool, reduction: str) -> _native_soft.Loss:
    """The loss with its options, for the compiled core."""
    return _native_soft.Loss(
        functools.partial(_elements.binary, logits=logits, reduction=reduction),
        functools.partial(_reference_binary.binary, logits=logits, reduction=reduction),
        reduction != "none",
    )


@torch.library.custom_op("xent::binary_cross_entropy", mutates_args=(), device_types=("cpu", "cuda"))
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    pos_weight: Tensor | None,
    logits: bool,
    reduction: str,
    backend: str,
) -> Tensor:
    """The loss, reduced."""
    if backend == "triton":
        return _triton.kernels("binary").loss((input, target, weight, pos_weight), logits, reduction, "none")
    try:
        return _native_soft.value(loss_of(logits, reduction), input, target, weight, pos_weight)
    except _elements.BadElement as bad:
        _binary_operands.explain(bad, input, target)


@binary_cross_entropy.register_fake
def _(
    input: Tensor, target: Tensor, weight: Any, pos_weight: Any, logits: bool, reduction: str, backend: str
) -> Tensor:
    return input.new_empty(input.shape if reduction == "none" else (), dtype=loss_dtype(input.dtype))


@torch.library.custom_op("xent::binary_cross_entropy_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def binary_cross_entropy_gradient(
    upstream: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    pos_weight: Tensor | None,
    logits: bool,
    reduction: str,
    backend: str,
) -> Tensor:
    """d(sum of upstream x loss) / d(input)."""
    tensors = input, target, weight, pos_weight
    if backend == "triton":
        return _triton.kernels("binary").gradient(upstream, tensors, logits, reduction)
    return _native_soft.gradient(loss_of(logits, reduction), upstream, tensors)


@binary_cross_entropy_gradient.register_fake
def _(upstream: Tensor, input: Tensor, *rest: Any) -> Tensor:
    return torch.empty_like(input)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.settings = inputs[4:]


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    rest = (None,) * 6
    if torch.is_grad_enabled():
        return _native_soft.composed(loss_of(*ctx.settings[:2]), upstream, ctx.saved_tensors), *rest
    return binary_cross_entropy_gradient(upstream, *ctx.saved_tensors, *ctx.settings), *rest


binary_cross_entropy.register_autograd(_backward, setup_context=_keep)
