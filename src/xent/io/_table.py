"""What every format looks like to the rest of the room: named columns that are read one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xent.io._text import message, quoted

Floats = NDArray[Any]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of labels or names: the distinct values, and for each row which of them it holds (-1: none)."""

    codes: Codes
    values: tuple[Any, ...]


class Table(Protocol):
    """An input of named columns, read some rows at a time. Errors name the input, the column and the row, from 0."""

    shown: str
    names: tuple[str, ...]
    total: int | None
    """How many rows there are, where that is known before they are read."""

    def is_list(self, name: str) -> bool:
        """Whether each row of the column holds several numbers."""
        ...

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """Names of the K places of a list column, where the input carries them."""
        ...

    def chunks(self, names: list[str], most: int) -> Iterator[Chunk]:
        """These columns from the first row to the last, at most `most` rows at a time."""
        ...


class Chunk(Protocol):
    """Consecutive rows of a table; `rows` counts from the first of them."""

    shown: str
    start: int
    """The number of the first row in the table."""
    count: int

    def numbers(self, name: str, rows: Codes) -> Floats:
        """Numbers of a column in these rows, (n,); what the other rows hold does not matter."""
        ...

    def matrix(self, name: str, rows: Codes) -> Floats:
        """Lists of a column in these rows, all of one length, (n, K)."""
        ...

    def coded(self, name: str) -> Coded:
        """A column of labels or names."""
        ...


NUMBERS = 2**21
"""Numbers a chunk holds at most, so that wide rows come few at a time."""


def rows_at_once(most: int, width: int) -> int:
    """How many rows of `width` numbers a chunk holds."""
    return max(1, min(most, NUMBERS // max(width, 1)))


_SPAN = 2**16


def coded_numbers(array: NDArray[Any]) -> Coded | None:
    """Whole numbers that are close together, told apart by counting; None for others."""
    if array.dtype.kind not in "iu" or not array.size:
        return None
    low, high = int(array.min()), int(array.max())
    # The difference must fit the narrowest type too.
    if high - low >= min(_SPAN, 2 ** (8 * array.dtype.itemsize - 1)):
        return None
    shifted = (array - array.dtype.type(low)).astype(np.int64, copy=False)
    there = np.zeros(high - low + 1, dtype=bool)
    there[shifted] = True
    values = tuple(low + place for place in np.flatnonzero(there).tolist())
    if len(values) == len(there):
        return Coded(shifted, values)
    return Coded((np.cumsum(there) - 1)[shifted], values)


def as_float(values: NDArray[Any]) -> Floats:
    """Floats as they are, so that their rounding stays known; any other numbers as float64."""
    native = values.dtype.newbyteorder("=")
    return values.astype(native if native.kind == "f" and native.itemsize <= 8 else np.float64, copy=False)


def parse_number(text: str) -> float:
    """A number as Python reads it, without underscores; ValueError for anything else."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def text_of(value: Any) -> str:
    """A label or a name as text: whole numbers without a point, so that 3, 3.0 and "3" are one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and math.isfinite(value):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def is_missing(value: Any) -> bool:
    """Whether a value of a column says nothing."""
    return value is None or value != value


def no_number(shown: str, column: str, row: int, found: str) -> ValueError:
    """A cell that should hold a number and does not."""
    if not found.strip():
        return ValueError(
            message(f"{shown}: column {quoted(column)} row {row} is empty; every row needs a number there")
        )
    return ValueError(
        message(f"{shown}: column {quoted(column)} row {row} holds {quoted(found, 40)}, which is not a number")
    )


def uneven(shown: str, column: str, odd: tuple[int, int], first: tuple[int, int]) -> ValueError:
    """A list whose length is not that of the first one; each is a row and the length there."""
    return ValueError(
        f"{shown}: column {quoted(column)} row {odd[0]} holds {odd[1]:,} numbers, row {first[0]} holds {first[1]:,}; "
        "every row needs one for each class"
    )
