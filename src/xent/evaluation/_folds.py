"""Folds by content: which fold a row falls into depends on what it holds and on the seed, never on where it stands.

A unit is a cluster, or a row without clusters. Each unit gets a 64-bit key from the numbers in its rows; copies of a
unit get keys of their own, by their number. Units sorted by key are dealt to the folds in turn, so folds are as even as
can be, and copies fall into them by chance: dealt evenly, they would make each fold a likeness of the others, and a map
would seem to gain on it what it gains on its own rows. Which of the copies goes where is free of order because copies
are interchangeable; of many only how many fall into each fold is drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._draws import binomials
from xent.evaluation._mixing import Keys, bits, mix
from xent.evaluation._row_facts import hashes
from xent.evaluation._rows import Floats, Ints, Rows

FOLDS = 5

_MANY = 2**16
"""Units from which each goes by its own key, as it must where not all are kept: folds are even enough then."""


def folds(rows: Rows, seed: int) -> Ints:
    """Return the fold of each row, 0..min(5, units)-1; no row stands for several."""
    keys, ties = _unit_keys(rows, seed)
    order = np.lexsort((_beside(rows), ties, keys))
    ordered, tied = keys[order], ties[order]
    new = _changes(ordered) | _changes(tied)
    starts = np.flatnonzero(new)
    dealt = copies_dealt(ordered[starts], tied[starts], np.diff(starts, append=len(order)))
    unit, number = np.cumsum(new) - 1, np.arange(len(order)) - _first_of_run(new)
    fold = np.zeros(len(order), dtype=np.int64)
    # Of equal units the first so many go to fold 0, the next to fold 1, ...
    for until in np.cumsum(dealt[:-1], axis=0):
        fold[order] += number >= until[unit]
    return fold if rows.cluster is None else fold[rows.cluster]


def copies_in_folds(rows: Rows, seed: int) -> Ints:
    """Return how many copies of each row fall into each fold (folds, N): as many as of equal rows side by side."""
    return copies_dealt(*_unit_keys(rows, seed), rows.copies())


def copies_dealt(keys: Keys, ties: Keys | Floats, copies: Ints) -> Ints:
    """Return how many `copies` of each unit fall into each fold (folds, units); `ties` order units of one key."""
    order = np.lexsort((ties, keys))
    ordered, many = keys[order], copies[order]
    whole = int(many.sum())
    before = np.cumsum(many) - many
    number = before - before[_first_of_run(_changes(ordered))]
    found = np.empty((min(FOLDS, whole), keys.size), dtype=np.int64)
    found[:, order] = _by_key(ordered, number, many) if whole >= _MANY else _in_turn(ordered, number, many, whole)
    return found


def _in_turn(keys: Keys, number: Ints, copies: Ints, whole: int) -> Ints:
    """Each copy has a key, and goes to the folds in the order of the keys; `number` is that of the first copy."""
    unit = np.repeat(np.arange(keys.size), copies)
    first = np.cumsum(copies) - copies
    apart = _apart(keys[unit], number[unit] + np.arange(whole) - first[unit])
    count = min(FOLDS, whole)
    found = np.zeros((count, keys.size), dtype=np.int64)
    np.add.at(found, (np.arange(whole) % count, unit[np.argsort(apart, kind="stable")]), 1)
    return found


def _by_key(keys: Keys, number: Ints, copies: Ints) -> Ints:
    """Single units go by the last digits of their key; of several it is drawn how many go to each fold."""
    apart = _apart(keys, number)
    found = np.zeros((FOLDS, keys.size), dtype=np.int64)
    found[(apart % np.uint64(FOLDS)).astype(np.int64), np.arange(keys.size)] = copies
    several = np.flatnonzero(copies > 1)
    left, apart = copies[several], apart[several]
    for fold in range(FOLDS - 1):
        salt = mix(np.array([fold], dtype=np.uint64))
        drawn = binomials(left, np.full(left.size, 1.0 / (FOLDS - fold)), apart, salt)[0]
        found[fold, several] = drawn
        left = left - drawn
    found[FOLDS - 1, several] = left
    return found


def _apart(keys: Keys, number: Ints) -> Keys:
    """Keys of copies by their number; the first has that of the unit."""
    return np.where(number == 0, keys, mix(keys + number.astype(np.uint64)))


def _changes(ordered: Keys | Floats) -> NDArray[np.bool_]:
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])


def _first_of_run(new: NDArray[np.bool_]) -> Ints:
    """For each place where the run that it is in begins."""
    return np.maximum.accumulate(np.where(new, np.arange(new.size), 0))


def _unit_keys(rows: Rows, seed: int) -> tuple[Keys, Keys | Floats]:
    """A key for each unit, and what orders units of one key."""
    keys = row_keys(rows, seed)
    if rows.cluster is None:
        return keys, np.zeros(rows.n) if rows.weight is None else rows.weight
    ties = _cluster_keys(keys if rows.weight is None else mix(keys ^ bits(rows.weight)), rows.cluster)
    return _cluster_keys(keys, rows.cluster), ties


def _beside(rows: Rows) -> Keys:
    """What orders equal units: it matters only where something else is known of them."""
    if rows.beside is None:
        return np.zeros(rows.clusters, dtype=np.uint64)
    return rows.beside if rows.cluster is None else _cluster_keys(rows.beside, rows.cluster)


def unit_keys(rows: Rows, seed: int) -> Keys:
    """Return a key for each unit, in which copies of a unit differ by their number among them."""
    keys, ties = _unit_keys(rows, seed)
    order = np.lexsort((ties, keys))
    ordered = keys[order]
    copy = np.arange(len(keys)) - _first_of_run(_changes(ordered))
    apart = np.empty_like(keys)
    apart[order] = mix(ordered + copy.astype(np.uint64))
    return apart


def row_keys(rows: Rows, seed: int) -> Keys:
    """Return a key for each row from the seed, its forecasts and its labels; equal rows have equal keys."""
    start = mix(np.full(rows.n, seed % 2**64, dtype=np.uint64))
    labels = rows.main_label()[:, None].astype(np.float64) if rows.soft is None else rows.soft
    return mix(mix(start ^ hashes(rows.content)) ^ hashes(labels))


def _cluster_keys(keys: Keys, cluster: Ints) -> Keys:
    """Sum the keys of each cluster's rows, modulo 2**64: the order of the rows does not matter."""
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    return mix(np.add.reduceat(mix(keys)[order], starts))
