"""Three or more classes in constant memory: each against the rest, and a sample for the class-wise map."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xent.evaluation._class_grids import ClassGrids
from xent.evaluation._classwise import MOST_CLASSES, classwise_of
from xent.evaluation._exact import Ints
from xent.evaluation._folds import Keys
from xent.evaluation._rows import Rows
from xent.evaluation._sample import MOST, Sample
from xent.evaluation.results import Classwise

_WAITING = MOST // 4
"""Rows that wait until they are sorted into the sample together."""


@dataclass(slots=True)
class ManyClasses:
    """The state; `waiting` are rows that may belong to the sample."""

    grids: ClassGrids
    sample: Sample | None
    waiting: list[Sample] = field(default_factory=list["Sample"])

    @staticmethod
    def empty(k: int, clustered: bool) -> ManyClasses:
        """No rows."""
        return ManyClasses(ClassGrids.empty(k), _nothing(k, clustered) if k <= MOST_CLASSES else None)

    def add(self, rows: Rows, keys: Keys, clusters: Keys | None) -> None:
        """Add rows, with a key of each that its content decides, and that of its cluster."""
        self.grids.add(rows)
        if self.sample is None:
            return
        some = np.arange(rows.n)
        if self.sample.key.size == MOST:
            some = np.flatnonzero(keys <= self.sample.key[-1])
        for i in range(0, some.size, MOST):
            self.waiting.append(_sample(rows, some[i : i + MOST], keys, clusters))
            if sum(part.key.size for part in self.waiting) >= _WAITING:
                self._settle()

    def _settle(self) -> None:
        """Sort in the rows that wait."""
        waiting, self.waiting = self.waiting, []
        if self.sample is not None and waiting:
            self.sample = self.sample.merge(*waiting)

    def merge(self, other: ManyClasses) -> None:
        """Add all of `other`."""
        self.grids.merge(other.grids)
        if self.sample is not None and other.sample is not None:
            self.waiting += [other.sample, *other.waiting]
            self._settle()

    def classwise(self) -> Classwise | None:
        """The class-wise map, of as many classes as it is for."""
        self._settle()
        return None if self.sample is None else classwise_of(self.sample)


def _sample(rows: Rows, some: Ints, keys: Keys, clusters: Keys | None) -> Sample:
    label = rows.main_label()[some]
    share = (label[:, None] == np.arange(rows.k)).astype(np.float64) if rows.soft is None else rows.soft[some]
    return Sample(
        key=keys[some],
        surprisal=rows.surprisal[some],
        share=share,
        weight=rows.weights()[some],
        count=rows.copies()[some],
        cluster=None if clusters is None else clusters[some],
    )


def _nothing(k: int, clustered: bool) -> Sample:
    none = np.empty(0, dtype=np.uint64)
    table = np.empty((0, k))
    return Sample(none, table, table, np.empty(0), np.empty(0, dtype=np.int64), none if clustered else None)
