"""What the figures ask of their arguments; every message says what was found."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._check import sum_tolerance
from xent._errors import DistributionError, ShapeError

Vector = NDArray[np.float64]


def option(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a `value` that is none of `choices`."""
    if isinstance(value, str) and value in choices:
        return
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"`{name}` is {value!r}; it is one of {', '.join(map(repr, choices))}.{hint}")


def probability(name: str, value: Any) -> float:
    """`value` as one probability."""
    array = _floats(name, value)
    if array.ndim != 0:
        raise ShapeError(f"`{name}` has shape {array.shape}; it is one probability, such as 0.3.")
    number = float(array)
    if not 0 <= number <= 1:
        raise DistributionError(f"`{name}` is {number:.6g}; a probability is between 0 and 1.")
    return number


def distribution(name: str, values: Any, outcomes: int | None = None) -> Vector:
    """`values` as one distribution, over `outcomes` outcomes where the figure asks for a number of them."""
    array = _floats(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ShapeError(f"`{name}` has shape {array.shape}; it is one row of probabilities, one for each outcome.")
    if outcomes is not None and array.size != outcomes:
        raise ShapeError(f"`{name}` has {array.size} value{'s' * (array.size != 1)}; this figure takes {outcomes}.")
    if not np.isfinite(array).all():
        bad = int(np.argmin(np.isfinite(array)))
        raise DistributionError(f"`{name}` has {array[bad]} at outcome {bad}; a probability is finite.")
    if array.min() < 0:
        bad = int(np.argmin(array))
        raise DistributionError(f"`{name}` has {array[bad]:.6g} at outcome {bad}; a probability is not negative.")
    digits = np.finfo(_precision(values)).nmant + 1
    total = float(array.sum())
    if abs(total - 1) > sum_tolerance(digits, array.size):
        raise DistributionError(f"`{name}` sums to {total:.9g}, not 1. To rescale it: `xent.normalize({name})`.")
    return array


def same_length(p: Vector, q: Vector) -> None:
    """Refuse two distributions over different outcomes."""
    if p.size != q.size:
        raise ShapeError(f"`p` has {p.size} outcomes and `q` has {q.size}; they must be the same outcomes.")


def _floats(name: str, value: Any) -> Vector:
    try:
        raw = np.asarray(value)
        if raw.dtype.kind in "OSU" and not _all_numbers(value):
            raise TypeError
        if raw.dtype.kind not in "Obiuf":
            raise TypeError
        return raw.astype(np.float64)
    except (TypeError, ValueError, ArithmeticError):
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise DistributionError(f"`{name}` is {shown}; it holds plain numbers.") from None


def _all_numbers(value: Any) -> bool:
    """Fractions and decimals come as objects; text and None do not count as numbers."""
    return all(isinstance(v, (Real, Decimal)) for v in np.asarray(value, dtype=object).reshape(-1))


def _precision(values: Any) -> np.dtype[Any]:
    """The floating type whose rounding the sum is allowed: that of the array, else double."""
    dtype = getattr(values, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize <= 8 else np.dtype(np.float64)
