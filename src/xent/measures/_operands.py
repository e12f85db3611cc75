"""From what a caller typed to operands: what each holds, as an array of one library."""

from __future__ import annotations

import array as machine
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from xent import _check
from xent._forms import Form, TopK
from xent._objects import NotAnArray
from xent.measures import _namespace as ns
from xent.measures._promotion import join

DISTRIBUTIONS = ("probs", "logprobs", "logits", "counts")
TRUTHS = (*DISTRIBUTIONS, "labels")
BINARY = ("probs", "logprobs", "logits")
BINARY_TRUTHS = (*BINARY, "labels")

_NUMBERS = (np.generic, bool, int, float, complex)
_PLAIN = "Pass a plain array of numbers, a value in every place."
_SEQUENCES = (list, tuple, range, memoryview, machine.array)


class Operand(NamedTuple):
    """One argument: its name in messages, what it holds, the array, and whether it came as a list or number.

    Lists and numbers have no say in the dtype of a result beside an array.
    """

    name: str
    kind: str
    array: Any
    weak: bool = False


def take(name: str, value: Any, allowed: Collection[str], *, integers: str | None = None) -> Operand:
    """The operand `name`. A plain float array holds probabilities; plain integers and booleans are refused unless
    `integers` says what they are here ("labels": outcomes 0 and 1; "counts")."""
    kind = None
    if isinstance(value, Form):
        kind, value = value.kind, value.values
        if kind == "samples":
            raise NotAnArray(f"`{name}` holds samples: `xent.cross_entropy(xent.Samples(x), Q)` takes them.")
        if kind not in allowed:
            _check.refuse_kind(name, kind, allowed)
    elif isinstance(value, TopK):
        _check.refuse_container(name, "`xent.TopK`", "Top-k targets are for the losses of `xent.torch`.")
    array, weak = _as_array(name, value)
    if kind == "labels" and weak and array.size == 0:
        array = array.astype(np.int64)  # an empty list: no label, of any dtype
    if not ns.is_floating(array):
        if not (ns.is_integer(array) or ns.is_bool(array)):
            _refuse_dtype(name, array, kind)
        if kind is None:
            if integers is None:
                _check.refuse_integers(name, array.dtype, allowed)
            kind = integers
        if isinstance(array, np.ndarray) and array.dtype.kind not in "iub":
            array = array.astype(np.int64)  # the four-bit integers of ml_dtypes
    elif kind == "labels":
        _check.refuse_label_dtype(name, array)
    return Operand(name, kind or "probs", array, weak)


def _as_array(name: str, value: Any) -> tuple[Any, bool]:
    """Arrays stay what they are; lists, numbers and columns of data frames become NumPy arrays."""
    if type(value) is np.ndarray:
        return value, False
    if what := ns.is_refused(value):
        article = "an" if what[0] in "aeiou" else "a"
        _check.refuse_container(
            name, f"{article} {what} array", "Pass a plain array of numbers, a value in every place."
        )
    if isinstance(value, np.ndarray):
        return np.asarray(value), False
    if isinstance(value, _NUMBERS):
        return _from_python(name, value), True
    if not isinstance(value, type) and ns.is_array(value):
        return value, False
    if isinstance(value, _SEQUENCES):
        _refuse_arrays_within(name, value)
        return _from_python(name, value), True
    if isinstance(value, Form):
        _check.refuse_container(name, "a form inside a form", "Wrap the array once.")
    if hasattr(value, "__array__") and not isinstance(value, type):
        if "Sparse" in str(getattr(value, "dtype", "")):
            _check.refuse_container(name, "a sparse column", _PLAIN)
        return _from_python(name, value), False
    _check.refuse_object(name, value)


def _from_python(name: str, value: Any) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(value)
    except ValueError:
        _check.refuse_container(name, "a ragged list", "Every row needs the same number of values.")


def _refuse_arrays_within(name: str, value: Any) -> None:
    """A list of another library's arrays would lose its gradients on the way to NumPy."""
    first: Any = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if isinstance(first, Form):
        _check.refuse_container(name, "a list of forms", "Wrap the whole array once.")
    if not isinstance(first, (np.ndarray, *_NUMBERS)) and ns.is_array(first):
        _check.refuse_container(name, f"a list of {ns.library(first)} arrays", "Stack them into one array first.")


def _refuse_dtype(name: str, array: Any, kind: str | None) -> None:
    to = "integers" if kind == "labels" else "floats"
    advice = {
        "O": f"Convert it to {to} first, for example with `.astype({'int' if kind == 'labels' else 'float'})`.",
        "c": "A probability is a real number.",
        "f": "xent computes up to float64; convert it with `.astype('float64')`.",
    }
    _check.refuse_dtype(name, array.dtype, advice.get(getattr(array.dtype, "kind", ""), f"Pass {to}."))


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


def floats_of(operands: Sequence[Operand]) -> list[Any]:
    """The arrays that decide a result's dtype: not labels nor counts; lists and numbers only among themselves."""
    found = [o for o in operands if o.kind not in ("labels", "counts")]
    strong = [o.array for o in found if not o.weak and ns.is_floating(o.array)]
    return strong or [o.array for o in found]
