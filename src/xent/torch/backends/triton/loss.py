"""Loss and statistics by the Triton kernels under autograd: nothing is waited for, forward or back.

The gradient that the forward pass makes is that for an upstream gradient of 1. Whether the upstream gradient is 1 is
asked on the GPU: where it is not, the backward pass makes the gradient again in the same memory, with the upstream
gradient multiplied in before anything is rounded.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _native_loss, _native_statistics, _state
from xent.torch._operands import Operands, positive_denominator
from xent.torch._options import Options
from xent.torch.backends.triton import flag, rows

Four = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def placed(denominator: torch.Tensor, device: torch.device) -> torch.Tensor:
    """`denominator` as () float64 on the device: of a number that the host has no copy is waited for, or captured."""
    if denominator.is_cpu and device.type != "cpu":
        return torch.full((), denominator.item(), dtype=torch.float64, device=device)
    return denominator.detach().to(device, torch.float64)


def divisor(o: Operands, options: Options, denominator: float | torch.Tensor | None) -> torch.Tensor | None:
    """What a mean is divided by, () float64 on the device: infinite where no row counts; None for other reductions."""
    if options.reduction != "mean":
        return None
    device = o.logits.device
    if isinstance(denominator, torch.Tensor) and denominator.is_cpu and not o.logits.is_cpu:
        denominator = positive_denominator(denominator.item())  # to read it takes no waiting; to copy it would
    if isinstance(denominator, torch.Tensor):
        return placed(denominator, device)
    if denominator is not None:
        return torch.full((), denominator, dtype=torch.float64, device=device)
    if o.soft and o.token_weight is None:
        return torch.full((), len(o.logits) or torch.inf, dtype=torch.float64, device=device)
    if o.soft and o.token_weight is not None:
        share = o.token_weight.detach().double()
    else:
        kept = o.target.to(torch.int64) != options.ignore_index
        if o.weight is None and o.token_weight is None:
            count = kept.sum(dtype=torch.float64)
            return torch.where(count == 0, torch.inf, count)
        share = kept.double()
        if o.token_weight is not None:
            share = o.token_weight.detach().double().masked_fill(~kept, 0.0)
        if o.weight is not None:
            classes = o.target.to(torch.int64).masked_fill(~kept, 0).clamp(0, len(o.weight) - 1)
            share = share * o.weight.detach().double()[classes]
    return torch.where((share != 0).any(), share.sum(), torch.inf)


def reduced(losses: torch.Tensor, by: torch.Tensor | None, options: Options) -> torch.Tensor:
    """The losses of rows: each, their sum or their mean."""
    if options.reduction == "none":
        return losses
    total = losses.sum()
    if by is not None:  # where no row counts, NaN that is in one does not count either
        total = (total / by).masked_fill_(by == torch.inf, 0.0)
    return total.to(torch.float32)


def loss(o: Operands, options: Options, denominator: float | torch.Tensor | None, gradient: str) -> torch.Tensor:
    """The loss of rows whose shapes are checked, its gradient made where the choice says."""
    flag.raise_earlier()
    by = divisor(o, options, denominator)
    if gradient == "none":
        return reduced(rows.loss(o, options, by, gradient=False).loss, by, options)
    return _Loss.apply(o.logits, o, options, by, gradient == "in forward")


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, o: Operands, options: Options, by: torch.Tensor | None, inside: bool
    ) -> torch.Tensor:
        found = rows.loss(o, options, by, gradient=inside)
        ctx.save_for_backward(logits, o.target, o.probs, o.weight, o.token_weight, found.state, by)
        ctx.gradient = found.gradient
        ctx.settings = options, o.spread, o.tail
        return reduced(found.loss, by, options)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output, one upstream gradient
        kept, ctx.gradient = ctx.gradient, None
        logits, target, probs, weight, token_weight, state, by = ctx.saved_tensors
        options, spread, tail = ctx.settings
        o = Operands(logits, target, probs, weight, token_weight, spread, tail, ())
        return again(upstream, o, options, by, state, kept), None, None, None, None


def again(
    upstream: torch.Tensor,
    o: Operands,
    options: Options,
    by: torch.Tensor | None,
    state: torch.Tensor,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The gradient for any upstream gradient, from the logits and the state; `out` holds that for an upstream of 1."""
    if torch.is_grad_enabled() or not _state.concrete(upstream):
        return _native_loss.composed(upstream, o, options, by)
    return rows.gradient(o, options, state, upstream.resolve_neg(), by, out=out, unless_one=out is not None)


def statistics(o: Operands, options: Options, gradient: str) -> Four:
    """The four statistics of rows whose shapes are checked."""
    flag.raise_earlier()
    return rows.statistics(o, options)[:4] if gradient == "none" else _Statistics.apply(o.logits, o, options)


class _Statistics(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, o: Operands, options: Options) -> Four:
        found = rows.statistics(o, options)
        ctx.save_for_backward(logits, o.target, found.state)
        ctx.options = options
        ctx.mark_non_differentiable(found.argmax)
        ctx.set_materialize_grads(False)
        return found[:4]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        logits, target, state = ctx.saved_tensors
        return statistics_again(grad_outputs[:3], logits, target, ctx.options, state), None, None


def statistics_again(
    upstream: tuple[torch.Tensor | None, ...],
    logits: torch.Tensor,
    target: torch.Tensor,
    options: Options,
    state: torch.Tensor,
    out: torch.Tensor | None = None,
) -> torch.Tensor | None:
    """The gradient by the logits from the upstream gradients of log_prob, logsumexp and entropy."""
    if torch.is_grad_enabled() or not all(g is None or _state.concrete(g) for g in upstream):
        return _native_statistics.composed(upstream, logits, target, options)
    if all(g is None for g in upstream):
        return None
    log_prob, logsumexp, entropy = (None if g is None else g.resolve_neg() for g in upstream)
    o = Operands(logits, target, None, None, None, False, True, ())
    negated = state.new_zeros(()) if log_prob is None else -log_prob
    return rows.gradient(o, options, state, negated, by_logsumexp=logsumexp, by_entropy=entropy, out=out)
