"""`binary_cross_entropy` and `binary_cross_entropy_with_logits`: checked once, then one call of what was chosen."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from xent.torch import (
    _binary_operands,
    _elements,
    _native_soft,
    _ops_binary,
    _reference_binary,
    _select,
    _state,
    _triton,
)
from xent.torch._select import Choice, Facts


class Call(NamedTuple):
    """A call, checked and chosen for."""

    tensors: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor | None]
    logits: bool
    reduction: str
    choice: Choice


def _prepare(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    reduction: str,
    pos_weight: torch.Tensor | None,
    logits: bool,
) -> Call:
    _binary_operands.reduction(reduction)
    _binary_operands.operands(input, target, weight, pos_weight)
    other = ""
    if grad := torch.is_grad_enabled():
        for name, a in (("target", target), ("weight", weight), ("pos_weight", pos_weight)):
            if a is not None and a.requires_grad:
                other = f"`{name}` requires a gradient"
    facts = Facts(
        _state.obstacle(input, target, weight, pos_weight),
        *_select.backends(input),
        grad and input.requires_grad,
        other,
        reduction != "none",
        input.dtype == torch.float16,
        _state.seen(),
        _select.forced(),
        _state.hooked(),
    )
    return Call((input, target, weight, pos_weight), logits, reduction, _select.chosen(facts))


def _prepare_probabilities(input: Any, target: Any, weight: Any, reduction: str) -> Call:
    return _prepare(input, target, weight, reduction, None, logits=False)


def _prepare_logits(input: Any, target: Any, weight: Any, reduction: str, pos_weight: Any) -> Call:
    return _prepare(input, target, weight, reduction, pos_weight, logits=True)


def _compute(call: Call) -> torch.Tensor:
    input, target, weight, pos_weight = call.tensors
    if call.choice.backend == "reference":
        if _state.readable(target) and _state.readable(input):
            _binary_operands.check_values(input, target, logits=call.logits)
        return _reference_binary.binary(input, target, weight, pos_weight, logits=call.logits, reduction=call.reduction)
    if _state.seen():
        return _ops_binary.binary_cross_entropy(*call.tensors, call.logits, call.reduction, call.choice.backend)
    if call.choice.backend == "triton":
        return _triton.kernels("binary").loss(call.tensors, call.logits, call.reduction, call.choice.gradient)
    loss = _ops_binary.loss_of(call.logits, call.reduction)
    try:
        if call.choice.gradient == "none":
            return _native_soft.value(loss, input, target, weight, pos_weight)
        inside = call.choice.gradient == "in forward"
        return _native_soft.Differentiable.apply(loss, inside, input, target, weight, pos_weight)
    except _elements.BadElement as bad:
        _binary_operands.explain(bad, input, target)


@_select.prepared_by(_prepare_probabilities)
def binary_cross_entropy(
    input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, reduction: str = "mean"
) -> torch.Tensor:
    r"""Cross-entropy of outcomes 0 and 1, or of soft labels, under probabilities of 1.

        loss = w \, (-y \log q - (1 - y) \log(1 - q))

    The same call as `torch.nn.functional.binary_cross_entropy`, apart from this: nothing is clipped, so that ruling out
    what happens is infinite; soft labels outside [0, 1] are an error; half precision gives a float32 loss; targets may
    be boolean or integers; the mean of no element is 0.

    Parameters
    ----------
    input : Tensor of any shape
        Probabilities q of the outcome 1; float64, float32, bfloat16 or float16.
    target : Tensor of the same shape
        What happened: 0, 1, or the probability y of 1. Floating, boolean or integers.
    weight : Tensor, optional
        Multiplies each element's loss; broadcasts to the shape of `input`. A weight of 0 counts 0, whatever it
        multiplies.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of elements, whatever the weights, as PyTorch does.

    Returns
    -------
    Tensor
        In nats; float64 for float64 `input`, else float32. Shape () or, with "none", that of `input`.

    Raises
    ------
    DistributionError
        An element of `input` or `target` outside [0, 1], NaN included. (Not looked for under `vmap`. On a GPU, which
        is not waited for, the element gives NaN, and a later call raises.)
    ShapeError
        Shapes that differ, or weights that do not broadcast.
    TypeError, ValueError
        A dtype, device or option that cannot be.

    Edge cases
    ----------
    y = 1, q = 0     inf; its gradient is -inf
    y = 1, q = 1     0; its gradient is -1
    y = 0, q = 0     0; its gradient is 1
    no elements      0 for "mean" and "sum"

    Accuracy
    --------
    float32: within 2 ulp of the exact value, element by element, gradients too; float64: within 4 ulp. Gradients of
    bfloat16 and float16 are the exact value rounded once. On a GPU, which computes in float32, both are within 2^-22
    of the value, 2^-21 with weights. Sums are made in float64, in an order that does not depend on the number of
    threads.

    Gradient
    --------
    By `input` w (q - y) / (q (1 - q)), made beside the loss in one reading of the data; by `target` and `weight`, and
    for second derivatives, `torch.func` and forward mode, through torch operations.

    References
    ----------
    I. J. Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952), 107-114.

    Examples
    --------
    >>> import torch, xent.torch
    >>> xent.torch.binary_cross_entropy(torch.tensor([0.5, 0.25]), torch.tensor([1, 0]), reduction="none")
    tensor([0.6931, 0.2877])
    >>> xent.torch.binary_cross_entropy(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(inf)
    """
    return _compute(_prepare(input, target, weight, reduction, None, logits=False))


@_select.prepared_by(_prepare_logits)
def binary_cross_entropy_with_logits(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    reduction: str = "mean",
    pos_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Cross-entropy of outcomes 0 and 1, or of soft labels, under log-odds of 1.

        loss = w \, (v y \log(1 + e^{-x}) + (1 - y) \log(1 + e^{x}))

    The same call as `torch.nn.functional.binary_cross_entropy_with_logits`, apart from this: soft labels outside [0, 1]
    are an error; infinite logits are taken; half precision gives a float32 loss; targets may be boolean or integers;
    the mean of no element is 0.

    Parameters
    ----------
    input : Tensor of any shape
        Logits x: the log-odds of the outcome 1; float64, float32, bfloat16 or float16.
    target : Tensor of the same shape
        What happened: 0, 1, or the probability y of 1. Floating, boolean or integers.
    weight : Tensor, optional
        w multiplies each element's loss; broadcasts to the shape of `input`. A weight of 0 counts 0, whatever it
        multiplies.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of elements, whatever the weights, as PyTorch does.
    pos_weight : Tensor, optional
        v multiplies what the outcome 1 contributes; broadcasts to the shape of `input`.

    Returns
    -------
    Tensor
        In nats; float64 for float64 `input`, else float32. Shape () or, with "none", that of `input`.

    Raises
    ------
    DistributionError
        An element of `target` outside [0, 1], NaN included. (Not looked for under `vmap`. On a GPU, which
        is not waited for, the element gives NaN, and a later call raises.)
    ShapeError
        Shapes that differ, or weights that do not broadcast.
    TypeError, ValueError
        A dtype, device or option that cannot be.

    Edge cases
    ----------
    x = inf, y = 1      0; its gradient is 0
    x = -inf, y = 1     inf; its gradient is -1
    x NaN               NaN
    no elements         0 for "mean" and "sum"

    Accuracy
    --------
    float32: within 2 ulp of the exact value, element by element, gradients too; float64: within 4 ulp. Gradients of
    bfloat16 and float16 are the exact value rounded once. Where y is nearly s(x) the gradient is the difference of two
    terms, and its error is that of theirs: at most w max(v, 1) 2^-41, for float64 2^-56. On a GPU, which computes in
    float32, both are within 2^-22 of the value, 2^-21 with weights, and that error is at most w max(v, 1) 2^-24. Sums
    are made in float64, in an order that does not depend on the number of threads.

    Gradient
    --------
    By `input` w ((1 - y) s(x) - v y s(-x)), s the logistic function, made beside the loss in one reading of the data;
    by `target` and weights, and for second derivatives, `torch.func` and forward mode, through torch operations.

    References
    ----------
    D. R. Cox, The Regression Analysis of Binary Sequences, Journal of the Royal Statistical Society B 20 (1958),
    215-242.

    Examples
    --------
    >>> import torch, xent.torch
    >>> x, y = torch.tensor([0.0, 100.0]), torch.tensor([1.0, 0.0])
    >>> xent.torch.binary_cross_entropy_with_logits(x, y, reduction="none")
    tensor([  0.6931, 100.0000])
    """
    return _compute(_prepare(input, target, weight, reduction, pos_weight, logits=True))
