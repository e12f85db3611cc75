"""The linear losses by the Triton kernels under autograd: nothing is waited for, but the rows that count, forward.

A mean or sum makes its gradients beside the loss, for an upstream gradient of 1. The backward pass multiplies them by
the upstream gradient on the device, in place, and gives them away; where they are float32 sums of halves the same
kernel rounds them, once. What one chunk made in a half dtype was rounded by its product: an upstream gradient other
than a power of two rounds it a second time. A second backward pass through the same graph makes them again.
"""

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _linear_autograd, _state
from xent.torch._linear_autograd import Maybe, Three
from xent.torch._linear_loop import NOTHING, Gradients, Wanted
from xent.torch._linear_operands import LinearOperands
from xent.torch._options import Options
from xent.torch.backends.triton import flag, launch, linear
from xent.torch.backends.triton.kernels.scale import scale_kernel

Four = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
_BLOCK, _PROGRAMS = 4096, 2048  # numbers at a time; a launch that finds 1 is to be over at once


def scaled(gradient: torch.Tensor, upstream: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Upstream () x gradient in `dtype`: in the memory of `gradient` where that has it."""
    out = gradient if gradient.dtype == dtype else torch.empty_like(gradient, dtype=dtype)
    blocks = -(-gradient.numel() // _BLOCK)
    programs = min(blocks, _PROGRAMS)
    launch.start(
        scale_kernel, programs, gradient, values=gradient, count=gradient.numel(),
        steps=-(-blocks // max(programs, 1)), upstream=upstream, out=out, IN_PLACE=out is gradient, B=_BLOCK,
        num_warps=8,
    )  # fmt: skip
    return out


def finished(gradients: Gradients, p: LinearOperands, upstream: torch.Tensor | None = None) -> Three:
    """Upstream x gradients, in the dtypes of the tensors they belong to. The memory of `gradients` is given away."""

    def one(gradient: Maybe, like: Maybe) -> Maybe:
        if gradient is None or like is None:
            return None
        made = gradient.to(like.dtype) if upstream is None else scaled(gradient, upstream, like.dtype)
        return made.view(like.shape)

    return one(gradients.input, p.input), one(gradients.weight, p.weight), one(gradients.bias, p.bias)


def _keeps_wide(p: LinearOperands, taken: linear.Counted, budget: int) -> bool:
    """Whether the budget lets a half gradient of the input be kept in float32."""
    try:
        linear.planned(p, taken, budget, scaled=True)
    except ValueError:
        return False
    return True


def loss(
    p: LinearOperands, options: Options, denominator: float | torch.Tensor | None, budget: int, gradient: str
) -> torch.Tensor:
    """The loss, () or (N, P), its gradients made where the choice says."""
    flag.raise_earlier()
    by, taken = linear.divisor(p, options, denominator), linear.counted(p, options.ignore_index)
    if gradient == "none":
        return linear.loss(p, options, by, taken, budget, NOTHING).loss
    inside = gradient == "in forward" and _linear_autograd.multiplies(denominator)
    return _Loss.apply(*p[:3], p, options, by, taken, budget, inside)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        weight: torch.Tensor,
        bias: Maybe,
        p: LinearOperands,
        options: Options,
        by: Maybe,
        taken: linear.Counted,
        budget: int,
        inside: bool,
    ) -> torch.Tensor:
        asked = Wanted(*ctx.needs_input_grad[:3])
        inside = inside and (not asked.input or _keeps_wide(p, taken, budget))
        found = linear.loss(p, options, by, taken, budget, asked if inside else NOTHING)
        ctx.save_for_backward(*_linear_autograd.saved(p), by, found.state)
        ctx.gradients = found.gradients if inside else None
        ctx.settings = p[7:], options, taken, budget
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[Maybe, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output
        made, ctx.gradients = ctx.gradients, None
        *tensors, by, state = ctx.saved_tensors
        rest, options, taken, budget = ctx.settings
        p, wanted, nothing = LinearOperands(*tensors, *rest), Wanted(*ctx.needs_input_grad[:3]), (None,) * 6
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            return *_linear_autograd.composed(upstream, p, options, by, wanted), *nothing
        upstream = upstream.detach().resolve_neg()
        if state is not None:
            return *finished(linear.again(p, options, by, taken, budget, wanted, state, upstream), p), *nothing
        if made is None:
            made = linear.loss(p, options, by, taken, budget, wanted).gradients
        return *finished(made, p, upstream), *nothing


def statistics(p: LinearOperands, options: Options, budget: int, gradient: str) -> Four:
    """The four statistics, (N, P)."""
    flag.raise_earlier()
    taken = linear.counted(p, options.ignore_index)
    if gradient == "none":
        return linear.statistics(p, options, taken, budget)[:4]
    return _Statistics.apply(*p[:3], p, options, taken, budget)


class _Statistics(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        weight: torch.Tensor,
        bias: Maybe,
        p: LinearOperands,
        options: Options,
        taken: linear.Counted,
        budget: int,
    ) -> Four:
        found = linear.statistics(p, options, taken, budget)
        ctx.save_for_backward(*_linear_autograd.saved(p), found.state)
        ctx.settings = p[7:], options, taken, budget
        ctx.mark_non_differentiable(found.argmax)
        ctx.set_materialize_grads(False)
        return found[:4]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Maybe) -> tuple[Maybe, ...]:
        *tensors, state = ctx.saved_tensors
        rest, options, taken, budget = ctx.settings
        p, wanted, nothing = LinearOperands(*tensors, *rest), Wanted(*ctx.needs_input_grad[:3]), (None,) * 4
        upstream = grad_outputs[:3]
        if torch.is_grad_enabled() or not all(g is None or _state.concrete(g) for g in upstream):
            return *_linear_autograd.composed_statistics(upstream, p, options, wanted), *nothing
        if all(g is None for g in upstream):
            return None, None, None, *nothing
        upstream = tuple(None if g is None else g.detach().resolve_neg() for g in upstream)
        return *finished(linear.statistics_again(p, options, taken, budget, wanted, state, upstream), p), *nothing
