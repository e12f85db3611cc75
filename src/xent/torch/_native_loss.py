"""The loss on the compiled core under autograd: one call forward, and backward a gradient that is kept or made again.

The gradient that the forward pass makes is that for an upstream gradient of 1. Where the upstream gradient is 1, it is
handed out as it is, once: autograd may make it the `.grad` of the logits, and others may add to that. In every other
case it is made again from the logits and the state, with the upstream gradient multiplied in before anything is
rounded.
"""

from __future__ import annotations

from typing import Any, NoReturn

import torch

from xent._errors import DistributionError
from xent.torch import _reference, _rows, _select, _state
from xent.torch._operands import Operands, check_target
from xent.torch._options import Options


def loss(o: Operands, options: Options, denominator: float | None, gradient: str) -> torch.Tensor:
    """The loss of checked rows, its gradient made where the choice says; a bad target is a DistributionError."""
    if gradient == "none":
        return rows(o, options, denominator, keep=False).loss
    return _Loss.apply(o.logits, o, options, denominator, gradient == "in forward")


def rows(
    o: Operands,
    options: Options,
    denominator: float | None,
    upstream: float | None = None,
    out: torch.Tensor | None = None,
    *,
    keep: bool = True,
) -> _rows.Rows:
    """The one call forward. The core finds the first bad row; the message is made by looking at it again."""
    if not o.tail:
        check_target(o, options.ignore_index)
    try:
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
            state=keep,
        )
    except _rows.BadRows as found:
        bad = found.row
    explain(o, options, bad)


def explain(o: Operands, options: Options, row: int) -> NoReturn:
    """Say what is wrong with the row that the core stopped at."""
    check_target(o, options.ignore_index)
    raise DistributionError(f"`target` row {row} is no distribution.")


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
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output, one upstream gradient
        kept, ctx.gradient = ctx.gradient, None
        nothing = None, None, None, None
        if kept is not None and not torch.is_grad_enabled() and _state.concrete(upstream) and upstream.item() == 1.0:
            return kept, *nothing
        logits, target, probs, weight, token_weight, state = ctx.saved_tensors
        options, denominator, spread = ctx.settings
        o = Operands(logits, target, probs, weight, token_weight, spread, True, ())  # checked before
        return again(upstream, o, options, denominator, state, kept), *nothing


def again(
    upstream: torch.Tensor,
    o: Operands,
    options: Options,
    denominator: float | None,
    state: torch.Tensor | None,
    out: torch.Tensor | None,
) -> torch.Tensor:
    """The gradient for any upstream gradient, from the logits and, where the forward pass kept it, the state."""
    if torch.is_grad_enabled() or not _state.concrete(upstream):
        return composed(upstream, o, options, denominator)
    if state is None:  # the short way: there are so few rows that keeping it costs as much
        gradient = rows(o, options, denominator, upstream.item(), out, keep=False).gradient
        assert gradient is not None  # it was asked for
        return gradient
    return _rows.gradient(
        o.logits,
        o.target,
        o.probs,
        o.weight,
        o.token_weight,
        options,
        state,
        upstream.resolve_neg(),
        spread=o.spread,
        denominator=denominator,
        out=out,
    )


def composed(
    upstream: torch.Tensor, o: Operands, options: Options, denominator: float | torch.Tensor | None
) -> torch.Tensor:
    """The gradient as torch operations on the saved logits, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient takes torch operations")
    more = torch.is_grad_enabled()
    with torch.enable_grad():
        value = _reference.loss(
            o.logits, o.target, o.probs, o.weight, o.token_weight, options, spread=o.spread, denominator=denominator
        )
        return torch.autograd.grad(value, o.logits, upstream, create_graph=more)[0]
