"""Every class against the rest, and the top label, on a fine grid of logits that merges.

The bins of a logit z are those of the leading bits of |z| + 2: 512 an octave (64 with many classes), so at most 0.004
wide near 0 and in proportion to |z| beyond. A bin keeps its rows, the mean of |z| over them, and exact sums of weights:
all are whole numbers, so neither order nor batches show. Forecasts of exactly 0 and 1 have bins of their own; what lies
beyond |z| = 1000 counts as that. Slopes and intercepts are within 1e-4 of those of the rows, and what an isotonic line
saves within 5e-4 nats, with some thousand rows or more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from xent import _native_evaluation as core
from xent.evaluation._exact import Floats, Ints, as_float, copies_total, total
from xent.evaluation._rows import Rows
from xent.evaluation._table import ROOM, Draws, Table

MOST_CLASSES = 1000
"""With more than these only the top label is kept."""

_FINE = 64
"""Up to so many classes the grid is fine."""

_OCTAVES = 9
_FARTHEST = 1000.0
_POSITION = 20
"""Binary digits of a place within a bin."""

_BLOCK = 2**20
"""Numbers binned at a time: their parts of 32 bits add up below 2**53."""

_LOWEST = 1152
"""No float has a digit below 2**-_LOWEST."""

Windows = dict[int, Ints]
"""Exact sums: window j counts multiples of 2**(32 j - _LOWEST)."""


@dataclass(slots=True)
class ClassGrids:
    """Grids of the top label and, up to 1000 classes, of each class: arrays (grids, bins), the top label first.

    `rows` counts rows, `place` adds up their places within the bin, `every` their weight and `happened` that of those
    where it happened. `square` is the exact total of all squared weights, in the unit of `_exact.total`.
    """

    k: int
    rows: Ints
    place: Ints
    every: Windows = field(default_factory=dict[int, "Ints"])
    happened: Windows = field(default_factory=dict[int, "Ints"])
    square: int = 0
    weighted: bool = False

    @staticmethod
    def empty(k: int) -> ClassGrids:
        """Grids without rows."""
        shape = (1 + (k if k <= MOST_CLASSES else 0), 2 * _OCTAVES * _per_octave(k) + 2)
        return ClassGrids(k, np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))

    @staticmethod
    def of(rows: Rows) -> ClassGrids:
        """The grids of some rows."""
        grids = ClassGrids.empty(rows.k)
        grids.add(rows)
        return grids

    def add(self, rows: Rows) -> None:
        """Take in more rows."""
        weight = rows.weights()
        if rows.soft is not None:
            weight = weight * rows.soft.sum(axis=1)
        self.weighted |= rows.weight is not None or rows.soft is not None
        self.square += (
            copies_total(weight * weight, rows.copies()) if rows.count is not None else total(weight * weight)
        )
        if core.grids() and rows.labels is not None and rows.weight is None:
            self._add_counts(rows, rows.labels)
            return
        height = max(1, _BLOCK // (rows.k + 1))
        for i in range(0, rows.n, height):
            self._add(rows, weight, slice(i, i + height))

    def _add_counts(self, rows: Rows, labels: Ints) -> None:
        """Take in rows of hard labels and one weight: all is counting."""
        counts, hits = np.zeros_like(self.rows), np.zeros_like(self.rows)
        bins = _per_octave(self.k), _OCTAVES, _POSITION, _FARTHEST
        core.class_counts(rows.probs, rows.surprisal, labels, rows.count, bins, (counts, self.place, hits))
        self.rows += counts
        for j, part in _windows(np.ones(1)):
            for windows, found in ((self.every, counts), (self.happened, hits)):
                found *= int(part[0])
                windows[j] = windows[j] + found if j in windows else found

    def _add(self, rows: Rows, weight: Floats, part: slice) -> None:
        surprisal, probs = rows.surprisal[part], rows.probs[part]
        top = np.argmax(probs, axis=1)
        line = np.arange(top.size)
        share = _happened(rows, part)
        if len(self.rows) > 1:
            surprisal = np.concatenate([surprisal[line, top][:, None], surprisal], axis=1)
            probs = np.concatenate([probs[line, top][:, None], probs], axis=1)
            share = np.concatenate([share[line, top][:, None], share], axis=1)
        else:
            surprisal, probs, share = (a[line, top][:, None] for a in (surprisal, probs, share))
        cell, place = self._cells(surprisal, probs)
        copies = rows.copies()[part, None] * np.ones(cell.shape[1], dtype=np.int64)
        self.rows += self._count(cell, copies)
        self.place += self._count(cell, place * copies)
        yes = np.flatnonzero(share)
        mass = share.reshape(-1)[yes] * rows.weights()[part][yes // cell.shape[1]]
        if rows.weight is rows.soft is None:
            weight, mass, part = np.ones(1), np.ones(1), slice(0, 1)
        self._put(self.every, cell, copies, weight[part])
        self._put(self.happened, cell.reshape(-1)[yes], copies.reshape(-1)[yes], mass)

    def _cells(self, surprisal: Floats, probs: Floats) -> tuple[Ints, Ints]:
        """The cell (grid · bins + bin) of each forecast, and its place within the bin."""
        per_octave = _per_octave(self.k)
        digits = 52 - per_octave.bit_length() + 1
        z = core.class_logits(probs, surprisal) if core.grids() else _logits(probs, surprisal)
        bits = (np.minimum(np.abs(z), _FARTHEST) + 2.0).view(np.int64)
        number = (bits >> digits) - (_bits(2.0) >> digits)
        place = (bits >> (digits - _POSITION)) & (2**_POSITION - 1)
        half = _OCTAVES * per_octave
        cell = np.where(z < 0.0, half - number, half + 1 + number)
        sure = np.isinf(z)
        cell[sure] = np.where(z[sure] < 0.0, 0, 2 * half + 1)
        return cell + np.arange(cell.shape[1]) * self.rows.shape[1], place

    def _count(self, cell: Ints, what: Ints) -> Ints:
        high, low = what.reshape(-1) >> 26, what.reshape(-1) & (2**26 - 1)
        cells = cell.reshape(-1)
        found = np.bincount(cells, weights=low, minlength=self.rows.size).astype(np.int64)
        if high.any():
            found += np.bincount(cells, weights=high, minlength=self.rows.size).astype(np.int64) << 26
        return found.reshape(self.rows.shape)

    def _put(self, windows: Windows, cell: Ints, copies: Ints, weight: Floats) -> None:
        for j, part in _windows(weight):
            if part.size == 1:
                found = self._count(cell, copies) * int(part[0])
            else:
                # One weight a row, or one a cell.
                found = self._shares(cell, copies, np.repeat(part, cell.size // part.size))
            windows[j] = windows[j] + found if j in windows else found

    def _shares(self, cell: Ints, copies: Ints, part: Ints) -> Ints:
        if int(copies.max(initial=1)) == 1:
            return self._count(cell, part)
        found = np.zeros(self.rows.size, dtype=np.int64)
        np.add.at(found, cell.reshape(-1), part * copies.reshape(-1))
        return found.reshape(self.rows.shape)

    def merge(self, other: ClassGrids) -> None:
        """Take in what another has."""
        self.rows += other.rows
        self.place += other.place
        self.square += other.square
        self.weighted |= other.weighted
        for mine, theirs in ((self.every, other.every), (self.happened, other.happened)):
            for j, cells in theirs.items():
                mine[j] = mine[j] + cells if j in mine else cells.copy()

    def table(self, number: int) -> Table:
        """Return the table of one grid: 0 is the top label, 1 + k class k."""
        some = np.flatnonzero(self.rows[number])
        rows = self.rows[number, some]
        surprisal = self._surprisal(number, some, rows)
        if self.weighted:
            every, yes = (_floats(w, number, some) for w in (self.every, self.happened))
            scale = math.ldexp(1.0, ROOM - math.frexp(float(every.sum()))[1])
            mass, happened = (np.rint(v * scale).astype(np.int64) for v in (every, yes))
            keep = mass > 0
            rows, surprisal, mass, happened = rows[keep], surprisal[:, keep], mass[keep], happened[keep]
            draws = self._draws(rows, mass, float(every.sum()))
        else:
            mass, draws = rows, None
            happened = _floats(self.happened, number, some).astype(np.int64)
        forecast = np.where(surprisal[1] > surprisal[0], np.exp(-surprisal[1]), -np.expm1(-surprisal[0]))
        return Table(forecast, surprisal, np.stack([mass - happened, happened]), rows, int(mass.sum()), draws)

    def _surprisal(self, number: int, some: Ints, rows: Ints) -> Floats:
        per_octave = _per_octave(self.k)
        digits = 52 - per_octave.bit_length() + 1
        half = _OCTAVES * per_octave
        bin_ = np.where(some <= half, half - some, some - half - 1) + (_bits(2.0) >> digits)
        low, high = (bin_ << digits).view(np.float64), ((bin_ + 1) << digits).view(np.float64)
        size = low - 2.0 + self.place[number, some] / rows * 2.0**-_POSITION * (high - low)
        size[(some == 0) | (some == 2 * half + 1)] = np.inf
        z = np.where(some <= half, -size, size)
        tail = np.log1p(np.exp(-size))
        return np.stack([np.maximum(z, 0.0) + tail, np.maximum(-z, 0.0) + tail])

    def _draws(self, rows: Ints, mass: Ints, weight: float) -> Draws:
        """Rows of unlike weights vary like fewer of equal weight: (sum w)² / sum w² of them in all."""
        number = weight * weight / as_float(self.square)
        ratio = min(1.0, number / float(rows.sum()))
        copies = np.clip(np.rint(rows * ratio), 1, mass).astype(np.int64)
        return Draws(np.arange(rows.size), copies, mass // copies)


def _per_octave(k: int) -> int:
    return 512 if k <= _FINE else 64


def _logits(probs: Floats, surprisal: Floats) -> Floats:
    """log(q / (1 - q)); a probability may exceed 1 by rounding, and counts as 1."""
    with np.errstate(all="ignore"):
        rest = np.where(probs < 0.5, 1.0 - probs, np.maximum(-np.expm1(-surprisal), 0.0))
        return -surprisal - np.log(rest)


def _bits(x: float) -> int:
    return int(np.float64(x).view(np.int64))


def _happened(rows: Rows, part: slice) -> Floats:
    if rows.soft is not None:
        return rows.soft[part]
    labels = np.empty(0, dtype=np.int64) if rows.labels is None else rows.labels[part]
    return (labels[:, None] == np.arange(rows.k)).astype(np.float64)


def _windows(weight: Floats) -> Iterator[tuple[int, Ints]]:
    """Cut weights into parts of at most 32 bits: the sum of part · 2**(32 j - _LOWEST) is the weight."""
    fraction, exponent = np.frexp(weight)
    whole = np.ldexp(fraction, 53).astype(np.uint64)
    lowest = exponent.astype(np.int64) - 53 + _LOWEST
    window, shift = lowest >> 5, (lowest & 31).astype(np.uint64)
    mask = np.uint64(2**32 - 1)
    parts = [
        (whole << shift) & mask,
        (whole >> (np.uint64(32) - shift)) & mask,
        (whole >> np.uint64(32)) >> (np.uint64(32) - shift),
    ]
    for j in range(int(window.min(initial=0)) if weight.size else 0, int(window.max(initial=-1)) + 3):
        found = np.zeros(weight.size, dtype=np.int64)
        for step, part in enumerate(parts):
            found += np.where(window == j - step, part, 0).astype(np.int64)
        if found.any():
            yield j, found


def _floats(windows: Windows, number: int, some: Ints) -> Floats:
    """The sums of some bins, from the largest windows to the smallest: an error of a rounding or two."""
    values = np.zeros(some.size)
    for j in sorted(windows, reverse=True):
        values += np.ldexp(windows[j][number, some].astype(np.float64), 32 * j - _LOWEST)
    return values
