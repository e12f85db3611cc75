"""`distillation_loss`: the arguments checked once, then one call of the backend that was chosen."""

from __future__ import annotations

from typing import NamedTuple

import torch

from xent._forms import TopK
from xent.torch import _native_soft, _ops_distillation, _reference_distillation, _select, _state, _triton
from xent.torch._distillation_operands import Pair, Rule, check_teacher, options, pair
from xent.torch._operands import positive_denominator
from xent.torch._select import Choice, Facts


class Call(NamedTuple):
    """A call, checked and chosen for."""

    pair: Pair
    rule: Rule
    divisor: torch.Tensor | None
    choice: Choice


def _prepare(
    student: torch.Tensor,
    teacher: torch.Tensor | TopK,
    kind: str,
    temperature: float,
    token_weight: torch.Tensor | None,
    reduction: str,
    denominator: float | torch.Tensor | None,
) -> Call:
    rule, divisor = options(kind, temperature, reduction, denominator)
    operands, tail = pair(student, teacher, token_weight, kind)
    other = ""
    if grad := torch.is_grad_enabled():
        for name, a in (("token_weight", token_weight), ("denominator", divisor)):
            if a is not None and a.requires_grad:
                other = f"`{name}` requires a gradient"
    facts = Facts(
        _state.obstacle(operands.student, operands.teacher, operands.probs, token_weight, divisor),
        *_select.backends(operands.student),
        grad and student.requires_grad,
        other,
        reduction != "none",
        student.dtype == torch.float16,
        _state.seen(),
        _select.forced(),
        _state.hooked(),
    )
    return Call(operands, rule._replace(tail=tail), divisor, _select.chosen(facts))


def _compute(call: Call) -> torch.Tensor:
    o, rule, divisor = call.pair, call.rule, call.divisor
    tensors = (o.student, o.teacher.detach(), o.probs, o.token_weight, divisor)
    if call.choice.backend != "reference" and _state.seen():
        return _ops_distillation.distillation(*tensors, *rule, call.choice.backend)
    if call.choice.backend == "triton":
        return _triton.kernels("distillation").loss(tensors, rule, call.choice.gradient)
    if o.probs is not None and _state.readable(o.probs):
        check_teacher(o.teacher, o.probs, o.student.shape[-1], rule.tail, o.shape)
    if divisor is not None and _state.readable(divisor):
        positive_denominator(divisor.item())
    if call.choice.backend == "reference":
        return _reference_distillation.distillation(*tensors, **rule._asdict())
    loss = _ops_distillation.loss_of(rule)
    if call.choice.gradient == "none":
        return _native_soft.value(loss, *tensors)
    return _native_soft.Differentiable.apply(loss, call.choice.gradient == "in forward", *tensors)


@_select.prepared_by(_prepare)
def distillation_loss(
    student: torch.Tensor,
    teacher: torch.Tensor | TopK,
    *,
    kind: str = "forward",
    temperature: float = 1.0,
    token_weight: torch.Tensor | None = None,
    reduction: str = "mean",
    denominator: float | torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Divergence of a student's distribution from a teacher's, at one temperature, times its square.

        loss = T^2 \, KL(p_t \| p_s), \quad p = softmax(logits / T)

    What `F.kl_div(log_softmax(student / T), log_softmax(teacher / T), reduction="batchmean", log_target=True) * T**2`
    computes, exact where the two are close, in one reading of both, and infinite nowhere that the definition is not.

    Parameters
    ----------
    student : Tensor (..., V)
        Logits; every axis but the last counts rows. float64, float32, bfloat16 or float16.
    teacher : Tensor (..., V) or xent.TopK
        Logits, taken as a constant; or `xent.TopK(indices, probs, tail)`, (..., k) each: probabilities at the
        temperature, of distinct outcomes. With mass below 1, `tail` says where the rest is: "drop" (nowhere: only for
        the forward kind), "spread" (evenly over the other outcomes). On a GPU it is made whole: V numbers of float32 a
        row for as long as a kernel reads them.
    kind : {"forward", "reverse", "js"}
        KL(teacher || student); KL(student || teacher); or Jensen-Shannon, half the sum of both divergences from the
        mean of the two.
    temperature : float
        T, between 1e-30 and 1e8.
    token_weight : Tensor (...), optional
        Multiplies each row's loss. A row of weight 0 is not read: its loss and gradient are 0 whatever it holds.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the sum of `token_weight`, the number of rows without it.
    denominator : float or Tensor of one number, optional
        Replaces what "mean" divides by, so that accumulated micro-batches equal one batch.

    Returns
    -------
    Tensor
        In nats; float64 for a float64 student, else float32. Shape () or, with "none", that of the rows.

    Raises
    ------
    DistributionError
        Top-k probabilities that are negative, exceed 1 together, or lack mass without a `tail`; outcomes that are named
        twice or out of range. (On a GPU, which is not waited for, the row gives NaN, and a later call raises; an
        outcome that is named twice is not looked for.)
    ShapeError
        Shapes that do not fit.
    TypeError, ValueError
        A dtype, device or option that cannot be.

    Edge cases
    ----------
    student = teacher                 0 exactly, whatever either adds to all its logits
    both rule an outcome out          it counts 0
    forward, only the student does    inf
    reverse, only the teacher does    inf
    a row of NaN, +inf, or all -inf   NaN
    no row counts                     0 for "mean" and "sum"

    Accuracy
    --------
    float32 and half precision: within 2 ulp of the exact loss of the logits as given, however close the two are;
    float64: relative error 1e-14 (1 + 1/d) where logits differ by d. Sums are made in float64, in an order that does
    not depend on the number of threads. On a GPU, which computes in float32: the loss within 2^-21 of its value, the
    gradient of a row within 2^-19 of its largest number, however close the two are.

    Gradient
    --------
    By `student`, made beside the loss: T (p_s - p_t) for the forward kind, T p_s (log(p_s / p_t) - KL) for the reverse,
    T p_s (log(p_s / m) - KL(p_s || m)) / 2 for Jensen-Shannon. None by `teacher`. Second derivatives, `torch.func`,
    forward mode, and gradients by `token_weight` and `denominator` go through torch operations.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531.
    J. Lin, Divergence Measures Based on the Shannon Entropy, IEEE Transactions on Information Theory 37 (1991),
    145-151.

    Examples
    --------
    >>> import torch, xent.torch
    >>> student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    >>> xent.torch.distillation_loss(student, teacher)
    tensor(0.3278)
    >>> xent.torch.distillation_loss(teacher, teacher, kind="js")
    tensor(0.)
    """
    call = _prepare(student, teacher, kind, temperature, token_weight, reduction, denominator)
    loss = _compute(call)
    return loss.reshape(call.pair.shape) if reduction == "none" else loss
