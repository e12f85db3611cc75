"""NumPy arrays through the compiled core, which checks as it computes and names the first bad row."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent import _check, _native
from xent.measures import _formula_path as formulas
from xent.measures._operands import Operand
from xent.measures._promotion import digits, dtype_of

Outer = tuple[tuple[int, ...], ...]


def rows(
    op: str,
    operands: tuple[Operand, ...],
    axis: int,
    outcomes: int,
    outer: Outer,
    post: str,
    check: bool,
    dtype: str,
) -> np.ndarray[Any, Any]:
    """One value a row."""
    tolerances = tuple(row_tolerance(o, outcomes) for o in operands) if check else None
    kind = dtype_of(dtype, [o.array for o in operands])
    values, bad = _native.reduce(op, _pairs(operands), axis, post=post, tol=tolerances, dtype=kind)
    for operand, first in zip(operands, bad, strict=True):
        if first >= 0:
            _explain(operand, first, axis, outcomes, outer)
    return values


def same_shape(
    op: str, operand: Operand, axis: int, outcomes: int, outer: Outer, post: str, check: bool, dtype: str
) -> Any:
    """A value for each element, which needs its row."""
    tolerance = row_tolerance(operand, outcomes) if check else None
    kind = dtype_of(dtype, [operand.array])
    held = "counts" if operand.kind == "numbers" else operand.kind
    values, bad = _native.rowwise(op, held, operand.array, axis, post=post, tol=tolerance, dtype=kind)
    if bad >= 0:
        _explain(operand, bad, axis, outcomes, outer)
    return values


def tables(op: str, operand: Operand, outcomes: int, given: int | None, post: str, check: bool, dtype: str) -> Any:
    """One value a table of the last two axes."""
    tolerance = row_tolerance(operand, outcomes) if check else None
    kind = dtype_of(dtype, [operand.array])
    values, bad = _native.joint(op, operand.kind, operand.array, given=given, post=post, tol=tolerance, dtype=kind)
    if bad >= 0:
        outer = operand.array.shape[:-2]
        row = operand.array[np.unravel_index(bad, outer)] if outer else operand.array
        _check.bad_row(operand.name, operand.kind, row, _check.position(bad, outer), row_tolerance(operand, outcomes))
    return values[()]


def elementwise(op: str, operands: tuple[Operand, ...], post: str, check: bool, dtype: str) -> Any:
    """One value an element."""
    kind = dtype_of(dtype, [o.array for o in operands])
    values, bad = _native.elementwise(op, _pairs(operands), post=post, dtype=kind, checked=check)
    if max(bad) >= 0:
        formulas.explain_elements(op, operands)
    for o in operands:
        # Nobody looked: an outcome that is neither 0 nor 1 has no loss. The core takes any number as a weight.
        if o.kind == "labels" and not check:
            values = np.where((o.array == 0) | (o.array == 1), values, np.asarray(np.nan, values.dtype))
    return values[()]


def scalar(values: Any, dtype: str, operands: tuple[Operand, ...]) -> Any:
    """`values` rounded to the result's dtype, a 0-d array as a scalar."""
    return np.asarray(values).astype(dtype_of(dtype, [o.array for o in operands]), copy=False)[()]


def row_tolerance(operand: Operand, outcomes: int) -> float:
    """How far from 1 a row of the operand may sum."""
    return _check.sum_tolerance(digits(operand.array), outcomes)


def outer_shape(operand: Operand, axis: int) -> tuple[int, ...]:
    """The operand's shape without the outcome axis."""
    shape = tuple(operand.array.shape)
    if operand.kind == "labels":
        return shape
    return shape[:-1] if axis == -1 else shape[:axis] + shape[axis + 1 :]


def _pairs(operands: tuple[Operand, ...]) -> tuple[tuple[str, Any], ...]:
    return tuple((o.kind, o.array) for o in operands)


def _explain(operand: Operand, first: int, axis: int, outcomes: int, outer: Outer) -> None:
    """The core names the first bad row of the broadcast result; find that row in the operand itself, and say."""
    if operand.kind == "labels":
        _check.bad_labels(operand.name, operand.array, outcomes)
    common = np.broadcast_shapes(*outer)
    own = outer_shape(operand, axis)
    index = np.unravel_index(first, common)[len(common) - len(own) :] if common else ()
    index = tuple(0 if size == 1 else int(i) for i, size in zip(index, own, strict=True))
    row = np.moveaxis(operand.array, axis, -1)[index]
    place = None if not own else index[0] if len(own) == 1 else index
    _check.bad_row(operand.name, operand.kind, row, place, row_tolerance(operand, outcomes))
