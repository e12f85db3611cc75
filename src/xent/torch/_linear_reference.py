"""The definition: all the logits by plain torch operations, and `_reference` on them. Right under every transform."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from xent.torch import _reference
from xent.torch._linear_operands import LinearOperands
from xent.torch._options import Options


def logits(p: LinearOperands, ignore_index: int) -> torch.Tensor:
    """(N P, C); half precision is multiplied in float32. What an ignored row holds reaches nothing."""
    wide = _reference.loss_dtype(p.input.dtype)
    input, weight = p.input.flatten(0, -2).to(wide), p.weight.to(wide)
    if not p.soft:
        unread = (p.target.to(torch.int64) == ignore_index).all(1, keepdim=True)
        input = input.masked_fill(unread, 0.0)
    made = F.linear(input, weight.flatten(0, 1), None if p.bias is None else p.bias.to(wide).flatten())
    return made.unflatten(1, weight.shape[:2]).transpose(1, 2).flatten(0, 1)


def loss(p: LinearOperands, options: Options, denominator: float | torch.Tensor | None) -> torch.Tensor:
    """The loss, () or (N, P)."""
    o = p.rows(logits(p, options.ignore_index))
    value = _reference.loss(
        o.logits, o.target, o.probs, o.weight, o.token_weight, options, spread=o.spread, denominator=denominator
    )
    return value.reshape(p.target.shape[:2]) if options.reduction == "none" else value


def statistics(p: LinearOperands, options: Options) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The four statistics, (N, P)."""
    o, shape = p.rows(logits(p, options.ignore_index)), p.target.shape[:2]
    log_prob, logsumexp, entropy, argmax = _reference.statistics(o.logits, o.target, options)
    return log_prob.reshape(shape), logsumexp.reshape(shape), entropy.reshape(shape), argmax.reshape(shape)
