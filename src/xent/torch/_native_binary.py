"""The binary losses on the compiled core under autograd: one call forward; a gradient that is kept, or made backward.

The gradient that the forward pass makes is that for an upstream gradient of 1, and is handed out as it is, once, where
the upstream gradient is 1. In every other case it is made from the inputs, the upstream gradient multiplied in before
anything is rounded.
"""

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _elements, _reference_binary, _select

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor | None]


class Binary(torch.autograd.Function):
    """The loss; `inside` says that its gradient is made beside it."""

    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor | None,
        pos_weight: torch.Tensor | None,
        logits: bool,
        reduction: str,
        inside: bool,
    ) -> torch.Tensor:
        found = _elements.binary(
            input,
            target,
            weight,
            pos_weight,
            logits=logits,
            reduction=reduction,
            upstream=1.0 if inside else None,
        )
        ctx.save_for_backward(input, target, weight, pos_weight)
        ctx.gradient = found.gradient
        ctx.settings = logits, reduction
        assert found.loss is not None  # it was asked for
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        kept, ctx.gradient = ctx.gradient, None
        rest = (None,) * 6
        logits, reduction = ctx.settings
        if torch.is_grad_enabled() or not _select.concrete(upstream):
            return composed(upstream, ctx.saved_tensors, logits, reduction), *rest
        if kept is not None and upstream.item() == 1.0:
            return kept, *rest
        return gradient(upstream, ctx.saved_tensors, logits, reduction, kept), *rest


def gradient(
    upstream: torch.Tensor, tensors: Tensors, logits: bool, reduction: str, out: torch.Tensor | None = None
) -> torch.Tensor:
    """d(sum of upstream x loss) / d(input)."""
    found = _elements.binary(
        *tensors,
        logits=logits,
        reduction=reduction,
        want_loss=False,
        upstream=upstream if reduction == "none" else upstream.item(),
        out=out,
    )
    assert found.gradient is not None  # it was asked for
    return found.gradient


def composed(upstream: torch.Tensor, tensors: Tensors, logits: bool, reduction: str) -> torch.Tensor:
    """The gradient as torch operations on the inputs, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient")
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        loss = _reference_binary.binary(*tensors, logits=logits, reduction=reduction)
        (gradient,) = torch.autograd.grad(loss, tensors[0], upstream, create_graph=again)
    return gradient
