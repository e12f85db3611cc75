"""Chunks of rows as an `Evaluator` keeps them: put together, and equal rows made one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xent.evaluation._folds import Keys
from xent.evaluation._rows import Floats, Ints, Rows


@dataclass(frozen=True, slots=True)
class Kept:
    """A chunk of rows, no more of each than cannot be computed again: weights as given, clusters by label."""

    content: Floats
    labels: Ints | None
    soft: Floats | None
    weight: Floats | None
    cluster: Ints | None
    names: tuple[Any, ...] | None
    count: Ints | None

    @staticmethod
    def of(rows: Rows) -> Kept:
        """The chunk that `rows` are; a copy, so that the caller may change what was passed."""
        weight = rows.weight
        if weight is not None:
            weight = weight * rows.scale
        elif rows.scale != 1.0:
            weight = np.full(rows.n, rows.scale)
        # One zero: -0.0 + 0.0 is 0.0.
        return Kept(rows.content + 0.0, rows.labels, _copy(rows.soft), weight, rows.cluster, rows.names, rows.count)

    def main_labels(self) -> Ints:
        """The hard labels."""
        return np.empty(0, dtype=np.int64) if self.labels is None else self.labels

    def softened(self) -> Floats:
        """The labels as soft ones."""
        if self.soft is not None:
            return self.soft
        wide = 2 if self.content.shape[1] == 1 else self.content.shape[1]
        soft = np.zeros((len(self.content), wide))
        soft[np.arange(len(soft)), self.main_labels()] = 1.0
        return soft

    def weights(self) -> Floats:
        """The weights as given."""
        return np.ones(len(self.content)) if self.weight is None else self.weight

    def copies(self) -> Ints:
        """For how many equal rows each one stands."""
        return np.ones(len(self.content), dtype=np.int64) if self.count is None else self.count


def _copy(x: Floats | None) -> Floats | None:
    return None if x is None else x + 0.0


def joined(chunks: tuple[Kept, ...]) -> Kept:
    """All chunks as one."""
    if len(chunks) == 1:
        return chunks[0]
    cluster, names = _joined_clusters(chunks)
    hard = all(chunk.soft is None for chunk in chunks)
    weighted = any(chunk.weight is not None for chunk in chunks)
    counted = any(chunk.count is not None for chunk in chunks)
    return Kept(
        content=np.concatenate([chunk.content for chunk in chunks]),
        labels=np.concatenate([chunk.main_labels() for chunk in chunks]) if hard else None,
        soft=None if hard else np.concatenate([chunk.softened() for chunk in chunks]),
        weight=np.concatenate([chunk.weights() for chunk in chunks]) if weighted else None,
        cluster=cluster,
        names=names,
        count=np.concatenate([chunk.copies() for chunk in chunks]) if counted else None,
    )


def _joined_clusters(chunks: tuple[Kept, ...]) -> tuple[Ints | None, tuple[Any, ...] | None]:
    """Number the clusters anew, by their labels."""
    seen: dict[Hashable, int] = {}
    codes: list[Ints] = []
    for chunk in chunks:
        if chunk.cluster is None or chunk.names is None:
            return None, None
        places = [seen.setdefault(name, len(seen)) for name in chunk.names]
        codes.append(np.array(places, dtype=np.int64)[chunk.cluster])
    return np.concatenate(codes), tuple(seen)


def combined(kept: Kept, keys: Keys, most: int) -> Kept:
    """Equal rows as one with a count; left as they are if there are surely more than `most` different ones.

    `keys` are equal for equal rows, so that there are no more of them than rows that differ.
    """
    ordered = np.sort(keys)
    if 1 + np.count_nonzero(ordered[1:] != ordered[:-1]) > most:
        return kept
    columns = [kept.content, kept.soft if kept.soft is not None else kept.main_labels()[:, None].astype(np.float64)]
    if kept.weight is not None:
        columns.append(kept.weight[:, None])
    table = np.ascontiguousarray(np.concatenate(columns, axis=1))
    rows = table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).reshape(-1)
    _, first, place = np.unique(rows, return_index=True, return_inverse=True)
    counts = np.zeros(len(first), dtype=np.int64)
    np.add.at(counts, place.reshape(-1), kept.copies())
    return replace(
        kept,
        content=kept.content[first],
        labels=None if kept.labels is None else kept.labels[first],
        soft=None if kept.soft is None else kept.soft[first],
        weight=None if kept.weight is None else kept.weight[first],
        count=counts,
    )
