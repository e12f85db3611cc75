"""`token_statistics`: what a model says of the class that happened, in one pass over the logits."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from xent._errors import ShapeError
from xent.torch import _native_statistics, _ops_statistics, _parallel, _reference, _select, _state, _triton
from xent.torch._native_statistics import Four
from xent.torch._operands import Operands, check_target, operands
from xent.torch._options import Options, settled
from xent.torch._parallel_group import told
from xent.torch._select import Choice, Facts


class TokenStatistics(NamedTuple):
    """Four numbers a row; in nats. `log_prob`, `logsumexp` and `entropy` are differentiable, each on its own."""

    log_prob: torch.Tensor
    logsumexp: torch.Tensor
    entropy: torch.Tensor
    argmax: torch.Tensor


class Call(NamedTuple):
    """A call of `token_statistics`, checked and chosen for."""

    operands: Operands
    options: Options
    choice: Choice


def _prepare(
    input: torch.Tensor,
    target: torch.Tensor,
    ignore_index: int,
    softcap: float | None,
    temperature: float,
    process_group: Any,
) -> Call | _parallel.Call:
    options = settled(ignore_index, "none", 0.0, 0.0, softcap, temperature)
    split, (input, target, *_) = _parallel.here(process_group, input, target, None, None)
    if split is not None:
        call = _parallel.prepared(split, input, target, None, None, None, options)
        _of_one_class(call.operands)
        return call
    o = operands(input, target, None, None)
    _of_one_class(o)
    facts = Facts(
        _state.obstacle(o.logits, o.target),
        *_select.backends(o.logits),
        torch.is_grad_enabled() and o.logits.requires_grad,
        "",
        False,
        o.logits.dtype == torch.float16,
        _state.seen(),
        _select.forced(),
    )
    return Call(o, options, _select.chosen(facts))


def _of_one_class(o: Operands) -> None:
    if o.soft:
        raise ShapeError("`target` holds probabilities; the statistics of a row are of one class, an integer.")


def _compute(call: Call | _parallel.Call) -> Four:
    if isinstance(call, _parallel.Call):
        return _parallel.statistics(call)
    o = call.operands
    if call.choice.backend == "reference":
        if _state.readable(o.target):
            check_target(o, call.options.ignore_index)
        return _reference.statistics(o.logits, o.target, call.options)
    if _state.seen():
        return _ops_statistics.statistics(o, call.options, call.choice.backend)
    if call.choice.backend == "triton":
        return _triton.kernels().statistics(o, call.options, call.choice.gradient)
    return _native_statistics.statistics(o, call.options, call.choice.gradient)


@_select.prepared_by(_prepare)
def token_statistics(
    input: torch.Tensor,
    target: torch.Tensor,
    *,
    ignore_index: int = -100,
    softcap: float | None = None,
    temperature: float = 1.0,
    process_group: Any = None,
) -> TokenStatistics:
    r"""Log-probability of the target, logsumexp, entropy and argmax of every row, in one pass.

        log_prob = z_y - logsumexp     logsumexp = \log \sum_j e^{z_j}     entropy = -\sum_j p_j \log p_j

    where z = softcap(input) / temperature, softcap(a) = c \tanh(a / c), p = softmax(z).

    Parameters
    ----------
    input : Tensor
        Logits, (C,), (N, C) or (N, C, d1, ...): float64, float32, bfloat16 or float16.
    target : Tensor
        Class indices, the shape of `input` without C: int64, int32 or uint8, in [0, C) or `ignore_index`.
    ignore_index : int
        The label of rows that are not looked at.
    softcap : float, optional
        c above; no cap by default.
    temperature : float
        Above 0.
    process_group : torch.distributed.ProcessGroup, optional
        The processes over which the classes are split, as in `cross_entropy`; `argmax` is that of the whole.

    Returns
    -------
    TokenStatistics
        `log_prob`, `logsumexp`, `entropy` in nats, of the shape of `target`: float64 for float64 input, else float32.
        `argmax`: int64, the lowest index on ties.

    Raises
    ------
    DistributionError
        A label is out of range. (A GPU is not waited for: there the row gives NaN, and a later call raises.)
    ShapeError, TypeError, ValueError
        Shapes or dtypes do not fit, or an option is outside its range.
    BackendUnavailable
        As in `cross_entropy`.

    Edge cases
    ----------
    ignored row         0, 0, 0, -1; no gradient, even if its logits are NaN
    a logit of -inf     probability 0, which adds nothing to the entropy
    z_y = -inf          log_prob -inf
    NaN or +inf in a row, or -inf throughout    NaN

    Accuracy
    --------
    On the CPU computed in float64, whatever the input, and rounded once: 0.51 ulp at most for float32, bfloat16 and
    float16. 1 - p_y is not lost where p_y nears 1. On a GPU computed in float32, a few numbers of each row in float64:
    log_prob and entropy within 2^-19 of their values, 2^-17 where those are below 1e-9, logsumexp - max z alike; a
    softcap or temperature adds what moving z by 2^-22 (|z| + c / temperature) would.

    Gradient
    --------
    With upstream g_l, g_L, g_H of the three: dz_j = g_l (1[j = y] - p_j) + g_L p_j - g_H p_j (log p_j + H).
    Second derivatives, forward mode and `torch.func` transforms are right, but for classes split over processes.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2006.

    Examples
    --------
    >>> import torch, xent.torch
    >>> s = xent.torch.token_statistics(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.tensor([0, 1]))
    >>> s.log_prob.tolist(), s.argmax.tolist()
    ([-0.6931471824645996, -3.0485873222351074], [0, 0])
    """
    if _state.fake(input):
        with input.fake_mode:  # pyright: ignore  # of FakeTensor
            return token_statistics(
                input,
                target,
                ignore_index=ignore_index,
                softcap=softcap,
                temperature=temperature,
                process_group=process_group,
            )
    with told(process_group, input):
        call = _prepare(input, target, ignore_index, softcap, temperature, process_group)
    log_prob, logsumexp, entropy, argmax = _compute(call)
    shape = call.operands.shape
    if len(shape) == 1:
        return TokenStatistics(log_prob, logsumexp, entropy, argmax)
    return TokenStatistics(
        log_prob.reshape(shape), logsumexp.reshape(shape), entropy.reshape(shape), argmax.reshape(shape)
    )
