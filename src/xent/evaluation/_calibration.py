"""Calibration: what is wrong with the forecasts themselves, and what mending it would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xent.evaluation._exact import Floats
from xent.evaluation._recalibration import Mended, recalibrate
from xent.evaluation._rows import Rows
from xent.evaluation._tail import tail_share
from xent.evaluation.results import Classwise, Isotonic, Reliability, TemperaturePoint


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that depends on more than sums of rows, in nats.

    Attributes
    ----------
    mended : Mended
        The recalibration: map, loss after it, gain and test.
    isotonic : Isotonic or None
        Two classes only. `discrimination` is NaN: it needs the uncertainty, which whoever asks knows.
    classwise : Classwise or None
        Three to 32 classes.
    slopes : tuple of (slope, intercept)
        One a class, against the rest.
    auc : float
        Two classes; else NaN.
    reliability : tuple of Reliability
    temperature_curve : tuple of TemperaturePoint
    tail_share : float
    """

    mended: Mended
    isotonic: Isotonic | None
    classwise: Classwise | None
    slopes: tuple[tuple[float, float], ...]
    auc: float
    reliability: tuple[Reliability, ...]
    temperature_curve: tuple[TemperaturePoint, ...]
    tail_share: float


def calibrate(rows: Rows, losses: Floats, loss: float, seed: int) -> Calibration:
    """Return the calibration of `rows`, whose losses have the mean `loss`."""
    return Calibration(
        mended=recalibrate(rows, losses, loss, seed),
        isotonic=None,
        classwise=None,
        slopes=((math.nan, math.nan),) * rows.k,
        auc=math.nan,
        reliability=(),
        temperature_curve=(),
        tail_share=tail_share(rows, losses),
    )
