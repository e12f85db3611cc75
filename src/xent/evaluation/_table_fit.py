"""Slope, intercept and AUC of a binary forecast, from its table.

The order of a table is that of its forecasts, so ordinary sums along it do not depend on the order of the rows.
"""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._newton import Slope, minimize
from xent.evaluation._table import Table

_CLOSE = 1e-8
"""Length of the last Newton step; what it leaves is of the order of its square."""


def affine_of(table: Table) -> tuple[float, float]:
    """Return slope and intercept on the logit, by maximum likelihood; NaN where a threshold separates the outcomes.

    Forecasts of exactly 0 and 1 stay as they are, if they came true; else nothing mends them. Where all others are
    equal, the slope is 1.
    """
    logit = table.logit
    some = np.isfinite(logit)
    if not some.any() or bool(table.mass[1, logit == -np.inf].any()) or bool(table.mass[0, logit == np.inf].any()):
        return math.nan, math.nan
    x, mass = logit[some], table.mass[:, some]
    no, yes = x[mass[0] > 0], x[mass[1] > 0]
    if no.size == 0 or yes.size == 0:
        return math.nan, math.nan
    if x[0] == x[-1]:
        return 1.0, math.log(int(mass[1].sum()) / int(mass[0].sum())) - float(x[0])
    if yes[0] >= no[-1] or yes[-1] <= no[0]:
        return math.nan, math.nan
    return _fit(x, mass)


def _fit(x: Floats, mass: Ints) -> tuple[float, float]:
    share = mass / int(mass.sum())
    weight = share[0] + share[1]
    size = float(np.max(np.abs(x)))
    small = x / size
    centre = float((weight * small).sum())
    spread = math.sqrt(float((weight * (small - centre) ** 2).sum()))
    u = (small - centre) / spread

    def slope(theta: Floats) -> Slope:
        eta = theta[0] * u + theta[1]
        decay = np.exp(-np.abs(eta))
        tail = np.log1p(decay)
        loss = share[0] * (np.maximum(eta, 0.0) + tail) + share[1] * (np.maximum(-eta, 0.0) + tail)
        high = np.where(eta >= 0.0, 1.0, decay) / (1.0 + decay)
        low = np.where(eta >= 0.0, decay, 1.0) / (1.0 + decay)
        residual = share[0] * high - share[1] * low
        curvature = weight * (high * low)
        cross = float((curvature * u).sum())
        hessian = np.array([[float((curvature * u * u).sum()), cross], [cross, float(curvature.sum())]])
        return Slope(float(loss.sum()), np.array([float((residual * u).sum()), float(residual.sum())]), hessian)

    with np.errstate(all="ignore"):
        theta = minimize(slope, np.zeros(2), _CLOSE)
    if theta is None:
        return math.nan, math.nan
    a = float(theta[0]) / spread
    return a / size, float(theta[1]) - a * centre


def auc_of(table: Table) -> float:
    """Return the chance that what happened was forecast higher than what did not, ties half; NaN if either is missing.

    The count is exact, and rounded once.
    """
    no, yes = table.mass
    every = int(no.sum()), int(yes.sum())
    if 0 in every:
        return math.nan
    below = 2 * np.cumsum(no) - no
    if max(every) < 2**30:
        wins = int((yes * below).sum())
    else:
        wins = sum(a * b for a, b in zip(yes.tolist(), below.tolist(), strict=True))
    return wins / (2 * every[0] * every[1])
