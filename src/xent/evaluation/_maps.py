"""The two recalibration maps, as convex functions of their parameters, row by row.

A map keeps only the rows that it can change: a forecast of exactly 0 or 1 that came true stays as it is. Soft labels
that sum to Y rather than 1 enter normalised and weigh Y, which is the loss as given.

Same bits in any order: every row is computed with operations that do not see its neighbours, and sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import Floats, Ints, exact_sum
from xent.evaluation._newton import Slope, minimize
from xent.evaluation._rows import Rows

_BLOCK = 16384
"""Rows a block: ten classes of them stay in the cache."""


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
    def weight(self) -> Floats | None:
        """Their weights."""
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

    def subset(self, keep: NDArray[np.bool_]) -> Map:
        """The same map on some of its rows."""
        ...

    def fit(self, start: Floats | None, tolerance: float, here: Slope | None = None) -> Floats | None:
        """The parameters of maximum likelihood, from a start and the slope there; None where no map is best."""
        ...

    def parameters(self, theta: Floats | None) -> dict[str, float]:
        """The parameters by name, NaN for None."""
        ...


def weighted(values: Floats, weight: Floats | None) -> Floats:
    """Each value times its row's weight."""
    return values if weight is None else values * weight


def some(terms: Terms, keep: NDArray[np.bool_]) -> Terms:
    """The terms of the rows to keep."""
    return Terms(terms.loss[keep], tuple(g[keep] for g in terms.gradient), tuple(h[keep] for h in terms.hessian))


def slope_at(terms: Terms, weight: Floats | None) -> Slope:
    """Exact sums of the terms."""
    gradient = np.array([exact_sum(weighted(g, weight)) for g in terms.gradient])
    h = [exact_sum(weighted(part, weight)) for part in terms.hessian]
    hessian = np.array([[h[0]]] if len(h) == 1 else [[h[0], h[1]], [h[1], h[2]]])
    return Slope(exact_sum(weighted(terms.loss, weight)), gradient, hessian)


@dataclass(frozen=True, slots=True)
class TemperatureMap:
    """q' ∝ q^β, β = 1/temperature.

    With d_k = log q_k - sum_j y_j log q_j (0 for the label), a row's loss is log sum_k e^(β d_k); its derivative in β
    is the mean of d under q', the second derivative the variance. Classes of probability 0 keep it and are left out of
    the sum. `d` is (K, N): operations along rows see one class at a time. It is measured in `unit`, a power of two near
    its largest size, so that no square leaves the range of a double; theta = β · unit. A subset shares `d` and picks
    its columns when it needs them.
    """

    rows: Ints
    weight: Floats | None
    d: Floats
    ruled_out: NDArray[np.bool_] | None
    lowest: Floats
    highest: Floats
    unit: float
    pick: Ints | None = None

    @staticmethod
    def of(rows: Rows, losses: Floats) -> TemperatureMap:
        """The map on those of `rows` that leave more than one class possible."""
        active = np.flatnonzero((rows.surprisal < np.inf).sum(axis=1) > 1)
        mass = None if rows.soft is None else rows.soft[active].sum(axis=1)
        target = losses[active] if mass is None else losses[active] / mass
        surprisal = np.ascontiguousarray(rows.surprisal[active].T)
        d = target - surprisal
        ruled_out = np.isinf(surprisal)
        unit = _power_of_two(d[~ruled_out])
        d /= unit
        low, high = np.where(ruled_out, np.inf, d).min(axis=0), d.max(axis=0)
        d[ruled_out] = 0.0
        weight = _effective_weight(rows, active, mass)
        return TemperatureMap(active, weight, d, ruled_out if ruled_out.any() else None, low, high, unit)

    @property
    def identity(self) -> Floats:
        """β = 1."""
        return np.array([self.unit])

    @property
    def degrees(self) -> int:
        """One, unless every row is uniform over what it leaves possible."""
        return int(bool((self.highest > self.lowest).any()))

    def subset(self, keep: NDArray[np.bool_]) -> TemperatureMap:
        """The same map on some of its rows."""
        return replace(
            self,
            rows=self.rows[keep],
            weight=None if self.weight is None else self.weight[keep],
            lowest=self.lowest[keep],
            highest=self.highest[keep],
            pick=np.flatnonzero(keep) if self.pick is None else self.pick[keep],
        )

    def terms(self, theta: Floats) -> Terms:
        """Loss and derivatives of each row."""
        beta = float(theta[0])
        loss, first, second = (np.empty(len(self.rows)) for _ in range(3))
        d = self.d if self.pick is None else self.d[:, self.pick]
        ruled_out = self.ruled_out if self.ruled_out is None or self.pick is None else self.ruled_out[:, self.pick]
        for part in _blocks(len(self.rows)):
            of_part = None if ruled_out is None else ruled_out[:, part]
            loss[part], first[part], second[part] = self._block(beta, d[:, part], of_part, part)
        return Terms(loss, (first,), (second,))

    def _block(
        self, beta: float, d: Floats, ruled_out: NDArray[np.bool_] | None, part: slice
    ) -> tuple[Floats, Floats, Floats]:
        # Measured from the most probable class, exponents are <= 0 and the moments of confident rows do not cancel.
        origin = (self.highest if beta >= 0.0 else self.lowest)[part]
        u = d - origin
        e = beta * u
        np.exp(e, out=e)
        if ruled_out is not None:
            e[ruled_out] = 0.0
        mass = e.sum(axis=0)
        e *= u
        mean = e.sum(axis=0) / mass
        e *= u
        variance = np.maximum(e.sum(axis=0) / mass - mean * mean, 0.0)
        return beta * origin + np.log(mass), origin + mean, variance

    def fit(self, start: Floats | None, tolerance: float, here: Slope | None = None) -> Floats | None:
        """Maximum likelihood; None when every label is the most (or the least) probable class of its row."""
        if len(self.rows) == 0:
            return None
        if self.degrees == 0:
            return self.identity
        if bool((self.highest <= 0.0).all()) or bool((self.lowest >= 0.0).all()):
            return None
        return _minimize(self, start, tolerance, here)

    def parameters(self, theta: Floats | None) -> dict[str, float]:
        """The temperature; inf if the best map is uniform."""
        if theta is None:
            return {"temperature": math.nan}
        beta = float(theta[0])
        return {"temperature": self.unit / beta if beta else math.inf}


