"""`linear_cross_entropy`: the last layer and its loss together, the logits never held whole."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from xent._forms import TopK
from xent.torch import (
    _linear_loss,
    _linear_reference,
    _ops_linear,
    _parallel_linear,
    _reference,
    _select,
    _state,
    _triton,
)
from xent.torch._chunks import NOT_SAID, checked_budget
from xent.torch._linear_autograd import LossFunction
from xent.torch._linear_loop import NOTHING
from xent.torch._linear_loss import Run
from xent.torch._linear_operands import LinearOperands, linear_operands
from xent.torch._operands import checked_denominator, positive_denominator
from xent.torch._options import Options, settled
from xent.torch._parallel_group import told
from xent.torch._select import Choice, Facts

Maybe = torch.Tensor | None
_IGNORED = -100


class Call(NamedTuple):
    """A call, checked and chosen for."""

    operands: LinearOperands
    options: Options
    denominator: float | torch.Tensor | None
    choice: Choice
    whole: bool  # by torch operations on all the logits, not by the chunk
    budget: int


def autocast(a: torch.Tensor) -> bool:
    """Whether torch casts what operations on the device of `a` take."""
    kind = a.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def cast(*tensors: Any) -> list[Any]:
    """Input, weights and bias in the dtype that `torch.nn.functional.linear` would take them in under autocast."""

    def one(a: Any) -> Any:
        if not isinstance(a, torch.Tensor) or not a.is_floating_point() or a.dtype == torch.float64:
            return a
        return a.to(torch.get_autocast_dtype(a.device.type)) if autocast(a) else a

    return [one(a) for a in tensors]


def without_autocast(input: torch.Tensor) -> AbstractContextManager[Any]:
    """No cast where everything is cast already."""
    return torch.autocast(input.device.type, enabled=False) if autocast(input) else nullcontext()


def chosen(facts: Facts) -> Choice:
    """`select`; without the core, or where the reference is asked for, that works on the rows of each chunk."""
    choice = _select.chosen(facts)
    if choice.backend != "reference" or whole(facts, choice):
        return choice
    gradient = _select.chosen(facts._replace(core="", forced=None)).gradient
    return Choice("reference", gradient, choice.reason)


def whole(facts: Facts, choice: Choice) -> bool:
    """Whether torch operations work on all the logits: what no kernel does, and the reference on a GPU or seen.

    The reference makes its gradients by autograd, and inside of an operator there is none.
    """
    return bool(facts.obstacle or facts.other) or (choice.backend == "reference" and (facts.gpu or _state.seen()))


def wants_gradient(p: LinearOperands) -> bool:
    """Whether input, weights or bias are to have a gradient."""
    return torch.is_grad_enabled() and any(a is not None and a.requires_grad for a in p[:3])


def _reduced_outside(tokens: Maybe, denominator: float | torch.Tensor | None) -> bool:
    """Whether what multiplies or divides the rows has a gradient: then torch multiplies and divides."""
    return torch.is_grad_enabled() and (
        (tokens is not None and tokens.requires_grad)
        or (isinstance(denominator, torch.Tensor) and denominator.requires_grad)
    )


def _within(choice: Choice, p: LinearOperands, budget: int) -> Choice:
    """Where a half gradient of the input, kept in float32 until it is scaled, is most of what was said: later."""
    half = p.input.requires_grad and p.input.dtype.itemsize == 2
    if choice.gradient == "in forward" and half and 0 < budget < 8 * p.input.numel():
        return choice._replace(gradient="in backward", reason="`input` has too large a gradient to keep in float32")
    return choice


def _prepare(
    input: torch.Tensor,
    linear_weight: torch.Tensor,
    target: Any,
    linear_bias: Maybe,
    weight: Maybe,
    ignore_index: int | None,
    reduction: str,
    label_smoothing: float,
    z_loss: float,
    softcap: float | None,
    temperature: float,
    token_weight: Maybe,
    denominator: float | torch.Tensor | None,
    memory_budget: int | None,
    process_group: Any,
) -> Call | _parallel_linear.Call:
    if ignore_index is None:  # how torch.nn.functional.linear_cross_entropy spells its default
        ignore_index = _IGNORED
    options = settled(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)
    budget = NOT_SAID if memory_budget is None else checked_budget(memory_budget)
    split, (input, linear_weight, target, linear_bias, weight, token_weight) = _parallel_linear.here(
        process_group, input, linear_weight, target, linear_bias, weight, token_weight
    )
    input, linear_weight, linear_bias = cast(input, linear_weight, linear_bias)
    if split is not None:
        return _parallel_linear.prepared(
            split, input, linear_weight, target, linear_bias, weight, token_weight, denominator, options, budget
        )
    p = linear_operands(input, linear_weight, target, linear_bias, weight, token_weight)
    if denominator is not None:
        denominator = checked_denominator(denominator, options.reduction)
    outside = denominator if isinstance(denominator, torch.Tensor) else None
    other = ""
    if torch.is_grad_enabled():
        if weight is not None and weight.requires_grad:
            other = "`weight` requires a gradient"
        elif p.target.requires_grad or (p.probs is not None and p.probs.requires_grad):
            other = "`target` requires a gradient"
    facts = Facts(
        _state.obstacle(*p[:7], outside),
        *_select.backends(p.input, p.probs),
        wants_gradient(p),
        other,
        options.reduction != "none" and not _reduced_outside(p.tokens, denominator),
        p.input.dtype == torch.float16,
        False,  # the operator hands out gradients too: what it made is multiplied, not handed out twice
        _select.forced(),
        _state.hooked(),
    )
    choice = _within(chosen(facts), p, budget)
    return Call(p, options, denominator, choice, whole(facts, choice), budget)


def _compute(call: Call | _parallel_linear.Call) -> torch.Tensor:
    if isinstance(call, _parallel_linear.Call):
        return _parallel_linear.loss(call)
    p, options, denominator = call.operands, call.options, call.denominator
    if call.whole:
        if _state.readable(p.target):
            p.check(options.ignore_index)
        if isinstance(denominator, torch.Tensor) and _state.readable(denominator):
            positive_denominator(denominator.item())
        return _linear_reference.loss(p, options, denominator)
    if _reduced_outside(p.tokens, denominator):
        rows = _chunked(call._replace(operands=p._replace(tokens=None), options=replace(options, reduction="none")))
        o = p.rows(p.input)
        loss = _reference.reduced(
            rows.flatten(), o.target, o.weight, o.token_weight, options, soft=o.soft, denominator=denominator
        )
        return loss.to(rows.dtype)
    return _chunked(call)


def _chunked(call: Call) -> torch.Tensor:
    p, options, denominator, choice, _, budget = call
    run, inside = Run(choice.backend, budget), choice.gradient == "in forward"
    if options.reduction == "none":
        denominator = None
    if _state.seen():
        return _ops_linear.loss(p, options, denominator, run, inside)
    if choice.backend == "triton":
        return _triton.kernels("linear_autograd").loss(p, options, denominator, budget, choice.gradient)
    if isinstance(denominator, torch.Tensor):
        denominator = positive_denominator(denominator.item())
    if choice.gradient == "none":
        return _linear_loss.loss(p, options, denominator, run, NOTHING).loss
    return LossFunction.apply(*p[:3], p, options, denominator, run, inside)


@_select.prepared_by(_prepare)
def linear_cross_entropy(
    input: torch.Tensor,
    linear_weight: torch.Tensor,
    target: torch.Tensor | TopK,
    *,
    linear_bias: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
    token_weight: torch.Tensor | None = None,
    denominator: float | torch.Tensor | None = None,
    memory_budget: int | None = None,
    process_group: Any = None,
) -> torch.Tensor:
    r"""Cross-entropy of the last layer: `torch.nn.functional.linear_cross_entropy`, without ever holding the logits.

        loss = cross_entropy(input linear_weight^T + linear_bias, target)

    computed a chunk of rows at a time, with every option of `cross_entropy`.

    Parameters
    ----------
    input : Tensor
        What goes into the last layer, (..., D): float64, float32, bfloat16 or float16.
    linear_weight : Tensor
        (C, D), or (C, d1, ..., D) with `input` (N, D): then every row has d1 ... rows of logits. The dtype of `input`.
    target : Tensor or TopK
        Class indices (int64, int32 or uint8), (...) or (N, d1, ...); or probabilities (floating), (..., C) or
        (N, C, d1, ...); or `xent.TopK(indices, probs, tail)`, both the shape of class indices and then k.
    linear_bias : Tensor, optional
        The shape of `linear_weight` without D.
    weight, ignore_index, reduction, label_smoothing, z_loss, softcap, temperature, token_weight, denominator
        As in `cross_entropy`. `ignore_index=None`, the default of the torch function, is -100.
    memory_budget : int, optional
        Bytes that temporary tensors may take at any time, all but inputs, results and one sum in float32 of the
        gradients of weights and bias. By default 256 MiB, or what the call takes where that is more; with 50,257
        outcomes and 768 features 64 MiB was as fast, and 16 MiB a tenth slower. By default on a GPU 1.25 GiB for a
        chunk of logits, 4096 rows of 128,256 in bfloat16, beside what all the rows take. Not counted: what autocast
        casts, what cuBLAS works in, and rows of probabilities that no view is, which are copied whole.
    process_group : torch.distributed.ProcessGroup, optional
        The processes over which the classes are split, as in `cross_entropy`: `linear_weight` and `linear_bias` hold
        those of this process, and `input` is the same in all. DTensors sharded over their classes need the group too,
        unless `input` is a DTensor that every process holds whole. What the processes tell each other of the rows does
        not count in `memory_budget`; where one chunk is enough, its logits are kept for the backward pass. In a
        compiled graph all the logits here are held.

    Returns
    -------
    Tensor
        In nats: () or, with "none", the shape of class indices. float64 for float64 input, else float32.

    Raises
    ------
    DistributionError
        A label is out of range, or a target is no distribution. A GPU is not waited for: there the loss of such a row
        is NaN, and a later call says so, but for classes split over processes.
    ShapeError, TypeError, ValueError
        Shapes, dtypes or devices do not fit, an option is outside its range, or `memory_budget` is too small for one
        row: the message names the least.
    BackendUnavailable
        As in `cross_entropy`.

    Edge cases
    ----------
    ignored row                     no product is computed for it, even if its input is NaN; loss and gradient 0
    no row counts                   0, and zero gradients
    an argument without gradient    none is computed, which saves one of three products
    a CUDA graph is captured, or `torch.cuda.set_sync_debug_mode` is on    ignored rows are multiplied, as zeros
    under transforms, in float64 on a GPU, compiled without the compiled core, or with gradients by `weight` or
    `target`    all the logits are held
    weights that are a sharded DTensor outside of FSDP's `forward`    ValueError that names the ways out

    Accuracy
    --------
    float64 and float32 products are those of torch; float16, and bfloat16 where the processor has no units for it, is
    multiplied in float32. The gradients of weights and bias are summed in float32 and rounded once: their error does
    not grow with the number of chunks. That of `input` is rounded once too. On a GPU halves are multiplied as they are,
    and the logits are rounded to them; where one chunk is all, or compiled, an upstream gradient other than a power of
    two rounds the gradients of weights a second time. Repeats itself run to run.

    Gradient
    --------
    With dz of `cross_entropy`: dz linear_weight, dz^T input and the sum of dz, by `input`, `linear_weight` and
    `linear_bias`. "mean" and "sum" make them beside the loss (three products); "none", float16, a checkpoint, and
    bfloat16 with less than 8 bytes of budget for each number of `input`, make the logits again (four). Any number
    of derivatives, forward mode and the transforms of `torch.func` are right. With `process_group`, first derivatives:
    by the classes here, and by `input` summed over the processes.

    References
    ----------
    Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, 2025 (logits that are never held whole).

    Examples
    --------
    >>> import torch, xent.torch
    >>> hidden = torch.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
    >>> head = torch.tensor([[2.0, 0.0], [0.0, 0.5], [0.0, 0.0]], requires_grad=True)
    >>> loss = xent.torch.linear_cross_entropy(hidden, head, torch.tensor([0, 2]))
    >>> loss.backward()
    >>> round(loss.item(), 6), [round(g, 4) for g in head.grad[0].tolist()]
    (0.895495, [-0.1065, 0.2119])
    """
    with told(process_group, linear_weight):
        call = _prepare(
            input,
            linear_weight,
            target,
            linear_bias,
            weight,
            ignore_index,
            reduction,
            label_smoothing,
            z_loss,
            softcap,
            temperature,
            token_weight,
            denominator,
            memory_budget,
            process_group,
        )
    with without_autocast(call.operands.input):
        loss = _compute(call)
    return loss.reshape(call.operands.shape) if reduction == "none" else loss
