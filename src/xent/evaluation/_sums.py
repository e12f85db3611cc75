"""The exact sums that describe the loss of a set of rows: they merge by `+`, whatever the order and the shape.

Totals count units of 2**(-1074 d), d the number of factors in each term: weight w, loss l, label mass y, forecast f.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._clusters import Clusters, clusters_by
from xent.evaluation._exact import Floats, Ints
from xent.evaluation._facts import Facts, Seen
from xent.evaluation._rows import Rows
from xent.evaluation._weighing import Weighing, up

Mask = NDArray[np.bool_]

MOST_SOFT_CLASSES = 32
"""The standard error of the skill of soft labels needs a sum for each pair of classes; of more, none is kept."""


@dataclass(slots=True)
class ClassSums:
    """One class: its rows, those of them whose loss is infinite, and sums over the rows.

    mass Σ w y, cost Σ w y l over finite losses, cross Σ w² y l over rows of finite loss.
    """

    n: int = 0
    ruled_out: int = 0
    mass: int = 0
    cost: int = 0
    cross: int = 0

    def add(self, other: ClassSums) -> None:
        """Merge."""
        self.n += other.n
        self.ruled_out += other.ruled_out
        self.mass += other.mass
        self.cost += other.cost
        self.cross += other.cross


@dataclass(slots=True)
class Sums:
    """A set of rows.

    Over all rows: `n`, weight Σ w, right Σ w y of the likeliest class, gap Σ w f and what happened of it Σ w y. Over
    the `finite` rows of finite loss: finite_weight Σ w, loss Σ w l, and for standard errors Σ w² l², Σ w² l and Σ w².
    `gram` holds Σ w² y_j y_k of each pair of classes that share rows; None if that were too many.
    """

    n: int = 0
    finite: int = 0
    weight: int = 0
    right: int = 0
    forecast: int = 0
    happened: int = 0
    finite_weight: int = 0
    loss: int = 0
    loss_loss: int = 0
    loss_weight: int = 0
    weight_weight: int = 0
    classes: dict[int, ClassSums] = field(default_factory=dict[int, ClassSums])
    gram: dict[tuple[int, int], int] | None = field(default_factory=dict[tuple[int, int], int])
    clusters: Clusters | None = None

    def add(self, other: Sums) -> None:
        """Merge; `other` stays as it is, and shares nothing that changes."""
        for name in _PLAIN:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for k, sums in other.classes.items():
            self.classes.setdefault(k, ClassSums()).add(sums)
        if self.gram is None or other.gram is None:
            self.gram = None
        else:
            for pair, value in other.gram.items():
                self.gram[pair] = self.gram.get(pair, 0) + value
        if other.clusters is not None:
            self.clusters = Clusters() if self.clusters is None else self.clusters
            self.clusters.add(other.clusters)


_PLAIN = (
    *("n", "finite", "weight", "right", "forecast", "happened"),
    *("finite_weight", "loss", "loss_loss", "loss_weight", "weight_weight"),
)


def sums_by(rows: Rows, facts: Facts, group: Ints | None, groups: int) -> list[Sums]:
    """Return the sums of each group of rows; `group` None means all of them, one group."""
    sums = loss_sums_by(rows, facts, group, groups)
    weighing = Weighing.of(rows)
    for name, values in (("forecast", facts.forecast), ("happened", facts.happened)):
        _fill(name, sums, weighing.totals([values], 1, group, groups))
    return sums


def loss_sums_by(rows: Rows, facts: Seen, group: Ints | None, groups: int) -> list[Sums]:
    """The same without `forecast` and `happened`, which only slices show."""
    finite = None if facts.finite.all() else facts.finite
    chosen = Chosen(rows, facts.losses, group, groups, Weighing.of(rows))
    counted = chosen if finite is None else chosen.keep(finite)
    sums = [Sums() for _ in range(groups)]
    _fill("n", sums, chosen.counts())
    _fill("weight", sums, chosen.totals([], 1))
    _fill("right", sums, chosen.totals([facts.right], 1))
    _fill("finite", sums, counted.counts())
    _fill("finite_weight", sums, counted.totals([], 1))
    loss = counted.totals([counted.losses], 1)
    _fill("loss", sums, loss)
    _fill("loss_weight", sums, counted.weighing.again(loss, [counted.losses], 2, counted.group, groups))
    _fill("loss_loss", sums, counted.totals([counted.losses, counted.losses], 2))
    _fill("weight_weight", sums, counted.totals([], 2))
    if rows.soft is None:
        _add_classes(sums, chosen, counted)
    else:
        _add_soft_classes(sums, rows.soft, chosen, counted, finite)
    if rows.cluster is not None:
        for whole, clusters in zip(sums, clusters_by(rows, facts, group, groups), strict=True):
            whole.clusters = clusters
    return sums


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows with their losses, groups and weights."""

    rows: Rows
    losses: Floats
    group: Ints | None
    groups: int
    weighing: Weighing
    kept: Mask | None = None

    def keep(self, mask: Mask) -> Chosen:
        """Some of them."""
        group = None if self.group is None else self.group[mask]
        return Chosen(self.rows, self.losses[mask], group, self.groups, Weighing.of(self.rows, mask), mask)

    def counts(self) -> list[int]:
        """Rows of each group."""
        if self.group is None:
            return [self.losses.size]
        return np.bincount(self.group, minlength=self.groups).tolist()

    def totals(self, factors: list[Floats], power: int) -> list[int]:
        """Weighted sums of each group."""
        return self.weighing.totals(factors, power, self.group, self.groups)

    def labels(self) -> Ints:
        """The label of each row, or the one with most of it."""
        label = self.rows.main_label()
        return label if self.kept is None else label[self.kept]


