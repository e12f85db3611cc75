"""The kernels' statistics as operators that torch.compile, torch.export and dispatch modes can see."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xent.torch import _native_statistics, _reference, _rows, _triton
from xent.torch._operands import Operands
from xent.torch._ops import state_like
from xent.torch._options import Options


def statistics(o: Operands, options: Options, backend: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four statistics of rows by the kernels of a backend, through the operator."""
    plain = options.ignore_index, options.softcap, options.temperature
    return token_statistics(o.logits, o.target, *plain, backend)[:4]


def _options(ignore_index: int, softcap: float | None, temperature: float) -> Options:
    return Options(ignore_index, "none", softcap=softcap, temperature=temperature)


@torch.library.custom_op("xent::token_statistics", mutates_args=(), device_types=("cpu", "cuda"))
def token_statistics(
    logits: Tensor, target: Tensor, ignore_index: int, softcap: float | None, temperature: float, backend: str
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """log_prob, logsumexp, entropy, argmax and state of rows."""
    o = Operands(logits, target, None, None, None, False, True, tuple(logits.shape[:1]))
    options = _options(ignore_index, softcap, temperature)
    if backend == "triton":
        kernels = _triton.kernels()
        kernels.flag.raise_earlier()
        return tuple(kernels.rows.statistics(o, options))
    found = _native_statistics.rows(o, options)
    return found.log_prob, found.logsumexp, found.entropy, found.argmax, found.state


@token_statistics.register_fake
def _(logits: Tensor, *args: Any) -> tuple[Tensor, ...]:
    n, dtype = logits.shape[0], _reference.loss_dtype(logits.dtype)
    three = [logits.new_empty((n,), dtype=dtype) for _ in range(3)]
    return (
        *three,
        logits.new_empty((n,), dtype=torch.int64),
        state_like(logits, args[4]),
    )


@torch.library.custom_op("xent::token_statistics_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def token_statistics_gradient(
    log_prob: Tensor | None,
    logsumexp: Tensor | None,
    entropy: Tensor | None,
    state: Tensor,
    logits: Tensor,
    target: Tensor,
    ignore_index: int,
    softcap: float | None,
    temperature: float,
    backend: str,
) -> Tensor:
    """The gradient by the logits, from the upstream gradients of the first three statistics."""
    options = _options(ignore_index, softcap, temperature)
    if backend == "triton":
        return _triton.kernels().statistics_again((log_prob, logsumexp, entropy), logits, target, options, state)
    return _rows.statistics_gradient(logits, target, options, state, log_prob, logsumexp, entropy)


@token_statistics_gradient.register_fake
def _(log_prob: Any, logsumexp: Any, entropy: Any, state: Tensor, logits: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(inputs[0], inputs[1], output[4])
    ctx.plain = inputs[2:]
    ctx.mark_non_differentiable(output[3], output[4])
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
    logits, target, state = ctx.saved_tensors
    if torch.is_grad_enabled():
        gradient = _native_statistics.composed(grads[:3], logits, target, _options(*ctx.plain[:3]))
    else:
        gradient = token_statistics_gradient(*grads[:3], state, logits, target, *ctx.plain)
    return gradient, None, None, None, None, None


token_statistics.register_autograd(_backward, setup_context=_keep)
