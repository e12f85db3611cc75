"""Which floating dtype a result has, and moving lists and masks to where they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xent.measures import _namespace as ns

_DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
_NUMPY = {name: np.dtype(name) for name in ("float64", "float32", "float16")}


def digits(array: Any) -> int:
    """Bits of the significand of the array's dtype; integers count as float64."""
    return _DIGITS.get(ns.dtype_name(array.dtype), 53)


def promoted(arrays: Sequence[Any]) -> str:
    """The name of the common floating dtype: integers and nothing at all count as float64; two half formats meet in
    float32."""
    found = ""
    for array in arrays:
        name = ns.dtype_name(array.dtype)
        if name not in _DIGITS:
            name = "float64"
        if found and found != name:
            name = "float64" if "float64" in (found, name) else "float32"
        found = name
    return found or "float64"


def dtype_of(name: str, arrays: Sequence[Any]) -> Any:
    """The dtype object called `name` in the library of the arrays."""
    if isinstance(arrays[0], np.ndarray) and name in _NUMPY:
        return _NUMPY[name]  # in the machine's own byte order, whatever that of the arrays
    for array in arrays:
        if ns.dtype_name(array.dtype) == name:
            return array.dtype
    return ns.dtype_named(arrays[0], name)


def widened(name: str) -> str:
    """The dtype that half precision is computed in; others are their own."""
    return "float32" if name in ("float16", "bfloat16") else name


def join(value: Any, model: Any) -> Any:
    """A NumPy array made from a list or number, as an array of the library and device of `model`, at its own width."""
    xp = ns.namespace(model)
    dtype = ns.dtype_named(model, "float64") if ns.is_floating(value) else None
    return xp.asarray(value, dtype=dtype, device=ns.helper_device(model))


def to_numpy(array: Any) -> np.ndarray[Any, Any]:
    """The values on the host, for a message or a check."""
    if isinstance(array, np.ndarray):
        return array
    array = ns.to_host(ns.detach(array))
    if ns.is_floating(array) and ns.is_half(array):
        array = ns.namespace(array).astype(array, ns.dtype_named(array, "float32"))
    try:
        return np.asarray(array)
    except TypeError:
        return np.from_dlpack(array)
