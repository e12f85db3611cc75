"""The numbers of a comparison of two models, from the losses of their rows in nats.

Everything here is a function of the rows as a set: exact sums, or an order by content.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._estimates import UNDEFINED, Sampling, mean, times
from xent.evaluation._exact import ONE, Floats, Ints, dot, group_totals, ratio, root, total
from xent.evaluation._rows import Rows
from xent.evaluation.results import ClassDifference, Estimate, Mover

MOVERS = 10
"""How many rows are named in which each model does worse than the other."""

Pair = tuple[Floats, Floats]


def difference(a: Floats, b: Floats, sampling: Sampling) -> Estimate:
    """Return the mean of a - b with its paired standard error; infinite if one mean is, undefined if both are."""
    value = _infinite(bool(np.isinf(a).any()), bool(np.isinf(b).any()))
    return mean(a - b, sampling) if value is None else Estimate(value, math.nan, math.nan, math.nan)


def _infinite(a: bool, b: bool) -> float | None:
    """The difference of two sums of which some are infinite; None if neither is."""
    if a or b:
        return math.nan if a and b else math.inf if a else -math.inf
    return None


def correlation(a: Floats, b: Floats) -> float:
    """Return Pearson's correlation; NaN if a loss is infinite or one of the two is constant."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.nan
    n = a.size
    sums = Fraction(total(a), ONE), Fraction(total(b), ONE)
    # n² times the moments about the mean: no cancellation, because nothing was rounded.
    joint = n * dot(a, b) - sums[0] * sums[1]
    spread = (n * dot(a, a) - sums[0] ** 2) * (n * dot(b, b) - sums[1] ** 2)
    if spread == 0:
        return math.nan
    return math.copysign(root(joint * joint / spread), joint) if joint else 0.0


def average_losses(rows: Rows, losses: Pair, surprisal: Pair) -> Floats:
    """Return the losses in nats of the forecast (q_A + q_B) / 2."""
    if rows.soft is None:
        return averaged(*losses)
    return np.where(rows.soft > 0.0, rows.soft * averaged(*surprisal), 0.0).sum(axis=1)


def averaged(a: Floats, b: Floats) -> Floats:
    """Return -log((exp(-a) + exp(-b)) / 2) without a probability that could underflow or cancel.

    With d = |a - b| it is (a + b)/2 - log cosh(d/2). For small d the logarithm is log1p(2 sinh²(d/4)), which keeps its
    last digits; for large d it is of the size of a and b, and min(a, b) + log 2 - log1p(exp(-d)) is right.
    """
    least = np.minimum(a, b)
    gap = np.where(np.isinf(least), 0.0, np.maximum(a, b) - least)
    near = np.minimum(gap, 1.0)
    sinh = np.sinh(near / 4.0)
    close = least + (near / 2.0 - np.log1p(2.0 * sinh * sinh))
    apart = least + (math.log(2.0) - np.log1p(np.exp(-gap)))
    return np.where(gap <= 1.0, close, apart)


def gain_of_average(averaged_losses: Floats, better: Floats, sampling: Sampling) -> tuple[Estimate, Estimate]:
    """Return the mean of the averaged forecast's losses, and by how much they are below those of the better model."""
    if not np.isfinite(averaged_losses).all():
        return Estimate(math.inf, math.nan, math.nan, math.nan), UNDEFINED
    gain = difference(better, averaged_losses, sampling)
    return mean(averaged_losses, sampling), gain


def by_class(rows: Rows, losses: Pair, surprisal: Pair, scale: float) -> tuple[ClassDifference, ...]:
    """Return one entry a class, the largest part of the difference first; `scale` turns nats into the unit."""
    weight = rows.weights()
    whole = total(weight)
    if rows.labels is None:
        parts = [
            _soft_class(rows.column(k), (surprisal[0][:, k], surprisal[1][:, k]), weight)
            for k in range(len(rows.classes))
        ]
    else:
        parts = _hard_classes(rows.labels, losses, weight, rows.k)
    table = [
        ClassDifference(
            name=rows.classes[k],
            n=n,
            difference=times(ratio(cost, mass) if isinstance(cost, int) else cost, scale),
            share=times(ratio(cost, whole) if isinstance(cost, int) else cost, scale),
        )
        for k, (n, mass, cost) in enumerate(parts)
    ]
    return tuple(sorted(table, key=_size, reverse=True))


def _size(row: ClassDifference) -> float:
    """Classes without a number come before all, like the infinite."""
    return math.inf if math.isnan(row.share) else abs(row.share)


def _hard_classes(labels: Ints, losses: Pair, weight: Floats, k: int) -> list[tuple[int, int, int | float]]:
    """Rows, weight and weighted difference of each class: an exact total, or what is not finite."""
    a, b = losses
    infinite = [np.bincount(labels[np.isinf(side)], minlength=k).tolist() for side in losses]
    part = np.where(np.isfinite(a) & np.isfinite(b), a - b, 0.0) * weight
    costs = group_totals(part, labels, k)
    count = np.bincount(labels, minlength=k).tolist()
    mass = group_totals(weight, labels, k)
    found: list[tuple[int, int, int | float]] = []
    for j, cost in enumerate(costs):
        value = _infinite(infinite[0][j] > 0, infinite[1][j] > 0)
        found.append((count[j], mass[j], cost if value is None else value))
    return found


def _soft_class(column: Floats, surprisal: Pair, weight: Floats) -> tuple[int, int, int | float]:
    mine = column > 0.0
    mass = column[mine] * weight[mine]
    a, b = surprisal[0][mine], surprisal[1][mine]
    value = _infinite(bool(np.isinf(a).any()), bool(np.isinf(b).any()))
    return int(mine.sum()), total(mass), total(mass * (a - b)) if value is None else value


def movers(rows: Rows, a: Floats, b: Floats, scale: float) -> tuple[Mover, ...]:
    """Return the rows on which the two differ most: first those where A loses, then those where B does."""
    gap = np.where(a == b, 0.0, a - b)
    label = rows.main_label()
    chosen = [*_farthest(gap, label, a, b), *_farthest(-gap, label, a, b)]
    return tuple(
        Mover(
            row=int(rows.position[i]),
            label=rows.classes[label[i]],
            loss_a=float(a[i]) * scale,
            loss_b=float(b[i]) * scale,
        )
        for i in chosen
    )


def _farthest(gap: Floats, label: Ints, a: Floats, b: Floats) -> list[int]:
    """Up to `MOVERS` rows of the largest gap above 0; ties by class, then losses, then row."""
    count = min(MOVERS, gap.size)
    least = np.partition(gap, gap.size - count)[gap.size - count]
    candidates: NDArray[np.intp] = np.flatnonzero((gap >= least) & (gap > 0.0))
    keys = (candidates, b[candidates], a[candidates], label[candidates], -gap[candidates])
    return candidates[np.lexsort(keys)][:count].tolist()
