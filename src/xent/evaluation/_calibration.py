"""Calibration: what is wrong with the forecasts themselves, and what mending it would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._class_grids import ClassGrids
from xent.evaluation._class_reliability import class_reliability, class_slopes
from xent.evaluation._classwise import MOST_CLASSES, classwise_of
from xent.evaluation._curve import temperature_curve
from xent.evaluation._exact import Floats
from xent.evaluation._recalibration import Mended, recalibrate
from xent.evaluation._reliability import isotonic_of, reliability_of
from xent.evaluation._rows import Rows
from xent.evaluation._sample import Sample
from xent.evaluation._table import binary_table
from xent.evaluation._table_fit import auc_of
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
    with np.errstate(all="ignore"):
        mended = recalibrate(rows, losses, loss, seed)
        if rows.k == 2:
            return _binary(rows, losses, loss, seed, mended)
        temperature = mended.parameters["temperature"], mended.loss
        grids = ClassGrids.of(rows)
        return Calibration(
            mended=mended,
            isotonic=None,
            classwise=classwise_of(Sample.of(rows, seed)) if rows.k <= MOST_CLASSES else None,
            slopes=class_slopes(grids),
            auc=math.nan,
            reliability=class_reliability(grids, rows.classes, seed, clustered=rows.cluster is not None),
            temperature_curve=temperature_curve(rows, losses, loss, temperature),
            tail_share=tail_share(rows, losses),
        )


def _binary(rows: Rows, losses: Floats, loss: float, seed: int, mended: Mended) -> Calibration:
    table = binary_table(rows, seed)
    isotonic, null = isotonic_of(table, loss, seed)
    slope, intercept = mended.parameters["slope"], mended.parameters["intercept"]
    # The logit of class 0 is that of class 1 with its sign turned.
    other = 0.0 - intercept if math.isfinite(intercept) else math.nan
    return Calibration(
        mended=mended,
        isotonic=isotonic,
        classwise=None,
        slopes=((slope, other), (slope, intercept)),
        auc=auc_of(table),
        reliability=(reliability_of(table, loss, "class", rows.classes[1], seed, null=null),),
        temperature_curve=temperature_curve(rows, losses, loss, None),
        tail_share=tail_share(rows, losses),
    )
