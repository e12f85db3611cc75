"""Numbers of two libraries in one formula: NumPy's join those of torch, whose gradients stay."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from xent.distributions._view import Family, View
from xent.measures import _namespace as ns

Array = Any


def together(*arrays: Array) -> tuple[Array, ...]:
    """The arrays in one library and on one device: torch's where one of them is torch's, else as they are."""
    model = next((a for a in arrays if ns.library(a) == "torch"), None)
    if model is None:
        return arrays
    return tuple(a if ns.library(a) == "torch" else tensor(a, model) for a in arrays)


def tensor(a: Any, model: Any) -> Any:
    """A NumPy array as a torch tensor beside `model`, in its own dtype."""
    return sys.modules["torch"].as_tensor(np.asarray(a), device=model.device)


def wide(family: Family) -> Family:
    """The parameters in float64 where the device computes in it, with their gradients."""
    return Family(family.name, {name: _wide(value) for name, value in family.parameters.items()})


def _wide(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(wide(part) for part in value)
    if ns.library(value) == "":
        return value
    xp = ns.namespace(value)
    return xp.astype(value, ns.working_dtype(xp, value), copy=False)


def same_library(families: tuple[Family, ...]) -> tuple[Family, ...]:
    """Families whose parameters are all of one library."""
    model = next((a for f in families for a in _leaves(f.parameters) if ns.library(a) == "torch"), None)
    return families if model is None else tuple(_moved(f, model) for f in families)


def _moved(family: Family, model: Any) -> Family:
    def move(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(_moved(part, model) for part in value)
        return tensor(value, model) if ns.library(value) == "numpy" else value

    return Family(family.name, {name: move(value) for name, value in family.parameters.items()})


def _leaves(parameters: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = []
    for value in parameters.values():
        found.extend([a for part in value for a in _leaves(part.parameters)] if isinstance(value, tuple) else [value])
    return found


def namespace_of(*families: Family) -> Any:
    """The namespace of families of one library."""
    arrays = [a for f in families for a in _leaves(f.parameters) if ns.is_array(a)]
    return ns.namespace(arrays[0] if arrays else np.zeros(()))


def result_dtype(*views: View) -> str:
    """The dtype of a result: that of the torch distributions (the widest), float64 without any."""
    found = [v.dtype for v in views if v.library == "torch"]
    if not found:
        return "float64"
    return "float64" if "float64" in found else "float32"


def finished(value: Array, dtype: str) -> Array:
    """A result in its dtype; NumPy's 0-d arrays as scalars."""
    if ns.library(value) == "torch":
        return value.to(getattr(sys.modules["torch"], dtype))
    return np.asarray(value, dtype=np.float64)[()]


def to_numpy(value: Array) -> Any:
    """Numbers without history, as NumPy float64."""
    return value.detach().cpu().double().numpy() if ns.library(value) == "torch" else np.asarray(value, np.float64)
