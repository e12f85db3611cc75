"""What `_rows` does, from torch operations: for chunks of logits where there is no compiled core, or none is wanted."""

from __future__ import annotations

import torch

from xent._errors import DistributionError
from xent.torch import _operands, _reference
from xent.torch._options import Options
from xent.torch._rows import BadRows, Rows, Statistics

ELEMENT = 96  # bytes beside each logit, at most, that the operations hold at once


def _check(target: torch.Tensor, probs: torch.Tensor | None, outcomes: int) -> None:
    """Refuse targets that are no distribution, as the core does. Labels are checked by who calls, all at once."""
    try:
        if probs is not None:
            _operands.check_top_k(target, probs, outcomes, tuple(target.shape[:1]), tail=True)
        elif target.ndim == 2:
            _operands.check_distributions(target, tuple(target.shape[:1]))
    except DistributionError:
        raise BadRows("sum", 0) from None


def loss(
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    *,
    spread: bool = False,
    denominator: float | None = None,
    upstream: float | None = None,
    out: torch.Tensor | None = None,
) -> Rows:
    """As `_rows.loss`; the state is empty, since `gradient` starts from the logits."""
    _check(target, probs, logits.shape[1])
    with torch.enable_grad():
        z = logits.detach().requires_grad_(upstream is not None)
        value = _reference.loss(z, target, probs, weight, token_weight, options, spread=spread, denominator=denominator)
        if upstream is None:
            return Rows(value, logits.new_empty((len(logits), 0), dtype=torch.float64), None)
        (made,) = torch.autograd.grad(value, z, torch.full_like(value, upstream))
    return Rows(value.detach(), None, made if out is None else out.copy_(made))


def gradient(
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    state: torch.Tensor,
    upstream: torch.Tensor,
    *,
    spread: bool = False,
    denominator: float | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """As `_rows.gradient`."""
    with torch.enable_grad():
        z = logits.detach().requires_grad_()
        value = _reference.loss(z, target, probs, weight, token_weight, options, spread=spread, denominator=denominator)
        (made,) = torch.autograd.grad(value, z, upstream.to(value.dtype))
    return made if out is None else out.copy_(made)


def statistics(logits: torch.Tensor, target: torch.Tensor, options: Options) -> Statistics:
    """As `_rows.statistics`."""
    return Statistics(
        *_reference.statistics(logits, target, options), logits.new_empty((len(logits), 0), dtype=torch.float64)
    )


def statistics_gradient(
    logits: torch.Tensor,
    target: torch.Tensor,
    options: Options,
    state: torch.Tensor,
    log_prob: torch.Tensor | None,
    logsumexp: torch.Tensor | None,
    entropy: torch.Tensor | None,
    *,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """As `_rows.statistics_gradient`."""
    with torch.enable_grad():
        z = logits.detach().requires_grad_()
        found = _reference.statistics(z, target, options)
        pairs = [(v, g) for v, g in zip(found, (log_prob, logsumexp, entropy), strict=False) if g is not None]
        values, upstreams = zip(*pairs, strict=True)
        (made,) = torch.autograd.grad(values, z, upstreams)
    return made if out is None else out.copy_(made)
