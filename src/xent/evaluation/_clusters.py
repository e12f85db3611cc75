"""The sums of each cluster, under the label of the cluster: a cluster may go on in another chunk."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from xent.evaluation._facts import Facts
from xent.evaluation._rows import Ints, Rows
from xent.evaluation._weighing import Weighing, up


@dataclass(slots=True)
class ClusterSums:
    """Rows of finite loss in one cluster: how many, Σ w, Σ w l, and Σ w y of each class (units as in `Sums`)."""

    n: int = 0
    weight: int = 0
    loss: int = 0
    masses: dict[int, int] = field(default_factory=dict[int, int])

    def add(self, other: ClusterSums) -> None:
        """Merge."""
        self.n += other.n
        self.weight += other.weight
        self.loss += other.loss
        for k, mass in other.masses.items():
            self.masses[k] = self.masses.get(k, 0) + mass


class Clusters(dict[Hashable, ClusterSums]):
    """Clusters by label; numbers of equal value are one label, as Python compares them."""

    def add(self, other: Clusters) -> None:
        """Merge."""
        for label, sums in other.items():
            self.setdefault(label, ClusterSums()).add(sums)


def clusters_by(rows: Rows, facts: Facts, group: Ints | None, groups: int) -> list[Clusters]:
    """Return the clusters of each group of rows."""
    cluster = rows.cluster if rows.cluster is not None else np.arange(rows.n)
    names = rows.names or ()
    code = cluster if group is None else group * rows.clusters + cluster
    found, place = np.unique(code, return_inverse=True)
    place = place.reshape(-1)
    sums = [ClusterSums() for _ in range(len(found))]
    _sum_up(rows, facts, place, sums)
    clusters = [Clusters() for _ in range(groups)]
    for where, one in zip(found.tolist(), sums, strict=True):
        clusters[where // rows.clusters][names[where % rows.clusters]] = one
    return clusters


def _sum_up(rows: Rows, facts: Facts, place: Ints, sums: list[ClusterSums]) -> None:
    finite = facts.finite
    everything = bool(finite.all())
    weighing = Weighing.of(rows, None if everything else finite)
    losses = facts.losses if everything else facts.losses[finite]
    place = place if everything else place[finite]
    count = len(sums)
    counts = np.bincount(place, minlength=count).tolist()
    weights, costs = weighing.totals([], 1, place, count), weighing.totals([losses], 1, place, count)
    for one, n, weight, loss in zip(sums, counts, weights, costs, strict=True):
        one.n, one.weight, one.loss = n, weight, loss
    if rows.soft is not None:
        for k in range(rows.k):
            column = rows.soft[:, k] if everything else rows.soft[finite, k]
            for one, mass in zip(sums, weighing.totals([column], 1, place, count), strict=True):
                if mass:
                    one.masses[k] = mass
        return
    label = rows.main_label() if everything else rows.main_label()[finite]
    found, pair = np.unique(place * rows.k + label, return_inverse=True)
    masses = weighing.totals([], 1, pair.reshape(-1), len(found))
    for where, mass in zip(found.tolist(), masses, strict=True):
        sums[where // rows.k].masses[where % rows.k] = up(mass)
