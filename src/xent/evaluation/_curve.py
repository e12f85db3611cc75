"""The loss over temperatures: q' ∝ q^β, β = 1 / temperature."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._exact import Floats
from xent.evaluation._maps import Mass, blocks
from xent.evaluation._rows import Rows
from xent.evaluation.results import TemperaturePoint

_STEPS = 5
_DOUBLINGS = 6

TEMPERATURES = tuple(8.0 * 2.0 ** (-i / _STEPS) for i in range(_STEPS * _DOUBLINGS + 1))
"""From 8 down to 1/8, five to a doubling; one of them is 1."""


def temperature_curve(
    rows: Rows, losses: Floats, loss: float, fitted: tuple[float, float] | None
) -> tuple[TemperaturePoint, ...]:
    """Return the mean loss in nats by rising temperature, with the fitted (temperature, loss); () if it is infinite."""
    if not math.isfinite(loss):
        return ()
    mass = Mass(rows.weight, rows.count)
    whole = mass.sum(np.ones(rows.n))
    points = {t: mass.sum(c) / whole for t, c in zip(TEMPERATURES, _tempered(rows, losses), strict=True)}
    points[1.0] = loss
    if fitted is not None and math.isfinite(fitted[0]) and fitted[0] > 0.0:
        points[fitted[0]] = fitted[1]
    return tuple(TemperaturePoint(t, points[t]) for t in sorted(points))


def _tempered(rows: Rows, losses: Floats) -> Floats:
    """Losses at each temperature (temperatures, N)."""
    found = np.empty((len(TEMPERATURES), rows.n))
    mass = None if rows.soft is None else rows.soft.sum(axis=1)
    for part in blocks(rows.n, rows.k):
        surprisal = np.ascontiguousarray(rows.surprisal[part].T)
        least = surprisal.min(axis=0)
        surprisal -= least
        target = losses[part] if mass is None else losses[part] / mass[part]
        gap = target - least
        for first in range(_STEPS):
            # Each square doubles β: five exponentials make the whole curve.
            power = np.exp(surprisal * (-1.0 / TEMPERATURES[first]))
            for i in range(first, len(TEMPERATURES), _STEPS):
                if i > first:
                    power *= power
                found[i, part] = gap / TEMPERATURES[i] + np.log(power.sum(axis=0))
    return found if mass is None else found * mass
