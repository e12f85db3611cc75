"""The one door to the compiled core: is it there, why not, and its calls with NumPy arrays in and out.

Nothing here looks at values. Each call gives back, beside its values, the first failing place of every operand (a flat
index over the result's rows, or elements) or -1; `_check` turns it into a message.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


def _load() -> tuple[Any, str]:
    """The extension and "", or None and why it cannot be used.

    A wish of `XENT_ISA` or `XENT_NUM_THREADS` that cannot be met is a ValueError from the extension.
    """
    try:
        from xent import _core  # pyright: ignore[reportAttributeAccessIssue]  # an extension: there is nothing to read
    except ImportError as error:
        if isinstance(error.__cause__, ValueError):  # the extension is there, and refuses a wish
            raise error.__cause__ from None
        why = f"the compiled core cannot be used: {error}"
        if os.environ.get("XENT_REQUIRE_NATIVE") == "1":
            raise ImportError(f"XENT_REQUIRE_NATIVE=1, but {why}") from error
        return None, why
    return _core, ""


_core, _reason = _load()

Array = NDArray[Any]
Operand = tuple[str, Array]  # (kind, array)
Tolerances = Sequence[float | None] | float | None

Post = Literal["nats", "bits", "bans", "exp"]

# The numbers of native/api.hpp.
_KIND = {"probs": 0, "logprobs": 1, "logits": 2, "counts": 3, "labels": 4}
_POST = {"nats": 0, "bits": 1, "bans": 2, "exp": 3}
_REDUCE = {"entropy": 0, "cross_entropy": 1, "kl": 2, "js": 3, "logsumexp": 4}
_ROWWISE = {"surprisal": 5, "normalize": 6}
_ELEMENTWISE = {"surprisal": 7, "binary_entropy": 8, "binary_cross_entropy": 9, "binary_kl": 10}
_JOINT = {"joint_entropy": 11, "conditional_entropy": 12, "mutual_information": 14}
_CODE = {
    "float64": 0,
    "float32": 1,
    "float16": 2,
    "bfloat16": 3,
    "int8": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "uint8": 8,
    "uint16": 9,
    "uint32": 10,
    "uint64": 11,
    "bool": 8,
}
_DTYPES: dict[Any, int] = {np.dtype(name): code for name, code in _CODE.items() if name != "bfloat16"}


def available() -> bool:
    """Is the compiled core there?"""
    return _core is not None


def offers(call: str) -> bool:
    """Does the core have this call? One built from older sources may not."""
    return hasattr(_core, call)


def reason() -> str:
    """Why the compiled core is not there; empty when it is."""
    return _reason


def isa() -> str:
    """The instruction set in use ("x86-64-v3", ...); empty without the core."""
    return _core.isa() if _core is not None else ""


def threads() -> int:
    """How many threads large work is dealt to: `XENT_NUM_THREADS`, or the processors there are; 256 at most.

    1 without the core.
    """
    return _core.threads() if _core is not None else 1


def _code(dtype: Any) -> int:
    code = _DTYPES.get(dtype)
    if code is None:
        code = _CODE.get(dtype.name, -1)
        if code < 0:
            raise TypeError(f"the compiled core does not read arrays of {dtype}")
        _DTYPES[dtype] = code
    return code


def _plain(a: Array) -> Array:
    """`a`, or a copy in native byte order at aligned addresses; bfloat16 goes as its bits."""
    dtype = a.dtype
    if not dtype.isnative:
        a = a.astype(dtype.newbyteorder("="))
    elif not a.flags.aligned:
        a = a.copy()
    return a.view(np.uint16) if dtype.name == "bfloat16" else a


def _operand(kind: str, a: Array, tol: float | None) -> tuple[Array, int, int, float]:
    dtype = a.dtype
    code = _DTYPES.get(dtype)
    if code is None or code == 3 or not a.flags.aligned:
        a = _plain(a)
        code = _code(dtype if dtype.isnative else dtype.newbyteorder("="))
    return a, _KIND[kind], code, -1.0 if tol is None else tol


def _output(shape: tuple[int, ...], dtype: Any) -> tuple[Array, Array, int]:
    """The result, what the core writes into (its bits, for bfloat16), and the dtype's code."""
    values = np.empty(shape, dtype)
    code = _code(values.dtype)
    return values, (values.view(np.uint16) if code == 3 else values), code


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return a if a == b else np.broadcast_shapes(a, b)


def _outer(kind: str, a: Array, axis: int) -> tuple[int, ...]:
    shape = a.shape
    if kind == "labels":
        return shape
    if not -len(shape) <= axis < 0:
        raise ValueError(f"axis {axis} does not lie in an operand of {len(shape)} axes")
    return shape[:axis] + shape[len(shape) + axis + 1 :]


