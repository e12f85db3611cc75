"""What turns statistics into a loss: the numbers a caller may choose, checked once, the same for every backend."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from xent.torch import _state

Reduction = Literal["none", "mean", "sum"]


@dataclass(frozen=True, slots=True)
class Options:
    """The loss of a row is (1 - label_smoothing) and label_smoothing parts of cross-entropy, plus z_loss logsumexp².

    z = softcap tanh(logits / softcap) / temperature, and everything is of z; `softcap` None leaves the logits alone.
    """

    ignore_index: int = -100
    reduction: Reduction = "mean"
    label_smoothing: float = 0.0
    z_loss: float = 0.0
    softcap: float | None = None
    temperature: float = 1.0


PLAIN = Options()


_BY_HAND = {
    "label_smoothing": "Mix the targets yourself",
    "z_loss": "Add it to the loss yourself, from `token_statistics(...).logsumexp`",
    "softcap": "Cap the logits yourself",
    "temperature": "Divide the logits by it yourself",
}


def number(name: str, value: Any, by_hand: str = "") -> float:
    """`value`, refused where it is no number or one whose gradient is wanted; `by_hand` says how to have that."""
    if isinstance(value, torch.Tensor):
        if value.numel() != 1 or value.is_complex() or value.dtype == torch.bool:
            found = f"{value.dtype} of shape {tuple(value.shape)}"
            raise TypeError(f"`{name}` is a tensor of {found}; it is a number.")
        if _state.differentiable(value):  # float() would cut it off without a word
            raise TypeError(
                f"`{name}` requires a gradient, and an option has none. {by_hand or _BY_HAND[name]}, or "
                f"pass `{name}.detach()`."
            )
    try:
        return float(value) if not isinstance(value, (str, bytes, bool)) else math.nan
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        raise TypeError(f"`{name}` is {value!r}; it is a number.") from None


def checked(
    ignore_index: Any, reduction: Any, label_smoothing: Any, z_loss: Any, softcap: Any, temperature: Any
) -> Options:
    """Options, each within its range; anything else is a ValueError or TypeError that says which and what it may be."""
    try:
        ignore_index = operator.index(ignore_index)
    except TypeError:
        raise TypeError(f"`ignore_index` is {ignore_index!r}; it is one integer.") from None
    if not -(2**63) <= ignore_index < 2**63:
        raise ValueError(f"`ignore_index` is {ignore_index}; it is an integer of 64 bits.")
    if reduction not in get_args(Reduction):
        raise ValueError(f'`reduction` is {reduction!r}; it is "none", "mean" or "sum".')
    smoothing, zeta, heat = (
        number(n, v)
        for n, v in (("label_smoothing", label_smoothing), ("z_loss", z_loss), ("temperature", temperature))
    )
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"`label_smoothing` is {label_smoothing!r}; it lies between 0 and 1.")
    if not 0.0 <= zeta < math.inf:
        raise ValueError(f"`z_loss` is {z_loss!r}; it is a finite number, 0 or more.")
    if not 0.0 < heat < math.inf:
        raise ValueError(f"`temperature` is {temperature!r}; it is a finite number above 0.")
    cap = None if softcap is None else number("softcap", softcap)
    if cap is not None and not 0.0 < cap < math.inf:
        raise ValueError(f"`softcap` is {softcap!r}; it is a finite number above 0, or None for no cap.")
    return Options(ignore_index, reduction, smoothing, zeta, cap, heat)


_cached = functools.lru_cache(maxsize=256)(checked)
_NUMBERS = (float, int)


def settled(
    ignore_index: Any, reduction: Any, label_smoothing: Any, z_loss: Any, softcap: Any, temperature: Any
) -> Options:
    """`Options`, checked; those of plain numbers are checked once. (A cached tensor would keep its first value.)"""
    if (
        type(ignore_index) is int
        and type(label_smoothing) in _NUMBERS
        and type(z_loss) in _NUMBERS
        and (softcap is None or type(softcap) in _NUMBERS)
        and type(temperature) in _NUMBERS
        and type(reduction) is str
        and not torch.compiler.is_compiling()
    ):
        return _cached(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)
    return checked(ignore_index, reduction, label_smoothing, z_loss, softcap, temperature)
