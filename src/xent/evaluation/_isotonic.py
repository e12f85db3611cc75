"""The best non-decreasing map of a binary forecast: pool-adjacent-violators on a table of masses.

Frequencies of blocks are compared as fractions, by cross-multiplying whole numbers: no comparison is ever rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent import _native
from xent.evaluation._exact import Floats, Ints
from xent.evaluation._table import Table


@dataclass(frozen=True, slots=True)
class Blocks:
    """Forecasts that get one frequency, for one or more sets of labels on the same forecasts.

    `end` is the place after the last forecast of each block, `mass` (2, B) what did not happen and did in it;
    `first` (sets + 1,) says where the blocks of each set begin.
    """

    end: Ints
    mass: Ints
    first: Ints


def pool(happened: Ints, masses: Ints) -> Blocks:
    """Pool each set of `happened` (sets, M), of `masses` (M,) > 0 in all; neighbours of one frequency are one block."""
    if _native.offers("isotonic_pool"):
        end, yes, count = _native.isotonic_pool(happened, masses)
    else:
        end, yes, count = _pool(happened, masses)
    first = np.concatenate([[0], np.cumsum(count)])
    until = np.concatenate([[0], np.cumsum(masses)])
    begin = np.concatenate([[0], end[:-1]])
    begin[first[:-1]] = 0
    return Blocks(end, np.stack([until[end] - until[begin] - yes, yes]), first)


def _pool(happened: Ints, masses: Ints) -> tuple[Ints, Ints, Ints]:
    ends: list[int] = []
    masses_yes: list[int] = []
    count: list[int] = []
    whole = masses.tolist()
    for labels in happened:
        end, yes = _pool_one(labels.tolist(), whole)
        ends += end
        masses_yes += yes
        count.append(len(end))
    return np.array(ends, dtype=np.int64), np.array(masses_yes, dtype=np.int64), np.array(count, dtype=np.int64)


def _pool_one(happened: list[int], masses: list[int]) -> tuple[list[int], list[int]]:
    end: list[int] = []
    yes: list[int] = []
    every: list[int] = []
    for i, (a, m) in enumerate(zip(happened, masses, strict=True)):
        while end and yes[-1] * m >= a * every[-1]:
            a, m = a + yes.pop(), m + every.pop()
            end.pop()
        end.append(i + 1)
        yes.append(a)
        every.append(m)
    return end, yes


def entropies(mass: Floats) -> Floats:
    """Return the loss, in nats times mass, of forecasting each column's own frequency; `mass` is (2, B)."""
    whole = mass[0] + mass[1]
    share = mass / whole
    surprisal = np.where(share > 0.5, -np.log1p(-share[::-1]), -np.log(np.where(share > 0.0, share, 1.0)))
    part: Floats = mass * surprisal
    return part[0] + part[1]


@dataclass(frozen=True, slots=True)
class Line:
    """The isotonic line of a table: the frequency at each forecast, and the mean loss after the map, in nats."""

    frequency: Floats
    loss: float


def line_of(table: Table) -> Line:
    """Return the isotonic line of what happened."""
    blocks = pool(table.mass[1:], table.masses)
    mass = blocks.mass.astype(np.float64)
    width = np.diff(blocks.end, prepend=0)
    frequency = np.repeat(mass[1] / (mass[0] + mass[1]), width)
    with np.errstate(all="ignore"):
        return Line(frequency, math.fsum(entropies(mass).tolist()) / table.whole)


def loss_of(table: Table) -> float:
    """Return the mean loss of the forecasts of a table as they are, in nats."""
    mass = table.mass.astype(np.float64)
    with np.errstate(all="ignore"):
        part = np.where(table.mass > 0, mass * table.surprisal, 0.0)
    return math.fsum(part.reshape(-1).tolist()) / table.whole


def miscalibration_of(line: Line, loss: float) -> float:
    """Return what the line saves of `loss`; NaN if that is infinite. The forecasts as they are, are such a line too."""
    return float(max(loss - line.loss, 0.0)) if math.isfinite(loss) else math.nan
