"""The chunked linear losses as operators that torch.compile, torch.export and dispatch modes can see.

The operator of a mean or sum returns the gradients beside the loss; what it returned is multiplied by the upstream
gradient into fresh memory, so that it may be asked for twice. The other reductions make them again in an operator.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xent.torch import _linear_autograd, _linear_loss, _reference, _triton
from xent.torch._linear_loop import NOTHING, Gradients, Wanted, state_shape
from xent.torch._linear_loss import Run
from xent.torch._linear_operands import LinearOperands
from xent.torch._operands import positive_denominator
from xent.torch._options import Options
from xent.torch._products import sum_dtype


def loss(p: LinearOperands, options: Options, denominator: float | Tensor | None, run: Run, inside: bool) -> Tensor:
    """The loss of checked rows, through the operator."""
    number, tensor = (None, denominator) if isinstance(denominator, Tensor) else (denominator, None)
    wanted = [torch.is_grad_enabled() and a is not None and a.requires_grad for a in p[:3]]
    return linear_cross_entropy(
        *p[:7],
        tensor,
        wanted if inside else list(NOTHING),
        number,
        p.spread,
        p.tail,
        options.ignore_index,
        options.reduction,
        options.label_smoothing,
        options.z_loss,
        options.softcap,
        options.temperature,
        run.backend,
        run.budget,
    )[0]


def _unpack(tensors: Any, plain: Any) -> tuple[LinearOperands, Options, float | Tensor | None, Run]:
    number, spread, tail, *choices, backend, budget = plain
    p = LinearOperands._make((*tensors[:7], spread, tail, tuple(tensors[3].shape[:2])))
    return p, Options(*choices), number if tensors[7] is None else tensors[7], Run(backend, budget)


def _number(denominator: float | Tensor | None) -> float | None:
    return positive_denominator(denominator.item()) if isinstance(denominator, Tensor) else denominator


def three(gradients: Gradients | _linear_autograd.Three, p: LinearOperands) -> tuple[Tensor, Tensor, Tensor]:
    """An operator returns tensors: an empty one for each gradient that is not wanted."""
    first, second, third = (p.input.new_empty(0) if g is None else g for g in gradients)
    return first, second, third


def like(p: LinearOperands, wanted: list[bool], *summed: bool) -> tuple[Tensor, Tensor, Tensor]:
    """What the three gradients look like, those that are `summed` in the dtype of that."""

    def one(a: Tensor | None, asked: bool, wide: bool) -> Tensor:
        if a is None or not asked:
            return p.input.new_empty((0,))
        return a.new_empty(a.shape, dtype=sum_dtype(a.dtype) if wide else None)

    first, second, third = (one(a, *of) for a, *of in zip(p[:3], wanted, summed, strict=True))
    return first, second, third


@torch.library.custom_op("xent::linear_cross_entropy", mutates_args=(), device_types=("cpu", "cuda"))
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    target: Tensor,
    probs: Tensor | None,
    weight: Tensor | None,
    token_weight: Tensor | None,
    tensor: Tensor | None,
    wanted: list[bool],
    number: float | None,
    spread: bool,
    tail: bool,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    z_loss: float,
    softcap: float | None,
    temperature: float,
    backend: str,
    memory_budget: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Loss, state, and gradients of those of the first three arguments that are `wanted`."""
    tensors = (input, linear_weight, linear_bias, target, probs, weight, token_weight, tensor)
    plain = number, spread, tail, ignore_index, reduction, label_smoothing, z_loss, softcap, temperature
    p, options, denominator, run = _unpack(tensors, (*plain, backend, memory_budget))
    if backend == "triton":
        kernels = _triton.kernels("linear_ops")
        found = kernels.loss(p, options, denominator, memory_budget, Wanted(*wanted))
    else:
        found = _linear_loss.loss(p, options, _number(denominator), run, Wanted(*wanted))
    state = input.new_empty((0,), dtype=torch.float64) if found.state is None else found.state
    return found.loss, state, *three(found.gradients, p)


@linear_cross_entropy.register_fake
def _(*args: Any) -> tuple[Tensor, ...]:
    p, options, _, run = _unpack(args[:8], args[9:])
    rows = p.target.shape[:2]
    return (
        p.input.new_empty(rows if options.reduction == "none" else (), dtype=_reference.loss_dtype(p.input.dtype)),
        p.input.new_empty((0,) if any(args[8]) else state_shape(rows, run.backend), dtype=torch.float64),
        *like(p, args[8], True, *[run.backend != "triton"] * 2),
    )


@torch.library.custom_op("xent::linear_cross_entropy_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def linear_cross_entropy_gradient(
    upstream: Tensor,
    state: Tensor,
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    target: Tensor,
    probs: Tensor | None,
    weight: Tensor | None,
    token_weight: Tensor | None,
    tensor: Tensor | None,
    wanted: list[bool],
    number: float | None,
    spread: bool,
    tail: bool,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    z_loss: float,
    softcap: float | None,
    temperature: float,
    backend: str,
    memory_budget: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients that are `wanted`, from the state."""
    tensors = (input, linear_weight, linear_bias, target, probs, weight, token_weight, tensor)
    plain = number, spread, tail, ignore_index, reduction, label_smoothing, z_loss, softcap, temperature
    p, options, denominator, run = _unpack(tensors, (*plain, backend, memory_budget))
    if backend == "triton":
        kernels = _triton.kernels("linear_ops")
        return three(kernels.again(p, options, denominator, memory_budget, Wanted(*wanted), state, upstream), p)
    made = _linear_loss.again(p, options, _number(denominator), run, Wanted(*wanted), state, upstream)
    return three(_linear_autograd.finished(made, p), p)


@linear_cross_entropy_gradient.register_fake
def _(upstream: Tensor, state: Tensor, *args: Any) -> tuple[Tensor, ...]:
    return like(_unpack(args[:8], args[9:])[0], args[8], False, False, False)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs[:8], *output[1:])
    ctx.plain, ctx.inside = inputs[9:], any(inputs[8])
    ctx.mark_non_differentiable(*output[1:])


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    tensors, state, gradients = ctx.saved_tensors[:8], ctx.saved_tensors[8], ctx.saved_tensors[9:]
    wanted = Wanted(*ctx.needs_input_grad[:3])
    nothing = (None,) * (6 + len(ctx.plain))
    p, options, denominator, _run = _unpack(tensors, ctx.plain)
    if torch.is_grad_enabled():
        return *_linear_autograd.composed(upstream, p, options, denominator, wanted), *nothing
    if ctx.inside:
        # As wide as `upstream`: beside a half tensor torch would round a number on a GPU to that half first.
        made = [(g.to(upstream.dtype) * upstream).to(p.input.dtype) for g in gradients]
    else:
        made = linear_cross_entropy_gradient(upstream, state, *tensors, list(wanted), *ctx.plain)
    return *(g if asked else None for g, asked in zip(made, wanted, strict=True)), *nothing


linear_cross_entropy.register_autograd(_backward, setup_context=_keep)