def _fill(name: str, sums: list[Sums], values: list[int]) -> None:
    for whole, value in zip(sums, values, strict=True):
        setattr(whole, name, value)


def _add_classes(sums: list[Sums], chosen: Chosen, counted: Chosen) -> None:
    """Hard labels: each row is of one class."""
    k = chosen.rows.k
    pair, found = _pairs(chosen, k)
    n = np.bincount(pair, minlength=len(found)).tolist()
    mass = chosen.weighing.of_counts(n, 1, pair)
    of_counted = pair if counted.kept is None else pair[counted.kept]
    finite = n if counted.kept is None else np.bincount(of_counted, minlength=len(found)).tolist()
    cost = counted.weighing.totals([counted.losses], 1, of_counted, len(found))
    cross = counted.weighing.again(cost, [counted.losses], 2, of_counted, len(found))
    gram = counted.weighing.of_counts(finite, 2, of_counted)
    for i, code in enumerate(found.tolist()):
        if n[i]:
            whole, label = sums[code // k], code % k
            whole.classes[label] = ClassSums(n[i], n[i] - finite[i], up(mass[i]), cost[i], cross[i])
            if whole.gram is not None:
                whole.gram[label, label] = up(gram[i])


def _pairs(chosen: Chosen, k: int) -> tuple[Ints, Ints]:
    """Number the pairs of group and class; also say which (group · k + class) each number stands for."""
    label = chosen.labels()
    code = label if chosen.group is None else chosen.group * k + label
    if chosen.groups * k <= 4096 + 2 * code.size:
        return code, np.arange(chosen.groups * k)
    found, pair = np.unique(code, return_inverse=True)
    return pair.reshape(-1), found


def _add_soft_classes(sums: list[Sums], soft: Floats, chosen: Chosen, counted: Chosen, finite: Mask | None) -> None:
    """Soft labels: each row is of every class to which it gives mass; `l` is that class's share of the loss."""
    surprisal = chosen.rows.surprisal
    few = soft.shape[1] <= MOST_SOFT_CLASSES
    kept = soft if finite is None else soft[finite]
    for k in range(soft.shape[1]):
        mine = soft[:, k] > 0.0
        share = np.where(mine, soft[:, k] * np.where(mine, surprisal[:, k], 0.0), 0.0)
        possible = np.isfinite(share)
        n = _counts(chosen, mine)
        ruled_out = _counts(chosen, ~possible)
        mass = chosen.totals([soft[:, k]], 1)
        cost = chosen.totals([np.where(possible, share, 0.0)], 1)
        cross = counted.totals([kept[:, k] * counted.losses], 2)
        for g, whole in enumerate(sums):
            if n[g]:
                whole.classes[k] = ClassSums(n[g], ruled_out[g], mass[g], cost[g], cross[g])
        for j in range(k + 1 if few else 0):
            for whole, value in zip(sums, counted.totals([kept[:, j] * kept[:, k]], 2), strict=True):
                if value and whole.gram is not None:
                    whole.gram[j, k] = value
    if not few:
        for whole in sums:
            whole.gram = None


def _counts(chosen: Chosen, mask: Mask) -> list[int]:
    if chosen.group is None:
        return [int(mask.sum())]
    return np.bincount(chosen.group[mask], minlength=chosen.groups).tolist()
