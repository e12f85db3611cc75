"""The linear losses under autograd: gradients made in the forward pass are handed out once, or made again.

A mean or sum makes its gradients beside the loss, with three products. The backward pass multiplies them by the
upstream gradient in place and gives them away: autograd may make them the `.grad` of a tensor, and others may add to
that. A second backward pass through the same graph computes them again.
"""

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _linear_loss, _linear_reference, _select, _state
from xent.torch._linear_loop import Gradients, Wanted
from xent.torch._linear_loss import Run
from xent.torch._linear_operands import LinearOperands
from xent.torch._options import Options

Maybe = torch.Tensor | None
Three = tuple[Maybe, Maybe, Maybe]
_FAR = 1e30  # a gradient divided by this, or its inverse, before it is multiplied leaves the range of float32
_NO_MORE = (None,) * 5


def saved(p: LinearOperands) -> tuple[Maybe, ...]:
    """The tensors of `p`, as autograd keeps them."""
    return p[:7]


def finished(gradients: Gradients, p: LinearOperands, scale: float = 1.0) -> Three:
    """Scale x gradients, in the dtypes of the tensors they belong to. The memory of `gradients` is given away."""

    def one(gradient: Maybe, like: Maybe) -> Maybe:
        if gradient is None or like is None:
            return None
        return (gradient if scale == 1.0 else gradient.mul_(scale)).to(like.dtype).view(like.shape)

    return one(gradients.input, p.input), one(gradients.weight, p.weight), one(gradients.bias, p.bias)


def multiplies(denominator: float | torch.Tensor | None) -> bool:
    """Whether gradients over `denominator` may be multiplied afterwards; a tensor on a device is taken at its word."""
    return not isinstance(denominator, float) or 1 / _FAR <= denominator <= _FAR


class LossFunction(torch.autograd.Function):
    """`_linear_loss.loss` of one p, whose first three tensors are passed by themselves."""

    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        weight: torch.Tensor,
        bias: Maybe,
        p: LinearOperands,
        options: Options,
        denominator: float | None,
        run: Run,
        inside: bool,
    ) -> torch.Tensor:
        """The loss, () or (N, P); `inside`: the gradients are made here."""
        inside = inside and multiplies(denominator)
        inside = inside and (not ctx.needs_input_grad[0] or _linear_loss.keeps_wide(p, options, run))
        wanted = Wanted(*ctx.needs_input_grad[:3]) if inside else Wanted(False, False, False)
        found = _linear_loss.loss(p, options, denominator, run, wanted)
        ctx.save_for_backward(*saved(p), found.state)
        ctx.gradients = found.gradients if inside else None
        ctx.settings = p[7:], options, denominator, run
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[Maybe, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output
        """The gradients by input, weight and bias that are wanted."""
        made, ctx.gradients = ctx.gradients, None
        *tensors, state = ctx.saved_tensors
        rest, options, denominator, run = ctx.settings
        p, wanted = LinearOperands(*tensors, *rest), Wanted(*ctx.needs_input_grad[:3])
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            return *composed(upstream, p, options, denominator, wanted), *_NO_MORE
        if made is not None:
            return *finished(made, p, upstream.item()), *_NO_MORE
        if state is None:
            found = _linear_loss.loss(p, options, denominator, run, wanted, upstream.item()).gradients
        else:
            found = _linear_loss.again(p, options, denominator, run, wanted, state, upstream)
        return *finished(found, p), *_NO_MORE


class StatisticsFunction(torch.autograd.Function):
    """`_linear_loss.statistics` of one p, whose first three tensors are passed by themselves."""

    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        weight: torch.Tensor,
        bias: Maybe,
        p: LinearOperands,
        options: Options,
        run: Run,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """The four statistics, (N, P)."""
        found = _linear_loss.statistics(p, options, run)
        ctx.save_for_backward(*saved(p), found.state)
        ctx.settings = p[7:], options, run
        ctx.mark_non_differentiable(found.argmax)
        ctx.set_materialize_grads(False)
        return found[:4]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Maybe) -> tuple[Maybe, ...]:
        """The gradients by input, weight and bias that are wanted."""
        upstream = grad_outputs[:3]
        *tensors, state = ctx.saved_tensors
        rest, options, run = ctx.settings
        p, wanted = LinearOperands(*tensors, *rest), Wanted(*ctx.needs_input_grad[:3])
        if torch.is_grad_enabled() or not all(g is None or _state.concrete(g) for g in upstream):
            return *composed_statistics(upstream, p, options, wanted), None, None, None
        found = _linear_loss.statistics_again(p, options, run, wanted, state, upstream)
        return *finished(found, p), None, None, None


def _by(values: tuple[torch.Tensor, ...], upstreams: tuple[torch.Tensor, ...], p: LinearOperands, w: Wanted) -> Three:
    again = torch.is_grad_enabled()
    tensors = [a for a, wanted in zip(p[:3], w, strict=True) if wanted and a is not None]
    with torch.enable_grad():
        made = iter(torch.autograd.grad(values, tensors, upstreams, create_graph=again))
    first, second, third = (
        next(made) if wanted and a is not None else None for a, wanted in zip(p[:3], w, strict=True)
    )
    return first, second, third


def composed(
    upstream: torch.Tensor,
    p: LinearOperands,
    options: Options,
    denominator: float | torch.Tensor | None,
    wanted: Wanted,
) -> Three:
    """The gradients as torch operations on the saved tensors, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient takes torch operations")
    with torch.enable_grad():
        value = _linear_reference.loss(p, options, denominator)
    return _by((value,), (upstream,), p, wanted)


def composed_statistics(upstream: tuple[Maybe, ...], p: LinearOperands, options: Options, wanted: Wanted) -> Three:
    """As `composed`, for the statistics."""
    _select.reference_for("a derivative of the gradient takes torch operations")
    if all(g is None for g in upstream):
        return None, None, None
    with torch.enable_grad():
        found = _linear_reference.statistics(p, options)
    pairs = [(value, g) for value, g in zip(found, upstream, strict=False) if g is not None]
    values, upstreams = zip(*pairs, strict=True)
    return _by(values, upstreams, p, wanted)
