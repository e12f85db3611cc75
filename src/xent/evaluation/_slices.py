"""Sums over the rows that hold one value of a column, for several columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._errors import ShapeError
from xent.evaluation._arrays import boxed, to_numpy
from xent.evaluation._estimates import in_unit
from xent.evaluation._exact import ratio
from xent.evaluation._facts import Facts
from xent.evaluation._rows import Ints, Rows
from xent.evaluation._spread import cross_entropy, skill, uncertainty
from xent.evaluation._sums import Sums, sums_by
from xent.evaluation._weighing import up
from xent.evaluation.results import Slice

MOST = 1000
"""Values a slice column may have: more are names of rows, not slices."""

Columns = dict[str, NDArray[Any]]


def read_slices(slices: Any, rows: int) -> Columns:
    """Look at names and lengths of the columns."""
    if slices is None:
        return {}
    if not isinstance(slices, Mapping):
        raise ValueError(f"`slices` is {type(slices).__name__}; it maps a column's name to one value a row.")
    columns: Columns = {}
    for name, given in slices.items():  # pyright: ignore[reportUnknownVariableType]  # anything may be in it
        column = str(name)  # pyright: ignore[reportUnknownArgumentType]
        values = to_numpy("slices", given) if hasattr(given, "dtype") else boxed("slices", given, "value")  # pyright: ignore[reportUnknownArgumentType]
        if values.shape != (rows,):
            raise ShapeError(
                f"`slices` column {column!r} has shape {values.shape} and there are {rows} rows; it is one value a row."
            )
        if column in columns:
            raise ValueError(f"`slices` has the column {column!r} twice; names must differ.")
        columns[column] = values
    return columns


@dataclass(slots=True)
class Slices:
    """The sums of each value of each column, columns in the order given."""

    columns: dict[str, dict[str, Sums]]

    @staticmethod
    def of(columns: Columns, rows: Rows, facts: Facts) -> Slices:
        """The slices of some rows."""
        found: dict[str, dict[str, Sums]] = {}
        for column, values in columns.items():
            names, code = _codes(values[rows.position])
            _refuse_many(column, len(names))
            sums = sums_by(rows, facts, code, len(names))
            found[column] = dict(zip(names, sums, strict=True))
        return Slices(found)

    def check(self, other: Slices) -> None:
        """Refuse what cannot be merged."""
        if list(self.columns) != list(other.columns):
            raise ValueError(
                f"`slices` has the columns {list(other.columns)} and before it had {list(self.columns)}; they must be "
                "the same, in the same order."
            )
        for column, values in self.columns.items():
            if len(values) + len(other.columns[column]) > MOST:
                _refuse_many(column, len(values.keys() | other.columns[column].keys()))

    def add(self, other: Slices) -> None:
        """Merge."""
        for column, values in other.columns.items():
            mine = self.columns.setdefault(column, {})
            for value, sums in values.items():
                mine.setdefault(value, Sums()).add(sums)

    def shown(self, whole: int | None, scale: float) -> tuple[Slice, ...]:
        """Columns in the order given, values by their loss; `whole` is the total loss, None if infinite."""
        return tuple(
            _slice(column, value, sums, whole, scale)
            for column, values in self.columns.items()
            for value, sums in sorted(values.items(), key=_costliest_first)
        )


def _costliest_first(item: tuple[str, Sums]) -> tuple[int, int, str]:
    value, sums = item
    return sums.finite - sums.n, -sums.loss, value


def _slice(column: str, value: str, sums: Sums, whole: int | None, scale: float) -> Slice:
    entropy = uncertainty(sums)
    return Slice(
        column=column,
        value=value,
        n=sums.n,
        cross_entropy=in_unit(cross_entropy(sums), scale),
        uncertainty=entropy * scale,
        skill=skill(sums, entropy),
        share=ratio(sums.loss, whole) if whole else math.nan,
        accuracy=ratio(sums.right, up(sums.weight)),
        mean_gap=ratio(sums.forecast - sums.happened, up(sums.weight)),
    )


def _codes(values: NDArray[Any]) -> tuple[list[str], Ints]:
    """The different values as text, and which of them each row holds."""
    if values.dtype.kind in "OV":
        items, place = values.tolist(), None
    else:
        found, place = np.unique(values, return_inverse=True)
        items = (found.astype(str) if values.dtype.kind in "mM" else found).tolist()
    seen: dict[str, int] = {}
    code = np.array([seen.setdefault(str(item), len(seen)) for item in items], dtype=np.int64)
    return list(seen), code if place is None else code[place.reshape(-1)]


def _refuse_many(column: str, count: int) -> None:
    if count > MOST:
        raise ValueError(
            f"`slices` column {column!r} has more than {MOST:,} values; a slice column has few, such as groups of rows."
        )
