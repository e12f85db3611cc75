"""Loss and statistics of local logits under autograd: states merged in the forward pass, no word between the processes
in the backward pass, since each makes the gradient of its own columns.

The loss of a row is that of the whole vocabulary, the same in every process; so is its upstream gradient.
"""

from __future__ import annotations

from typing import Any

import torch

from xent._errors import BackendUnavailable
from xent.torch import _parallel_rows
from xent.torch._options import Options
from xent.torch._parallel_group import Shard
from xent.torch._parallel_merge import merged
from xent.torch._parallel_rows import Aim, Maybe, State

Four = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def once() -> None:
    """Refuse a backward pass that is to be differentiated itself."""
    if torch.is_grad_enabled():
        raise BackendUnavailable(
            "Second derivatives through `process_group` are not available: autograd does not see what the processes "
            "tell each other. Leave `create_graph` out, or gather the vocabulary and leave `process_group` out."
        )


def value(state: State, options: Options) -> torch.Tensor:
    """The loss of each row, before `token_weight`."""
    each = torch.log1p(state.s)
    loss = state.t * each + state.q
    return loss + options.z_loss * (state.m + each) ** 2 if options.z_loss else loss


def numbers(state: State) -> Four:
    """log_prob, logsumexp, entropy and argmax of each row; entropy = l - E, where both terms are positive."""
    each = torch.log1p(state.s)
    assert state.argmax is not None  # it was asked for
    return -(each + state.q), state.m + each, each - state.a / (1 + state.s), state.argmax


def alive(counted: Maybe, upstream: torch.Tensor) -> torch.Tensor:
    """Which rows have a gradient: where all of the upstream one is 0, as where no row counts, not even NaN has one."""
    some = (upstream != 0).any().expand(upstream.shape)
    return some if counted is None else counted & some


class LossFunction(torch.autograd.Function):
    """The loss of each row of logits (N, V_r), and the sums over the processes of what goes `beside`.

    `coefficients` are the a_j, where a gradient by them is wanted; then they are the target of `aim` too.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits: torch.Tensor,
        coefficients: Maybe,
        beside: torch.Tensor,
        aim: Aim,
        counted: Maybe,
        options: Options,
        shard: Shard,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(N,) and (N, e), float64."""
        partial = _parallel_rows.partial(logits, aim, counted, options, shard, entropy=False)
        state, sums = merged(partial, beside, shard)
        ctx.save_for_backward(logits, *aim[:3], counted, *state[:5])
        ctx.settings = aim.spread, options, shard, beside.dtype
        return value(state, options), sums

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[Maybe, ...]:
        """By the logits, the coefficients and what went beside."""
        once()
        logits, target, probs, classes, counted, *columns = ctx.saved_tensors
        spread, options, shard, dtype = ctx.settings
        aim, state, g = Aim(target, probs, classes, spread), State(*columns), upstream[0]
        counted = alive(counted, g)
        by_logits = by_coefficients = None
        if ctx.needs_input_grad[0]:
            by_logits = _parallel_rows.gradient(logits, aim, counted, options, shard, state, g)
        if ctx.needs_input_grad[1]:
            by_coefficients = _parallel_rows.coefficient_gradient(logits, target, counted, options, state, g)
        beside = upstream[1].to(dtype) if ctx.needs_input_grad[2] else None
        return by_logits, by_coefficients, beside, None, None, None, None


class StatisticsFunction(torch.autograd.Function):
    """The four statistics of each row of logits (N, V_r)."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, aim: Aim, counted: Maybe, options: Options, shard: Shard) -> Four:
        """(N,) each; float64, argmax int64."""
        partial = _parallel_rows.partial(logits, aim, counted, options, shard, entropy=True)
        state, _ = merged(partial, partial.m.new_empty((len(partial.m), 0)), shard)
        found = numbers(state)
        ctx.save_for_backward(logits, aim.target, counted, *state[:5])
        ctx.settings = options, shard
        ctx.mark_non_differentiable(found[3])
        ctx.set_materialize_grads(False)
        return found

    @staticmethod
    def backward(ctx: Any, *upstream: Maybe) -> tuple[Maybe, ...]:
        """By the logits."""
        once()
        logits, target, counted, *columns = ctx.saved_tensors
        options, shard = ctx.settings
        state, g = State(*columns), (upstream[0], upstream[1], upstream[2])
        return (
            _parallel_rows.statistics_gradient(logits, Aim(target), counted, options, shard, state, g),
            None,
            None,
            None,
            None,
        )
