"""The binary losses as operators that torch.compile, torch.export and dispatch modes can see: the same bits as eager.

The gradient is made in the backward pass. Values are checked inside the operators, where there are values.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xent.torch import _binary_operands, _elements, _native_binary
from xent.torch._reference import loss_dtype


@torch.library.custom_op("xent::binary_cross_entropy", mutates_args=(), device_types="cpu")
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, logits: bool, reduction: str
) -> Tensor:
    """The loss, reduced."""
    try:
        found = _elements.binary(input, target, weight, pos_weight, logits=logits, reduction=reduction)
    except _elements.BadElement as bad:
        _binary_operands.explain(bad, input, target)
    assert found.loss is not None  # it was asked for
    return found.loss


@binary_cross_entropy.register_fake
def _(input: Tensor, target: Tensor, weight: Any, pos_weight: Any, logits: bool, reduction: str) -> Tensor:
    return input.new_empty(input.shape if reduction == "none" else (), dtype=loss_dtype(input.dtype))


@torch.library.custom_op("xent::binary_cross_entropy_gradient", mutates_args=(), device_types="cpu")
def binary_cross_entropy_gradient(
    upstream: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    pos_weight: Tensor | None,
    logits: bool,
    reduction: str,
) -> Tensor:
    """d(sum of upstream x loss) / d(input)."""
    return _native_binary.gradient(upstream, (input, target, weight, pos_weight), logits, reduction)


@binary_cross_entropy_gradient.register_fake
def _(upstream: Tensor, input: Tensor, *rest: Any) -> Tensor:
    return torch.empty_like(input)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.settings = inputs[4:]


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    rest = (None,) * 5
    if torch.is_grad_enabled():
        return _native_binary.composed(upstream, ctx.saved_tensors, *ctx.settings), *rest
    return binary_cross_entropy_gradient(upstream, *ctx.saved_tensors, *ctx.settings), *rest


binary_cross_entropy.register_autograd(_backward, setup_context=_keep)
