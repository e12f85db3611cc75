"""What the recalibration maps share: each is a convex function of its parameters, row by row.

A map keeps only the rows that it can change: a forecast of exactly 0 or 1 that came true stays as it is. Soft labels
that sum to Y rather than 1 enter normalised and weigh Y, which is the loss as given.

Same bits in any order: every row is computed with operations that do not see its neighbours, and sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import Floats, Ints, as_float, copies_total, exact_sum, ratio, total
from xent.evaluation._newton import Slope, minimize
from xent.evaluation._rows import Rows

_BLOCK = 2**16
"""Numbers a block, at least: so few that they stay in the cache."""


@dataclass(frozen=True, slots=True)
class Mass:
    """What each row counts for: its weight (None: 1), as often as it has copies (None: once)."""

    weight: Floats | None
    count: Ints | None = None

    def weigh(self, values: Floats) -> Floats:
        """Each value times its row's weight."""
        return values if self.weight is None else values * self.weight

    def total(self, values: Floats) -> int:
        """The exact total of the weighed values of all copies, as `_exact.total` gives it."""
        part = self.weigh(values)
        return total(part) if self.count is None else copies_total(part, self.count)

    def sum(self, values: Floats) -> float:
        """The same, rounded once."""
        return exact_sum(self.weigh(values)) if self.count is None else as_float(self.total(values))

    def mean(self, values: Floats) -> float:
        """The mean."""
        return ratio(self.total(values), self.total(np.ones(values.size)))

    def some(self, keep: NDArray[np.bool_], count: Ints | None = None) -> Mass:
        """That of some of the rows; `count` replaces their copies."""
        weight = None if self.weight is None else self.weight[keep]
        if count is None:
            count = None if self.count is None else self.count[keep]
        return Mass(weight, count)


@dataclass(frozen=True, slots=True)
class Terms:
    """Loss, gradient (k arrays) and Hessian (k x k arrays, upper half) of each row at one set of parameters."""

    loss: Floats
    gradient: tuple[Floats, ...]
    hessian: tuple[Floats, ...]


class Map(Protocol):
    """What fitting and testing need of a map."""

    @property
    def rows(self) -> Ints:
        """The rows it can change."""
        ...

    @property
    def mass(self) -> Mass:
        """What they count for."""
        ...

    @property
    def identity(self) -> Floats:
        """The parameters that change nothing."""
        ...

    @property
    def degrees(self) -> int:
        """How many parameters the data can tell."""
        ...

    def terms(self, theta: Floats) -> Terms:
        """Loss and derivatives of each row."""
        ...

    def subset(self, keep: NDArray[np.bool_], count: Ints | None = None) -> Map:
        """The same map on some of its rows; `count` replaces their copies."""
        ...

    def obstacle(self) -> str:
        """Why no map is best, in the words of `results.Recalibration.state`; "" where one is."""
        ...

    def fit(self, start: Floats | None, tolerance: float, here: Slope | None = None) -> Floats | None:
        """The parameters of maximum likelihood, from a start and the slope there; None where no map is best."""
        ...

    def parameters(self, theta: Floats | None) -> dict[str, float]:
        """The parameters by name, NaN for None."""
        ...


def some(terms: Terms, keep: NDArray[np.bool_]) -> Terms:
    """The terms of the rows to keep."""
    return Terms(terms.loss[keep], tuple(g[keep] for g in terms.gradient), tuple(h[keep] for h in terms.hessian))


def slope_at(terms: Terms, mass: Mass) -> Slope:
    """Exact sums of the terms."""
    gradient = np.array([mass.sum(g) for g in terms.gradient])
    h = [mass.sum(part) for part in terms.hessian]
    hessian = np.array([[h[0]]] if len(h) == 1 else [[h[0], h[1]], [h[1], h[2]]])
    return Slope(mass.sum(terms.loss), gradient, hessian)


def minimize_map(map_: Map, start: Floats | None, tolerance: float, here: Slope | None) -> Floats | None:
    """Newton's method from `start`, or from 0, where the curvature has not died out whatever the size of the logits."""
    begin = np.zeros_like(map_.identity) if start is None else start
    return minimize(lambda theta: slope_at(map_.terms(theta), map_.mass), begin, tolerance, here)


def counting(rows: Rows, mask: NDArray[np.bool_]) -> Ints:
    """Number those of the rows in `mask` that weigh anything beside the heaviest."""
    return np.flatnonzero(mask if rows.weight is None else mask & (rows.weight > 0.0))


def effective_mass(rows: Rows, active: Ints, mass: Floats | None) -> Mass:
    """What the active rows count for; `mass` is what their soft labels sum to."""
    weight = mass
    if rows.weight is not None:
        weight = rows.weight[active] if mass is None else mass * rows.weight[active]
    return Mass(weight, None if rows.count is None else rows.count[active])


def power_of_two(x: Floats) -> float:
    """Return a power of two near the largest size in `x`, by which to divide exactly; 1 if there is nothing but 0."""
    most = float(np.max(np.abs(x), initial=0.0))
    return math.ldexp(1.0, math.frexp(most)[1] - 1) if most > 0.0 else 1.0


def blocks(n: int, width: int) -> Iterator[slice]:
    """Even parts of two rows or more: NumPy adds up a single column in another order than several side by side."""
    count = max(1, n // max(2, _BLOCK // width))
    return (slice(a, b) for a, b in pairwise(n * i // count for i in range(count + 1)))
