"""Divergences of two rows of logits on the compiled core: tensors in, tensors out. No autograd and no message.

`student` is (N, V), float64, float32, bfloat16 or float16, on the CPU and of any strides. The teacher is `teacher`
(N, V) of any of these, or indices (N, k) of `probs` (N, k). `token_weight` is (N,) or None; a row of weight 0 is not
read.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from xent import _native
from xent.torch._native_soft import Found
from xent.torch._rows import empty, held

_core: Any = _native._core  # pyright: ignore[reportPrivateUsage]  # addresses in place of arrays: not NumPy's business

# The numbers of native/api.hpp and native/soft_api.hpp.
_CODE = {torch.float64: 0, torch.float32: 1, torch.float16: 2, torch.bfloat16: 3}
_KIND = {"forward": 0, "reverse": 1, "js": 2}
_TAIL = {None: 0, "drop": 1, "spread": 2}
_REDUCTION = {"none": 0, "mean": 1, "sum": 2}


def _even(a: torch.Tensor) -> torch.Tensor:
    """`a` itself where its rows lie without gaps at whole addresses, else a copy."""
    if (a.stride(-1) == 1 or a.shape[-1] == 1) and a.data_ptr() % a.element_size() == 0:
        return a
    return a.clone(memory_format=torch.contiguous_format)


def _doubles(a: torch.Tensor | None) -> torch.Tensor | None:
    return None if a is None else a.detach().to(torch.float64).contiguous()


def _address(a: torch.Tensor | None) -> int:
    return 0 if a is None else a.data_ptr()


def distillation(
    student: torch.Tensor,
    teacher: torch.Tensor,
    probs: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    divisor: torch.Tensor | None = None,
    *,
    kind: str,
    temperature: float,
    tail: str | None,
    reduction: str,
    denominator: float | None = None,
    want_loss: bool = True,
    upstream: torch.Tensor | float | None = None,
    out: torch.Tensor | None = None,
) -> Found:
    """The loss, and where `upstream` is given d(upstream . loss)/d(student).

    `upstream` is a number with "mean" and "sum", a tensor (N,) with "none". `out`, which may be `student` itself,
    receives the gradient. A mean is over `denominator`, `divisor` (the same as a tensor), or the sum of the rows'
    weights.
    """
    held(student, teacher, probs, token_weight, divisor)
    student = _even(student)
    n, v = student.shape
    k, indices = 0, None
    if probs is None:
        teacher = _even(teacher)
    else:
        k, indices, probs = probs.shape[-1], teacher.to(torch.int64).contiguous(), _doubles(probs)
        if k == 0:  # nothing has no address, and it is the address that tells the core of probabilities
            probs = torch.zeros(1, dtype=torch.float64)
    if divisor is not None:
        denominator = divisor.item()
    token_weight = _doubles(token_weight)
    loss = gradient = each = None
    factor = 1.0
    if want_loss:
        dtype = torch.float64 if student.dtype == torch.float64 else torch.float32
        loss = torch.empty((n,) if reduction == "none" else (), dtype=dtype)
    if isinstance(upstream, torch.Tensor):
        each = _doubles(upstream)
    elif upstream is not None:
        factor = upstream
    if upstream is not None:
        gradient = empty((n, v), student.dtype) if out is None else out
    _core.distill_loss(
        _KIND[kind],
        _REDUCTION[reduction],
        n,
        v,
        temperature,
        student.data_ptr(),
        _CODE[student.dtype],
        student.stride(0) * student.element_size(),
        0 if indices is not None else teacher.data_ptr(),
        0 if indices is not None else _CODE[teacher.dtype],
        0 if indices is not None else teacher.stride(0) * teacher.element_size(),
        k,
        _address(indices),
        _address(probs),
        _TAIL[tail],
        _address(token_weight),
        math.nan if denominator is None else denominator,
        _address(each),
        factor,
        _address(loss),
        _address(gradient),
        0 if gradient is None else gradient.stride(0) * gradient.element_size(),
    )
    return Found(loss, gradient)
