"""From operands to a result: shapes and dtypes first, then the compiled core (NumPy) or the array formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xent import _check, _native, _units
from xent.measures import _core_path as core
from xent.measures import _formula_path as formulas
from xent.measures import _namespace as ns
from xent.measures._operands import Operand, floats_of, one_library
from xent.measures._promotion import promoted

# What a result can be scaled to besides a unit: the exponential, for perplexity.
EXP = "exp"


class Measure(NamedTuple):
    """A measure as both paths know it: the operation of the compiled core ("": it has none) and the array formula.

    `root` takes the square root of the value in its unit (the Jensen-Shannon distance).
    """

    op: str
    formula: Callable[..., Any]
    root: bool = False


def rows(measure: Measure, operands: tuple[Operand, ...], axis: Any, post: str, check: bool) -> Any:
    """One value a row. `post` is a unit or "exp"."""
    nats = 1.0 if post == EXP else _units.in_nats(post)
    operands = one_library(operands)
    axis, outcomes, outer = arrange(operands, axis)
    dtype = result_dtype(operands)
    if measure.op and use_core(operands):
        # A divergence too small for the dtype may have a root that is not.
        kept = "float64" if measure.root else dtype
        values = core.rows(measure.op, operands, axis, outcomes, outer, post, check, kept)
        return core.scalar(np.sqrt(values), dtype, operands) if measure.root else values[()]
    if measure.root:
        nats = math.sqrt(nats)
    last = formulas.outcomes_last(operands, axis)
    return formulas.rows(measure.formula, last, outcomes, nats, check, dtype)


def same_shape(measure: Measure, operand: Operand, axis: Any, unit: str, check: bool) -> Any:
    """A result of the operand's own shape that needs its rows: surprisal of logits or counts, normalize."""
    nats = _units.in_nats(unit)
    axis, outcomes, outer = arrange((operand,), axis)
    dtype = promoted([operand.array]) if operand.kind == "numbers" else result_dtype((operand,))
    if use_core((operand,)) and (measure.op != "normalize" or operand.kind == "numbers"):
        return core.same_shape(measure.op, operand, axis, outcomes, outer, unit, check, dtype)
    last = formulas.outcomes_last((operand,), axis)
    values = formulas.rows(measure.formula, last, outcomes, nats, check, dtype, spread=True)
    return values if axis == -1 else ns.namespace(values).moveaxis(values, -1, axis)


def tables(measure: Measure, operand: Operand, unit: str, check: bool, *, given: int | None = None) -> Any:
    """One value a table: the last two axes are the two variables, together one distribution of I J outcomes."""
    nats = _units.in_nats(unit)
    shape = tuple(operand.array.shape)
    _check.table(operand.name, shape)
    outcomes = shape[-1] * shape[-2]
    dtype = result_dtype((operand,))
    if use_core((operand,)):
        return core.tables(measure.op, operand, outcomes, given, unit, check, dtype)
    return formulas.rows(measure.formula, (operand,), outcomes, nats, check, dtype, table=True)


def elementwise(measure: Measure, operands: tuple[Operand, ...], unit: str, check: bool) -> Any:
    """One value an element: surprisal and the binary functions. Operands broadcast."""
    nats = _units.in_nats(unit)
    operands = one_library(operands)
    if len(operands) == 2 and operands[0].array.shape != operands[1].array.shape:
        _check.broadcast([o.name for o in operands], [tuple(o.array.shape) for o in operands], "Shapes")
    dtype = result_dtype(operands)
    if use_core(operands):
        return core.elementwise(measure.op, operands, unit, check, dtype)
    return formulas.elementwise(measure.op, measure.formula, operands, nats, check, dtype)


def check_axis(axis: Any, ndim: int) -> None:
    """Refuse an axis that is none, also where it plays no part; a single number has no axis to name but the default."""
    if ndim or _check.integer_axis(axis) != -1:
        _check.axis_from_end(axis, ndim)


def use_core(operands: tuple[Operand, ...]) -> bool:
    """NumPy arrays go to the compiled core where there is one; all others through the array formulas."""
    return isinstance(operands[0].array, np.ndarray) and _native.available()


def result_dtype(operands: tuple[Operand, ...]) -> str:
    """The name of the promoted floating dtype. Labels and counts have no say; alone, they and integers give float64."""
    return promoted(floats_of(operands))


def arrange(operands: tuple[Operand, ...], axis: Any) -> tuple[int, int, tuple[tuple[int, ...], ...]]:
    """(axis from the end, number of outcomes K, each operand's shape without the outcome axis); labels have none."""
    ndim = max(o.array.ndim + (o.kind == "labels") for o in operands)
    rows = [o for o in operands if o.kind != "labels"]
    if rows[0].array.ndim == 0:
        _check.outcome_axis(rows[0].name, (), -1)
    axis = _check.axis_from_end(axis, ndim)
    sizes = [_check.outcome_axis(o.name, o.array.shape, axis, ndim) for o in rows]
    if len(rows) == 2 and sizes[0] != sizes[1]:
        _check.different_outcomes((rows[0].name, rows[1].name), (rows[0].array.shape, rows[1].array.shape), axis)
    outer = tuple(core.outer_shape(o, axis) for o in operands)
    if len(operands) == 2 and outer[0] != outer[1]:
        _check.broadcast([o.name for o in operands], outer, "Shapes without the outcome axis")
    return axis, sizes[0], outer
