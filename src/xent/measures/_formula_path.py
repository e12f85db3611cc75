"""Arrays of any library through the array formulas, on their own device and with their gradients.

Everything is computed at the width of the widest argument, half precision at float32 or more, and rounded once. Where
values can be looked at, a bad row is an error; under tracing (jit, compile, function transforms) it gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent import _check
from xent.measures import _elementwise, _rows
from xent.measures import _namespace as ns
from xent.measures._operands import Operand
from xent.measures._promotion import digits, dtype_of, promoted, to_numpy, widened

Formula = Callable[..., Any]


def rows(
    formula: Formula,
    operands: tuple[Operand, ...],
    outcomes: int,
    nats: float,
    check: bool,
    dtype: str,
    *,
    spread: bool = False,
    table: bool = False,
) -> Any:
    """`formula` of operands whose outcome axis is the last; `spread` when it returns the operand's own shape, `table`
    when the last two axes are one distribution."""
    xp = ns.namespace(*(o.array for o in operands))
    with ns.quiet(xp):
        wide = _wide(xp, operands)
        valid = _valid(xp, operands, wide, outcomes, table=table) if check else None
        values = formula(xp, *(part for o, a in zip(operands, wide, strict=True) for part in (o.kind, a)))
        if nats != 1.0:
            values = values / nats
        if valid is not None:
            values = values * _one_or_nan(xp, valid[..., None] if spread else valid, values)
        return _rounded(xp, values, dtype_of(dtype, [o.array for o in operands]))


def elementwise(op: str, formula: Formula, operands: tuple[Operand, ...], nats: float, check: bool, dtype: str) -> Any:
    """`formula` element by element; outcomes 0 and 1 given as labels become the probabilities 0 and 1."""
    xp = ns.namespace(*(o.array for o in operands))
    with ns.quiet(xp):
        seen = check and explain_elements(op, operands)
        wide = [xp.astype(a, _floats(operands), copy=False) for a in _wide(xp, operands)]
        kinds = ["probs" if o.kind == "labels" else o.kind for o in operands]
        values = formula(xp, *(part for pair in zip(kinds, wide, strict=True) for part in pair))
        if nats != 1.0:
            values = values / nats
        for o, array in zip(operands, wide, strict=True):
            # What cannot be looked at gives NaN; so does an outcome that is neither 0 nor 1 when nobody looks.
            if (check and not seen) or o.kind == "labels":
                values = values * _one_or_nan(xp, _inside(xp, op, o, array), values)
        return _rounded(xp, values, dtype_of(dtype, [o.array for o in operands]))


def outcomes_last(operands: tuple[Operand, ...], axis: int) -> tuple[Operand, ...]:
    """The operands as views whose outcome axis is the last."""
    if axis == -1:
        return operands
    xp = ns.namespace(operands[0].array)
    return tuple(o if o.kind == "labels" else o._replace(array=xp.moveaxis(o.array, axis, -1)) for o in operands)


def explain_elements(op: str, operands: tuple[Operand, ...]) -> bool:
    """Raise for the first element outside its domain; False if there were values that cannot be looked at."""
    seen = True
    for o in operands:
        xp = ns.namespace(o.array)
        mask = _inside(xp, op, o, o.array)
        if ns.is_traced(mask):
            seen = False
            continue
        if bool(xp.all(mask)):
            continue
        inside, values = to_numpy(mask), to_numpy(o.array)
        if o.kind == "labels":
            _check.bad_labels(o.name, values, 2, binary=True)
        first = int(np.argmin(inside.reshape(-1)))
        _check.bad_value(o.name, o.kind, values.reshape(-1)[first], _check.position(first, inside.shape))
    return seen


def _floats(operands: tuple[Operand, ...]) -> Any:
    """The widest floating dtype among the arguments, at least float32; integers count as float64."""
    arrays = [o.array for o in operands]
    return dtype_of(widened(promoted([a for o, a in zip(operands, arrays, strict=True) if o.kind != "labels"])), arrays)


def _wide(xp: Any, operands: tuple[Operand, ...]) -> list[Any]:
    wide = _floats(operands)
    return [o.array if o.kind == "labels" else xp.astype(o.array, wide, copy=False) for o in operands]


def _one_or_nan(xp: Any, valid: Any, like: Any) -> Any:
    """A factor rather than a choice, so that a row that has no value has no gradient either: NaN, not 0."""
    return xp.where(valid, xp.ones_like(like), xp.full_like(like, float("nan")))


def _rounded(xp: Any, values: Any, dtype: Any) -> Any:
    """The result in its dtype; NumPy's 0-d arrays as scalars, as its own functions give them."""
    values = xp.astype(values, dtype, copy=False)
    return values[()] if isinstance(values, np.ndarray) else values


def _inside(xp: Any, op: str, operand: Operand, array: Any) -> Any:
    """Which elements lie in their domain. Surprisal allows for rounding above 1, the binary functions for none."""
    if operand.kind == "labels":
        # booleans become integers first: not every library compares them with numbers
        array = xp.astype(array, ns.dtype_named(array, "int64")) if ns.is_bool(array) else array
        return (array == 0) | (array == 1)
    if op == "surprisal":
        over = _check.sum_tolerance(digits(operand.array), 1)
        return array <= over if operand.kind == "logprobs" else (array >= 0) & (array <= 1 + over)
    return _elementwise.validity(xp, operand.kind, array)


def _valid(xp: Any, operands: tuple[Operand, ...], arrays: list[Any], outcomes: int, *, table: bool) -> Any:
    """None when every row was looked at and is fine; where values cannot be seen, which rows are; else the error."""
    valid = None
    for o, array in zip(operands, arrays, strict=True):
        if table:
            array = xp.reshape(array, (*array.shape[:-2], outcomes))
        tolerance = outcomes if o.kind == "labels" else _check.sum_tolerance(digits(o.array), outcomes)
        mask = _rows.validity(xp, "counts" if o.kind == "numbers" else o.kind, array, tolerance)
        if ns.is_traced(mask):
            valid = mask if valid is None else valid & mask
        elif not bool(xp.all(mask)):
            _explain(o, to_numpy(mask), array, outcomes)
    return valid


def _explain(operand: Operand, valid: np.ndarray[Any, Any], array: Any, outcomes: int) -> None:
    if operand.kind == "labels":
        _check.bad_labels(operand.name, to_numpy(array), outcomes)
    first = int(np.argmin(valid.reshape(-1)))
    index = tuple(int(i) for i in np.unravel_index(first, valid.shape))
    row = to_numpy(array[(*index, ...)])
    tolerance = _check.sum_tolerance(digits(operand.array), outcomes)
    _check.bad_row(operand.name, operand.kind, row, _check.position(first, valid.shape), tolerance)
