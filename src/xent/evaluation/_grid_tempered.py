"""One temperature from the sums of three or more classes."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._curve import TEMPERATURES
from xent.evaluation._estimates import UNDEFINED
from xent.evaluation._exact import Floats
from xent.evaluation._folds import FOLDS
from xent.evaluation._grid_clusters import ClusterSums
from xent.evaluation._grid_mended import Fall, Whole, clustered, score_p_value, undefined
from xent.evaluation._grid_nodes import ONE
from xent.evaluation._grid_temperature import Curve, TemperatureGrid
from xent.evaluation._recalibration import Mended, score_tail
from xent.evaluation._student import chi2_tail
from xent.evaluation.results import TemperaturePoint


def temperature(grid: TemperatureGrid, loss: float, whole: Whole, clusters: ClusterSums | None) -> Mended:
    """The temperature of rows whose mean loss is `loss`."""
    every = grid.folds()
    if not every:
        return undefined("temperature", "undefined")
    curve = grid.curve(every)
    flat = grid.spread == 0.0
    state = "fitted" if flat else _temperature_state(grid, curve)
    if state != "fitted":
        return undefined("temperature", state)
    b = 1.0 if flat else curve.best()
    fits = [1.0 if flat else grid.curve([f for f in every if f != k]).best() for k in every]
    falls = [_temperature_fall(grid.curve([k]), fit) for k, fit in zip(every, fits, strict=True)]
    gain = UNDEFINED
    if len(every) > 1 and all(map(math.isfinite, fits)):
        gain = Fall(*(math.fsum(column) for column in zip(*falls, strict=True))).estimate(whole)
    if clusters is not None:
        moves: list[Floats | None] = [None] * FOLDS
        for k, fit in zip(every, fits, strict=True):
            moves[k] = np.array([fit - 1.0])
        gain = clustered(gain, clusters, moves, whole)
    mended = min(loss + curve.at(b) / whole.weight, loss)
    p_value = 1.0 if flat else _temperature_p_value(curve, b, whole, clusters)
    return Mended("temperature", {"temperature": 1.0 / b if b else math.inf}, mended, gain, p_value, "fitted", None)


def _temperature_state(grid: TemperatureGrid, curve: Curve) -> str:
    if grid.highest <= 0.0:
        return "separated"
    if grid.lowest >= 0.0 or curve.slope[0] >= 0.0:
        return "reversed"
    return "fitted" if math.isfinite(curve.best()) else "undefined"


def _temperature_fall(curve: Curve, b: float) -> tuple[float, float, float]:
    if not math.isfinite(b):
        return 0.0, 0.0, 0.0
    second, twice = curve.squares_at(b)
    return -curve.at(b), second, -twice


def _temperature_p_value(curve: Curve, b: float, whole: Whole, clusters: ClusterSums | None) -> float:
    if clusters is not None:
        return score_p_value(clusters, slice(None))
    if whole.even:
        return chi2_tail(2.0 * (curve.at(1.0) - curve.at(b)) / whole.unit, 1)
    return score_tail(np.array([curve.slope[ONE]]), np.array([[whole.spread]]))


def tempered_curve(grid: TemperatureGrid, loss: float, whole: Whole, mended: Mended) -> tuple[TemperaturePoint, ...]:
    """Return the mean loss in nats by rising temperature, with the fitted one; () if it is infinite."""
    if not math.isfinite(loss):
        return ()
    curve = grid.curve(grid.folds())
    found = {t: loss if t == 1.0 else loss + curve.at(1.0 / t) / whole.weight for t in TEMPERATURES}
    best = mended.parameters["temperature"]
    if math.isfinite(best) and best > 0.0:
        found[best] = mended.loss
    return tuple(TemperaturePoint(t, found[t]) for t in sorted(found))