def _tolerances(tol: Tolerances, n: int) -> Sequence[float | None]:
    return (tol,) * n if tol is None or isinstance(tol, (int, float)) else tol


def reduce(
    op: str,
    operands: Sequence[Operand],
    axis: int,
    *,
    post: str = "nats",
    tol: Tolerances = None,
    dtype: Any = np.float64,
) -> tuple[Array, tuple[int, ...]]:
    """One value for each row: `op` is "entropy", "cross_entropy", "kl", "js" or "logsumexp".

    `axis` is negative, the same for all operands; labels have no outcome axis. Outer axes broadcast. `tol` is one
    tolerance for each operand's sum (0 for forms that have none), None where it is not to be checked.
    """
    tols = _tolerances(tol, len(operands))
    kind, first = operands[0]
    shape = _outer(kind, first, axis)
    a = _operand(kind, first, tols[0])
    b: tuple[Any, int, int, float] = (None, 0, 0, -1.0)
    if len(operands) == 2:
        kind, second = operands[1]
        shape = _broadcast(shape, _outer(kind, second, axis))
        b = _operand(kind, second, tols[1])
    values, out, code = _output(shape, dtype)
    return values, _core.reduce(_REDUCE[op], _POST[post], axis, *a, *b, out, code)


def rowwise(
    op: str,
    kind: str,
    array: Array,
    axis: int,
    *,
    post: str = "nats",
    tol: float | None = None,
    dtype: Any = np.float64,
) -> tuple[Array, int]:
    """A row for each row: "surprisal" of logits or counts, "normalize" (a row over its sum)."""
    a = _operand("counts" if op == "normalize" else kind, array, tol)
    values, out, code = _output(array.shape, dtype)
    return values, _core.rowwise(_ROWWISE[op], _POST[post], axis, *a, out, code)[0]


def elementwise(
    op: str, operands: Sequence[Operand], *, post: str = "nats", dtype: Any = np.float64, checked: bool = True
) -> tuple[Array, tuple[int, ...]]:
    """One value for each element: "surprisal", "binary_entropy", "binary_cross_entropy" or "binary_kl".

    Kinds are "probs", "logprobs", "logits" (log-odds) or, for the truth, "labels": 0 and 1.
    """
    tol = 0.0 if checked else None
    kind, first = operands[0]
    shape = first.shape
    a = _operand(kind, first, tol)
    b: tuple[Any, int, int, float] = (None, 0, 0, -1.0)
    if len(operands) == 2:
        kind, second = operands[1]
        shape = _broadcast(shape, second.shape)
        b = _operand(kind, second, tol)
    values, out, code = _output(shape, dtype)
    return values, _core.elementwise(_ELEMENTWISE[op], _POST[post], *a, *b, out, code)


def joint(
    op: str,
    kind: str,
    array: Array,
    *,
    given: int | None = None,
    post: str = "nats",
    tol: float | None = None,
    dtype: Any = np.float64,
) -> tuple[Array, int]:
    """One value for each table of the last two axes.

    `op` is "joint_entropy", "conditional_entropy" (given 0 or 1) or "mutual_information".
    """
    a = _operand(kind, array, tol)
    values, out, code = _output(array.shape[:-2], dtype)
    number = _JOINT[op] + (given or 0 if op == "conditional_entropy" else 0)
    return values, _core.joint(number, _POST[post], *a, out, code)[0]


def isotonic_pool(happened: Array, masses: Array) -> tuple[Array, Array, Array]:
    """Pool adjacent violators in each row of `happened` (int64, like `masses`).

    Back come, set after set, the place after each block and what happened in it; and how many blocks each set has.
    """
    happened, masses = np.ascontiguousarray(happened), np.ascontiguousarray(masses)
    sets, size = happened.shape
    end, yes, count = (np.empty(n, dtype=np.int64) for n in (sets * size, sets * size, sets))
    used = _core.isotonic_pool(
        happened.ctypes.data, masses.ctypes.data, sets, size, end.ctypes.data, yes.ctypes.data, count.ctypes.data
    )
    return end[:used].copy(), yes[:used].copy(), count


def isotonic_draw(copies: Array, q: Array, key: Array, salt: Array) -> Array:
    """Binomial numbers (salts, keys): of `copies` (int64), each with probability `q`; keys and salts are uint64."""
    copies, q, key, salt = (np.ascontiguousarray(a) for a in (copies, q, key, salt))
    drawn = np.empty((salt.size, key.size), dtype=np.int64)
    _core.isotonic_draw(
        copies.ctypes.data, q.ctypes.data, key.ctypes.data, key.size, salt.ctypes.data, salt.size, drawn.ctypes.data
    )
    return drawn
