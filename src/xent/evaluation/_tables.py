"""Where the loss comes from, by class."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._estimates import times
from xent.evaluation._exact import Floats, ratio, total
from xent.evaluation._rows import Rows
from xent.evaluation._sums import ClassSums
from xent.evaluation._tally import Tally
from xent.evaluation._weighing import up
from xent.evaluation.results import ClassRow


def class_table(
    tally: Tally, classes: tuple[str, ...], slopes: tuple[tuple[float, float], ...], scale: float
) -> tuple[ClassRow, ...]:
    """Return one entry a class; `scale` turns nats into the unit."""
    whole = up(tally.sums.weight)
    grand = tally.sums.loss if tally.sums.finite == tally.sums.n else None
    return tuple(
        _class_row(name, tally.sums.classes.get(k, _NONE), probability, whole, grand, slope, scale)
        for k, (name, probability, slope) in enumerate(zip(classes, tally.probability, slopes, strict=True))
    )


_NONE = ClassSums()


def _class_row(
    name: str, own: ClassSums, probability: int, whole: int, grand: int | None, slope: tuple[float, float], scale: float
) -> ClassRow:
    return ClassRow(
        name=name,
        n=own.n,
        loss=math.inf if own.ruled_out else times(ratio(own.cost, own.mass), scale) if own.n else math.nan,
        share=math.nan if not grand or own.ruled_out else ratio(own.cost, grand),
        frequency=ratio(own.mass, whole),
        mean_probability=ratio(probability, whole),
        slope=slope[0],
        intercept=slope[1],
    )


def mean_or_inf(values: Floats, rows: Rows) -> float:
    """Return the weighted mean of `values`, infinite if one of them is."""
    if not np.isfinite(values).all():
        return math.inf
    weight = rows.weights()
    return ratio(total(values * weight), total(weight))
