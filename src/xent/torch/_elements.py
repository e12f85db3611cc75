"""Binary cross-entropy on the compiled core, element by element: tensors in, tensors out. No autograd and no message.

`input` and `target` have one shape, `weight` and `pos_weight` are None or broadcast to it; all lie on the CPU, with any
strides. `input` is float64, float32, bfloat16 or float16, `target` floating, boolean or of integers.
"""

from __future__ import annotations

from typing import Any

import torch

from xent import _native
from xent.torch._native_soft import Found
from xent.torch._rows import held

_core: Any = _native._core  # pyright: ignore[reportPrivateUsage]  # addresses in place of arrays: not NumPy's business

# The numbers of native/api.hpp.
_CODE = {
    torch.float64: 0,
    torch.float32: 1,
    torch.float16: 2,
    torch.bfloat16: 3,
    torch.int8: 4,
    torch.int16: 5,
    torch.int32: 6,
    torch.int64: 7,
    torch.uint8: 8,
    torch.bool: 8,
}
_REDUCTION = {"none": 0, "mean": 1, "sum": 2}
_LARGE = 4 << 20  # bytes from which memory is asked for in large pages

_Stream = tuple[int, int, tuple[int, ...]]


class BadElement(Exception):
    """The first element that lies outside [0, 1]: whether of "input" or "target", and its place in C order."""

    def __init__(self, name: str, place: int) -> None:
        super().__init__(name, place)
        self.name = name
        self.place = place


def _stream(a: torch.Tensor, shape: torch.Size) -> tuple[_Stream, torch.Tensor]:
    """Address, dtype code and strides, and the tensor that keeps the address alive."""
    if a.shape != shape:
        a = a.expand(shape)
    address = a.data_ptr()
    if address % a.element_size():
        a = a.clone()
        address = a.data_ptr()
    return (address, _CODE[a.dtype], a.stride()), a


def _like(a: torch.Tensor) -> torch.Tensor:
    """Fresh memory for a gradient; in large pages, which cost less to touch, where it is large and there are any."""
    out = torch.empty_like(a)
    if out.nbytes >= _LARGE:
        _core.large_pages(out.data_ptr(), out.nbytes)
    return out


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
) -> Found:
    """The loss, and where `upstream` is given d(upstream . loss)/d(input).

    `upstream` is a number with "mean" and "sum", a tensor of the input's shape with "none". `out` receives the
    gradient. Raises BadElement.
    """
    held(input, target, weight, pos_weight)
    shape = input.shape
    x, input = _stream(input, shape)
    y, target = _stream(target, shape)
    w, weight = (None, None) if weight is None else _stream(weight, shape)
    v, pos_weight = (None, None) if pos_weight is None else _stream(pos_weight, shape)
    loss = gradient = u = result = to = None
    factor = 1.0
    if want_loss:
        dtype = torch.float64 if input.dtype == torch.float64 else torch.float32
        loss = torch.empty(shape if reduction == "none" else (), dtype=dtype)
        result = (loss.data_ptr(), _CODE[dtype], loss.stride())
    if upstream is not None:
        if isinstance(upstream, torch.Tensor):
            u, upstream = _stream(upstream, shape)
        else:
            factor = upstream
        gradient = _like(input) if out is None else out
        to = (gradient.data_ptr(), x[1], gradient.stride())
    bad_input, bad_target = _core.binary_loss(
        logits, _REDUCTION[reduction], tuple(shape), x, y, w, v, u, factor, result, to
    )
    if bad_input >= 0:
        raise BadElement("input", bad_input)
    if bad_target >= 0:
        raise BadElement("target", bad_target)
    return Found(loss, gradient)
