"""Losses of elements and of pairs of rows by the Triton kernels under autograd: nothing is waited for.

As in `loss`, the gradient that the forward pass makes is that for an upstream gradient of 1, and whether the upstream
gradient is 1 is asked on the GPU.
"""

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _state
from xent.torch._native_soft import Loss, Tensors, composed, value


def loss(loss: Loss, gradient: str, tensors: Tensors) -> torch.Tensor:
    """The loss, its gradient by the first tensor made where the choice says."""
    if gradient == "none":
        return value(loss, *tensors)
    return _Differentiable.apply(loss, gradient == "in forward", *tensors)


def gradient(loss: Loss, upstream: torch.Tensor, tensors: Tensors, out: torch.Tensor | None = None) -> torch.Tensor:
    """d(sum of upstream x loss) / d(first tensor); `out` holds that for an upstream of 1."""
    plain = upstream.resolve_neg()
    found = loss.kernel(*tensors, want_loss=False, upstream=plain, out=out, unless_one=out is not None).gradient
    assert found is not None  # it was asked for
    return found


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Loss, inside: bool, *tensors: torch.Tensor | None) -> torch.Tensor:
        found = loss.kernel(*tensors, upstream=1.0 if inside else None)
        ctx.save_for_backward(*tensors)
        ctx.gradient, ctx.loss = found.gradient, loss
        assert found.loss is not None  # it was asked for
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output, one upstream gradient
        kept, ctx.gradient = ctx.gradient, None
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            found = composed(ctx.loss, upstream, tensors)
        else:
            found = gradient(ctx.loss, upstream, tensors, kept)
        return (None, None, found, *(None,) * (len(tensors) - 1))
