"""What binary calibration is computed from: the distinct forecasts of one class, and how often it happened at each.

Masses are whole numbers of a common unit: rows where all weigh the same, else weights in multiples of a power of two so
small that all of them add up to about 2**60. So sums and comparisons of masses are exact, in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._folds import unit_keys
from xent.evaluation._rows import Rows

Keys = NDArray[np.uint64]

ROOM = 60
"""All masses together stay below 2**61: their differences and sums fit 64 bits, their products 128."""


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn when labels are simulated: `copies` independent units of `mass` each at a `place` of the table.

    With `key`, units of one key get one uniform number between them (a cluster), and have one copy each.
    """

    place: Ints
    copies: Ints
    mass: Ints
    key: Keys | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The distinct forecasts of one class, rising, M of them.

    Attributes
    ----------
    forecast : (M,) floats
        In [0, 1].
    surprisal : (2, M) floats
        -log of the forecast that it does not happen, and that it does.
    mass : (2, M) ints
        Of the rows where it did not happen, and where it did; together above 0.
    rows : (M,) ints
        How many rows have this forecast.
    whole : int
        What a sum of losses is divided by: all the weight, in the unit of `mass`.
    draws : Draws or None
        None: the rows, independent and of equal mass at each forecast.
    """

    forecast: Floats
    surprisal: Floats
    mass: Ints
    rows: Ints
    whole: int
    draws: Draws | None = None

    @property
    def logit(self) -> Floats:
        """Of the forecast; -inf and inf at 0 and 1."""
        return self.surprisal[0] - self.surprisal[1]

    @property
    def masses(self) -> Ints:
        """Of all rows at each forecast."""
        return self.mass[0] + self.mass[1]


def binary_table(rows: Rows, seed: int) -> Table:
    """Return the table of class 1 of two; `seed` goes into the keys of clusters."""
    logit = rows.surprisal[:, 0] - rows.surprisal[:, 1]
    # Neighbouring forecasts may have one logit; equal logits may have been rounded to one forecast.
    order = np.lexsort((rows.probs[:, 1], logit))
    forecast, logit = rows.probs[order, 1], logit[order]
    new = np.concatenate([[True], (np.diff(forecast) != 0.0) | (logit[1:] != logit[:-1])])
    happened = np.stack([rows.column(0), rows.column(1)])
    mass, whole = _as_integers(happened, rows)
    place = np.empty(rows.n, dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    copies = rows.copies()
    starts = np.flatnonzero(new)
    first = order[starts]
    table = Table(
        forecast=rows.probs[first, 1],
        surprisal=np.ascontiguousarray(rows.surprisal[first].T),
        mass=np.add.reduceat((mass * copies)[:, order], starts, axis=1),
        rows=np.add.reduceat(copies[order], starts),
        whole=whole,
        draws=None if rows.weight is rows.cluster is rows.soft is None else _draws(rows, place, mass.sum(axis=0), seed),
    )
    return table if rows.weight is rows.soft is None else _without_nothing(table)


def _as_integers(happened: Floats, rows: Rows) -> tuple[Ints, int]:
    """Masses (2, N) as integers, and the integer that stands for all the weight."""
    if rows.weight is rows.soft is None:
        return happened.astype(np.int64), int(rows.copies().sum())
    weight = rows.weights()
    copies = rows.copies().astype(np.float64)
    # An estimate of the total is enough for the scale, but it may not depend on the order: sorted, it does not.
    most = float(np.sort(weight * np.maximum(1.0, happened.sum(axis=0)) * copies).sum())
    scale = math.ldexp(1.0, ROOM - math.frexp(most)[1])
    mass = np.rint(happened * weight * scale).astype(np.int64)
    return mass, int((np.rint(weight * scale).astype(np.int64) * rows.copies()).sum())


def _draws(rows: Rows, place: Ints, mass: Ints, seed: int) -> Draws:
    """Rows that are drawn alike are one unit: copies of a row, or rows of one cluster with one forecast."""
    if rows.cluster is not None:
        key = unit_keys(rows, seed)[rows.cluster]
        order = np.lexsort((key, place))
        new = _changes(place[order]) | _changes(key[order])
        starts = np.flatnonzero(new)
        together = np.add.reduceat(mass[order], starts)
        return Draws(place[order][starts], np.ones(starts.size, dtype=np.int64), together, key[order][starts])
    order = np.lexsort((mass, place))
    starts = np.flatnonzero(_changes(place[order]) | _changes(mass[order]))
    copies = np.add.reduceat(rows.copies()[order], starts)
    return Draws(place[order][starts], copies, mass[order][starts])


def _changes(ordered: NDArray[np.int64] | Keys) -> NDArray[np.bool_]:
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])


def _without_nothing(table: Table) -> Table:
    """Leave out forecasts whose rows weigh nothing beside the others."""
    keep = table.masses > 0
    if keep.all():
        return table
    draws = table.draws
    if draws is not None:
        some = keep[draws.place]
        number = np.cumsum(keep) - 1
        key = None if draws.key is None else draws.key[some]
        draws = Draws(number[draws.place[some]], draws.copies[some], draws.mass[some], key)
    return Table(
        table.forecast[keep], table.surprisal[:, keep], table.mass[:, keep], table.rows[keep], table.whole, draws
    )
