"""What the caller of a binary loss passed: shapes and dtypes checked, and what is said of values that cannot be."""

from __future__ import annotations

import math
from typing import Any, NoReturn, get_args

import torch

from xent import _check
from xent._errors import DistributionError, ShapeError
from xent.torch import _elements
from xent.torch._operands import floating, strided, together
from xent.torch._options import Reduction

_WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def reduction(reduction: Any) -> None:
    """Refuse what is no reduction."""
    if reduction not in get_args(Reduction):
        raise ValueError(f'`reduction` is {reduction!r}; it is "none", "mean" or "sum".')


def operands(input: Any, target: Any, weight: Any, pos_weight: Any) -> None:
    """A TypeError, ShapeError or ValueError says what does not fit."""
    floating("input", input)
    _real("target", target)
    together("target", target, "input", input)
    if target.shape != input.shape:
        raise ShapeError(
            f"`target` has shape {tuple(target.shape)} and `input` {tuple(input.shape)}; they have the same shape."
        )
    if weight is not None:
        _factor("weight", weight, input)
    if pos_weight is not None:
        _factor("pos_weight", pos_weight, input)


def _real(name: str, a: Any) -> None:
    if not isinstance(a, torch.Tensor) or a.dtype not in _WHOLE:
        floating(name, a)
    strided(name, a)


def _factor(name: str, a: Any, input: torch.Tensor) -> None:
    _real(name, a)
    together(name, a, "input", input)
    here, there = a.shape, input.shape
    fits = len(here) <= len(there) and all(m in (1, n) for m, n in zip(reversed(here), reversed(there), strict=False))
    if not fits:
        raise ShapeError(
            f"`{name}` has shape {tuple(here)}, which does not broadcast to that of `input`, {tuple(there)}."
        )


def explain(bad: _elements.BadElement, input: torch.Tensor, target: torch.Tensor) -> NoReturn:
    """Say in full what the core found outside [0, 1]."""
    _outside(bad.name, input if bad.name == "input" else target, bad.place)


def check_values(input: torch.Tensor, target: torch.Tensor, *, logits: bool) -> None:
    """Read the values; a DistributionError says which lies outside [0, 1]."""
    for name, a in (() if logits else (("input", input),)) + (("target", target),):
        good = ((a >= 0) & (a <= 1)).reshape(-1)
        if not good.all():
            _outside(name, a, int(good.logical_not().to(torch.uint8).argmax()))


def _outside(name: str, a: torch.Tensor, place: int) -> NoReturn:
    value = float(a.detach().reshape(-1)[place])
    at = _check.position(place, a.shape)
    where = "" if at is None else f" at {at}"
    found = "NaN" if math.isnan(value) else f"{value:g}"
    advice = (
        "If these are logits, use `binary_cross_entropy_with_logits`."
        if name == "input"
        else "It is the probability of 1; class indices are for `cross_entropy`."
    )
    raise DistributionError(f"`{name}` is {found}{where}, outside [0, 1]. {advice}")
