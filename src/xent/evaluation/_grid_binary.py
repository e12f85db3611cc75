"""Two classes on a grid of logits: recalibration, isotonic line and reliability in a few megabytes.

Two grids: a fine one for the order of the forecasts (isotonic line, AUC), and a coarser one with folds and the sums of
logits, so that a cell stands at the mean of its rows. A logistic loss is linear in the logit but for its curvature: of
a cell of width h it is off by at most a² h² / 96 times the slope's square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._exact import Floats, Ints, exact_sum
from xent.evaluation._folds import FOLDS
from xent.evaluation._grid_cells import Cells
from xent.evaluation._grid_logits import centres, logits_of, magnitudes, numbers
from xent.evaluation._isotonic_null import effective_draws
from xent.evaluation._rows import Rows
from xent.evaluation._table import Table
from xent.evaluation._windows import Windows

FINE = 2**16
COARSE = 2**13

_ROOM = 60
"""Masses of a `Table` add up to less than two to this and one."""


@dataclass(frozen=True, slots=True)
class Points:
    """The rows of one cell, fold and outcome as one: mean logit, outcome, sums of weights and of their squares."""

    x: Floats
    y: Floats
    fold: Ints
    mass: Floats
    square: Floats


class BinaryGrid:
    """The state. `ends` and `end_rows` hold forecasts of exactly 0 and 1, twice the side plus the outcome."""

    def __init__(self) -> None:
        self.fine = Cells(FINE, 2, ("mass", "rows", "square"))
        self.coarse = Cells(COARSE, 2 * FOLDS, ("mass", "moment", "square"))
        self.crosses = Cells(COARSE, FOLDS, ("cross",))
        self.ends = Windows(4)
        self.end_rows = Windows(4)
        self.low = [math.inf, math.inf]
        self.high = [-math.inf, -math.inf]

    def add(self, rows: Rows, fold: Ints) -> None:
        """Add rows and their folds."""
        x = rows.surprisal[:, 0] - rows.surprisal[:, 1]
        if rows.soft is None and rows.labels is not None:
            self._add(x, rows.labels, fold, rows.weight, rows.count, True)
            return
        weight = rows.weights()
        parts = [rows.column(0) * weight, rows.column(1) * weight]
        for y, mass in enumerate(parts):
            keep = mass > 0.0
            # A row counts once: with the outcome that has more of it.
            main = (rows.main_label() == y)[keep]
            copies = None if rows.count is None else rows.count[keep]
            self._add(x[keep], np.full(int(keep.sum()), y), fold[keep], mass[keep], copies, main)
        both = (parts[0] > 0.0) & (parts[1] > 0.0) & np.isfinite(x)
        number = numbers(x[both], magnitudes(x[both]))
        copies = None if rows.count is None else rows.count[both]
        self.crosses.add(number, fold[both], {"cross": parts[0][both] * parts[1][both]}, copies)

    def _add(
        self, x: Floats, y: Ints, fold: Ints, mass: Floats | None, copies: Ints | None, counts: Ints | bool
    ) -> None:
        some = np.isfinite(x)
        if not some.all():
            end = 2 * (x[~some] > 0.0) + y[~some]
            of_ends = None if copies is None else copies[~some]
            self.ends.add(end, None if mass is None else mass[~some], of_ends)
            self.end_rows.add(end, _counted(counts, ~some), of_ends)
            x, y, fold = x[some], y[some], fold[some]
            mass = None if mass is None else mass[some]
            copies = None if copies is None else copies[some]
            counts = counts if isinstance(counts, bool) else counts[some]
        self._widen(x, y)
        magnitude = magnitudes(x)
        number = numbers(x, magnitude)
        square = None if mass is None else mass * mass
        moment = magnitude.astype(np.float64)
        every = np.ones(len(x), dtype=bool)
        self.fine.add(number, y, {"mass": mass, "rows": _counted(counts, every), "square": square}, copies)
        moments = moment if mass is None else moment * mass
        self.coarse.add(number, 2 * fold + y, {"mass": mass, "moment": moments, "square": square}, copies)

    def _widen(self, x: Floats, y: Ints) -> None:
        for k in (0, 1):
            mine = x[y == k]
            self.low[k] = min(self.low[k], float(mine.min(initial=math.inf)))
            self.high[k] = max(self.high[k], float(mine.max(initial=-math.inf)))

    def merge(self, other: BinaryGrid) -> None:
        """Add all of `other`."""
        self.fine.merge(other.fine)
        self.coarse.merge(other.coarse)
        self.crosses.merge(other.crosses)
        self.ends.merge(other.ends)
        self.end_rows.merge(other.end_rows)
        self.low = [min(a, b) for a, b in zip(self.low, other.low, strict=True)]
        self.high = [max(a, b) for a, b in zip(self.high, other.high, strict=True)]

    def points(self) -> Points:
        """The coarse grid, what holds nothing left out, in the order of cells."""
        mass, moment, square = (self.coarse.table(name) for name in ("mass", "moment", "square"))
        cell, column = np.nonzero(mass)
        mean = moment[cell, column] / mass[cell, column]
        size = logits_of(np.maximum(mean, 0.0))
        x = np.where(self.coarse.keys[cell] < 0, -size, size)
        if len(self.coarse.keys) == 1 and len(x):
            # One forecast, whatever rounding made of its mean.
            x[:] = x[0]
        y = (column % 2).astype(np.float64)
        return Points(x, y, column // 2, mass[cell, column], square[cell, column])

    def cross_points(self) -> tuple[Floats, Ints, Floats]:
        """Soft labels: logit, fold and sum of the products of both outcomes' masses."""
        cross = self.crosses.table("cross")
        cell, fold = np.nonzero(cross)
        return centres(self.crosses.keys, self.crosses.level)[cell], fold.astype(np.int64), cross[cell, fold]

    def table(self, weighted: bool, whole: float) -> Table:
        """The fine grid as a table of forecasts; `whole` is the sum of all weights."""
        end_mass, end_rows = self.ends.floats().reshape(2, 2), self.end_rows.floats().reshape(2, 2)
        mass = np.concatenate([end_mass[:1], self.fine.table("mass"), end_mass[1:]]).T
        rows = np.concatenate([end_rows[:1], self.fine.table("rows"), end_rows[1:]]).sum(axis=1)
        square = np.concatenate([end_mass[:1] ** 2, self.fine.table("square"), end_mass[1:] ** 2]).sum(axis=1)
        x = np.concatenate([[-np.inf], centres(self.fine.keys, self.fine.level), [np.inf]])
        scale = math.ldexp(1.0, _ROOM - math.frexp(exact_sum(mass.ravel()))[1]) if weighted else 1.0
        units = np.rint(mass * scale).astype(np.int64)
        keep = units.sum(axis=0) > 0
        mass, units, rows, square, x = mass[:, keep], units[:, keep], rows[keep], square[keep], x[keep]
        small = np.exp(-np.abs(x))
        tail = np.log1p(small)
        surprisal = np.stack([np.maximum(x, 0.0) + tail, np.maximum(-x, 0.0) + tail])
        forecast = np.where(x >= 0.0, 1.0, small) / (1.0 + small)
        masses = units.sum(axis=0)
        draws = None
        if weighted:
            relative = square / mass.sum(axis=0) ** 2
            draws = effective_draws(np.arange(len(x)), masses, np.maximum(relative, 1.0 / np.maximum(rows, 1.0)))
        return Table(
            forecast,
            surprisal,
            units,
            np.maximum(np.rint(rows), 1).astype(np.int64),
            round(whole * scale),
            draws,
        )


def _counted(counts: Ints | bool, mine: Ints) -> Floats | None:
    return None if isinstance(counts, bool) else counts[mine].astype(np.float64)
