"""`linear_token_statistics`: what a model says of the class that happened, from the input of its last layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from xent._errors import ShapeError
from xent.torch import (
    _linear_loss,
    _linear_reference,
    _ops_linear_statistics,
    _parallel_linear,
    _select,
    _state,
    _triton,
)
from xent.torch._chunks import NOT_SAID, checked_budget
from xent.torch._linear import cast, chosen, wants_gradient, whole, without_autocast
from xent.torch._linear_autograd import StatisticsFunction
from xent.torch._linear_loss import Run
from xent.torch._linear_operands import LinearOperands, linear_operands
from xent.torch._options import Options, settled
from xent.torch._parallel_group import told
from xent.torch._select import Choice, Facts
from xent.torch._statistics import TokenStatistics


class Call(NamedTuple):
    """A call, checked and chosen for."""

    operands: LinearOperands
    options: Options
    choice: Choice
    whole: bool  # by torch operations on all the logits, not by the chunk
    budget: int


def _prepare(
    input: torch.Tensor,
    linear_weight: torch.Tensor,
    target: torch.Tensor,
    linear_bias: torch.Tensor | None,
    ignore_index: int,
    softcap: float | None,
    temperature: float,
    memory_budget: int | None,
    process_group: Any,
) -> Call | _parallel_linear.Call:
    options = settled(ignore_index, "none", 0.0, 0.0, softcap, temperature)
    budget = NOT_SAID if memory_budget is None else checked_budget(memory_budget)
    split, (input, linear_weight, target, linear_bias, *_) = _parallel_linear.here(
        process_group, input, linear_weight, target, linear_bias, None, None
    )
    input, linear_weight, linear_bias = cast(input, linear_weight, linear_bias)
    if split is not None:
        call = _parallel_linear.prepared(
            split, input, linear_weight, target, linear_bias, None, None, None, options, budget
        )
        _of_one_class(call.operands)
        return call
    p = linear_operands(input, linear_weight, target, linear_bias, None, None)
    _of_one_class(p)
    facts = Facts(
        _state.obstacle(*p[:4]),
        *_select.backends(p.input),
        wants_gradient(p),
        "",
        False,
        p.input.dtype == torch.float16,
        _state.seen(),
        _select.forced(),
    )
    choice = chosen(facts)
    return Call(p, options, choice, whole(facts, choice), budget)


def _of_one_class(p: LinearOperands) -> None:
    if p.soft:
        raise ShapeError("`target` holds probabilities; the statistics of a row are of one class, an integer.")


def _compute(call: Call | _parallel_linear.Call) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    if isinstance(call, _parallel_linear.Call):
        return _parallel_linear.statistics(call)
    p, options, run = call.operands, call.options, Run(call.choice.backend, call.budget)
    if call.whole:
        if _state.readable(p.target):
            p.check(options.ignore_index)
        return _linear_reference.statistics(p, options)
    if _state.seen():
        return _ops_linear_statistics.statistics(p, options, run)
    if run.backend == "triton":
        return _triton.kernels("linear_autograd").statistics(p, options, call.budget, call.choice.gradient)
    if call.choice.gradient == "none":
        return _linear_loss.statistics(p, options, run)[:4]
    return StatisticsFunction.apply(*p[:3], p, options, run)


@_select.prepared_by(_prepare)
def linear_token_statistics(
    input: torch.Tensor,
    linear_weight: torch.Tensor,
    target: torch.Tensor,
    *,
    linear_bias: torch.Tensor | None = None,
    ignore_index: int = -100,
    softcap: float | None = None,
    temperature: float = 1.0,
    memory_budget: int | None = None,
    process_group: Any = None,
) -> TokenStatistics:
    r"""`token_statistics` of the last layer, without ever holding the logits.

        token_statistics(input linear_weight^T + linear_bias, target)

    computed a chunk of rows at a time.

    Parameters
    ----------
    input : Tensor
        What goes into the last layer, (..., D): float64, float32, bfloat16 or float16.
    linear_weight : Tensor
        (C, D), or (C, d1, ..., D) with `input` (N, D). The dtype of `input`.
    target : Tensor
        Class indices, (...) or (N, d1, ...): int64, int32 or uint8, in [0, C) or `ignore_index`.
    linear_bias : Tensor, optional
        The shape of `linear_weight` without D.
    ignore_index, softcap, temperature
        As in `token_statistics`.
    memory_budget, process_group
        As in `linear_cross_entropy`.

    Returns
    -------
    TokenStatistics
        `log_prob`, `logsumexp`, `entropy` in nats, of the shape of `target`: float64 for float64 input, else float32.
        `argmax`: int64, the lowest index on ties.

    Raises
    ------
    DistributionError
        A label is out of range. A GPU is not waited for: there the row is NaN, and a later call says so.
    ShapeError, TypeError, ValueError
        Shapes or dtypes do not fit, an option is outside its range, or `memory_budget` is too small for one row.
    BackendUnavailable
        As in `cross_entropy`.

    Edge cases
    ----------
    ignored row    0, 0, 0, -1; no product is computed for it, even if its input is NaN

    Accuracy
    --------
    As `linear_cross_entropy`.

    Gradient
    --------
    Of `log_prob`, `logsumexp` and `entropy`, each on its own; the logits are made again (four products in all).
    Second derivatives, forward mode and `torch.func` transforms are right, but for classes split over processes.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2006.

    Examples
    --------
    >>> import torch, xent.torch
    >>> hidden, head = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 3.0], [0.0, 0.0]])
    >>> s = xent.torch.linear_token_statistics(hidden, head, torch.tensor([0, 1]))
    >>> s.log_prob.tolist(), s.argmax.tolist()
    ([-0.6931471824645996, -3.0485873222351074], [0, 0])
    """
    with told(process_group, linear_weight):
        call = _prepare(
            input, linear_weight, target, linear_bias, ignore_index, softcap, temperature, memory_budget, process_group
        )
    with without_autocast(call.operands.input):
        log_prob, logsumexp, entropy, argmax = _compute(call)
    shape = call.operands.shape
    return TokenStatistics(
        log_prob.reshape(shape), logsumexp.reshape(shape), entropy.reshape(shape), argmax.reshape(shape)
    )