@dataclass(frozen=True, slots=True)
class AffineMap:
    """logit q' = slope · logit q + intercept, for two classes.

    With x = logit q and η = a x + b, a row's loss is (1-y) log(1 + e^η) + y log(1 + e^-η). Fitted on x centred and
    scaled, x = centre + spread · `x`; theta = (a · spread, b + a · centre). `spread` 0 means that x is constant: then
    a = 1.
    """

    rows: Ints
    weight: Floats | None
    x: Floats
    y: Floats
    centre: float
    spread: float

    @staticmethod
    def of(rows: Rows, losses: Floats) -> AffineMap:
        """The map on those of `rows` whose forecast is not exactly 0 or 1."""
        logit = rows.surprisal[:, 0] - rows.surprisal[:, 1]
        active = np.flatnonzero(np.isfinite(logit))
        mass = None if rows.soft is None else rows.soft[active].sum(axis=1)
        y = rows.column(1)[active] if mass is None else rows.column(1)[active] / mass
        weight = _effective_weight(rows, active, mass)
        x, centre, spread = _standardize(logit[active], weight)
        return AffineMap(active, weight, x, y, centre, spread)

    @property
    def identity(self) -> Floats:
        """Slope 1, intercept 0."""
        return np.array([self.spread, self.centre])

    @property
    def degrees(self) -> int:
        """Two, or one when all forecasts are equal: then only the intercept can be told."""
        return 1 if self._constant() else 2

    def subset(self, keep: NDArray[np.bool_]) -> AffineMap:
        """The same map on some of its rows."""
        weight = None if self.weight is None else self.weight[keep]
        return AffineMap(self.rows[keep], weight, self.x[keep], self.y[keep], self.centre, self.spread)

    def terms(self, theta: Floats) -> Terms:
        """Loss and derivatives of each row."""
        loss, *rest = (np.empty(len(self.rows)) for _ in range(6))
        for part in _blocks(len(self.rows)):
            loss[part], *found = self._block(theta, part)
            for whole, piece in zip(rest, found, strict=True):
                whole[part] = piece
        return Terms(loss, tuple(rest[:2]), tuple(rest[2:]))

    def _block(self, theta: Floats, part: slice) -> tuple[Floats, ...]:
        x, y = self.x[part], self.y[part]
        eta = theta[0] * x + theta[1]
        small = np.exp(-np.abs(eta))
        tail = np.log1p(small)
        loss = (1.0 - y) * (np.maximum(eta, 0.0) + tail) + y * (np.maximum(-eta, 0.0) + tail)
        upper = np.where(eta >= 0.0, 1.0, small) / (1.0 + small)
        lower = np.where(eta >= 0.0, small, 1.0) / (1.0 + small)
        residual = (1.0 - y) * upper - y * lower
        curvature = upper * lower
        bent = curvature * x
        return loss, residual * x, residual, bent * x, bent, curvature

    def fit(self, start: Floats | None, tolerance: float, here: Slope | None = None) -> Floats | None:
        """Maximum likelihood; None when a threshold on the forecasts separates the labels: no slope is best."""
        ones, zeros = self.x[self.y > 0.0], self.x[self.y < 1.0]
        if len(ones) == 0 or len(zeros) == 0:
            return None
        if self._constant():
            return self._shift()
        if ones.min() >= zeros.max() or ones.max() <= zeros.min():
            return None
        return _minimize(self, start, tolerance, here)

    def parameters(self, theta: Floats | None) -> dict[str, float]:
        """Slope and intercept on the logits as given."""
        if theta is None:
            return {"slope": math.nan, "intercept": math.nan}
        if self.spread == 0.0:
            return {"slope": 1.0, "intercept": float(theta[1]) - self.centre}
        slope = float(theta[0]) / self.spread
        return {"slope": slope, "intercept": float(theta[1]) - slope * self.centre}

    def _constant(self) -> bool:
        return self.spread == 0.0 or bool((self.x == self.x[0]).all())

    def _shift(self) -> Floats:
        """Slope 1 and the intercept that makes the one forecast the frequency of class 1."""
        yes = exact_sum(weighted(self.y, self.weight))
        no = exact_sum(weighted(1.0 - self.y, self.weight))
        return np.array([self.spread, math.log(yes / no) - self.spread * float(self.x[0])])


