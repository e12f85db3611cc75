"""A grid that is as fine as its room allows: cells by the leading bits of a whole number.

A cell is all numbers that agree but for their last `level` bits. Beyond `limit` cells the level goes up and neighbours
are added up. Coarser cells are unions of finer ones and only ever grow in number, so the level, like the sums, is a
function of all that was added: the finest at which there is room.
"""

from __future__ import annotations

import numpy as np

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._windows import Windows

_TABLE = 2**22
"""Cells side by side up to which a table finds them: faster than a search."""

_BLOCK = 2**18


class Cells:
    """Exact sums by cell and column; `sums` has them by name, cell by cell, each with all its columns."""

    __slots__ = ("columns", "keys", "level", "limit", "sums")

    def __init__(self, limit: int, columns: int, names: tuple[str, ...]) -> None:
        self.limit = limit
        self.columns = columns
        self.level = 0
        self.keys = np.empty(0, dtype=np.int64)
        self.sums = {name: Windows(0) for name in names}

    def add(self, number: Ints, column: Ints, values: dict[str, Floats | None], copies: Ints | None) -> None:
        """Add values >= 0 (None: ones) of rows at `number` to their cell and column."""
        for i in range(0, len(number), _BLOCK):
            block = slice(i, i + _BLOCK)
            place = self._place(number[block]) * self.columns + column[block]
            for name, value in values.items():
                part = value if value is None else value[block]
                self.sums[name].add(place, part, copies if copies is None else copies[block])

    def merge(self, other: Cells) -> None:
        """Add all of `other`, whose names are the same and whose cells become coarser if these are."""
        self._coarsen(max(self.level, other.level))
        self._make_room(_distinct(other.keys >> (self.level - other.level)))
        place = np.searchsorted(self.keys, other.keys >> (self.level - other.level))
        for name, windows in other.sums.items():
            self.sums[name].merge(windows.moved(self._wide(place), self.sums[name].size))

    def table(self, name: str) -> Floats:
        """The sums as (cells, columns), in the order of the numbers."""
        return self.sums[name].floats().reshape(len(self.keys), self.columns)

    def _place(self, number: Ints) -> Ints:
        keys = number >> self.level
        if len(keys) == 0:
            return keys
        low, high = int(keys.min()), int(keys.max())
        if high - low < _TABLE:
            # A mark at each cell that occurs finds the distinct ones without sorting.
            seen = np.zeros(high - low + 1, dtype=bool)
            seen[keys - low] = True
            distinct = np.flatnonzero(seen) + low
        else:
            distinct = _distinct(np.sort(keys))
        before = self.level
        self._make_room(distinct)
        keys = keys >> (self.level - before)
        low = keys.min()
        if int(keys.max()) - int(low) >= _TABLE:
            return np.searchsorted(self.keys, keys).astype(np.int64)
        first, last = np.searchsorted(self.keys, [low, keys.max() + 1])
        table = np.zeros(int(keys.max()) - int(low) + 1, dtype=np.int64)
        table[self.keys[first:last] - low] = np.arange(first, last)
        return table[keys - low]

    def _make_room(self, distinct: Ints) -> None:
        """Let there be cells for these sorted keys of the present level."""
        union = _distinct(np.sort(np.concatenate([self.keys, distinct])))
        if len(union) == len(self.keys):
            return
        by = 0
        while len(union) > self.limit:
            union = _distinct(union >> 1)
            by += 1
        self._coarsen(self.level + by)
        self._spread(union, np.searchsorted(union, self.keys))

    def _coarsen(self, level: int) -> None:
        if level == self.level:
            return
        keys = self.keys >> (level - self.level)
        self.level = level
        distinct = _distinct(keys)
        self._spread(distinct, np.searchsorted(distinct, keys))

    def _spread(self, keys: Ints, place: Ints) -> None:
        wide = self._wide(place)
        self.keys = keys
        self.sums = {name: w.moved(wide, len(keys) * self.columns) for name, w in self.sums.items()}

    def _wide(self, place: Ints) -> Ints:
        return (place[:, None] * self.columns + np.arange(self.columns)).ravel()


def _distinct(ordered: Ints) -> Ints:
    """The distinct ones of sorted keys."""
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
