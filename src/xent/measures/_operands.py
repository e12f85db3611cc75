"""From what a caller typed to operands: what each holds, as an array of one library."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from xent import _check
from xent._forms import Form, TopK
from xent.measures import _namespace as ns
from xent.measures._promotion import join

DISTRIBUTIONS = ("probs", "logprobs", "logits", "counts")
TRUTHS = (*DISTRIBUTIONS, "labels")
BINARY = ("probs", "logprobs", "logits")
BINARY_TRUTHS = (*BINARY, "labels")


class Operand(NamedTuple):
    """One argument: its name in messages, what it holds, the array, and whether it came as a list or number."""

    name: str
    kind: str
    array: Any
    weak: bool = False


def take(name: str, value: Any, allowed: Collection[str], *, zero_one: bool = False) -> Operand:
    """The operand `name`. A plain float array holds probabilities; with `zero_one`, plain integers and booleans are
    outcomes 0 and 1 (the truth of the binary functions)."""
    kind = None
    if isinstance(value, Form):
        kind, value = value.kind, value.values
        if kind not in allowed:
            _check.refuse_kind(name, kind, allowed)
    elif isinstance(value, TopK):
        _check.refuse_container(name, "`xent.TopK`", "Top-k targets are for the losses of `xent.torch`.")
    array, weak = _as_array(name, value)
    if not ns.is_floating(array):
        if not (ns.is_integer(array) or ns.is_bool(array)):
            _refuse_dtype(name, array.dtype)
        if kind is None:
            if not zero_one:
                _check.refuse_integers(name, array.dtype, allowed)
            kind = "labels"
    elif kind == "labels":
        _check.refuse_label_dtype(name, array.dtype)
    return Operand(name, kind or "probs", array, weak)


def _as_array(name: str, value: Any) -> tuple[Any, bool]:
    """Arrays stay what they are; lists, numbers and columns of data frames become NumPy arrays."""
    if type(value) is np.ndarray:
        return value, False
    if what := ns.is_refused(value):
        _check.refuse_container(name, f"a {what} array", "Pass a plain array of numbers with a value in every place.")
    if isinstance(value, np.ndarray):
        return np.asarray(value), False
    if isinstance(value, (np.generic, bool, int, float, complex)):
        return _from_python(name, value), True
    if ns.is_array(value):
        return value, False
    if isinstance(value, (list, tuple)):
        _refuse_arrays_within(name, value)
        return _from_python(name, value), True
    if isinstance(value, Form):
        _check.refuse_container(name, "a form inside a form", "Wrap the array once.")
    if hasattr(value, "__array__") and not isinstance(value, type):
        return _from_python(name, value), False
    _check.refuse_object(name, value)


def _from_python(name: str, value: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except ValueError:
        _check.refuse_container(name, "a ragged list", "Every row needs the same number of values.")
    # An empty list holds no integers: it is an array without outcomes, and refused as that.
    return array.astype(np.float64) if array.size == 0 and array.dtype == np.float64 else array


def _refuse_arrays_within(name: str, value: Sequence[Any]) -> None:
    """A list of another library's arrays would lose its gradients on the way to NumPy."""
    first: Any = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if not isinstance(first, (np.ndarray, np.generic, bool, int, float)) and ns.is_array(first):
        _check.refuse_container(name, f"a list of {ns.library(first)} arrays", "Stack them into one array first.")


def _refuse_dtype(name: str, dtype: Any) -> None:
    advice = {
        "O": "Convert it to floats first, for example with `.astype(float)`.",
        "c": "A probability is a real number.",
        "f": "xent computes up to float64; convert it with `.astype('float64')`.",
    }
    _check.refuse_dtype(name, dtype, advice.get(getattr(dtype, "kind", ""), "Pass numbers."))


def one_library(operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """All operands as arrays of one library: lists and numbers join the others' library; arrays are never moved."""
    strong = [o for o in operands if not o.weak]
    if all(isinstance(o.array, np.ndarray) for o in strong):
        return operands
    libraries = {ns.library(o.array) for o in strong}
    if len(libraries) > 1:
        _check.refuse_mixture([o.name for o in strong], [ns.library(o.array) for o in strong])
    model = strong[0].array
    return tuple(o._replace(array=join(o.array, model)) if o.weak else o for o in operands)
