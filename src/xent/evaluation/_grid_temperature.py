"""Three or more classes: one temperature from sums at fixed nodes, in constant memory.

The mean loss is smooth in log b, b = 1/temperature. From its value and three derivatives at nodes a quarter of an
octave apart it is known in between to about 1e-9 nats, and to 1e-6 where a thousand classes tip over at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, log

import numpy as np

from xent import _native_evaluation as core
from xent.evaluation._exact import Floats, Ints, ratio
from xent.evaluation._grid_nodes import BITS, NODES, QUANTITIES, REACH, node_sums, settle
from xent.evaluation._rows import Rows

_POWERS = ((1, 1), (1, 1), (1, 2), (1, 3), (2, 2), (2, 2), (2, 1), (2, 1))
"""Of the weight's and of d's unit in each of the eight sums."""

_LINEAR = 1
"""The last interval that touches 0: there b itself is the variable."""

_SHIFT = 16

Group = tuple[int, int, int, int]
"""Fold, exponent of the weight, exponent of d's unit, and how many bits to the left the sums belong."""


class TemperatureGrid:
    """The state: sums of whole numbers at the nodes, by group, and whether a best temperature can exist."""

    def __init__(self) -> None:
        self.sums: dict[Group, Ints] = {}
        self.highest, self.lowest, self.spread = -inf, inf, 0.0

    def add(self, rows: Rows, losses: Floats, fold: Ints) -> None:
        """Add rows of finite loss, and their folds."""
        surprisal = rows.surprisal
        least, most, possible = _ranges(surprisal)
        active = np.flatnonzero(possible > 1)
        if active.size == 0:
            return
        target, weight = _relative(rows, losses)
        low, high = target - most, target - least
        self._widen(float(low[active].min()), float(high[active].max()), float((high - low)[active].max()))
        reach = np.maximum(np.maximum(-low, high), np.abs(target))
        unit_exponent, unit = np.zeros(rows.n, dtype=np.int64), np.ones(rows.n)
        if not float(reach.max()) < REACH:
            unit_exponent = np.maximum(np.frexp(reach / REACH)[1], 0).astype(np.int64)
            unit = np.ldexp(1.0, unit_exponent)
        mantissa, exponent = (None, None) if weight is None else np.frexp(weight)
        for group, mine in _groups(active, fold, exponent, unit_exponent, rows.count):
            place = group[3] % _SHIFT
            found = node_sums(surprisal, target, unit, mantissa, mine)
            self._add((*group[:3], group[3] - place), found << place)

    def _widen(self, low: float, high: float, spread: float) -> None:
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        self.spread = max(self.spread, spread)

    def _add(self, group: Group, sums: Ints) -> None:
        if group in self.sums:
            self.sums[group] += sums
        else:
            self.sums[group] = sums.copy()
        settle(self.sums[group])

    def merge(self, other: TemperatureGrid) -> None:
        """Add all of `other`."""
        for group, sums in other.sums.items():
            self._add(group, sums)
        self._widen(other.lowest, other.highest, other.spread)

    def folds(self) -> list[int]:
        """The folds that hold rows."""
        return sorted({group[0] for group in self.sums})

    def curve(self, fold: Iterable[int]) -> Curve:
        """The sums over some folds."""
        wanted = set(fold)
        low = min((_least(g) for g in self.sums), default=0)
        whole = np.zeros((len(NODES), QUANTITIES), dtype=object)
        for group, sums in self.sums.items():
            if group[0] in wanted:
                value = sums[..., 0].astype(object) + sums[..., 1].astype(object) * 2**32
                for q, (w, d) in enumerate(_POWERS):
                    whole[:, q] += value[:, q] * 2 ** (w * group[1] + d * group[2] + group[3] - BITS - low)
        scale = 2 ** max(low, 0), 2 ** max(-low, 0)
        values = [[ratio(int(x) * scale[0], scale[1]) for x in row] for row in whole.tolist()]
        return Curve(np.array(values))


def _ranges(surprisal: Floats) -> tuple[Floats, Floats, Ints]:
    """Of each row the least, the largest of a class that is not ruled out, and how many of those there are."""
    if core.grids():
        return core.row_ranges(surprisal)
    finite = np.isfinite(surprisal)
    return surprisal.min(axis=1), np.where(finite, surprisal, -np.inf).max(axis=1), finite.sum(axis=1)


def relative(rows: Rows, losses: Floats, part: Ints) -> Floats:
    """Return d (n, K) of some rows."""
    return _relative(rows, losses)[0][part, None] - rows.surprisal[part]


def _relative(rows: Rows, losses: Floats) -> tuple[Floats, Floats | None]:
    """Return loss and weight of each row; soft labels enter normalized and weigh their sum."""
    if rows.soft is None:
        return losses, rows.weight
    mass = rows.soft.sum(axis=1)
    return losses / mass, mass if rows.weight is None else mass * rows.weight


