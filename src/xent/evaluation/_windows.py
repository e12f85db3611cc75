"""Exact sums in many cells at once: integers in windows of 32 bits.

A double is a few pieces of 32 bits, each a whole number of times 2**(32 j). The pieces of window j are added up in an
array of 64-bit integers, one place a cell, so that neither order nor batches change a bit of what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xent.evaluation._exact import Floats, Ints

_BITS = 32
_MASK = (1 << _BITS) - 1

_CARRY_AFTER = 2**30
"""Pieces added before what exceeds a window is carried to the next: 2**30 of them stay far below 2**63."""

_BLOCK = 2**19
"""Pieces added as doubles at a time: their sum is below 2**52."""


class Windows:
    """Sums of numbers that are not negative, one a cell."""

    __slots__ = ("_added", "_parts", "size")

    def __init__(self, size: int, parts: Mapping[int, Ints] | None = None, added: int = 0) -> None:
        self.size = size
        self._parts = dict(parts or {})
        self._added = added

    def copy(self) -> Windows:
        """The same sums, apart."""
        return Windows(self.size, {j: part.copy() for j, part in self._parts.items()}, self._added)

    def add(self, cell: Ints, values: Floats | None, copies: Ints | None = None) -> None:
        """Add `values` >= 0 (None: ones), each as often as it has copies, to their cells."""
        for i in range(0, len(cell), _BLOCK):
            block = slice(i, i + _BLOCK)
            part = np.ones(len(cell[block])) if values is None else values[block]
            if copies is None:
                self._add(cell[block], part)
            else:
                self._add_copies(cell[block], part, copies[block])

    def _add_copies(self, cell: Ints, values: Floats, copies: Ints) -> None:
        place = 0
        while copies.any():
            # One bit of the counts at a time: the product with a power of two is exact.
            mine = (copies & 1).astype(bool)
            self._add(cell[mine], np.ldexp(values[mine], place))
            copies, place = copies >> 1, place + 1

    def _add(self, cell: Ints, values: Floats) -> None:
        rest = values
        while rest.size and (most := float(rest.max())) > 0.0:
            j = (int(np.frexp(most)[1]) - 1) // _BITS
            piece = np.trunc(_shifted(rest, -_BITS * j))
            rest = rest - _shifted(piece, _BITS * j)
            self._part(j)[:] += np.bincount(cell, weights=piece, minlength=self.size).astype(np.int64)
        self._count(len(values))

    def merge(self, other: Windows) -> None:
        """Add the sums of `other`, which has as many cells."""
        for j, part in other._parts.items():
            self._part(j)[:] += part
        self._count(other._added)

    def moved(self, cell: Ints, size: int) -> Windows:
        """The same sums where cell i has become cell[i] of `size`; cells that fall together are added up."""
        parts = {j: np.zeros(size, dtype=np.int64) for j in self._parts}
        if len(cell):
            order = np.argsort(cell, kind="stable")
            starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
            for j, part in self._parts.items():
                parts[j][cell[order][starts]] = np.add.reduceat(part[order], starts)
        return Windows(size, parts, self._added)

    def floats(self) -> Floats:
        """The sums as floats, within an ulp or two: a function of the exact sums alone."""
        self._carry()
        value = np.zeros(self.size)
        for j in sorted(self._parts, reverse=True):
            value += np.ldexp(self._parts[j].astype(np.float64), _BITS * j)
        return value

    def _part(self, j: int) -> Ints:
        return self._parts.setdefault(j, np.zeros(self.size, dtype=np.int64))

    def _count(self, pieces: int) -> None:
        self._added += pieces
        if self._added > _CARRY_AFTER:
            self._carry()

    def _carry(self) -> None:
        """Make every piece less than 2**32: a sum then has one form only."""
        waiting = sorted(self._parts)
        while waiting:
            j = waiting.pop(0)
            over = self._parts[j] >> _BITS
            if over.any():
                self._parts[j] &= _MASK
                if j + 1 not in self._parts:
                    waiting.insert(0, j + 1)
                self._part(j + 1)[:] += over
        self._added = 1


def _shifted(values: Floats, by: int) -> Floats:
    """The values times 2**by, by a product where that is a normal number: much faster than `ldexp`."""
    return values * 2.0**by if abs(by) < 1000 else np.ldexp(values, by)
