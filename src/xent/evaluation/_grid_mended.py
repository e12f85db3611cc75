"""Recalibration from grids: what both maps share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._estimates import UNDEFINED, estimate
from xent.evaluation._exact import Floats, exact_sum
from xent.evaluation._grid_clusters import ClusterSums, fold_of
from xent.evaluation._recalibration import Mended, score_tail
from xent.evaluation.results import Estimate


@dataclass(frozen=True, slots=True)
class Whole:
    """What all rows add up to: how many, their weights, the squares of these, and whether all weigh the same.

    `spread` is the sum of w² f'' at the forecasts as given, f the loss by the inverse temperature.
    """

    rows: int
    weight: float
    square: float
    spread: float
    even: bool
    seed: int

    @property
    def unit(self) -> float:
        """The weight of a row, where all weigh the same."""
        return self.weight / self.rows


@dataclass(frozen=True, slots=True)
class Fall:
    """Sums over rows of what a cross-fit gains: w·fall, w²·fall², w²·fall."""

    first: float
    second: float
    twice: float

    def estimate(self, whole: Whole) -> Estimate:
        """The mean over independent rows."""
        mean = self.first / whole.weight
        square = max(self.second - 2.0 * mean * self.twice + mean * mean * whole.square, 0.0)
        n = whole.rows
        return estimate(mean, math.sqrt(square * n / (n - 1)) / whole.weight if n > 1 else math.nan, n)


def undefined(kind: str, state: str) -> Mended:
    """No map."""
    names = ("slope", "intercept") if kind == "affine" else ("temperature",)
    return Mended(kind, dict.fromkeys(names, math.nan), math.nan, UNDEFINED, math.nan, state, None)


def clustered(gain: Estimate, clusters: ClusterSums, moves: list[Floats | None], whole: Whole) -> Estimate:
    """The gain with the standard error of its second-order expansion, cluster by cluster."""
    weight, score, curvature = clusters.table()
    groups = len(weight)
    if groups < 2 or not math.isfinite(gain.value):
        return UNDEFINED
    fold = fold_of(clusters.keys, whole.seed)
    fall = np.zeros(groups)
    upper = np.triu_indices(clusters.degrees)
    for k, move in enumerate(moves):
        mine = fold == k
        if move is not None:
            pairs = np.outer(move, move) * (1.0 - 0.5 * np.eye(len(move)))
            fall[mine] = -(score[mine] @ move) - curvature[mine] @ pairs[upper]
    apart = fall - weight * (exact_sum(fall) / whole.weight)
    se = math.sqrt(exact_sum(apart * apart) * groups / (groups - 1)) / whole.weight
    return estimate(gain.value, se, groups)


def score_p_value(clusters: ClusterSums, used: slice) -> float:
    score = clusters.table()[1][:, used]
    parts = [np.ascontiguousarray(column) for column in score.T]
    spread = np.array([[exact_sum(a * b) for a in parts] for b in parts])
    return score_tail(np.array([exact_sum(part) for part in parts]), spread)
