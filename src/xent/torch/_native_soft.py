"""Losses against soft targets on the compiled core under autograd: one call forward, a gradient kept or made backward.

The gradient that the forward pass makes is that for an upstream gradient of 1, and is handed out as it is, once, where
the upstream gradient is 1. In every other case it is made from the inputs, the upstream gradient multiplied in before
anything is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from xent.torch import _select, _state

Tensors = tuple[torch.Tensor | None, ...]


class Found(NamedTuple):
    """What one pass gives."""

    loss: torch.Tensor | None  # () or one an element or row; float64 for float64 input, else float32
    gradient: torch.Tensor | None  # shape and dtype of the input


# A call of the core on tensors, the first of which is the input: the loss where `want_loss`, and where `upstream` is
# given d(upstream . loss)/d(input). `upstream` is a number where the loss is reduced, else a tensor; `out` may take the
# gradient.
Kernel = Callable[..., Found]
# The same loss as torch operations on the same tensors.
Reference = Callable[..., torch.Tensor]


class Loss(NamedTuple):
    """One loss with its options."""

    kernel: Kernel
    reference: Reference
    reduced: bool


def value(loss: Loss, *tensors: torch.Tensor | None) -> torch.Tensor:
    """The loss alone."""
    found = loss.kernel(*tensors).loss
    assert found is not None  # it was asked for
    return found


def gradient(loss: Loss, upstream: torch.Tensor, tensors: Tensors, out: torch.Tensor | None = None) -> torch.Tensor:
    """d(sum of upstream x loss) / d(input)."""
    scale = upstream.item() if loss.reduced else upstream
    found = loss.kernel(*tensors, want_loss=False, upstream=scale, out=out).gradient
    assert found is not None  # it was asked for
    return found


def composed(loss: Loss, upstream: torch.Tensor, tensors: Tensors) -> torch.Tensor:
    """The gradient as torch operations on the inputs, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient")
    again = torch.is_grad_enabled()
    input = tensors[0]
    assert input is not None  # the input is always given
    with torch.enable_grad():
        (found,) = torch.autograd.grad(loss.reference(*tensors), input, upstream, create_graph=again)
    return found


class Differentiable(torch.autograd.Function):
    """The loss with its gradient by the first tensor; `inside` says that it is made beside the loss."""

    @staticmethod
    def forward(ctx: Any, loss: Loss, inside: bool, *tensors: torch.Tensor | None) -> torch.Tensor:
        """One call of the core."""
        found = loss.kernel(*tensors, upstream=1.0 if inside else None)
        ctx.save_for_backward(*tensors)
        ctx.gradient = found.gradient
        ctx.loss = loss
        assert found.loss is not None  # it was asked for
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # as documented
        """The kept gradient, or one made for this upstream gradient."""
        kept, ctx.gradient = ctx.gradient, None
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            found = composed(ctx.loss, upstream, tensors)
        elif kept is not None and upstream.item() == 1.0:
            found = kept
        else:
            found = gradient(ctx.loss, upstream, tensors, kept)
        return (None, None, found, *(None,) * (len(tensors) - 1))
