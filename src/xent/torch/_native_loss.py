"""The loss on the compiled core under autograd: one call forward, and backward a gradient that is kept or made again.

The gradient that the forward pass makes is that for an upstream gradient of 1. Where the upstream gradient is 1, it is
handed out as it is, once: autograd may make it the `.grad` of the logits, and others may add to that. In every other
case it is made again from the logits, with the upstream gradient multiplied in before anything is rounded.
"""

from __future__ import annotations

from typing import Any

import torch
from xent._errors import DistributionError
from xent.torch import _reference, _rows, _select, _state
from xent.torch._operands import Operands, check_target
from xent.torch._options import PLAIN, Options


def loss(o: Operands, options: Options, denominator: float | None, gradient: str) -> torch.Tensor:
    """The loss of checked rows, its gradient made where the choice says; a bad target is a DistributionError."""
    if gradient == "none":
        return rows(o, options, denominator).loss
    return _Loss.apply(o.logits, o, options, denominator, gradient == "in forward")


def plain(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean over rows of labels, all options as they come, with its gradient."""
    return _Loss.apply(logits, Operands(logits, target, None, None, None, False, True, target.shape), PLAIN, None, True)


def rows(
    o: Operands,
    options: Options,
    denominator: float | None,
    upstream: float | None = None,
    out: torch.Tensor | None = None,
) -> _rows.Rows:
    """The one call forward. The core finds the first bad row; the message is made by looking at it again."""
    try:
        if not o.tail:
            check_target(o, options.ignore_index)
        return _rows.loss(
            o.logits,
            o.target,
            o.probs,
            o.weight,
            o.token_weight,
            options,
            spread=o.spread,
            denominator=denominator,
            upstream=upstream,
            out=out,
        )
    except _rows.BadRows as bad:
        check_target(o, options.ignore_index)
        raise DistributionError(f"`target` row {bad.row} is no distribution ({bad.kind}).") from None


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, o: Operands, options: Options, denominator: float | None, inside: bool
    ) -> torch.Tensor:
        found = rows(o, options, denominator, 1.0 if inside else None)
        ctx.save_for_backward(logits, o.target, o.probs, o.weight, o.token_weight, found.state)
        ctx.gradient = found.gradient
        ctx.settings = options, denominator, o.spread
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        kept, ctx.gradient = ctx.gradient, None
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            tensors, (options, denominator, spread) = ctx.saved_tensors[:5], ctx.settings
            return composed(upstream, *tensors, options, spread, denominator), None, None, None, None
        if kept is not None and upstream.item() == 1.0:
            return kept, None, None, None, None
        logits, target, probs, weight, token_weight, state = ctx.saved_tensors
        options, denominator, spread = ctx.settings
        if state is None:  # the forward pass made a gradient instead
            o = Operands(logits, target, probs, weight, token_weight, spread, True, ())
            again = rows(o, options, denominator, upstream.item(), kept).gradient
        else:
            again = _rows.gradient(
                logits,
                target,
                probs,
                weight,
                token_weight,
                options,
                state,
                upstream.resolve_neg(),
                spread=spread,
                denominator=denominator,
            )
        return again, None, None, None, None


def composed(
    upstream: torch.Tensor,
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    spread: bool,
    denominator: float | torch.Tensor | None,
) -> torch.Tensor:
    """The gradient as torch operations on the saved logits, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient takes torch operations")
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        value = _reference.loss(
            logits, target, probs, weight, token_weight, options, spread=spread, denominator=denominator
        )
        (gradient,) = torch.autograd.grad(value, logits, upstream, create_graph=again)
    return gradient
