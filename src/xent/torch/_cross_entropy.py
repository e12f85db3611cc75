"""`cross_entropy`: the arguments checked once, then one call of the backend that was chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch

from xent._forms import TopK
from xent.torch import _native_loss, _ops, _reference, _select
from xent.torch._operands import Operands, check_target, checked_denominator, operands, positive_denominator
from xent.torch._options import Options, settled
from xent.torch._select import Choice, Facts


class Call(NamedTuple):
    """A call of `cross_entropy`, checked and chosen for."""

    operands: Operands
    options: Options
    denominator: float | torch.Tensor | None
    choice: Choice


def _prepare(
    input: torch.Tensor,
    target: Any,
    weight: torch.Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    z_loss: float,
    softcap: float | None,
    temperature: float,
    token_weight: torch.Tensor | None,
    denominator: float | torch.Tensor | None,
) -> Call:
    options = settled(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)
    o = operands(input, target, weight, token_weight)
    if denominator is not None:
        denominator = checked_denominator(denominator, options.reduction)
    outside = denominator if isinstance(denominator, torch.Tensor) else None
    other = ""
    if grad := torch.is_grad_enabled():
        if weight is not None and weight.requires_grad:
            other = "`weight` requires a gradient"
        elif o.target.requires_grad or (o.probs is not None and o.probs.requires_grad):
            other = "`target` requires a gradient"
    facts = Facts(
        _select.obstacle(o.logits, o.target, o.probs, weight, token_weight, outside),
        _select.core(),
        grad and o.logits.requires_grad,
        other,
        options.reduction != "none" and not _reduced_outside(token_weight, outside),
        o.logits.dtype == torch.float16,
        _select.seen(),
        _select.forced(),
    )
    return Call(o, options, denominator, _select.chosen(facts))


def _reduced_outside(token_weight: torch.Tensor | None, denominator: torch.Tensor | None) -> bool:
    """Whether what multiplies or divides the rows has a gradient: then torch multiplies and divides."""
    return torch.is_grad_enabled() and (
        (token_weight is not None and token_weight.requires_grad)
        or (denominator is not None and denominator.requires_grad)
    )


def _compute(call: Call) -> torch.Tensor:
    o, options, denominator = call.operands, call.options, call.denominator
    if call.choice.backend == "reference":
        if _select.readable(o.target):
            check_target(o, options.ignore_index)
        if isinstance(denominator, torch.Tensor) and _select.readable(denominator):
            positive_denominator(denominator.item())
        return _reference.loss(
            o.logits, o.target, o.probs, o.weight, o.token_weight, options, spread=o.spread, denominator=denominator
        )
    if _reduced_outside(o.token_weight, denominator if isinstance(denominator, torch.Tensor) else None):
        rows = _native(o._replace(token_weight=None), replace(options, reduction="none"), None, call.choice)
        loss = _reference.reduced(
            rows, o.target, o.weight, o.token_weight, options, soft=o.soft, denominator=denominator
        )
        return loss.to(rows.dtype)
    return _native(o, options, denominator, call.choice)


def _native(o: Operands, options: Options, denominator: float | torch.Tensor | None, choice: Choice) -> torch.Tensor:
    if _select.seen():
        return _ops.loss(o, options, denominator)
    if isinstance(denominator, torch.Tensor):
        denominator = positive_denominator(denominator.item())
    return _native_loss.loss(o, options, denominator, choice.gradient)


@_select.prepared_by(_prepare)
def cross_entropy(
    input: torch.Tensor,
    target: torch.Tensor | TopK,
    weight: torch.Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
    token_weight: torch.Tensor | None = None,
    denominator: float | torch.Tensor | None = None,
) -> torch.Tensor:
    """TODO."""
    call = _prepare(
        input,
        target,
        weight,
        ignore_index,
        reduction,
        label_smoothing,
        z_loss,
        softcap,
        temperature,
        token_weight,
        denominator,
    )
    loss = _compute(call)
    if reduction == "none" and len(call.operands.shape) != 1:
        return loss.reshape(call.operands.shape)
    return loss
