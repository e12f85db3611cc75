"""`cross_entropy`: the arguments checked once, then one call of the backend that was chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch

from xent._forms import TopK
from xent.torch import _native_loss, _ops, _parallel, _reference, _select, _state, _tiny, _triton
from xent.torch._operands import Operands, check_target, checked_denominator, operands, positive_denominator
from xent.torch._options import Options, settled
from xent.torch._parallel_group import told
from xent.torch._select import Choice, Facts


class Call(NamedTuple):
    """A call of `cross_entropy`, checked and chosen for."""

    operands: Operands
    options: Options
    denominator: float | torch.Tensor | None
    choice: Choice


def _prepare(
    input: torch.Tensor,
    target: Any,
    weight: torch.Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    z_loss: float,
    softcap: float | None,
    temperature: float,
    token_weight: torch.Tensor | None,
    denominator: float | torch.Tensor | None,
    process_group: Any,
) -> Call | _parallel.Call:
    options = settled(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)
    split, (input, target, weight, token_weight) = _parallel.here(process_group, input, target, weight, token_weight)
    if split is not None:
        return _parallel.prepared(split, input, target, weight, token_weight, denominator, options)
    o = operands(input, target, weight, token_weight)
    if denominator is not None:
        denominator = checked_denominator(denominator, options.reduction)
    outside = denominator if isinstance(denominator, torch.Tensor) else None
    other = ""
    if grad := torch.is_grad_enabled():
        if weight is not None and weight.requires_grad:
            other = "`weight` requires a gradient"
        elif o.target.requires_grad or (o.probs is not None and o.probs.requires_grad):
            other = "`target` requires a gradient"
    facts = Facts(
        _state.obstacle(o.logits, o.target, o.probs, weight, token_weight, outside),
        *_select.backends(o.logits, o.probs),
        grad and o.logits.requires_grad,
        other,
        options.reduction != "none" and not _reduced_outside(token_weight, outside),
        o.logits.dtype == torch.float16,
        _state.seen(),
        _select.forced(),
        _state.hooked(),
    )
    return Call(o, options, denominator, _select.chosen(facts))


def _reduced_outside(token_weight: torch.Tensor | None, denominator: torch.Tensor | None) -> bool:
    """Whether what multiplies or divides the rows has a gradient: then torch multiplies and divides."""
    return torch.is_grad_enabled() and (
        (token_weight is not None and token_weight.requires_grad)
        or (denominator is not None and denominator.requires_grad)
    )


def _compute(call: Call | _parallel.Call) -> torch.Tensor:
    if isinstance(call, _parallel.Call):
        return _parallel.loss(call)
    o, options, denominator = call.operands, call.options, call.denominator
    if call.choice.backend == "reference":
        if _state.readable(o.target):
            check_target(o, options.ignore_index)
        if isinstance(denominator, torch.Tensor) and _state.readable(denominator):
            positive_denominator(denominator.item())
        return _reference.loss(
            o.logits, o.target, o.probs, o.weight, o.token_weight, options, spread=o.spread, denominator=denominator
        )
    if _reduced_outside(o.token_weight, denominator if isinstance(denominator, torch.Tensor) else None):
        rows = _kernels(o._replace(token_weight=None), replace(options, reduction="none"), None, call.choice)
        loss = _reference.reduced(
            rows, o.target, o.weight, o.token_weight, options, soft=o.soft, denominator=denominator
        )
        return loss.to(rows.dtype)
    return _kernels(o, options, denominator, call.choice)


def _kernels(o: Operands, options: Options, denominator: float | torch.Tensor | None, choice: Choice) -> torch.Tensor:
    """The loss by the compiled core or by the Triton kernels."""
    if _state.seen():
        return _ops.loss(o, options, denominator, choice.backend)
    if choice.backend == "triton":
        return _triton.kernels().loss(o, options, denominator, choice.gradient)
    if isinstance(denominator, torch.Tensor):
        denominator = positive_denominator(denominator.item())
    return _native_loss.loss(o, options, denominator, choice.gradient)


@_select.prepared_by(_prepare)
def cross_entropy(
    input: torch.Tensor,
    target: torch.Tensor | TopK,
    weight: torch.Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
    token_weight: torch.Tensor | None = None,
    denominator: float | torch.Tensor | None = None,
    process_group: Any = None,
) -> torch.Tensor:
    r"""Cross-entropy of logits and targets: `torch.nn.functional.cross_entropy`, exact, and with more options.

        loss = token_weight (\sum_j w_j t_j (logsumexp - z_j) + z_loss logsumexp^2)

    where z = softcap(input) / temperature, softcap(a) = c \tanh(a / c), logsumexp = \log \sum_j e^{z_j}, w is `weight`
    and t the target, mixed with the uniform distribution in the proportion `label_smoothing`. (For a class index y,
    the unsmoothed part is weighed by w_y, as PyTorch does.)

    Parameters
    ----------
    input : Tensor
        Logits, (C,), (N, C) or (N, C, d1, ...): float64, float32, bfloat16 or float16.
    target : Tensor or TopK
        Class indices (int64, int32 or uint8), the shape of `input` without C; or probabilities (floating), the shape
        of `input`; or `xent.TopK(indices, probs, tail)`, both the shape of class indices and then k.
    weight : Tensor, optional
        w, one finite number a class. Multiplies cross-entropy, not z-loss.
    ignore_index : int
        The label of rows that do not count; any integer of 64 bits. No effect on probabilities.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the sum of w_y x token_weight over the rows that count (of token_weight, for probabilities).
    label_smoothing : float
        In [0, 1].
    z_loss : float
        Factor of logsumexp squared, 0 or more.
    softcap : float, optional
        c above; no cap by default.
    temperature : float
        Above 0.
    token_weight : Tensor, optional
        One number a row, the shape of class indices; multiplies everything of the row.
    denominator : float or Tensor, optional
        For "mean": divides in place of the sum, so that micro-batches that share it add up to one batch. Above 0, which
        is not looked at in a tensor on a GPU.
    process_group : torch.distributed.ProcessGroup, optional
        The processes over which the classes are split: `input` holds those of this process, in the order of the ranks
        and one at least, and so do probabilities. Class indices are those of the whole; `weight` has the classes here,
        or all; the rest is the same in every process, and so is the loss. An `input` that is a DTensor sharded over
        its classes needs no group.

    Returns
    -------
    Tensor
        In nats: () or, with "none", the shape of class indices. float64 for float64 input, else float32.

    Raises
    ------
    DistributionError
        A label is out of range, or a target is no distribution. (A GPU is not waited for: there the row gives NaN, and
        a later call raises; an outcome that a `TopK` names twice is not looked for.)
    ShapeError, TypeError, ValueError
        Shapes, dtypes or devices do not fit, or an option is outside its range.
    BackendUnavailable
        `XENT_BACKEND` names a backend that cannot do this call; or classes are split over processes, and it is under a
        transform of `torch.func` or differentiated twice.

    Edge cases
    ----------
    ignored row                     loss 0, gradient 0, even if its logits are NaN
    no row counts                   0, and zero gradients
    a logit of -inf, no target mass    adds nothing; with mass on it, inf
    NaN or +inf in a row, or -inf throughout    NaN
    a label out of range where values cannot be read (vmap, an accelerator)    NaN for its row

    Accuracy
    --------
    On the CPU computed in float64, whatever the input, and rounded once. float32, bfloat16, float16: the loss of a row
    and its gradient are within 0.51 ulp; in 3 of 10,000 float32 gradients the number next to the nearest. float64: the
    loss of a row is within 2 ulp and its gradient by a_j within 4 + |z_j - max z| ulp, since z_j - max z is rounded.
    On a GPU computed in float32, a few numbers of each row in float64: the loss of a row is within 2^-19 of its value,
    2^-17 where that is below 1e-9, and its gradient within 2^-19 of the largest of its terms, rounded once more to its
    dtype; a softcap or temperature adds what moving z by 2^-22 (|z| + c / temperature) would.

    Gradient
    --------
    dz_j = token_weight (T p_j - w_j t_j + 2 z_loss logsumexp p_j), T = sum of w_j t_j; 1 - p_y is not lost where p_y
    nears 1. By `weight`, probabilities, `token_weight` and `denominator` too. Any number of derivatives, forward mode
    and the transforms of `torch.func` are right. With `process_group`, first derivatives, by the classes here.

    References
    ----------
    Szegedy et al., Rethinking the Inception Architecture, 2016 (label smoothing). Chowdhery et al., PaLM, 2022
    (z-loss). Gemma Team, Gemma 2, 2024 (softcap).

    Examples
    --------
    >>> import torch, xent, xent.torch
    >>> logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], requires_grad=True)
    >>> loss = xent.torch.cross_entropy(logits, torch.tensor([0, 2]))
    >>> loss.backward()
    >>> round(loss.item(), 6), [round(g, 4) for g in logits.grad[0].tolist()]  # (softmax - one-hot) / 2
    (0.895495, [-0.1065, 0.0533, 0.0533])
    >>> top = xent.TopK(torch.tensor([[0, 1], [2, 0]]), torch.tensor([[0.5, 0.25], [0.75, 0.25]]), tail="spread")
    >>> [round(v, 4) for v in xent.torch.cross_entropy(logits, top, reduction="none").tolist()]
    [1.2395, 1.5514]
    """
    if (
        weight is token_weight is denominator is softcap is process_group is None
        and (type(label_smoothing), type(z_loss), type(temperature), type(ignore_index)) == _tiny.TYPES
        and label_smoothing == z_loss == 0.0
        and temperature == 1.0
        and reduction == "mean"
        and ignore_index == -100
        and _tiny.fits(input, target)
        and _select.forced() in (None, "native")
    ):
        return _tiny.Mean.apply(input, target)
    if _state.fake(input):
        with input.fake_mode:  # pyright: ignore  # of FakeTensor
            return cross_entropy(
                input,
                target,
                weight,
                ignore_index=ignore_index,
                reduction=reduction,
                label_smoothing=label_smoothing,
                z_loss=z_loss,
                softcap=softcap,
                temperature=temperature,
                token_weight=token_weight,
                denominator=denominator,
                process_group=process_group,
            )
    with told(process_group, input):
        call = _prepare(
            input,
            target,
            weight,
            ignore_index,
            reduction,
            label_smoothing,
            z_loss,
            softcap,
            temperature,
            token_weight,
            denominator,
            process_group,
        )
    loss = _compute(call)
    if reduction == "none" and len(call.operands.shape) != 1:
        return loss.reshape(call.operands.shape)
    return loss
