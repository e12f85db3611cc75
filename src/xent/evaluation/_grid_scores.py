"""Score and curvature of each row's loss, where the forecasts are as given."""

from __future__ import annotations

import numpy as np

from xent.evaluation._exact import Floats
from xent.evaluation._grid_temperature import relative
from xent.evaluation._rows import Rows

_BLOCK = 2**16


def affine_scores(rows: Rows) -> tuple[list[Floats], list[Floats]]:
    """By slope and intercept of the logit, the curvature as its upper half; 0 at forecasts of 0 and 1."""
    x = rows.surprisal[:, 0] - rows.surprisal[:, 1]
    some = np.isfinite(x)
    x = np.where(some, x, 0.0)
    small = np.exp(-np.abs(x))
    yes = np.where(x >= 0.0, 1.0, small) / (1.0 + small)
    no = np.where(x >= 0.0, small, 1.0) / (1.0 + small)
    residual = np.where(some, rows.column(0) * yes - rows.column(1) * no, 0.0)
    bent = np.where(some, (rows.column(0) + rows.column(1)) * yes * no, 0.0)
    twice = np.where(bent > 0.0, bent * x * x, 0.0)
    return [residual * x, residual], [twice, bent * x, bent]


def temperature_scores(rows: Rows, losses: Floats) -> tuple[list[Floats], list[Floats]]:
    """By the inverse temperature."""
    score, bent = np.zeros(rows.n), np.zeros(rows.n)
    step = max(2, _BLOCK // rows.k)
    for i in range(0, rows.n, step):
        part = np.arange(i, min(i + step, rows.n))
        d = relative(rows, losses, part)
        mass = None if rows.soft is None else rows.soft[part].sum(axis=1)
        # Two rows at least: NumPy adds up a single one in another order than several.
        d = np.repeat(d, 2, axis=0).T.copy() if len(part) == 1 else np.ascontiguousarray(d.T)
        out = np.isinf(d)
        top = d.max(axis=0)
        v = np.where(out, 0.0, d - top)
        e = np.where(out, 0.0, np.exp(v))
        whole = e.sum(axis=0)
        mean = (e * v).sum(axis=0) / whole
        variance = np.maximum((e * v * v).sum(axis=0) / whole - mean * mean, 0.0)
        ones = np.ones(len(part)) if mass is None else mass
        score[part], bent[part] = ((top + mean) * ones)[: len(part)], (variance * ones)[: len(part)]
    return [score], [bent]
