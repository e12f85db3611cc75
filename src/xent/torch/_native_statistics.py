"""Statistics of rows on the compiled core under autograd: one pass forward, one backward for all upstream gradients."""

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _reference, _rows, _select, _state
from xent.torch._native_loss import explain
from xent.torch._operands import Operands
from xent.torch._options import Options

Four = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def statistics(o: Operands, options: Options, gradient: str) -> Four:
    """The four statistics of checked rows; a bad label is a DistributionError."""
    return rows(o, options)[:4] if gradient == "none" else _Statistics.apply(o.logits, o, options)


def rows(o: Operands, options: Options) -> _rows.Statistics:
    """The one call forward. The core finds the first bad label; the message is made by looking again."""
    try:
        return _rows.statistics(o.logits, o.target, options)
    except _rows.BadRows as found:
        bad = found.row
    explain(o, options, bad)


class _Statistics(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, o: Operands, options: Options) -> Four:
        found = rows(o, options)
        ctx.save_for_backward(logits, o.target, found.state)
        ctx.options = options
        ctx.mark_non_differentiable(found.argmax)
        ctx.set_materialize_grads(False)
        return found[:4]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        upstream = grad_outputs[:3]
        logits, target, state = ctx.saved_tensors
        if torch.is_grad_enabled() or not all(g is None or _state.concrete(g) for g in upstream):
            return composed(upstream, logits, target, ctx.options), None, None
        plain = (None if g is None else g.resolve_neg() for g in upstream)
        return _rows.statistics_gradient(logits, target, ctx.options, state, *plain), None, None


def composed(
    upstream: tuple[torch.Tensor | None, ...], logits: torch.Tensor, target: torch.Tensor, options: Options
) -> torch.Tensor | None:
    """The gradient as torch operations on the saved logits, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient takes torch operations")
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        found = _reference.statistics(logits, target, options)
    wanted = [(value, g) for value, g in zip(found, upstream, strict=False) if g is not None]
    if not wanted:
        return None
    values, gradients = zip(*wanted, strict=True)
    return torch.autograd.grad(values, logits, gradients, create_graph=again)[0]
