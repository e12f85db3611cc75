"""Weighted means and ratios with their standard errors, from exact sums.

With G rows or clusters, deviations d_i and weights w_i,

    se² = G/(G-1) · sum_g (sum_{i in g} w_i d_i)² / (sum_i w_i)².

The squares are never formed from rounded deviations: the sum is expanded into moments of the data, and those are exact.
So rows of equal loss have a standard error of exactly 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import Floats, Ints, dot, group_sums, ratio, root, total
from xent.evaluation._rows import Rows
from xent.evaluation._student import t_quantile
from xent.evaluation.results import Estimate

UNDEFINED = Estimate(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How rows were drawn: their weights (None: equal) and clusters (None: each row its own)."""

    weight: Floats | None
    cluster: Ints | None
    clusters: int

    @staticmethod
    def of(rows: Rows, keep: NDArray[np.bool_] | None = None) -> Sampling:
        """The sampling of `rows`, or of those to keep: clusters without a row are none."""
        if keep is None:
            return Sampling(rows.weight, rows.cluster, rows.clusters)
        weight = None if rows.weight is None else rows.weight[keep]
        if rows.cluster is None:
            return Sampling(weight, None, int(keep.sum()))
        code = np.unique(rows.cluster[keep], return_inverse=True)[1].reshape(-1).astype(np.int64)
        return Sampling(weight, code, int(code.max(initial=-1)) + 1)

    def times_weight(self, x: Floats) -> Floats:
        """Each value times its row's weight."""
        return x if self.weight is None else x * self.weight

    def weights(self, n: int) -> Floats:
        """The weights of `n` rows as numbers."""
        return np.ones(n) if self.weight is None else self.weight

    def by_cluster(self, x: Floats) -> Floats:
        """Sums of already weighted values within each cluster."""
        return x if self.cluster is None else group_sums(x, self.cluster, self.clusters)


def mean(values: Floats, sampling: Sampling) -> Estimate:
    """Return the weighted mean of finite `values`; NaN for no values at all."""
    if values.size == 0:
        return UNDEFINED
    part = sampling.times_weight(values)
    weight = sampling.weights(values.size)
    whole = total(weight)
    value = ratio(total(part), whole)
    if not math.isfinite(value):
        return Estimate(value, math.nan, math.nan, math.nan)
    return estimate(value, _standard_error(part, weight, Fraction(total(part), whole), sampling), sampling.clusters)


def estimate(value: float, se: float, clusters: int) -> Estimate:
    """Attach the 95 % interval."""
    if clusters < 2:
        return Estimate(value, math.nan, math.nan, math.nan)
    half = t_quantile(clusters - 1) * se
    return Estimate(value, se, value - half, value + half)


def in_unit(estimate: Estimate, scale: float) -> Estimate:
    """Convert an estimate from nats."""
    return Estimate(*(times(part, scale) for part in (estimate.value, estimate.se, estimate.low, estimate.high)))


def times(value: float, scale: float) -> float:
    """A number in another unit; what is undefined stays the same object, so that results compare equal."""
    return math.nan if math.isnan(value) else value * scale


def _standard_error(part: Floats, base: Floats, slope: Fraction, sampling: Sampling) -> float:
    """Standard error of the mean of the deviations part - slope · base (both weighted), which have mean 0."""
    if sampling.clusters < 2:
        return math.nan
    whole = Fraction(total(base), 1 << 1074)
    part, base = sampling.by_cluster(part), sampling.by_cluster(base)
    square = dot(part, part) - 2 * slope * dot(part, base) + slope * slope * dot(base, base)
    groups = sampling.clusters
    return root(max(square, Fraction(0)) * groups / (groups - 1) / (whole * whole))