def _minimize(map_: Map, start: Floats | None, tolerance: float, here: Slope | None) -> Floats | None:
    """Newton's method from `start`, or from 0, where the curvature has not died out whatever the size of the logits."""
    begin = np.zeros_like(map_.identity) if start is None else start
    return minimize(lambda theta: slope_at(map_.terms(theta), map_.weight), begin, tolerance, here)


def _effective_weight(rows: Rows, active: Ints, mass: Floats | None) -> Floats | None:
    if mass is None:
        return None if rows.weight is None else rows.weight[active]
    return mass if rows.weight is None else mass * rows.weight[active]


def _standardize(x: Floats, weight: Floats | None) -> tuple[Floats, float, float]:
    """Centre and scale by exact sums; the power of two keeps the squares of huge logits in range."""
    if len(x) == 0 or bool((x == x[0]).all()):
        return np.zeros(len(x)), float(x[0]) if len(x) else 0.0, 0.0
    unit = _power_of_two(x)
    small = x / unit
    whole = exact_sum(weighted(np.ones(len(x)), weight))
    centre = exact_sum(weighted(small, weight)) / whole
    small = small - centre
    spread = math.sqrt(exact_sum(weighted(small * small, weight)) / whole)
    return small / spread, centre * unit, spread * unit


def _power_of_two(x: Floats) -> float:
    """Return a power of two near the largest size in `x`, by which to divide exactly; 1 if there is nothing but 0."""
    most = float(np.max(np.abs(x), initial=0.0))
    return math.ldexp(1.0, math.frexp(most)[1] - 1) if most > 0.0 else 1.0


def _blocks(n: int) -> Iterator[slice]:
    """Even parts, so that no block has a single row: NumPy adds up a single column in another order."""
    count = max(1, -(-n // _BLOCK))
    edges = [n * i // count for i in range(count + 1)]
    return (slice(a, b) for a, b in pairwise(edges))
