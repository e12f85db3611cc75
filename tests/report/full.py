"""Evaluations with every part filled: what a report must be able to show, whatever made it."""

import math
from dataclasses import replace

import numpy as np

from xent.evaluation import (
    Also,
    Classwise,
    Confusion,
    Estimate,
    Isotonic,
    LossBin,
    Reliability,
    Slice,
    TemperaturePoint,
)

NOWHERE = Estimate(math.nan, math.nan, math.nan, math.nan)


def estimate(value, se=0.01):
    return Estimate(value, se, value - 2 * se, value + 2 * se)


def line(kind, name, points=40):
    x = np.linspace(0.02, 0.98, points)
    y = np.round(x**1.4, 2)
    density = np.linspace(2, 1, 20)
    return Reliability(
        kind,
        name,
        tuple(x.tolist()),
        tuple(y.tolist()),
        tuple(np.clip(x - 0.08, 0, 1).tolist()),
        tuple(np.clip(x + 0.08, 0, 1).tolist()),
        tuple((density / density.sum()).tolist()),
        0.0123,
        0.0087,
        0.12,
    )


def slices(e, columns):
    loss = e.finite_cross_entropy.value
    return tuple(
        Slice(
            column,
            value,
            e.n // len(values),
            estimate(loss * (1.4 - 0.2 * i)),
            e.uncertainty,
            estimate(1 - (1.4 - 0.2 * i) * loss / e.uncertainty if e.uncertainty else math.nan),
            (1.4 - 0.2 * i) / len(values),
            0.9,
            0.03 - 0.02 * i,
        )
        for column, values in columns.items()
        for i, value in enumerate(values)
    )


def filled(e, columns=None):
    """`e` with made-up numbers wherever it has none."""
    binary, infinite = len(e.classes) == 2, math.isinf(e.cross_entropy.value)
    loss = e.finite_cross_entropy.value
    share = math.nan if infinite else 0.05
    names = e.classes[:20]
    curve = [TemperaturePoint(t, loss * (1 + 0.3 * math.log(t / 1.3) ** 2)) for t in np.geomspace(0.25, 4, 41).tolist()]
    parts = np.geomspace(4, 1, 12)
    return replace(
        e,
        isotonic=Isotonic(0.0123, 0.5, 0.0087, 0.0151, 0.12) if binary and not infinite else None,
        classwise=None
        if binary or infinite
        else Classwise((1.0,) * len(e.classes), (0.0,) * len(e.classes), estimate(0.013, 0.004), 0.03, e.n),
        per_class=tuple(replace(row, slope=0.9 + 0.05 * i, intercept=0.1) for i, row in enumerate(e.per_class)),
        confusions=tuple(
            Confusion(a, b, 7, 1.5 * loss, share) for a, b in zip(names, [*names[1:], names[0]], strict=True)
        ),
        slices=slices(e, columns or {}),
        also=Also(0.913, 0.0721, 0.987 if binary else math.nan, 0.0312),
        reliability=(line("class", e.classes[1]),)
        if binary
        else (line("top_label", ""), *(line("class", name) for name in names)),
        loss_histogram=tuple(
            LossBin(0.25 * i, 0.25 * (i + 1) if i < 11 else math.inf, part, 1 / 12)
            for i, part in enumerate((parts / parts.sum()).tolist())
        ),
        temperature_curve=() if infinite else tuple(curve),
    )
