"""The rows an `Evaluator` keeps for what is more than sums: themselves while they are few, else a grid.

Up to `MOST_ROWS` rows all are kept. Of more, equal rows become one with a count; if too many different rows are left,
they go into a grid for good. What is kept at the end depends on the data alone, never on how it came.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xent.evaluation._calibration import Calibration, calibrate
from xent.evaluation._folds import row_keys
from xent.evaluation._forecasts import Forecasts
from xent.evaluation._grid_clusters import cluster_keys
from xent.evaluation._grids import Grids
from xent.evaluation._kept import Kept, combined, joined
from xent.evaluation._losses import row_losses
from xent.evaluation._rows import Floats, Rows, relative_weights

MOST_ROWS = 131_072
MOST_NUMBERS = 2**23
"""Forecasts in all, rows times classes."""


class Held:
    """Rows, or the grid they went into. `says` is what the forecasts are, in words."""

    def __init__(self, classes: tuple[str, ...], says: str, seed: int) -> None:
        self.classes = classes
        self.says = says
        self.seed = seed
        self.chunks: tuple[Kept, ...] = ()
        self.given = 0
        self.grids: Grids | None = None

    @property
    def most(self) -> int:
        """How many rows are kept as they are."""
        return min(MOST_ROWS, MOST_NUMBERS // len(self.classes))

    def add(self, rows: Rows, losses: Floats) -> None:
        """Take in a chunk."""
        if rows.n == 0:
            return
        self.given += rows.n
        if self.grids is not None:
            self._to_grids(self.grids, _as_given(rows), losses)
            return
        self.chunks = (*self.chunks, Kept.of(rows))
        # Equal rows are looked for only when there are twice as many, so that this is rare.
        if self._kept() > 2 * self.most:
            self._settle()

    def merge(self, other: Held) -> None:
        """Take in all of `other`, which stays as it is."""
        self.given += other.given
        if other.grids is None:
            for chunk in other.chunks:
                self._merge_chunk(chunk)
        else:
            mine = self._empty_grids(other.grids.clusters is not None) if self.grids is None else self.grids
            mine.merge(other.grids)
            self._drop_into(mine)
        if self.grids is None and self._kept() > 2 * self.most:
            self._settle()

    def calibrate(self, loss: float) -> Calibration:
        """Return the calibration of all rows, whose mean loss is `loss`."""
        if self.given > self.most:
            self._settle()
        if self.grids is not None:
            return self.grids.calibrate(loss)
        rows = self._rows(self.chunks)
        return calibrate(rows, row_losses(rows), loss, self.seed)

    def _kept(self) -> int:
        return sum(len(chunk.content) for chunk in self.chunks)

    def _merge_chunk(self, chunk: Kept) -> None:
        if self.grids is None:
            self.chunks = (*self.chunks, chunk)
            return
        rows = _as_given(self._rows((chunk,)))
        self._to_grids(self.grids, rows, row_losses(rows))

    def _settle(self) -> None:
        """Make equal rows one; if too many are left, drop them into a grid."""
        if self.grids is not None:
            return
        together = joined(self.chunks)
        if together.cluster is None:
            together = combined(together, row_keys(self._rows((together,)), self.seed), self.most)
        self.chunks = (together,)
        if len(together.content) > self.most:
            self._drop_into(self._empty_grids(together.cluster is not None))

    def _drop_into(self, grids: Grids) -> None:
        chunks, self.chunks, self.grids = self.chunks, (), grids
        for chunk in chunks:
            self._merge_chunk(chunk)

    def _empty_grids(self, clustered: bool) -> Grids:
        return Grids.empty(len(self.classes), self.seed, clustered)

    @staticmethod
    def _to_grids(grids: Grids, rows: Rows, losses: Floats) -> None:
        grids.add(rows, losses, None if rows.names is None else cluster_keys(rows.names))

    def _rows(self, chunks: tuple[Kept, ...]) -> Rows:
        """The rows again."""
        kept = joined(chunks)
        weight, scale = (None, 1.0) if kept.weight is None else relative_weights(kept.weight)
        n = len(kept.content)
        return Rows(
            classes=self.classes,
            forecasts=Forecasts.again(self.says, kept.content),
            labels=kept.labels,
            soft=kept.soft,
            weight=weight,
            scale=scale,
            cluster=kept.cluster,
            clusters=n if kept.names is None else len(kept.names),
            names=kept.names,
            position=np.arange(n),
            given=n,
            unnormalized=0,
            count=kept.count,
        )


def _as_given(rows: Rows) -> Rows:
    """Rows with weights that mean the same in every chunk; none where they are 1."""
    weight = rows.weight
    if weight is not None:
        return replace(rows, weight=weight * rows.scale, scale=1.0)
    return rows if rows.scale == 1.0 else replace(rows, weight=np.full(rows.n, rows.scale), scale=1.0)
