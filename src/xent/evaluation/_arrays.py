"""From what a caller has to NumPy arrays: shapes and kinds are looked at here, values are not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._errors import DistributionError, ShapeError

_WIDENED = ("bfloat16",)
"""Float types that NumPy knows only through another package: they are floats all the same."""

_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24}
"""Bits of the significand, for the types narrower than float64."""


def to_numpy(name: str, values: Any) -> NDArray[Any]:
    """Return `values` (list, array of any library, Series) as a NumPy array, without a copy where that is possible."""
    if isinstance(values, np.ma.MaskedArray):
        raise DistributionError(f"`{name}` is a masked array. Leave the masked rows out, then pass a plain array.")
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise DistributionError(f"`{name}` is a sparse matrix. Pass `{name}.toarray()`.")
    if hasattr(values, "detach") and hasattr(values, "cpu"):  # a torch tensor: off the tape and the device
        values = values.detach().cpu()
        values = values.float() if _type_name(values) == "bfloat16" else values
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"`{name}` is not a rectangular array: {error}") from None


def boxed(name: str, values: Any, what: str) -> NDArray[Any]:
    """Return what an iterable holds as an array of objects: tuples and other hashables stay whole."""
    if not isinstance(values, Iterable):
        raise ShapeError(f"`{name}` is {values!r}; it is one {what} a row.")
    items: list[Any] = list(values)  # pyright: ignore[reportUnknownArgumentType]  # anything may be in it
    return np.fromiter(items, dtype=object, count=len(items))


def is_float(array: NDArray[Any]) -> bool:
    """Say whether the array holds real floats of some width."""
    return array.dtype.kind == "f" or array.dtype.name in _WIDENED


def is_integer(array: NDArray[Any]) -> bool:
    """Say whether the array holds integers or booleans."""
    return array.dtype.kind in "iub"


def digits(values: Any) -> int:
    """Bits of the significand of the values as given: how far off 1 their sum may be by rounding."""
    return _DIGITS.get(_type_name(values), 53)


def _type_name(values: Any) -> str:
    """The name of a dtype in NumPy's or PyTorch's words, without the library's."""
    dtype = getattr(values, "dtype", "")
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def widen(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return the values as contiguous float64."""
    return np.ascontiguousarray(array, dtype=np.float64)


def require_numbers(name: str, array: NDArray[Any], what: str) -> None:
    """Refuse arrays of text, objects, dates and complex numbers where numbers are needed."""
    if not (is_float(array) or is_integer(array)):
        raise DistributionError(f"`{name}` has dtype {array.dtype}; it holds {what}.")


def first(mask: NDArray[np.bool_]) -> int:
    """Return the first row in which `mask` (rows, or rows x columns) is set."""
    flat = mask if mask.ndim == 1 else mask.any(axis=1)
    return int(np.argmax(flat))


def show(value: float) -> str:
    """A number as an error message shows it: briefly, but not as the whole number beside which it lies."""
    brief = f"{float(value):.6g}"
    return repr(float(value)) if float(brief).is_integer() and float(brief) != value else brief
