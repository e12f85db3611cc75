"""The sums of each cluster, under the label of the cluster: a cluster may go on in another chunk."""

from __future__ import annotations

import functools
import operator
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._facts import Seen
from xent.evaluation._rows import Ints, Rows
from xent.evaluation._weighing import Weighing, up

Mask = NDArray[np.bool_]
Zeros = tuple[int, int, int]

_ALL: Zeros = (4096, 4096, 4096)
"""Of sums that are all 0: more than any other sum ends with."""


@dataclass(slots=True)
class ClusterSums:
    """Rows of finite loss in one cluster: how many, Σ w, Σ w l, and Σ w y of each class."""

    n: int = 0
    weight: int = 0
    loss: int = 0
    masses: dict[int, int] = field(default_factory=dict[int, int])


class Clusters:
    """The sums of clusters by label; numbers of equal value are one label, as Python compares them.

    There may be many, so their sums are kept without the zeros that they all end with: those of Σ w count units of
    2**(`zeros[0]` - 1074), of Σ w l 2**(`zeros[1]` - 2148), of Σ w y 2**(`zeros[2]` - 2148).
    """

    __slots__ = ("sums", "zeros")

    def __init__(self, sums: dict[Hashable, ClusterSums] | None = None, zeros: Zeros = _ALL) -> None:
        self.sums = {} if sums is None else sums
        self.zeros = zeros

    def add(self, other: Clusters) -> None:
        """Merge; `other` stays as it is."""
        zeros = (
            min(self.zeros[0], other.zeros[0]),
            min(self.zeros[1], other.zeros[1]),
            min(self.zeros[2], other.zeros[2]),
        )
        if zeros != self.zeros:
            shifts = _less(self.zeros, zeros)
            for one in self.sums.values():
                _shift(one, shifts)
            self.zeros = zeros
        weight, loss, mass = _less(other.zeros, zeros)
        for label, more in other.sums.items():
            one = self.sums.setdefault(label, ClusterSums())
            one.n += more.n
            one.weight += more.weight << weight
            one.loss += more.loss << loss
            for k, part in more.masses.items():
                one.masses[k] = one.masses.get(k, 0) + (part << mass)


def _less(before: Zeros, after: Zeros) -> Zeros:
    return before[0] - after[0], before[1] - after[1], before[2] - after[2]


def _shift(one: ClusterSums, shifts: Zeros) -> None:
    one.weight <<= shifts[0]
    one.loss <<= shifts[1]
    for k in one.masses:
        one.masses[k] <<= shifts[2]


def _without_zeros(totals: list[int]) -> tuple[list[int], int]:
    """Divide by the largest power of two that divides all; also say which it was."""
    bits = functools.reduce(operator.or_, totals, 0)
    if bits == 0:
        return totals, _ALL[0]
    zeros = (bits & -bits).bit_length() - 1
    return [total >> zeros for total in totals], zeros


def clusters_by(rows: Rows, facts: Seen, group: Ints | None, groups: int) -> list[Clusters]:
    """Return the clusters of each group of rows."""
    cluster = rows.cluster if rows.cluster is not None else np.arange(rows.n)
    names = rows.names or ()
    code = cluster if group is None else group * rows.clusters + cluster
    found, place = np.unique(code, return_inverse=True)
    place = place.reshape(-1)
    sums = [ClusterSums() for _ in range(len(found))]
    zeros = _sum_up(rows, facts, place, sums)
    of_group: list[dict[Hashable, ClusterSums]] = [{} for _ in range(groups)]
    for where, one in zip(found.tolist(), sums, strict=True):
        of_group[where // rows.clusters][names[where % rows.clusters]] = one
    return [Clusters(one, zeros) for one in of_group]


def _sum_up(rows: Rows, facts: Seen, place: Ints, sums: list[ClusterSums]) -> Zeros:
    """Fill in the sums, rows of each at its `place`, and say which zeros they were relieved of."""
    finite = facts.finite
    everything = bool(finite.all())
    weighing = Weighing.of(rows, None if everything else finite)
    losses = facts.losses if everything else facts.losses[finite]
    place = place if everything else place[finite]
    count = len(sums)
    counts = np.bincount(place, minlength=count).tolist()
    weights, of_weight = _without_zeros(weighing.totals([], 1, place, count))
    costs, of_loss = _without_zeros(weighing.totals([losses], 1, place, count))
    for one, n, weight, loss in zip(sums, counts, weights, costs, strict=True):
        one.n, one.weight, one.loss = n, weight, loss
    where, masses = _masses(rows, None if everything else finite, place, weighing)
    masses, of_mass = _without_zeros(masses)
    for code, mass in zip(where, masses, strict=True):
        if mass:
            sums[code // rows.k].masses[code % rows.k] = mass
    return of_weight, of_loss, of_mass


def _masses(rows: Rows, finite: Mask | None, place: Ints, weighing: Weighing) -> tuple[list[int], list[int]]:
    """Σ w y of each cluster and class that occur, under place · classes + class."""
    if rows.soft is None:
        label = rows.main_label() if finite is None else rows.main_label()[finite]
        found, pair = np.unique(place * rows.k + label, return_inverse=True)
        return found.tolist(), [up(mass) for mass in weighing.totals([], 1, pair.reshape(-1), len(found))]
    where: list[int] = []
    masses: list[int] = []
    count = int(place.max(initial=-1)) + 1
    for k in range(rows.k):
        column = rows.soft[:, k] if finite is None else rows.soft[finite, k]
        masses += weighing.totals([column], 1, place, count)
        where += range(k, count * rows.k, rows.k)
    return where, masses
