"""Folds by content: which fold a row falls into depends on what it holds and on the seed, never on where it stands.

A unit is a cluster, or a row without clusters. Each unit gets a 64-bit key from the numbers in its rows. Units sorted
by key are dealt to the folds in turn, so folds are as even as can be. Copies of a unit have one key and lie side by
side; which of them goes where is free of order because copies are interchangeable, and how many of a row that stands
for several fall into each fold is a matter of counting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._rows import Floats, Ints, Rows

FOLDS = 5

_MANY = 2**16
"""Rows from which each goes by its own key, as it must where not all are kept: folds are even enough then."""

_BLOCK = 2**16
"""Numbers hashed at a time: they stay in the cache."""

Keys = NDArray[np.uint64]


def folds(rows: Rows, seed: int) -> Ints:
    """Return the fold of each row, 0..min(5, units)-1; no row stands for several."""
    place, _ = _places(rows, seed)
    fold = place % min(FOLDS, place.size)
    return fold if rows.cluster is None else fold[rows.cluster]


def copies_in_folds(rows: Rows, seed: int) -> Ints:
    """Return how many copies of each row fall into each fold (folds, N): as many as of equal rows side by side."""
    place, copies = _places(rows, seed)
    count = min(FOLDS, int(copies.sum()))
    # Of the places 0..x-1, fold f has (x + count - 1 - f) // count.
    spare = count - 1 - np.arange(count)[:, None]
    return (place + copies + spare) // count - (place + spare) // count


def _places(rows: Rows, seed: int) -> tuple[Ints, Ints]:
    """Place of each unit's first copy when all are laid out by key, and its copies: copies lie side by side."""
    # Weights are relative, so a key must not depend on their scale: they only order units that are equal otherwise.
    keys, ties = _unit_keys(rows, seed)
    order = np.lexsort((ties, keys))
    copies = rows.copies() if rows.cluster is None else np.ones(keys.size, dtype=np.int64)
    place = np.empty(keys.size, dtype=np.int64)
    place[order] = np.cumsum(copies[order]) - copies[order]
    if rows.cluster is None and keys.size >= _MANY:
        ordered = keys[order]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        start = place[order][np.maximum.accumulate(np.where(first, np.arange(keys.size), 0))]
        place[order] += (ordered % np.uint64(FOLDS)).astype(np.int64) - start
    return place, copies


def _unit_keys(rows: Rows, seed: int) -> tuple[Keys, Keys | Floats]:
    """A key for each unit, and what orders units of one key."""
    keys = row_keys(rows, seed)
    if rows.cluster is None:
        return keys, np.zeros(rows.n) if rows.weight is None else rows.weight
    ties = _cluster_keys(keys if rows.weight is None else mix(keys ^ _bits(rows.weight)), rows.cluster)
    return _cluster_keys(keys, rows.cluster), ties


def unit_keys(rows: Rows, seed: int) -> Keys:
    """Return a key for each unit, in which copies of a unit differ by their number among them."""
    keys, ties = _unit_keys(rows, seed)
    order = np.lexsort((ties, keys))
    ordered = keys[order]
    place = np.arange(len(keys))
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    copy = place - np.maximum.accumulate(np.where(new, place, 0))
    apart = np.empty_like(keys)
    apart[order] = mix(ordered + copy.astype(np.uint64))
    return apart


def row_keys(rows: Rows, seed: int) -> Keys:
    """Return a key for each row from the seed, its forecasts and its labels; equal rows have equal keys."""
    start = mix(np.full(rows.n, seed % 2**64, dtype=np.uint64))
    labels = rows.main_label()[:, None].astype(np.float64) if rows.soft is None else rows.soft
    return mix(mix(start ^ _hash(rows.content)) ^ _hash(labels))


def _hash(table: Floats) -> Keys:
    """One key a row: the sum modulo 2**64 of its mixed values, each with a salt of its column."""
    salt = mix(np.arange(table.shape[1], dtype=np.uint64))
    height = max(1, _BLOCK // table.shape[1])
    keys = np.empty(len(table), dtype=np.uint64)
    for i in range(0, len(table), height):
        part = slice(i, i + height)
        keys[part] = mix(_bits(table[part]) ^ salt).sum(axis=1, dtype=np.uint64)
    return keys


def _bits(x: Floats) -> Keys:
    """The bits of each float, with one zero: -0.0 + 0.0 is 0.0."""
    return np.ascontiguousarray(x + 0.0).view(np.uint64)


def _cluster_keys(keys: Keys, cluster: Ints) -> Keys:
    """Sum the keys of each cluster's rows, modulo 2**64: the order of the rows does not matter."""
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    return mix(np.add.reduceat(mix(keys)[order], starts))


def mix(x: Keys) -> Keys:
    """SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of x."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
