r"""The definition: loss and statistics of rows of logits in plain differentiable torch.

Right under every transform of torch (vmap, grad, jvp, forward mode, any number of derivatives, compile, export),
because it is nothing but torch operations. Everything is of z = softcap tanh(logits / softcap) / temperature:

    loss = token_weight (sum_j w_j t_j (L - z_j) + z_loss L^2)      L = log sum_j e^{z_j}
    t    = (1 - label_smoothing) target + label_smoothing / V       a label: t = 1[j = y], smoothing keeps w_y beside it
    mean = sum of losses / sum of (w_y x token_weight)              distributions: / sum of token_weight

A term whose t_j or w_j is 0 is 0, also where z_j is -inf. On the CPU it is computed in float64 and rounded once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from xent.torch._options import Options


def loss_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of a loss: float64 for float64, float32 for everything else, half precision too."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def _wide(a: torch.Tensor) -> torch.Tensor:
    """`a` in the precision everything is computed in. Not every accelerator has float64, or has it at speed."""
    return a.to(torch.float64 if a.device.type == "cpu" else loss_dtype(a.dtype))


def scaled(logits: torch.Tensor, options: Options) -> torch.Tensor:
    """Z: the logits after softcap and temperature."""
    if options.softcap is not None:
        logits = options.softcap * torch.tanh(logits / options.softcap)
    return logits if options.temperature == 1.0 else logits / options.temperature


class Normaliser(NamedTuple):
    """Z relative to its largest, and what normalises it: d = z - c, l = log sum e^d, logsumexp = c + l."""

    d: torch.Tensor  # (N, V)
    l: torch.Tensor  # (N,)  # noqa: E741  # the letter of the formulas
    c: torch.Tensor  # (N,)
    top: torch.Tensor  # (N,) int64, the lowest index on ties


def normaliser(z: torch.Tensor) -> Normaliser:
    """Log sum e^z with full relative precision, in the value and in every derivative.

    The largest term is left out of the sum, and 1 added by log1p: with S = sum over j != top of e^(d_j), l = log1p(S).
    c is a constant for differentiation (logsumexp does not depend on it), unless one outcome has more than half of the
    mass. Then c is z_top itself and d_top the constant 0, so that the derivative by z_top is minus the sum of the
    others: 1 - p_top without cancellation.
    """
    top = z.detach().argmax(-1, keepdim=True)
    c = z.gather(-1, top)
    dominant = torch.exp(z.detach() - c.detach()).sum(-1, keepdim=True) < 2
    c = torch.where(dominant, c, c.detach())
    is_top = torch.arange(z.shape[-1], device=z.device) == top
    d = (z - c).masked_fill(is_top & dominant, 0.0)
    s = torch.where(is_top, torch.expm1(d), torch.exp(d)).sum(-1)
    return Normaliser(d, torch.log1p(s), c.squeeze(-1), top.squeeze(-1))


class Labels(NamedTuple):
    """Class indices that may be gathered with: which rows count, and which hold no class."""

    classes: torch.Tensor  # (N,) int64 within [0, V)
    kept: torch.Tensor  # (N,) bool: not ignored
    bad: torch.Tensor  # (N,) bool: neither ignored nor a class


def labels(target: torch.Tensor, outcomes: int, ignore_index: int) -> Labels:
    """Classes to gather with. A label out of range makes its row NaN where it cannot raise: never a read outside."""
    target = target.to(torch.int64)
    kept = target != ignore_index
    bad = kept & ((target < 0) | (target >= outcomes))
    return Labels(target.masked_fill(bad | ~kept, 0), kept, bad)


def _expected(t: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """Sum of t_j d_j, where nothing times -inf is nothing: the stand-in has the steepest slope there is, by t."""
    idle = (t == 0) & (d == -torch.inf)
    return (t * d.masked_fill(idle, torch.finfo(d.dtype).min)).sum(-1)


def dense(target: torch.Tensor, probs: torch.Tensor | None, outcomes: int, spread: bool) -> torch.Tensor:
    """Probability targets (N, V): as they are, or made of the `probs` (N, k) at the indices `target`."""
    if probs is None:
        return _wide(target)
    probs, index = _wide(probs), target.to(torch.int64)
    rest = probs.new_zeros((probs.shape[0], 1))  # k may be 0
    if spread and outcomes > index.shape[-1]:
        rest = (1 - probs.sum(-1, keepdim=True)).clamp(min=0) / (outcomes - index.shape[-1])
    return rest.expand(-1, outcomes).scatter(-1, index, probs)


def _of_labels(n: Normaliser, y: Labels, weight: torch.Tensor | None, smoothing: float) -> torch.Tensor:
    """(1 - s) w_y (L - z_y) + s/V sum_j w_j (L - z_j): as PyTorch weighs a smoothed label."""
    classes = n.d.new_ones(n.d.shape[-1]) if weight is None else weight
    own = (1 - smoothing) * classes[y.classes]
    d = n.d.gather(-1, y.classes.unsqueeze(-1))
    loss = own * n.l - _expected(own.unsqueeze(-1), d)
    if smoothing == 0.0:
        return loss
    share = (smoothing / n.d.shape[-1]) * classes
    return loss + share.sum() * n.l - _expected(share, n.d)


def rows(
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    options: Options,
    *,
    spread: bool = False,
) -> torch.Tensor:
    """The loss of each row (N,) before `token_weight`, in the precision of the computation; 0 for an ignored row."""
    smoothing, outcomes = options.label_smoothing, logits.shape[-1]
    weight = None if weight is None else _wide(weight)
    soft = probs is not None or target.is_floating_point()
    if soft:
        n = normaliser(scaled(_wide(logits), options))
        t = dense(target, probs, outcomes, spread=spread)
        t = t if smoothing == 0.0 else (1 - smoothing) * t + smoothing / outcomes
        t = t if weight is None else t * weight
        loss = t.sum(-1) * n.l - _expected(t, n.d)
        return loss + options.z_loss * (n.c + n.l) ** 2 if options.z_loss else loss
    y = labels(target, outcomes, options.ignore_index)
    # Before anything is computed: what an ignored row holds reaches no value and no derivative.
    n = normaliser(scaled(_wide(logits).masked_fill(~y.kept.unsqueeze(-1), 0.0), options))
    loss = _of_labels(n, y, weight, smoothing)
    loss = loss + options.z_loss * (n.c + n.l) ** 2 if options.z_loss else loss
    return loss.masked_fill(y.bad, torch.nan).masked_fill(~y.kept, 0.0)


def reduced(
    rows: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    *,
    soft: bool,
    denominator: torch.Tensor | float | None = None,
) -> torch.Tensor:
    """`rows` x `token_weight`: each, their sum or mean. A mean in which no row counts is 0, and so is its gradient."""
    rows = _wide(rows)
    if token_weight is not None:
        tokens = _wide(token_weight)
        rows = rows * (tokens if soft else tokens.masked_fill(target.to(torch.int64) == options.ignore_index, 0.0))
    if options.reduction == "none":
        return rows
    total = rows.sum()
    if options.reduction == "sum":
        return total
    if denominator is not None:
        return total / denominator
    return averaged(total, _shares(rows, target, weight, token_weight, options, soft=soft))


def averaged(total: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """`total` over the sum of what each row adds to the denominator of a mean; 0 where none does."""
    nothing = (share == 0).all()
    return total.masked_fill(nothing, 0.0) / share.sum().masked_fill(nothing, 1.0)


def _shares(
    like: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    *,
    soft: bool,
) -> torch.Tensor:
    """What each row adds to the denominator of a mean; of the shape (N,) of `like`."""
    share = torch.ones_like(like) if token_weight is None else _wide(token_weight)
    if soft:
        return share
    y = labels(target, 1 << 62 if weight is None else weight.shape[0], options.ignore_index)
    share = share.masked_fill(~y.kept, 0.0)
    return share if weight is None else share * _wide(weight)[y.classes]


def loss(
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    *,
    spread: bool = False,
    denominator: torch.Tensor | float | None = None,
) -> torch.Tensor:
    """The loss, reduced as `options` say: () for mean and sum, (N,) for none."""
    soft = probs is not None or target.is_floating_point()
    if options.reduction == "mean" and denominator is None and not (weight is token_weight is None):
        # Before anything is computed: where no row counts, what a row holds reaches no derivative.
        share = _shares(logits[:, 0], target, weight, token_weight, options, soft=soft)
        logits = logits.masked_fill((share == 0).all(), 0.0)
    each = rows(logits, target, probs, weight, options, spread=spread)
    total = reduced(each, target, weight, token_weight, options, soft=soft, denominator=denominator)
    return total.to(loss_dtype(logits.dtype))


def statistics(
    logits: torch.Tensor, target: torch.Tensor, options: Options
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """log_prob, logsumexp, entropy and argmax of each row; 0, 0, 0, -1 for an ignored one.

    entropy = l - sum of p_j d_j, where both terms are positive.
    """
    y = labels(target, logits.shape[-1], options.ignore_index)
    n = normaliser(scaled(_wide(logits).masked_fill(~y.kept.unsqueeze(-1), 0.0), options))
    p = torch.exp(n.d - n.l.unsqueeze(-1))
    found = (
        n.d.gather(-1, y.classes.unsqueeze(-1)).squeeze(-1) - n.l,
        n.c + n.l,
        n.l - _expected(p, n.d),
    )
    log_prob, logsumexp, entropy = (
        s.masked_fill(y.bad, torch.nan).masked_fill(~y.kept, 0.0).to(loss_dtype(logits.dtype)) for s in found
    )
    return log_prob, logsumexp, entropy, n.top.masked_fill(~y.kept, -1)
