"""Loss and statistics of the last layer, forward and back, over the chunks of `_linear_loop`. No autograd here."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import torch

from xent._errors import DistributionError
from xent.torch._chunks import DEFAULT
from xent.torch._linear_loop import NOTHING, STATE, At, Gradients, Wanted, kept, kernel, planned, walk, zeros
from xent.torch._linear_operands import LinearOperands
from xent.torch._options import Options
from xent.torch._reference import loss_dtype
from xent.torch._rows import BadRows

_SORTED = 48  # bytes for each outcome of a top-k row that is checked: converted, sorted, summed


class Run(NamedTuple):
    """How a call is run: what the rows are worked on by, and in how many bytes."""

    backend: str
    budget: int


class Loss(NamedTuple):
    """What a pass gives."""

    loss: torch.Tensor  # () for mean and sum, (N, P) for none
    state: torch.Tensor | None  # (N, P, s) float64, what `again` needs; None where gradients were made
    gradients: Gradients


def divisor(p: LinearOperands, options: Options, mask: torch.Tensor | None, denominator: float | None) -> float | None:
    """What a mean is divided by: the sum of (class weight x token weight) of the rows that count; None if none does."""
    if options.reduction != "mean":
        return 1.0
    if denominator is not None:
        return denominator
    share = torch.ones(p.target.shape[:2], dtype=torch.float64)
    if p.tokens is not None:
        share *= p.tokens
    if mask is not None:
        share.masked_fill_(~mask, 0.0)
    if p.classes is not None and not p.soft:
        labels = p.target.to(torch.int64)
        share *= p.classes.double()[labels if mask is None else labels.masked_fill(~mask, 0)]
    return share.sum().item() if share.any() else None


def _over(value: float, divisor: float) -> float:
    return value / divisor if divisor else value * math.copysign(math.inf, divisor)


def _pick(a: torch.Tensor | None, at: At, position: int) -> torch.Tensor | None:
    return None if a is None else a[at, position]


def _checked(p: LinearOperands, options: Options, budget: int) -> None:
    """Before the first product, whatever is small enough; distributions over all outcomes are checked by the chunk."""
    if p.probs is None:
        if not p.soft:
            p.check(options.ignore_index)
        return
    size = max(1, (budget or DEFAULT) // (_SORTED * max(1, p.target[0].numel() if len(p.target) else 1)))
    try:
        for target, probs in zip(p.target.split(size), p.probs.split(size), strict=True):
            p._replace(target=target, probs=probs, tokens=None, shape=target.shape[:2]).check(options.ignore_index)
    except DistributionError:
        p.check(options.ignore_index)  # says which row of the call it is


def keeps_wide(p: LinearOperands, options: Options, run: Run) -> bool:
    """Whether the budget lets a half gradient of the input be kept in float32."""
    if p.input.dtype.itemsize > 2 or not run.budget:
        return True
    try:
        planned(p, kept(p, options.ignore_index), run.backend, run.budget, scaled=True)
    except ValueError:
        return False
    return True


def loss(
    p: LinearOperands, options: Options, denominator: float | None, run: Run, wanted: Wanted, upstream: float = 1.0
) -> Loss:
    """The loss, and where they are wanted the gradients of upstream x loss; a bad target is a DistributionError."""
    _checked(p, options, run.budget)
    mask = kept(p, options.ignore_index)
    by = divisor(p, options, mask, denominator)
    rows, inside = kernel(run.backend), any(wanted)
    gradients = zeros(p, wanted, scaled=True)
    reduced = options.reduction != "none"
    each_row = replace(options, reduction="sum" if reduced else "none")
    classes = None if p.classes is None else p.classes.double()
    sums: list[float] = []
    losses = torch.zeros(p.target.shape[:2] if not reduced else (), dtype=loss_dtype(p.input.dtype))
    states = torch.empty(0) if inside else torch.zeros((*p.target.shape[:2], STATE[run.backend]), dtype=torch.float64)

    def each(at: At, position: int, z: torch.Tensor) -> None:
        found = rows.loss(
            z,
            p.target[at, position],
            _pick(p.probs, at, position),
            classes,
            _pick(p.tokens, at, position),
            each_row,
            spread=p.spread,
            upstream=_over(upstream, by or 1.0) if inside else None,
            out=z if inside else None,
        )
        if reduced:
            sums.append(found.loss.item())
        else:
            losses[at, position] = found.loss
        if not inside:
            states[at, position] = found.state

    if by is not None:
        try:
            chunks = planned(p, mask, run.backend, run.budget, scaled=wanted.input)
            walk(p, mask, chunks, each, gradients)
        except BadRows:
            p.check(options.ignore_index)
            raise DistributionError("`target` holds a row that is no distribution.") from None
        losses += _over(sum(sums), by) if reduced else 0.0
    return Loss(losses, None if inside else states, gradients)


def again(
    p: LinearOperands,
    options: Options,
    denominator: float | None,
    run: Run,
    wanted: Wanted,
    state: torch.Tensor,
    upstream: torch.Tensor,
) -> Gradients:
    """The gradients of upstream x loss, from logits that are made again; `upstream` () or (N, P)."""
    mask = kept(p, options.ignore_index)
    by = divisor(p, options, mask, denominator)
    rows, gradients = kernel(run.backend), zeros(p, wanted)
    each_row = replace(options, reduction="none" if upstream.ndim else "sum")
    classes = None if p.classes is None else p.classes.double()
    upstream = upstream.double() if by is None else upstream.double() / by

    def each(at: At, position: int, z: torch.Tensor) -> None:
        rows.gradient(
            z,
            p.target[at, position],
            _pick(p.probs, at, position),
            classes,
            _pick(p.tokens, at, position),
            each_row,
            state[at, position].contiguous(),
            upstream[at, position] if upstream.ndim else upstream,
            spread=p.spread,
            out=z,
        )

    if by is not None and any(wanted):
        walk(p, mask, planned(p, mask, run.backend, run.budget), each, gradients)
    return gradients


class Statistics(NamedTuple):
    """Each (N, P); an ignored row has 0, 0, 0, -1."""

    log_prob: torch.Tensor
    logsumexp: torch.Tensor
    entropy: torch.Tensor
    argmax: torch.Tensor
    state: torch.Tensor  # (N, P, s)


def statistics(p: LinearOperands, options: Options, run: Run) -> Statistics:
    """All four statistics of every row."""
    _checked(p, options, run.budget)
    mask, rows, shape = kept(p, options.ignore_index), kernel(run.backend), p.target.shape[:2]
    dtype = loss_dtype(p.input.dtype)
    result = Statistics(
        torch.zeros(shape, dtype=dtype),
        torch.zeros(shape, dtype=dtype),
        torch.zeros(shape, dtype=dtype),
        torch.full(shape, -1),
        torch.zeros((*shape, STATE[run.backend]), dtype=torch.float64),
    )

    def each(at: At, position: int, z: torch.Tensor) -> None:
        for to, found in zip(result, rows.statistics(z, p.target[at, position], options), strict=True):
            to[at, position] = found

    walk(p, mask, planned(p, mask, run.backend, run.budget), each, zeros(p, NOTHING))
    return result


def statistics_again(
    p: LinearOperands,
    options: Options,
    run: Run,
    wanted: Wanted,
    state: torch.Tensor,
    upstream: tuple[torch.Tensor | None, ...],
) -> Gradients:
    """The gradients, from the upstream gradients (N, P) of three statistics and logits that are made again."""
    mask, rows, gradients = kept(p, options.ignore_index), kernel(run.backend), zeros(p, wanted)

    def each(at: At, position: int, z: torch.Tensor) -> None:
        g = [_pick(a, at, position) for a in upstream]
        held = state[at, position].contiguous()
        rows.statistics_gradient(z, p.target[at, position], options, held, g[0], g[1], g[2], out=z)

    if any(wanted) and any(g is not None for g in upstream):
        walk(p, mask, planned(p, mask, run.backend, run.budget), each, gradients)
    return gradients
