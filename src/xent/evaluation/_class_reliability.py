"""Three or more classes: the slope of each against the rest, and the diagrams of the top label and of the classes."""

from __future__ import annotations

import math

from xent.evaluation._class_grids import ClassGrids
from xent.evaluation._isotonic import loss_of
from xent.evaluation._reliability import reliability_of
from xent.evaluation._table import Table
from xent.evaluation._table_fit import affine_of
from xent.evaluation.results import Reliability

SHOWN = 20
"""Classes with a diagram."""

_TOP_GROUPS = 1024
_CLASS_GROUPS = 256
"""Forecasts on which labels are drawn: on more the lines differ by less than can be seen."""


def class_slopes(grids: ClassGrids) -> tuple[tuple[float, float], ...]:
    """Return slope and intercept of each class against the rest; NaN where none is best or classes are too many."""
    if len(grids.rows) == 1:
        return ((math.nan, math.nan),) * grids.k
    return tuple(affine_of(grids.table(1 + k)) for k in range(grids.k))


def class_reliability(
    grids: ClassGrids, names: tuple[str, ...], seed: int, *, clustered: bool
) -> tuple[Reliability, ...]:
    """Return the diagram of the top label, then of the classes with the largest share of the loss.

    A grid does not know its clusters: with them no labels are drawn.
    """
    top = grids.table(0)
    groups = 0 if clustered else _TOP_GROUPS
    diagrams = [reliability_of(top, loss_of(top), "top_label", "", seed, groups=groups)]
    if len(grids.rows) == 1:
        return tuple(diagrams)
    groups = 0 if clustered else _CLASS_GROUPS
    tables = [grids.table(1 + k) for k in range(grids.k)]
    costs = [_cost(table) for table in tables]
    for k in sorted(range(grids.k), key=lambda k: (-costs[k], k))[:SHOWN]:
        table = tables[k]
        diagrams.append(reliability_of(table, loss_of(table), "class", names[k], seed, groups=groups))
    return tuple(diagrams)


def _cost(table: Table) -> float:
    """The loss on the rows of the class, as a share of all rows."""
    some = table.mass[1] > 0
    return math.fsum((table.mass[1, some] * table.surprisal[1, some]).tolist()) / table.whole
