"""Columns of names: ids, clusters and slices, spelled alike whatever format and chunk they came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent.io._limits import Limits
from xent.io._table import Chunk, Coded, Codes, is_missing, text_of
from xent.io._text import message, quoted

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")

Names = NDArray[Any]
NO_SLICE = "(none)"
"""How the rows are called whose slice column is empty."""


def clusters_of(chunk: Chunk, name: str, rows: Codes) -> Names:
    """The cluster of each of these rows; every row has one."""
    coded = chunk.coded(name)
    missing = rows[coded.codes[rows] < 0]
    if missing.size:
        row = chunk.start + int(missing[0])
        raise ValueError(
            message(f"{chunk.shown}: column {quoted(name)} row {row} names no cluster", "give every row one")
        )
    return _spelled(coded)[rows]


def ids_of(chunk: Chunk, name: str, rows: Codes, offset: int) -> tuple[Names, NDArray[np.bool_]]:
    """What these rows are called, and which have no name and go by their number, `offset` beyond that in the chunk."""
    coded = chunk.coded(name)
    unnamed = coded.codes[rows] < 0
    names = _spelled(coded)[rows]
    if unnamed.any():
        names = names.astype(object)
        names[unnamed] = offset + rows[unnamed]
    return names, unnamed


def _spelled(coded: Coded) -> Names:
    """Whole numbers as such and anything else as text: so that a name is the same from every format and chunk."""
    if all(type(value) is int and abs(value) < 2**63 for value in coded.values):
        return np.array([*coded.values, 0], dtype=np.int64)[coded.codes]
    texts = ["" if is_missing(value) else value if type(value) is str else text_of(value) for value in coded.values]
    names = [int(text) if _WHOLE.fullmatch(text) else text for text in texts]
    if all(type(name) is int or not name for name in names):
        return np.array([*(name or 0 for name in names), 0], dtype=np.int64)[coded.codes]
    boxed = np.empty(len(names) + 1, dtype=object)
    boxed[:] = [*names, ""]
    return boxed[coded.codes]


def one_spelling(parts: Sequence[Names], unnamed: Sequence[NDArray[np.bool_]] | None = None) -> Names:
    """The names of all chunks: whole numbers if all are, else text; rows without a name keep their numbers."""
    whole = np.concatenate(parts)
    if whole.dtype != object:
        return whole
    bare = np.zeros(len(whole), dtype=bool) if unnamed is None else np.concatenate(unnamed)
    names: list[Any] = whole.tolist()
    if any(type(name) is str for name in names):
        spelled = [name if nameless else str(name) for name, nameless in zip(names, bare.tolist(), strict=True)]
        whole[:] = spelled
        return whole
    return whole if bare.any() else np.array(names, dtype=np.int64)


class Copies:
    """Counts the names that come again, of as many rows as the limits let it remember."""

    def __init__(self, limits: Limits) -> None:
        """Nothing seen yet."""
        self._limits = limits
        self._seen: list[NDArray[np.int64]] = []
        self._remembered = 0

    def add(self, names: Names) -> None:
        """Names of further rows."""
        if self._remembered >= self._limits.remembered_ids:
            return
        # 64 bits of a text are its name here: two of a billion would have to meet for a false count.
        keys = names if names.dtype != object else np.fromiter(map(hash, names.tolist()), np.int64, len(names))
        self._seen.append(keys)
        self._remembered += len(keys)

    def doubt(self, column: str, rows: int) -> str | None:
        """What to warn of: rows that go by one name."""
        keys = np.concatenate(self._seen) if self._seen else np.empty(0, dtype=np.int64)
        again = keys.size - np.unique(keys).size
        if not again:
            return None
        return f"column {quoted(column)} names {again:,} of {rows:,} rows as another row before them"


class Slicer:
    """The values of a column to slice by, as text, and how many there are."""

    def __init__(self, name: str, limits: Limits) -> None:
        """`name` is the column."""
        self._name = name
        self._limits = limits
        self._known: dict[str, str] = {}

    def read(self, chunk: Chunk, rows: Codes) -> Names:
        """The slice of each of these rows."""
        coded = chunk.coded(self._name)
        texts = [NO_SLICE if is_missing(value) else text_of(value) for value in coded.values]
        boxed = np.empty(len(texts) + 1, dtype=object)
        boxed[:] = [*texts, NO_SLICE]
        used = np.zeros(len(texts) + 1, dtype=bool)
        used[coded.codes[rows]] = True
        for place in np.flatnonzero(used):
            boxed[place] = self._known.setdefault(boxed[place], boxed[place])
        if len(self._known) > self._limits.slices:
            raise ValueError(
                message(
                    f"{chunk.shown}: column {quoted(self._name)} has more than {self._limits.slices:,} values up to "
                    f"row {chunk.start + int(rows[-1])}, too many to slice by ({self._limits.shown('slices')})",
                    "slice by a column that puts rows into few groups",
                )
            )
        return boxed[coded.codes[rows]]
