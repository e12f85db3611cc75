"""What chance alone gives the isotonic map: label sets drawn from the forecasts themselves.

Numbers come from a counter, not from a stream: set, place (or cluster) and seed decide each, so that nothing depends on
the order or the number of draws. Many copies of a forecast are drawn at once, from the binomial distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._draws import binomials, uniforms
from xent.evaluation._exact import Floats, Ints
from xent.evaluation._isotonic import Blocks, entropies, line_of, loss_of, pool
from xent.evaluation._mixing import mix
from xent.evaluation._table import Draws, Table

SETS = 399
"""Label sets: then (1 + hits) / (1 + sets) takes the values 1/400, 2/400, ..."""

GROUPS = 16384
"""More distinct forecasts than these are pooled before labels are drawn."""

POINTS = 64
"""The line is kept at so many quantiles of the forecasts, and at the last."""

_STEADY = 2.0**30
"""Forecasts are the same to this fineness, however they were pooled."""

_AT_A_TIME = 2**21
"""Masses drawn before they are pooled: 16 MB."""


@dataclass(frozen=True, slots=True)
class Null:
    """Miscalibration in nats of each label set, and of what happened measured alike; the lines at `points_of(table)`.

    `lines` is (sets, points).
    """

    values: Floats
    observed: float
    lines: Floats

    @property
    def mean(self) -> float:
        """Their mean."""
        return math.fsum(self.values.tolist()) / self.values.size

    @property
    def high(self) -> float:
        """Their 95 % point: the smallest value that at least 95 % do not exceed."""
        return float(np.sort(self.values)[-(-19 * self.values.size // 20) - 1])

    @property
    def p_value(self) -> float:
        """How rare what happened is among them; NaN if its loss is infinite."""
        if not math.isfinite(self.observed):
            return math.nan
        return (1 + int((self.values >= self.observed).sum())) / (1 + self.values.size)


def points_of(table: Table) -> Ints:
    """Return the places in the table where its line is shown: quantiles of the rows, the first and the last."""
    until = np.cumsum(table.rows)
    wanted = np.arange(POINTS + 1) * (int(until[-1]) - 1) // POINTS
    return np.unique(np.searchsorted(until, wanted, side="right"))


def null_of(table: Table, seed: int, groups: int = GROUPS) -> Null:
    """Draw `SETS` label sets on at most `groups` distinct forecasts, and pool each as `line_of` does."""
    points = points_of(table)
    small, place = _coarse(table, groups)
    draws = _draws(small)
    masses = small.masses
    start = _start(small, seed)
    values = [np.empty(0)]
    lines = [np.empty((0, points.size))]
    step = max(1, _AT_A_TIME // masses.size)
    for a in range(0, SETS, step):
        happened = _happened(small, draws, start, np.arange(a, min(a + step, SETS)))
        blocks = pool(happened, masses)
        values.append(_values(small, happened, blocks))
        lines.append(_lines(blocks, place[points], masses.size))
    observed = _values(small, small.mass[1:], pool(small.mass[1:], masses))[0]
    # A line on pooled forecasts saves a little less. What happened says by how much, and the label sets get it back.
    lost = 0.0
    if small is not table and math.isfinite(observed):
        lost = max(loss_of(table) - line_of(table).loss - float(observed), 0.0)
    return Null(np.concatenate(values) + lost, float(observed) + lost, np.concatenate(lines))


def _coarse(table: Table, groups: int) -> tuple[Table, Ints]:
    """At most `groups` forecasts, each the mean of about equally many rows; and the place of each forecast there."""
    size = table.forecast.size
    if size <= groups:
        return table, np.arange(size)
    middle = 2 * np.cumsum(table.rows) - table.rows
    number = middle * groups // (2 * int(table.rows.sum()))
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    place = np.cumsum(np.diff(number, prepend=-1) != 0) - 1
    masses = np.add.reduceat(table.masses, starts)
    weight = table.masses / masses[place]
    forecast = np.clip(np.add.reduceat(weight * table.forecast, starts), 0.0, 1.0)
    # Near 1 the rest keeps the digits: it is the mean of what was left to the other outcome.
    rest = np.clip(np.add.reduceat(weight * np.exp(-table.surprisal[0]), starts), 0.0, 1.0)
    with np.errstate(all="ignore"):
        surprisal = -np.log(np.stack([rest, forecast]))
    mass = np.add.reduceat(table.mass, starts, axis=1)
    rows = np.add.reduceat(table.rows, starts)
    draws = None if table.draws is None else _merge(table.draws, place)
    return Table(forecast, np.maximum(surprisal, 0.0), mass, rows, table.whole, draws), place


def _merge(draws: Draws, place: Ints) -> Draws:
    """Draws on pooled forecasts: a cluster's rows there are one unit, and weights are replaced by an effective number.

    Rows of weights w vary like (sum w)² / sum w² rows of equal weight.
    """
    at = place[draws.place]
    if draws.key is not None:
        order = np.lexsort((draws.key, at))
        key, at = draws.key[order], at[order]
        new = np.concatenate([[True], (at[1:] != at[:-1]) | (key[1:] != key[:-1])])
        starts = np.flatnonzero(new)
        return Draws(at[starts], draws.copies[order][starts], np.add.reduceat(draws.mass[order], starts), key[starts])
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    mass = np.add.reduceat(draws.mass * draws.copies, starts)
    relative = draws.mass / mass[np.cumsum(np.diff(at, prepend=-1) != 0) - 1]
    return effective_draws(at[starts], mass, np.add.reduceat(relative * relative * draws.copies, starts))


def effective_draws(place: Ints, mass: Ints, square: Floats) -> Draws:
    """Return draws at each place of its `mass`; `square` is sum w² / (sum w)² over its rows."""
    number = np.clip(np.rint(1.0 / square), 1, mass).astype(np.int64)
    return Draws(place, number, mass // number)


def _draws(table: Table) -> Draws:
    if table.draws is not None:
        return table.draws
    copies = np.minimum(table.rows, table.masses)
    return Draws(np.arange(table.forecast.size), copies, table.masses // copies)


def _start(table: Table, seed: int) -> np.uint64:
    """A number from the seed and the forecasts.

    Weights on another scale move the last bits of a pooled forecast: those must not choose other draws.
    """
    content = mix(np.rint(table.forecast * _STEADY).astype(np.uint64)) * mix(table.rows.astype(np.uint64))
    return mix(np.array([seed % 2**64], dtype=np.uint64) ^ content.sum(dtype=np.uint64))[0]


def _happened(table: Table, draws: Draws, start: np.uint64, sets: Ints) -> Ints:
    """Draw the mass (sets, M) of what happens at each forecast."""
    salt = mix(start ^ mix(sets.astype(np.uint64)))
    q = table.forecast[draws.place]
    if draws.key is None:
        key = mix(np.arange(draws.place.size, dtype=np.uint64))
        drawn = binomials(draws.copies, q, key, salt)
    else:
        # One number a cluster and set: clusters have unlike keys.
        drawn = (uniforms(draws.key, salt) < q).astype(np.int64)
    drawn *= draws.mass
    if draws.place.size == table.forecast.size:
        return drawn
    return np.add.reduceat(drawn, np.flatnonzero(np.diff(draws.place, prepend=-1)), axis=1)


def _values(table: Table, happened: Ints, blocks: Blocks) -> Floats:
    """Miscalibration of each set in nats; sums run along the forecasts, whose order is that of their values."""
    never = np.isinf(table.surprisal)
    no, yes = np.where(never, 0.0, table.surprisal)
    with np.errstate(all="ignore"):
        # Both outcomes apart: of a forecast that is all but sure one of the two is huge, and never drawn.
        loss = np.einsum("sm,m->s", happened.astype(np.float64), yes)
        loss += np.einsum("sm,m->s", (table.masses - happened).astype(np.float64), no)
        after = np.add.reduceat(entropies(blocks.mass.astype(np.float64)), blocks.first[:-1])
    values = np.maximum((loss - after) / table.whole, 0.0)
    if never.any():
        ruled_out = (happened[:, never[1]] > 0).any(axis=1)
        ruled_out |= (happened[:, never[0]] < table.masses[never[0]]).any(axis=1)
        values[ruled_out] = np.inf
    return values


def _lines(blocks: Blocks, points: Ints, size: int) -> Floats:
    """The frequency of each set at some places."""
    sets = blocks.first.size - 1
    number = np.repeat(np.arange(sets), np.diff(blocks.first))
    found = np.searchsorted(
        blocks.end + number * size, (np.arange(sets)[:, None] * size + points).reshape(-1), side="right"
    )
    mass = blocks.mass[:, found].astype(np.float64)
    return (mass[1] / (mass[0] + mass[1])).reshape(sets, points.size)
