"""The binary losses by the Triton kernel: tensors in, tensors out. No autograd, no message, and no waiting.

`input` and `target` have one shape, `weight` and `pos_weight` are None or broadcast to it. Elements are walked in the
order in which they lie; what lies in another is copied. An element of `target`, or a probability of `input`, outside
[0, 1] gives NaN and raises a flag (`flag`).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch

from xent.torch import _native_soft, _reference_binary
from xent.torch._native_soft import Found
from xent.torch.backends.triton import flag, launch, soft
from xent.torch.backends.triton.kernels.binary import binary_kernel

Four = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor | None]  # input, target and both weights

_BLOCK = 1024  # elements of a program: 8 a thread


class Factor(NamedTuple):
    """Numbers that multiply the elements: one each (`whole`), or `times` numbers over and over, each for `span`."""

    numbers: torch.Tensor | None
    span: int
    times: int
    whole: bool


def _order(a: torch.Tensor) -> list[int]:
    """The axes from the one of the longest step to the one of the shortest: the order in which elements lie."""
    return sorted(range(a.ndim), key=lambda axis: (-a.stride(axis), axis))


def _numbers(a: torch.Tensor) -> torch.Tensor:
    return a.view(torch.uint8) if a.dtype == torch.bool else a


def _factor(a: torch.Tensor | None, shape: torch.Size, order: list[int]) -> Factor:
    """`a`, which broadcasts to `shape`, for elements walked in `order`; copied only where it repeats in no one way."""
    if a is None:
        return Factor(None, 1, 1, False)
    a = _numbers(a.detach()).expand(shape).permute(order)
    moving = [axis for axis in range(a.ndim) if a.stride(axis) and a.size(axis) > 1]
    first, last = (moving[0], moving[-1]) if moving else (0, -1)
    part = a[(0,) * first + (slice(None),) * (last + 1 - first) + (0,) * (a.ndim - 1 - last)] if a.numel() else a
    if not part.is_contiguous() or part.numel() == a.numel():
        return Factor(a.contiguous(), 1, 1, True)
    span = 1
    for size in a.shape[last + 1 :] if moving else ():
        span *= size
    return Factor(part, span, part.numel(), False)


def binary(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    pos_weight: torch.Tensor | None,
    *,
    logits: bool,
    reduction: str,
    want_loss: bool = True,
    upstream: torch.Tensor | float | None = None,
    out: torch.Tensor | None = None,
    unless_one: bool = False,
) -> Found:
    """The loss, and where `upstream` is given d(upstream . loss)/d(input), to `out` if given.

    `upstream` is 1.0 or a tensor, () or for "none" of the input's shape. `unless_one`: `out` holds the gradient for an
    upstream of 1, and is left alone where `upstream` is 1.
    """
    shape, count, reduced = input.shape, input.numel(), reduction != "none"
    order = _order(input)
    x = input.detach().permute(order).contiguous()
    y = _numbers(target.detach()).permute(order).contiguous()
    w, v = _factor(weight, shape, order), _factor(pos_weight, shape, order)
    given = upstream.detach() if isinstance(upstream, torch.Tensor) else None
    u = Factor(given, 1, 1, False) if reduced else _factor(given, shape, order)
    programs = launch.cdiv(count, _BLOCK)
    loss = gradient = None
    if want_loss:
        like = (programs,) if reduced else x.shape
        loss = torch.empty(like, dtype=torch.float64 if reduced else torch.float32, device=x.device)
    if upstream is not None:
        out = torch.empty_like(input) if out is None else out
        gradient = out.permute(order)
        if not gradient.is_contiguous():
            gradient, unless_one = torch.empty_like(x), False
    launch.start(
        binary_kernel, programs, x, num_warps=4, input=x, target=y, count=count,
        divisor=count if reduction == "mean" else 1, weight=w.numbers, weight_span=w.span, weight_times=w.times,
        pos_weight=v.numbers, pos_span=v.span, pos_times=v.times, flag=flag.cell(x), loss=loss, upstream=u.numbers,
        upstream_span=u.span, upstream_times=u.times, out=gradient, LOGITS=logits, WEIGHT_WHOLE=w.whole,
        POS_WHOLE=v.whole, UPSTREAM_WHOLE=u.whole, REDUCED=reduced, UNLESS_ONE=unless_one,
        WIDE=count > 2**31 - _BLOCK, BLOCK=_BLOCK,
    )  # fmt: skip
    if loss is not None:
        loss = _reduced(loss, count, reduction) if reduced else _back(loss, order).contiguous()
    if gradient is not None and out is not None and gradient.data_ptr() != out.data_ptr():
        out.copy_(_back(gradient, order))
    return Found(loss, out)


def _reduced(sums: torch.Tensor, count: int, reduction: str) -> torch.Tensor:
    total = sums.sum()
    return (total / max(count, 1) if reduction == "mean" else total).to(torch.float32)


def _back(a: torch.Tensor, order: list[int]) -> torch.Tensor:
    """The axes where they were."""
    places = sorted(range(len(order)), key=order.__getitem__)
    return a.permute(places)


@functools.cache
def _loss_of(logits: bool, reduction: str) -> _native_soft.Loss:
    """The loss with its options."""
    return _native_soft.Loss(
        functools.partial(binary, logits=logits, reduction=reduction),
        functools.partial(_reference_binary.binary, logits=logits, reduction=reduction),
        reduction != "none",
    )


def loss(tensors: Four, logits: bool, reduction: str, gradient: str) -> torch.Tensor:
    """The loss of tensors that are checked, its gradient made where the choice says."""
    flag.raise_earlier()
    return soft.loss(_loss_of(logits, reduction), gradient, tensors)


def gradient(upstream: torch.Tensor, tensors: Four, logits: bool, reduction: str) -> torch.Tensor:
    """d(sum of upstream x loss) / d(input)."""
    return soft.gradient(_loss_of(logits, reduction), upstream, tensors)
