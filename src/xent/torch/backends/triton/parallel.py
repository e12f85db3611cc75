"""A vocabulary over several processes by the Triton kernels: what `_parallel_rows` computes, and the walk of the layer.

What the rows of all processes come to is float64, a handful of numbers a row; nothing is waited for.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from xent.torch._linear_loop import Gradients, Wanted
from xent.torch._linear_operands import LinearOperands
from xent.torch._operands import Operands
from xent.torch._options import Options
from xent.torch._parallel_group import Shard
from xent.torch._parallel_rows import Aim, Maybe, State
from xent.torch.backends.triton import linear, rows


def _operands(logits: torch.Tensor, aim: Aim, counted: Maybe, options: Options) -> Operands:
    """The rows; labels of those that do not count are those to ignore."""
    target = aim.target
    if counted is not None and aim.probs is None and not target.is_floating_point():
        target = target.to(torch.int64).where(counted, options.ignore_index)
    return Operands(logits, target, aim.probs, aim.classes, None, aim.spread, True, ())


def _shard(shard: Shard, like: torch.Tensor) -> rows.Shard:
    first, outcomes = (
        a if isinstance(a, torch.Tensor) else torch.full((), a, dtype=torch.int64, device=like.device)
        for a in (shard.start, shard.outcomes)
    )
    return rows.Shard(first, outcomes)


def partial(
    logits: torch.Tensor, aim: Aim, counted: Maybe, options: Options, shard: Shard, *, entropy: bool
) -> tuple[Maybe, ...]:
    """What the columns here say of every row: the numbers of a `Partial`."""
    found = rows.partial(_operands(logits, aim, counted, options), options, _shard(shard, logits), entropy=entropy)
    return *found.state.unbind(), found.argmax


def _gradient(
    logits: torch.Tensor,
    aim: Aim,
    counted: Maybe,
    options: Options,
    shard: Shard,
    state: State,
    upstream: torch.Tensor,
    *,
    out: Maybe,
    logsumexp: Maybe = None,
    entropy: Maybe = None,
) -> torch.Tensor:
    """The gradient of rows whose `state` is that of all columns."""
    o, divisor = _operands(logits, aim, counted, options), None
    spread = torch.log1p(state.s) - state.a / (1 + state.s) if entropy is not None else torch.zeros_like(state.s)
    columns = torch.stack([state.m, state.s, state.t, spread])
    if counted is not None:
        columns = columns.masked_fill(~counted, 0.0)  # of a row that is not read nothing may be NaN
        if o.soft:  # all of them count, or none: then what divides is infinite
            divisor = columns.new_ones(()).masked_fill(~counted.all(), torch.inf)
    return rows.gradient(
        o, options, columns, upstream, divisor, by_logsumexp=logsumexp, by_entropy=entropy, out=out,
        shard=_shard(shard, logits),
    )  # fmt: skip


def gradient(
    logits: torch.Tensor,
    aim: Aim,
    counted: Maybe,
    options: Options,
    shard: Shard,
    state: State,
    upstream: torch.Tensor,
    *,
    out: Maybe = None,
) -> torch.Tensor:
    """d(sum of upstream x loss)/d(logits) in the columns here; `upstream` (n,). `out` may be `logits`."""
    return _gradient(logits, aim, counted, options, shard, state, upstream, out=out)


def statistics_gradient(
    logits: torch.Tensor,
    aim: Aim,
    counted: Maybe,
    options: Options,
    shard: Shard,
    state: State,
    upstream: tuple[Maybe, Maybe, Maybe],
    *,
    out: Maybe = None,
) -> torch.Tensor:
    """The gradient by the columns here of log_prob, logsumexp and entropy, whose own are `upstream`, (n,) or None."""
    log_prob, logsumexp, entropy = upstream
    negated = state.m.new_zeros(()) if log_prob is None else -log_prob
    return _gradient(
        logits, aim, counted, options, shard, state, negated, out=out, logsumexp=logsumexp, entropy=entropy
    )


class Steps(NamedTuple):
    """Which rows of the last layer are multiplied, and how many at a time: the same forward and back."""

    taken: linear.Counted
    size: int

    def walk(self, p: LinearOperands, each: linear.Each, wanted: Wanted, held: Maybe = None) -> Gradients:
        """Call `each` with rows, position and their logits; what it leaves there is multiplied back into gradients.

        `held` are the logits of an only chunk, as a walk before made them.
        """
        walk = linear.Walk(p, self.taken, self.size, wanted, scaled=True, held=held)
        for position in range(p.weight.shape[1]):
            walk.position(position, each)
        return walk.gradients


def steps(p: LinearOperands, options: Options, budget: int, *, scaled: bool) -> Steps:
    """The chunks of a call. How many rows count is read from the device, as in `linear.counted`."""
    taken = linear.counted(p, options.ignore_index)
    return Steps(taken, linear.planned(p, taken, budget, scaled=scaled))
