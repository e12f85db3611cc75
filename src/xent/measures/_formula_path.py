"""Arrays of any library through the array formulas, on their own device and with their gradients.

Half precision is widened first and rounded last. Where values can be looked at, a bad row is an error; under tracing
(jit, compile, function transforms) it gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent import _check
from xent.measures import _elementwise, _rows
from xent.measures import _namespace as ns
from xent.measures._operands import Operand
from xent.measures._promotion import digits, dtype_of, to_numpy, widened

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
    arrays = [o.array for o in operands]
    xp = ns.namespace(*arrays)
    wide = dtype_of(widened(dtype), arrays)
    cast = [a if o.kind == "labels" else xp.astype(a, wide, copy=False) for o, a in zip(operands, arrays, strict=True)]
    with ns.quiet(xp):
        valid = _valid(xp, operands, cast, outcomes, table=table) if check else None
        values = formula(xp, *(part for o, a in zip(operands, cast, strict=True) for part in (o.kind, a)))
        if nats != 1.0:
            values = values / nats
        if valid is not None:
            nan = xp.full_like(values, float("nan"))
            values = xp.where(valid[..., None] if spread else valid, values, nan)
        return finish(xp, values, dtype_of(dtype, arrays))


def elementwise(op: str, formula: Formula, operands: tuple[Operand, ...], nats: float, check: bool, dtype: str) -> Any:
    """`formula` element by element; outcomes 0 and 1 given as labels become the probabilities 0 and 1."""
    arrays = [o.array for o in operands]
    xp = ns.namespace(*arrays)
    with ns.quiet(xp):
        seen = check and explain_elements(op, operands)
        wide = dtype_of(widened(dtype), arrays)
        cast = [xp.astype(a, wide, copy=False) for a in arrays]
        kinds = ["probs" if o.kind == "labels" else o.kind for o in operands]
        values = formula(xp, *(part for pair in zip(kinds, cast, strict=True) for part in pair))
        if nats != 1.0:
            values = values / nats
        for o, array in zip(operands, cast, strict=True):
            # What cannot be looked at gives NaN; so does an outcome that is neither 0 nor 1 when nobody looks.
            if (check and not seen) or o.kind == "labels":
                values = xp.where(elements_valid(xp, op, o, array), values, xp.full_like(values, float("nan")))
        return finish(xp, values, dtype_of(dtype, arrays))


def finish(xp: Any, values: Any, dtype: Any) -> Any:
    """The result in its dtype; NumPy's 0-d arrays as scalars, as its own functions give them."""
    values = xp.astype(values, dtype, copy=False)
    return values[()] if isinstance(values, np.ndarray) else values


def outcomes_last(operands: tuple[Operand, ...], axis: int) -> tuple[Operand, ...]:
    """The operands as views whose outcome axis is the last."""
    if axis == -1:
        return operands
    xp = ns.namespace(operands[0].array)
    return tuple(o if o.kind == "labels" else o._replace(array=xp.moveaxis(o.array, axis, -1)) for o in operands)


def elements_valid(xp: Any, op: str, operand: Operand, array: Any) -> Any:
    """Which elements lie in their domain. Surprisal allows for rounding above 1, the binary functions for none."""
    if operand.kind == "labels":
        return (array == 0) | (array == 1)
    if op == "surprisal":
        over = _check.sum_tolerance(digits(operand.array), 1)
        return array <= over if operand.kind == "logprobs" else (array >= 0) & (array <= 1 + over)
    return _elementwise.validity(xp, operand.kind, array)


def explain_elements(op: str, operands: tuple[Operand, ...]) -> bool:
    """Raise for the first element outside its domain; False if there were values that cannot be looked at."""
    seen = True
    for o in operands:
        mask = elements_valid(ns.namespace(o.array), op, o, o.array)
        if ns.is_traced(mask):
            seen = False
            continue
        inside = to_numpy(mask)
        if inside.all():
            continue
        if o.kind == "labels":
            _check.bad_labels(o.name, to_numpy(o.array), 2, binary=True)
        first = int(np.argmin(inside.reshape(-1)))
        value = to_numpy(o.array).reshape(-1)[first]
        _check.bad_value(o.name, o.kind, value, _check.place(first, inside.shape))
    return seen


def _valid(xp: Any, operands: tuple[Operand, ...], arrays: list[Any], outcomes: int, *, table: bool) -> Any:
    """None when every row was looked at and is fine; where values cannot be seen, which rows are; else the error."""
    valid = None
    for o, array in zip(operands, arrays, strict=True):
        if table:
            array = xp.reshape(array, (*array.shape[:-2], outcomes))
        tolerance = outcomes if o.kind == "labels" else _check.sum_tolerance(digits(o.array), outcomes)
        mask = _rows.validity(xp, o.kind, array, tolerance)
        if ns.is_traced(mask):
            valid = mask if valid is None else valid & mask
        else:
            _explain(o, to_numpy(mask), array, outcomes)
    return valid


def _explain(operand: Operand, valid: np.ndarray[Any, Any], array: Any, outcomes: int) -> None:
    if valid.all():
        return
    if operand.kind == "labels":
        _check.bad_labels(operand.name, to_numpy(array), outcomes)
    first = int(np.argmin(valid.reshape(-1)))
    row = to_numpy(array).reshape(-1, outcomes)[first]
    tolerance = _check.sum_tolerance(digits(operand.array), outcomes)
    _check.bad_row(operand.name, operand.kind, row, _check.place(first, valid.shape), tolerance)