def _groups(
    active: Ints, fold: Ints, exponent: Ints | None, unit: Ints, copies: Ints | None
) -> Iterable[tuple[Group, Ints]]:
    """The rows of each group; a row that stands for several is in one group for each bit of their number."""
    weight = np.zeros(len(fold), dtype=np.int64) if exponent is None else exponent.astype(np.int64)
    places = 1 if copies is None else int(copies[active].max()).bit_length()
    for place in range(places):
        mine = active if copies is None else active[((copies[active] >> place) & 1).astype(bool)]
        if len(mine) == 0:
            continue
        # Folds are few: small numbers are sorted without comparing them.
        kinds = [fold[mine].astype(np.int8)]
        kinds += [kind for kind in (weight[mine], unit[mine]) if (kind != kind[0]).any()]
        order = np.lexsort(kinds) if len(kinds) > 1 else np.argsort(kinds[0], kind="stable")
        new = np.zeros(len(mine), dtype=bool)
        for kind in kinds:
            new[1:] |= np.diff(kind[order]) != 0
        for part in np.split(mine[order], np.flatnonzero(new)):
            yield (int(fold[part[0]]), int(weight[part[0]]), int(unit[part[0]]), place), part


def _least(group: Group) -> int:
    return min(w * group[1] + d * group[2] for w, d in _POWERS) - BITS


class Curve:
    """Sums over rows as functions of b: the fall of the loss and what its standard error needs."""

    def __init__(self, sums: Floats) -> None:
        s = np.maximum(1.0, NODES)
        self.value = sums[:, 0] * s
        self.slope, self.bent, self.third = sums[:, 1], sums[:, 2], sums[:, 3]
        self.square, self.square_slope = sums[:, 4] * s * s, 2.0 * sums[:, 5] * s
        self.twice, self.twice_slope = sums[:, 6] * s, sums[:, 7]

    def best(self) -> float:
        """Return the b of the least loss; nan below the first or beyond the last node."""
        up = np.flatnonzero(self.slope >= 0.0)
        if len(up) == 0 or up[0] == 0:
            return float("nan")
        i = int(up[0]) - 1
        low, high = 0.0, 1.0
        poly = np.polynomial.Polynomial(self._piece(i)).deriv()
        for _ in range(64):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if poly(middle) < 0.0 else (low, middle)
        return _from_local(i, 0.5 * (low + high))

    def at(self, b: float) -> float:
        """Return the sum of w (f(b) - l)."""
        i, t = _to_local(b)
        return float(np.polynomial.Polynomial(self._piece(i))(t))

    def squares_at(self, b: float) -> tuple[float, float]:
        """Return the sums of w² (f(b) - l)² and of w² (f(b) - l)."""
        i, t = _to_local(b)
        found = [
            float(np.polynomial.Polynomial(_hermite(_scaled(i, [v, g]), _scaled(i + 1, [v, g], i)))(t))
            for v, g in ((self.square, self.square_slope), (self.twice, self.twice_slope))
        ]
        return max(found[0], 0.0), found[1]

    def _piece(self, i: int) -> Floats:
        parts = [self.value, self.slope, self.bent, self.third]
        return _hermite(_scaled(i, parts), _scaled(i + 1, parts, i))


def _to_local(b: float) -> tuple[int, float]:
    """Return the interval between nodes that holds b, and where: by b beside 0, by its logarithm beyond."""
    i = min(max(int(np.searchsorted(NODES, b, side="right")) - 1, 0), len(NODES) - 2)
    if i <= _LINEAR:
        return i, (b - float(NODES[i])) / float(NODES[i + 1] - NODES[i])
    return i, log(b / float(NODES[i])) / log(float(NODES[i + 1]) / float(NODES[i]))


def _from_local(i: int, t: float) -> float:
    if i <= _LINEAR:
        return float(NODES[i]) + t * float(NODES[i + 1] - NODES[i])
    return float(NODES[i]) * float(np.exp(t * log(float(NODES[i + 1]) / float(NODES[i]))))


def _scaled(node: int, parts: list[Floats], interval: int | None = None) -> list[float]:
    """Derivatives by the place in an interval, 0 to 1, from those by b."""
    interval = node if interval is None else interval
    b = float(NODES[node])
    f = [float(p[node]) for p in parts] + [0.0] * (4 - len(parts))
    if interval <= _LINEAR:
        h = float(NODES[interval + 1] - NODES[interval])
        by = [f[0], f[1] * h, f[2] * h * h, f[3] * h**3]
    else:
        h = log(float(NODES[interval + 1]) / float(NODES[interval]))
        by = [
            f[0],
            h * b * f[1],
            h * h * (b * f[1] + b * b * f[2]),
            h**3 * (b * f[1] + 3.0 * b * b * f[2] + b**3 * f[3]),
        ]
    return by[: len(parts)]


def _hermite(at0: list[float], at1: list[float]) -> Floats:
    """Return the polynomial on [0, 1] with these derivatives at its ends, lowest power first."""
    n = len(at0)
    factorial = [1.0, 1.0, 2.0, 6.0]
    low = [at0[p] / factorial[p] for p in range(n)]
    powers = np.arange(2 * n)
    rows, right = [], []
    for k in range(n):
        falling = np.array([float(np.prod(np.arange(p, p - k, -1))) for p in powers])
        rows.append(falling[n:])
        right.append(at1[k] - float(falling[:n] @ np.array(low)))
    return np.concatenate([low, np.linalg.solve(np.array(rows), np.array(right))])
