"""The kernels' losses as operators that torch.compile, torch.export and dispatch modes can see: the bits of eager.

The gradient is made in the backward pass: an operator hands out no tensor that it may not give twice. Values are
checked inside the operators, where there are values; shapes outside.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xent.torch import _native_loss, _reference, _rows, _triton
from xent.torch._operands import Operands, finite_weight, positive_denominator
from xent.torch._options import Options


def loss(o: Operands, options: Options, denominator: float | Tensor | None, backend: str) -> Tensor:
    """The loss of rows by the kernels of a backend, through the operator."""
    number, tensor = (None, denominator) if isinstance(denominator, Tensor) else (denominator, None)
    return cross_entropy(
        o.logits,
        o.target,
        o.probs,
        o.weight,
        o.token_weight,
        tensor,
        number,
        o.spread,
        o.tail,
        options.ignore_index,
        options.reduction,
        options.label_smoothing,
        options.z_loss,
        options.softcap,
        options.temperature,
        backend,
    )[0]


def _divisor(tensor: Tensor | None, number: float | None) -> float | None:
    return number if tensor is None else positive_denominator(tensor.item())


@torch.library.custom_op("xent::cross_entropy", mutates_args=(), device_types=("cpu", "cuda"))
def cross_entropy(
    logits: Tensor,
    target: Tensor,
    probs: Tensor | None,
    weight: Tensor | None,
    token_weight: Tensor | None,
    tensor: Tensor | None,
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
) -> tuple[Tensor, Tensor]:
    """Loss and state of rows; the denominator is a `tensor` or a `number`."""
    options = Options(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)  # pyright: ignore[reportArgumentType]  # one of three strings
    o = Operands(logits, target, probs, weight, token_weight, spread, tail, tuple(logits.shape[:1]))
    if backend == "triton":
        kernels = _triton.kernels()
        by = kernels.divisor(o, options, number if tensor is None else tensor)
        kernels.flag.raise_earlier()
        made = kernels.rows.loss(o, options, by, gradient=False)
        return kernels.reduced(made.loss, by, options), made.state
    if weight is not None:
        finite_weight(weight)
    found = _native_loss.rows(o, options, _divisor(tensor, number))
    assert found.state is not None  # it is made wherever the gradient is not
    return found.loss, found.state


def state_like(logits: Tensor, backend: str) -> Tensor:
    """What a backend keeps of the rows for the way back."""
    n = logits.shape[0]
    return logits.new_empty((4, n) if backend == "triton" else (n, _rows._STATE), dtype=torch.float64)


@cross_entropy.register_fake
def _(logits: Tensor, *args: Any) -> tuple[Tensor, Tensor]:
    n, reduction = logits.shape[0], args[9]
    shape = (n,) if reduction == "none" else ()
    return (
        logits.new_empty(shape, dtype=_reference.loss_dtype(logits.dtype)),
        state_like(logits, args[14]),
    )


@torch.library.custom_op("xent::cross_entropy_gradient", mutates_args=(), device_types=("cpu", "cuda"))
def cross_entropy_gradient(
    upstream: Tensor,
    state: Tensor,
    logits: Tensor,
    target: Tensor,
    probs: Tensor | None,
    weight: Tensor | None,
    token_weight: Tensor | None,
    tensor: Tensor | None,
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
) -> Tensor:
    """d(sum of upstream x loss) / d(logits), from the state."""
    options = Options(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)  # pyright: ignore[reportArgumentType]  # one of three strings
    if backend == "triton":
        kernels = _triton.kernels()
        o = Operands(logits, target, probs, weight, token_weight, spread, tail, tuple(logits.shape[:1]))
        by = kernels.divisor(o, options, number if tensor is None else tensor)
        return kernels.rows.gradient(o, options, state, upstream, by)
    return _rows.gradient(
        logits,
        target,
        probs,
        weight,
        token_weight,
        options,
        state,
        upstream,
        spread=spread,
        denominator=_divisor(tensor, number),
    )


@cross_entropy_gradient.register_fake
def _(upstream: Tensor, state: Tensor, logits: Tensor, *args: Any) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs[:6], output[1])
    ctx.plain = inputs[6:]
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, upstream: Tensor, _state: Any) -> tuple[Tensor | None, ...]:
    *tensors, state = ctx.saved_tensors
    nothing = (None,) * (len(tensors) - 1 + len(ctx.plain))
    if torch.is_grad_enabled():
        number, spread, _, *choices, _ = ctx.plain
        denominator = number if tensors[5] is None else tensors[5]
        logits, target, probs, weight, token_weight, _ = tensors
        o = Operands(logits, target, probs, weight, token_weight, spread, True, ())
        return _native_loss.composed(upstream, o, Options(*choices), denominator), *nothing
    return cross_entropy_gradient(upstream, state, *tensors, *ctx.plain), *nothing


cross_entropy.register_autograd(_backward, setup_context=_keep)
