"""The statistics of the last layer as operators that torch.compile, torch.export and dispatch modes can see."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xent.torch import _linear_autograd, _linear_loss, _reference, _triton
from xent.torch._linear_loop import Wanted, state_shape
from xent.torch._linear_loss import Run
from xent.torch._linear_operands import LinearOperands
from xent.torch._ops_linear import like, three
from xent.torch._options import Options


def statistics(p: LinearOperands, options: Options, run: Run) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four statistics, through the operator."""
    return linear_token_statistics(
        *p[:4], options.ignore_index, options.softcap, options.temperature, run.backend, run.budget
    )[:4]


def _unpack(tensors: Any, plain: Any) -> tuple[LinearOperands, Options, Run]:
    ignore_index, softcap, temperature, backend, budget = plain
    p = LinearOperands._make((*tensors, None, None, None, False, True, tuple(tensors[3].shape)))
    options = Options(ignore_index, "none", softcap=softcap, temperature=temperature)
    return p, options, Run(backend, budget)


@torch.library.custom_op("xent::linear_token_statistics", mutates_args=(), device_types=("cpu", "cuda"))
def linear_token_statistics(
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    target: Tensor,
    ignore_index: int,
    softcap: float | None,
    temperature: float,
    backend: str,
    memory_budget: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """log_prob, logsumexp, entropy, argmax and state."""
    tensors, plain = (input, linear_weight, linear_bias, target), (ignore_index, softcap, temperature)
    p, options, run = _unpack(tensors, (*plain, backend, memory_budget))
    if backend == "triton":
        return tuple(_triton.kernels("linear_ops").statistics(p, options, memory_budget))
    log_prob, logsumexp, entropy, argmax, state = _linear_loss.statistics(p, options, run)
    return log_prob, logsumexp, entropy, argmax, state


@linear_token_statistics.register_fake
def _(*args: Any) -> tuple[Tensor, ...]:
    p, _options, run = _unpack(args[:4], args[4:])
    shape, dtype = p.target.shape, _reference.loss_dtype(p.input.dtype)
    three_ = [p.input.new_empty(shape, dtype=dtype) for _ in range(3)]
    state = p.input.new_empty(state_shape(shape, run.backend), dtype=torch.float64)
    return *three_, p.input.new_empty(shape, dtype=torch.int64), state


@torch.library.custom_op("xent::linear_token_statistics_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def linear_token_statistics_gradient(
    log_prob: Tensor | None,
    logsumexp: Tensor | None,
    entropy: Tensor | None,
    state: Tensor,
    wanted: list[bool],
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    target: Tensor,
    ignore_index: int,
    softcap: float | None,
    temperature: float,
    backend: str,
    memory_budget: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients that are `wanted`, from the upstream gradients of the first three statistics."""
    tensors, plain = (input, linear_weight, linear_bias, target), (ignore_index, softcap, temperature)
    p, options, run = _unpack(tensors, (*plain, backend, memory_budget))
    upstream = log_prob, logsumexp, entropy
    if backend == "triton":
        kernels = _triton.kernels("linear_ops")
        return three(kernels.statistics_again(p, options, memory_budget, Wanted(*wanted), state, upstream), p)
    made = _linear_loss.statistics_again(p, options, run, Wanted(*wanted), state, upstream)
    return three(_linear_autograd.finished(made, p), p)


@linear_token_statistics_gradient.register_fake
def _(log_prob: Any, logsumexp: Any, entropy: Any, state: Any, wanted: list[bool], *args: Any) -> tuple[Tensor, ...]:
    return like(_unpack(args[:4], args[4:])[0], wanted, False, False, False)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs[:4], output[4])
    ctx.plain = inputs[4:]
    ctx.mark_non_differentiable(output[3], output[4])
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
    *tensors, state = ctx.saved_tensors
    wanted = Wanted(*ctx.needs_input_grad[:3])
    nothing = (None,) * (1 + len(ctx.plain))
    if torch.is_grad_enabled():
        p, options, _run = _unpack(tensors, ctx.plain)
        return *_linear_autograd.composed_statistics(grads[:3], p, options, wanted), *nothing
    made = linear_token_statistics_gradient(*grads[:3], state, list(wanted), *tensors, *ctx.plain)
    return *(g if asked else None for g, asked in zip(made, wanted, strict=True)), *nothing


linear_token_statistics.register_autograd(_backward, setup_context=_keep)
