"""A sample of rows that merges: the smallest keys, and a key is a hash of what the row holds and of the seed.

Equal rows have one key: they come together, as one row with a count. Sorted by key, rows have an order of their own, so
ordinary floating sums over a sample do not depend on the order of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xent.evaluation._exact import Floats, Ints
from xent.evaluation._folds import row_keys, unit_keys
from xent.evaluation._rows import Rows
from xent.evaluation._table import Keys

MOST = 32768
"""Distinct rows in a sample."""


@dataclass(frozen=True, slots=True)
class Sample:
    """At most `MOST` distinct rows by rising `key`, equal ones by weight.

    `share` (n, K) is how much of each row is of each class. `count` says how many equal rows there are. `cluster` is a
    key of each row's cluster, or None where each row is its own.
    """

    key: Keys
    surprisal: Floats
    share: Floats
    weight: Floats
    count: Ints
    cluster: Keys | None

    @staticmethod
    def of(rows: Rows, seed: int) -> Sample:
        """The sample of some rows; keys of clusters are right only when whole clusters are among them."""
        key = row_keys(rows, seed)
        some = np.arange(rows.n)
        if rows.n > 4 * MOST:
            # Copies share a key, so there may be fewer distinct ones below this than wanted: then all are looked at.
            low = np.flatnonzero(key <= np.partition(key, 2 * MOST)[2 * MOST])
            some = low if np.unique(key[low]).size >= MOST else some
        soft = rows.soft
        share = (rows.main_label()[some, None] == np.arange(rows.k)).astype(np.float64) if soft is None else soft[some]
        cluster = None if rows.cluster is None else unit_keys(rows, seed)[rows.cluster][some]
        return _smallest(
            Sample(key[some], rows.surprisal[some], share, rows.weights()[some], rows.copies()[some], cluster)
        )

    def merge(self, *others: Sample) -> Sample:
        """The sample of the rows of all."""
        every = (self, *others)
        clusters = [part.cluster for part in every if part.cluster is not None]
        return _smallest(
            Sample(
                np.concatenate([part.key for part in every]),
                np.concatenate([part.surprisal for part in every]),
                np.concatenate([part.share for part in every]),
                np.concatenate([part.weight for part in every]),
                np.concatenate([part.count for part in every]),
                np.concatenate(clusters) if len(clusters) == len(every) else None,
            )
        )


def _smallest(sample: Sample) -> Sample:
    """Count equal rows of one cluster together, and keep those of the smallest keys."""
    ties = np.zeros(sample.key.size, dtype=np.uint64) if sample.cluster is None else sample.cluster
    order = np.lexsort((ties, sample.weight, sample.key))
    key, weight, ties = sample.key[order], sample.weight[order], ties[order]
    new = np.ones(key.size, dtype=bool)
    new[1:] = (key[1:] != key[:-1]) | (weight[1:] != weight[:-1]) | (ties[1:] != ties[:-1])
    starts = np.flatnonzero(new)
    count = np.add.reduceat(sample.count[order], starts)[:MOST]
    first = order[starts[:MOST]]
    return Sample(
        sample.key[first],
        sample.surprisal[first],
        sample.share[first],
        sample.weight[first],
        count,
        None if sample.cluster is None else sample.cluster[first],
    )
