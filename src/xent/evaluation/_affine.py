"""The recalibration map of two classes: slope and intercept on the logit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._maps import Mass, Terms, blocks, counting, effective_mass, minimize_map, power_of_two
from xent.evaluation._newton import Slope
from xent.evaluation._rows import Rows


@dataclass(frozen=True, slots=True)
class AffineMap:
    """logit q' = slope · logit q + intercept, for two classes.

    With x = logit q and η = a x + b, a row's loss is (1-y) log(1 + e^η) + y log(1 + e^-η). Fitted on x centred and
    scaled, x = centre + spread · `x`; theta = (a · spread, b + a · centre). `spread` 0 means that x is constant: then
    a = 1.
    """

    rows: Ints
    mass: Mass
    x: Floats
    y: Floats
    centre: float
    spread: float

    @staticmethod
    def of(rows: Rows, losses: Floats) -> AffineMap:
        """The map on those of `rows` whose forecast is not exactly 0 or 1."""
        logit = rows.surprisal[:, 0] - rows.surprisal[:, 1]
        active = counting(rows, np.isfinite(logit))
        mass = None if rows.soft is None else rows.soft[active].sum(axis=1)
        y = rows.column(1)[active] if mass is None else rows.column(1)[active] / mass
        counts_for = effective_mass(rows, active, mass)
        x, centre, spread = standardize(logit[active], counts_for)
        return AffineMap(active, counts_for, x, y, centre, spread)

    @property
    def identity(self) -> Floats:
        """Slope 1, intercept 0."""
        return np.array([self.spread, self.centre])

    @property
    def degrees(self) -> int:
        """Two, or one when all forecasts are equal: then only the intercept can be told."""
        return 1 if self._constant() else 2

    def subset(self, keep: NDArray[np.bool_], count: Ints | None = None) -> AffineMap:
        """The same map on some of its rows; `count` replaces their copies."""
        return AffineMap(
            self.rows[keep], self.mass.some(keep, count), self.x[keep], self.y[keep], self.centre, self.spread
        )

    def terms(self, theta: Floats) -> Terms:
        """Loss and derivatives of each row."""
        loss, *rest = (np.empty(len(self.rows)) for _ in range(6))
        for part in blocks(len(self.rows), 1):
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

    def obstacle(self) -> str:
        """A threshold on the forecasts may separate the labels: then no slope is best."""
        ones, zeros = self.x[self.y > 0.0], self.x[self.y < 1.0]
        if len(ones) == 0 or len(zeros) == 0:
            return "separated"
        if self._constant():
            return ""
        if ones.min() >= zeros.max():
            return "separated"
        return "reversed" if ones.max() <= zeros.min() else ""

    def fit(self, start: Floats | None, tolerance: float, here: Slope | None = None) -> Floats | None:
        """Maximum likelihood; None when no map is best."""
        if self.obstacle():
            return None
        return self._shift() if self._constant() else minimize_map(self, start, tolerance, here)

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

    def _shift(self) -> Floats | None:
        """Slope 1 and the intercept that makes the one forecast the frequency of class 1; None if that rounds to 0."""
        yes = self.mass.sum(self.y)
        no = self.mass.sum(1.0 - self.y)
        odds = yes / no if no > 0.0 else math.inf
        if not 0.0 < odds < math.inf:
            return None
        return np.array([self.spread, math.log(odds) - self.spread * float(self.x[0])])


def standardize(x: Floats, mass: Mass) -> tuple[Floats, float, float]:
    """Centre and scale by exact sums; the power of two keeps the squares of huge logits in range."""
    if len(x) == 0 or bool((x == x[0]).all()):
        return np.zeros(len(x)), float(x[0]) if len(x) else 0.0, 0.0
    unit = power_of_two(x)
    small = x / unit
    whole = mass.sum(np.ones(len(x)))
    centre = mass.sum(small) / whole
    small = small - centre
    spread = math.sqrt(mass.sum(small * small) / whole)
    return small / spread, centre * unit, spread * unit
