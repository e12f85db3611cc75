"""`linear_distillation_loss`: two last layers and the divergence of what they say, neither logits ever held whole."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch

from xent._errors import ShapeError
from xent.torch import _linear_distillation_loop as loop
from xent.torch import _ops_linear_distillation, _select, _state, _triton
from xent.torch._chunks import checked_budget
from xent.torch._distillation_operands import Rule, options
from xent.torch._linear import cast, without_autocast
from xent.torch._linear_distillation_autograd import NOTHING, Distillation, reference
from xent.torch._linear_distillation_loop import Layers
from xent.torch._operands import floating, positive_denominator, together, token_weights
from xent.torch._select import Choice, Facts

_GPU_BUDGET = 5 << 28  # bytes


class Call(NamedTuple):
    """A call, checked and chosen for."""

    layers: Layers
    rule: Rule
    budget: int
    shape: tuple[int, ...]  # of the loss with reduction "none"
    choice: Choice


def _layer(who: str, input: Any, weight: Any, bias: Any) -> None:
    """Refuse an input, weights and bias that are no layer together."""
    x, w = f"{who}_input", f"{who}_weight"
    floating(x, input)
    floating(w, weight)
    together(w, weight, x, input)
    if input.dtype != weight.dtype:
        raise TypeError(f"`{w}` has dtype {weight.dtype} and `{x}` {input.dtype}; convert one of them.")
    if input.dim() == 0 or weight.dim() != 2 or input.shape[-1] != weight.shape[-1] or 0 in weight.shape:
        raise ShapeError(
            f"`{x}` has shape {tuple(input.shape)} and `{w}` {tuple(weight.shape)}; they are (..., D) and (V, D), of "
            "the same D, V and D above 0."
        )
    if bias is None:
        return
    floating(f"{who}_bias", bias)
    together(f"{who}_bias", bias, x, input)
    if bias.dtype != weight.dtype:
        raise TypeError(f"`{who}_bias` has dtype {bias.dtype} and `{w}` {weight.dtype}; convert one of them.")
    if bias.shape != weight.shape[:1]:
        raise ShapeError(f"`{who}_bias` has shape {tuple(bias.shape)}; for this `{w}` it is ({len(weight)},).")


def _prepare(
    student_input: Any,
    student_weight: Any,
    teacher_input: Any,
    teacher_weight: Any,
    student_bias: Any,
    teacher_bias: Any,
    kind: str,
    temperature: float,
    token_weight: Any,
    reduction: str,
    denominator: Any,
    memory_budget: int | None,
) -> Call:
    rule, divisor = options(kind, temperature, reduction, denominator)
    x, w, b = cast(student_input, student_weight, student_bias)
    t, u, c = cast(teacher_input, teacher_weight, teacher_bias)
    _layer("student", x, w, b)
    _layer("teacher", t, u, c)
    together("teacher_input", t, "student_input", x)
    outer, other = tuple(x.shape[:-1]), tuple(t.shape[:-1])
    if other != outer or len(u) != len(w):
        raise ShapeError(
            f"the student has rows {outer} of {len(w)} outcomes and the teacher {other} of {len(u)}; both are the same."
        )
    if token_weight is not None:
        token_weights(token_weight, outer, "student_input", x)
        token_weight = token_weight.reshape(-1)
    n = math.prod(outer)
    p = Layers(x.reshape(n, w.shape[1]), w, b, t.reshape(n, u.shape[1]), u, c, token_weight, divisor)
    choice = _choice(p, rule)
    budget = _GPU_BUDGET if memory_budget is None and choice.backend == "triton" else checked_budget(memory_budget)
    return Call(p, rule, budget, outer, choice)


def _choice(p: Layers, rule: Rule) -> Choice:
    other = ""
    if grad := torch.is_grad_enabled():
        for name, a in (("token_weight", p.token_weight), ("denominator", p.divisor)):
            if a is not None and a.requires_grad:
                other = f"`{name}` requires a gradient"
    wanted = grad and any(a is not None and a.requires_grad for a in p[:3])
    # Products of float16 are made in float32: no gradient needs to wait for the loss scale.
    facts = Facts(
        _state.obstacle(*p),
        *_select.backends(p.input),
        wanted,
        other,
        rule.reduction != "none",
        False,
        _state.seen(),
        _select.forced(),
        _state.hooked(),
    )
    return _select.chosen(facts)


def _compute(call: Call) -> torch.Tensor:
    p, rule, budget, _, choice = call
    p = p._replace(
        teacher_input=p.teacher_input.detach(),
        teacher_weight=p.teacher_weight.detach(),
        teacher_bias=None if p.teacher_bias is None else p.teacher_bias.detach(),
    )
    if choice.backend != "reference" and _state.seen():
        return _ops_linear_distillation.linear_distillation(*p, *rule, budget, choice.backend)
    if choice.backend == "triton":
        return _triton.kernels("linear_distillation").loss(p, rule, budget, choice.gradient)
    if p.divisor is not None and _state.readable(p.divisor):
        positive_denominator(p.divisor.item())
    if choice.backend == "reference":
        return reference(p, rule)
    if choice.gradient == "none":
        return loop.distill(p, rule, budget, NOTHING).loss
    return Distillation.apply(rule, budget, choice.gradient == "in forward", *p)


@_select.prepared_by(_prepare)
def linear_distillation_loss(
    student_input: torch.Tensor,
    student_weight: torch.Tensor,
    teacher_input: torch.Tensor,
    teacher_weight: torch.Tensor,
    *,
    student_bias: torch.Tensor | None = None,
    teacher_bias: torch.Tensor | None = None,
    kind: str = "forward",
    temperature: float = 1.0,
    token_weight: torch.Tensor | None = None,
    reduction: str = "mean",
    denominator: float | torch.Tensor | None = None,
    memory_budget: int | None = None,
) -> torch.Tensor:
    r"""`distillation_loss` of two last layers, without ever holding the logits of either.

        loss = distillation\_loss(x_s W_s^T + b_s, x_t W_t^T + b_t)

    Parameters
    ----------
    student_input, student_weight, student_bias : Tensor (..., D), (V, D), (V,) or None
        Hidden states, and the layer that makes logits of them; one dtype.
    teacher_input, teacher_weight, teacher_bias : Tensor (..., E), (V, E), (V,) or None
        The teacher's, taken as constants; E and the dtype may be its own.
    kind, temperature, token_weight, reduction, denominator
        As in `distillation_loss`. A row of weight 0 reaches nothing, whatever it holds; on the CPU it is never
        multiplied.
    memory_budget : int, optional
        Most bytes of temporary memory, 256 MiB unless said, 1.25 GiB on a GPU: logits of both, copies, everything but
        the gradients, which are kept in float32 at least until the backward pass. (The compiled core and the Triton
        kernels keep it; torch operations hold all logits.)

    Returns
    -------
    Tensor
        In nats; float64 for float64 input, else float32. Shape () or, with "none", that of the rows.

    Raises
    ------
    ShapeError
        Shapes that do not fit.
    TypeError, ValueError
        A dtype, device or option that cannot be; a `memory_budget` below what one row needs, which it names.

    Edge cases
    ----------
    student = teacher     0, up to the rounding of the two products
    no row counts         0 for "mean" and "sum", gradients of zeros

    Accuracy
    --------
    That of the matrix products, which on a GPU leave logits in the dtype of the layer: the divergence of the logits is
    as exact as in `distillation_loss`. Gradients of weights and bias are
    summed in float32 at least (float64 for float64) and rounded once, however many chunks there are.

    Gradient
    --------
    By the student's three tensors, made beside the loss: dz of each chunk of logits, dz W and dz^T x. None by the
    teacher's. Second derivatives, `torch.func` and forward mode go through torch operations on all the logits.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531.

    Examples
    --------
    >>> import torch, xent.torch
    >>> x, w = torch.eye(2), torch.eye(2)
    >>> round(xent.torch.linear_distillation_loss(x, w, x, 3 * w).item(), 4)
    0.1698
    """
    call = _prepare(
        student_input,
        student_weight,
        teacher_input,
        teacher_weight,
        student_bias,
        teacher_bias,
        kind,
        temperature,
        token_weight,
        reduction,
        denominator,
        memory_budget,
    )
    with without_autocast(call.layers.input):
        loss = _compute(call)
    return loss.reshape(call.shape) if reduction == "none" else loss
