"""The definition of the binary losses in plain differentiable torch: right under every transform.

    from q:  w [y (-log q) + (1 - y)(-log(1 - q))]
    from x:  w [v y softplus(-x) + (1 - y) softplus(x)]        w = weight, v = pos_weight

A term whose factor is 0 is 0, whatever it multiplies. On the CPU it is computed in float64 and rounded once.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from xent.torch._reference import _wide as wide  # pyright: ignore[reportPrivateUsage]
from xent.torch._reference import loss_dtype


def _times(factor: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`factor` x `value` where 0 times infinity is 0; the derivative by `factor` there is as steep as numbers are."""
    idle = (factor == 0) & (value == torch.inf)
    return factor * value.masked_fill(idle, torch.finfo(value.dtype).max)


def _softplus(x: torch.Tensor) -> torch.Tensor:
    return -functional.logsigmoid(-x)


def _of_probabilities(q: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    # Where an outcome is impossible and does not happen, its logarithm has no slope: it is that of a stand-in.
    never, always = (y == 0) & (q == 0), (y == 1) & (q == 1)
    one = -torch.log(q.masked_fill(never, torch.finfo(q.dtype).tiny))
    zero = -torch.log1p(-q.masked_fill(always, 0.0))
    return _times(y, one) + _times(1 - y, zero)


def _of_logits(x: torch.Tensor, y: torch.Tensor, pos_weight: torch.Tensor | None) -> torch.Tensor:
    hit = y if pos_weight is None else pos_weight * y
    return _times(hit, _softplus(-x)) + _times(1 - y, _softplus(x))


def _of(x: torch.Tensor, y: torch.Tensor, pos_weight: torch.Tensor | None, logits: bool) -> torch.Tensor:
    return _of_logits(x, y, pos_weight) if logits else _of_probabilities(x, y)


def elements(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    pos_weight: torch.Tensor | None,
    *,
    logits: bool,
) -> torch.Tensor:
    """The loss of each element, in the precision of the computation."""
    x, y = wide(input), target.to(wide(input).dtype)
    v = None if pos_weight is None else wide(pos_weight).to(x.dtype).expand(x.shape)
    if weight is None:
        return _of(x, y, v, logits)
    w = wide(weight).to(x.dtype)
    # What a weight of 0 multiplies reaches no value and no derivative, finite or not: a stand-in takes its place. (Not
    # where it is finite, for the derivative by the weight.)
    idle = (w == 0) & ~torch.isfinite(_of(x, y, v, logits).detach())
    x, y = x.masked_fill(idle, 0.5), y.masked_fill(idle, 0.5)
    loss = _of(x, y, None if v is None else v.masked_fill(idle, 1.0), logits)
    return w * loss.masked_fill(idle, torch.finfo(loss.dtype).max)


def binary(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    pos_weight: torch.Tensor | None,
    *,
    logits: bool,
    reduction: str,
) -> torch.Tensor:
    """The loss, reduced; the mean of nothing is 0."""
    loss = elements(input, target, weight, pos_weight, logits=logits)
    if reduction != "none":
        loss = loss.sum()
    if reduction == "mean":
        loss = loss / max(input.numel(), 1)
    return loss.to(loss_dtype(input.dtype))
