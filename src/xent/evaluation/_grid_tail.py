"""The share of the loss on the costliest rows, from a fine histogram of losses."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._exact import Floats, exact_sum
from xent.evaluation._grid_cells import Cells

_CELLS = 2**14


class TailGrid:
    """Rows and loss by the leading bits of the loss; the cell on the border counts by its mean."""

    def __init__(self) -> None:
        self._cells = Cells(_CELLS, 1, ("rows", "cost"))

    def add(
        self, losses: Floats, weight: Floats | None, copies: np.ndarray[tuple[int], np.dtype[np.int64]] | None
    ) -> None:
        """Add rows of finite loss."""
        # A probability may exceed 1 by rounding.
        losses = np.maximum(losses, 0.0) + 0.0
        cost = losses if weight is None else losses * weight
        number = np.ascontiguousarray(losses).view(np.int64) >> 20
        self._cells.add(number, np.zeros(len(losses), dtype=np.int64), {"rows": None, "cost": cost}, copies)

    def merge(self, other: TailGrid) -> None:
        """Add all of `other`."""
        self._cells.merge(other._cells)

    def share(self) -> float:
        """Return the share of the loss on the costliest 1 % of rows, rounded up; NaN if the total is 0."""
        rows, cost = self._cells.table("rows")[:, 0], self._cells.table("cost")[:, 0]
        whole = exact_sum(cost)
        if whole == 0.0:
            return math.nan
        wanted = math.ceil(float(rows.sum()) / 100.0)
        above = np.cumsum(rows[::-1])[::-1] - rows
        taken = np.clip((wanted - above) / rows, 0.0, 1.0)
        return exact_sum(cost * taken) / whole
