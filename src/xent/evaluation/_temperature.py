"""The recalibration map of three or more classes: one temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._maps import Mass, Terms, blocks, counting, effective_mass, minimize_map, power_of_two
from xent.evaluation._newton import Slope
from xent.evaluation._rows import Rows


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
    mass: Mass
    d: Floats
    ruled_out: NDArray[np.bool_] | None
    lowest: Floats
    highest: Floats
    unit: float
    pick: Ints | None = None

    @staticmethod
    def of(rows: Rows, losses: Floats) -> TemperatureMap:
        """The map on those of `rows` that leave more than one class possible."""
        active = counting(rows, (rows.surprisal < np.inf).sum(axis=1) > 1)
        mass = None if rows.soft is None else rows.soft[active].sum(axis=1)
        target = losses[active] if mass is None else losses[active] / mass
        surprisal = np.ascontiguousarray(rows.surprisal[active].T)
        d = target - surprisal
        ruled_out = np.isinf(surprisal)
        unit = power_of_two(d[~ruled_out])
        d /= unit
        low, high = np.where(ruled_out, np.inf, d).min(axis=0), d.max(axis=0)
        d[ruled_out] = 0.0
        counts_for = effective_mass(rows, active, mass)
        return TemperatureMap(active, counts_for, d, ruled_out if ruled_out.any() else None, low, high, unit)

    @property
    def identity(self) -> Floats:
        """β = 1."""
        return np.array([self.unit])

    @property
    def degrees(self) -> int:
        """One, unless every row is uniform over what it leaves possible."""
        return int(bool((self.highest > self.lowest).any()))

    def subset(self, keep: NDArray[np.bool_], count: Ints | None = None) -> TemperatureMap:
        """The same map on some of its rows; `count` replaces their copies."""
        return replace(
            self,
            rows=self.rows[keep],
            mass=self.mass.some(keep, count),
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
        for part in blocks(len(self.rows), len(d)):
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

    def obstacle(self) -> str:
        """Every label may be the most (or the least) probable class of its row: then no temperature is best."""
        if len(self.rows) == 0:
            return "separated"
        if self.degrees == 0:
            return ""
        if bool((self.highest <= 0.0).all()):
            return "separated"
        return "reversed" if bool((self.lowest >= 0.0).all()) else ""

    def fit(self, start: Floats | None, tolerance: float, here: Slope | None = None) -> Floats | None:
        """Maximum likelihood; None when no map is best."""
        if self.obstacle():
            return None
        return self.identity if self.degrees == 0 else minimize_map(self, start, tolerance, here)

    def parameters(self, theta: Floats | None) -> dict[str, float]:
        """The temperature; inf if the best map is uniform."""
        if theta is None:
            return {"temperature": math.nan}
        beta = float(theta[0])
        return {"temperature": self.unit / beta if beta else math.inf}
