"""The reliability diagram of a binary forecast and its test, from a table."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._isotonic import Line, line_of, miscalibration_of
from xent.evaluation._isotonic_null import GROUPS, Null, null_of, points_of
from xent.evaluation._table import Table
from xent.evaluation.results import Isotonic, Reliability

BINS = 20
"""Of the density."""


def isotonic_of(table: Table, loss: float, seed: int) -> tuple[Isotonic, Null]:
    """Return the isotonic map of a forecast whose mean loss is `loss` (discrimination left open), and its null."""
    null = null_of(table, seed)
    known = math.isfinite(loss)
    found = Isotonic(
        miscalibration=miscalibration_of(line_of(table), loss),
        discrimination=math.nan,
        null_mean=null.mean if known else math.nan,
        null_high=null.high if known else math.nan,
        p_value=null.p_value if known else math.nan,
    )
    return found, null


def reliability_of(
    table: Table, loss: float, kind: str, name: str, seed: int, *, null: Null | None = None, groups: int = GROUPS
) -> Reliability:
    """Return the diagram in nats; `null` if it was drawn already, else on at most `groups` forecasts, 0 for none."""
    if null is None and groups > 0:
        null = null_of(table, seed, groups)
    line: Line = line_of(table)
    points = points_of(table)
    low, high = _band(null, points.size)
    return Reliability(
        kind=kind,
        name=name,
        forecast=tuple(table.forecast[points].tolist()),
        frequency=tuple(line.frequency[points].tolist()),
        low=low,
        high=high,
        density=_density(table),
        miscalibration=miscalibration_of(line, loss),
        null_mean=math.nan if null is None or not math.isfinite(loss) else null.mean,
        p_value=math.nan if null is None or not math.isfinite(loss) else null.p_value,
    )


def _band(null: Null | None, points: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Where 95 % of the lines lie, at each point."""
    if null is None:
        return (math.nan,) * points, (math.nan,) * points
    lines = np.sort(null.lines, axis=0)
    # As many sets lie beyond either end as 2.5 % of them allow.
    out = lines.shape[0] * 25 // 1000
    return tuple(lines[out].tolist()), tuple(lines[-1 - out].tolist())


def _density(table: Table) -> tuple[float, ...]:
    number = np.minimum((table.forecast * BINS).astype(np.int64), BINS - 1)
    rows = np.zeros(BINS, dtype=np.int64)
    np.add.at(rows, number, table.rows)
    return tuple((rows / int(table.rows.sum())).tolist())
