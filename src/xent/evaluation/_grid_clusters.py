"""Sums by cluster: what a standard error and a test need of each, however many rows it has.

Near the forecasts as given, the loss of a cluster's rows under a map is its value, slope and curvature there: to second
order in how far the map goes.
"""

from __future__ import annotations

import hashlib
import numbers
from collections.abc import Hashable, Iterable
from typing import cast

import numpy as np

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._folds import FOLDS
from xent.evaluation._grid_cells import Cells
from xent.evaluation._mixing import Keys, mix

_UNBOUNDED = 2**62


def cluster_keys(labels: Iterable[Hashable]) -> Keys:
    """Return a key of 64 bits for each label: equal labels have equal keys, in every process."""
    found = [hashlib.blake2b(_spelled(label).encode("utf-8", "surrogatepass"), digest_size=8) for label in labels]
    return np.array([int.from_bytes(key.digest(), "little") for key in found], dtype=np.uint64)


def _spelled(label: Hashable) -> str:
    """Numbers that are equal are spelled alike; other kinds of labels never like a number."""
    if isinstance(label, tuple):
        parts = [_spelled(part) for part in cast("tuple[Hashable, ...]", label)]
        return "(" + ",".join(f"{len(part)}:{part}" for part in parts) + ")"
    if isinstance(label, numbers.Integral):
        return f"n{int(label)}"
    if isinstance(label, numbers.Real):
        value = float(label)
        return f"n{int(value)}" if value.is_integer() else f"n{value!r}"
    return f"{type(label).__name__}:{label!r}"


def fold_of(keys: Keys, seed: int) -> Ints:
    """Return the fold of each key."""
    return (mix(keys ^ mix(np.array([seed % 2**64], dtype=np.uint64))) % np.uint64(FOLDS)).astype(np.int64)


class ClusterSums:
    """Weight, score (d numbers) and curvature (its upper half) of each cluster, at the forecasts as given."""

    def __init__(self, degrees: int) -> None:
        self.degrees = degrees
        self._columns = 1 + degrees + degrees * (degrees + 1) // 2
        # What may be negative is kept as two sums of what is not.
        self._cells = Cells(_UNBOUNDED, 2 * self._columns, ("sum",))

    def add(self, keys: Keys, weight: Floats | None, score: list[Floats], curvature: list[Floats]) -> None:
        """Add rows by the key of their cluster; score and curvature are weighted."""
        number = keys.view(np.int64)
        ones = np.ones(len(keys)) if weight is None else weight
        for c, values in enumerate((ones, *score, *curvature)):
            for side, part in enumerate((np.maximum(values, 0.0), np.maximum(-values, 0.0))):
                if part.any():
                    column = np.full(len(keys), 2 * c + side)
                    self._cells.add(number, column, {"sum": part}, None)

    def merge(self, other: ClusterSums) -> None:
        """Add all of `other`."""
        self._cells.merge(other._cells)

    @property
    def keys(self) -> Keys:
        """Of the clusters."""
        return self._cells.keys.view(np.uint64)

    def table(self) -> tuple[Floats, Floats, Floats]:
        """Weight (G,), score (G, d) and curvature (G, d (d + 1) / 2)."""
        pairs = self._cells.table("sum")
        sums = pairs[:, ::2] - pairs[:, 1::2]
        return sums[:, 0], sums[:, 1 : 1 + self.degrees], sums[:, 1 + self.degrees :]
