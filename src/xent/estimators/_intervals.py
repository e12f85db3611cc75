"""From a value and its standard error, or a posterior's mean and variance, to an interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xent.estimators._gamma import special
from xent.estimators._histograms import Array, Multiplicities

INTERVALS = ("auto", "analytic", "bootstrap")
_ELEMENTS = 1 << 20  # of a temporary
_ROUNDING = 2.0**-48  # of an estimate, at most
_NEARLY_NORMAL = 1e6  # parameters of a beta distribution from which on its skewness is below 0.002


def asked(interval: Any, confidence: Any, seed: Any) -> str | None:
    """The kind of interval; refused when it is none, the confidence is no share, or nothing can be seeded so."""
    if interval is not None and not (isinstance(interval, str) and interval in INTERVALS):
        raise ValueError(f"`interval` is {interval!r}; from counts it is 'auto', 'analytic', 'bootstrap' or None.")
    number = isinstance(confidence, (int, float, np.floating)) and not isinstance(confidence, bool)
    if not number or not 0 < confidence < 1:
        raise ValueError(f"`confidence` is {confidence!r}; it is a number between 0 and 1, such as 0.95.")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"`seed` is {seed!r}; it is an integer, at least 0.")
    return "analytic" if interval == "auto" else interval


def normal_of(value: Array, variance: Array, confidence: float) -> tuple[Array, Array]:
    """The value less and plus z standard errors, from 0 on: what is estimated is never negative."""
    reach = _standard_errors(confidence) * np.sqrt(variance)
    unknown = np.isinf(value)
    low = np.where(unknown, 0.0, np.where(unknown, 0.0, value) - reach)
    return np.maximum(low, 0.0), np.maximum(value + reach, 0.0)


def _standard_errors(confidence: float) -> float:
    """z: how many the interval reaches to either side; above 0, so that an infinite error stays one.

    From the lower tail, which is a number also where the upper one rounds to 1.
    """
    return max(-float(special().ndtri(0.5 * (1 - float(confidence)))), math.ulp(0.0))


def positive(mean: Array, variance: Array, confidence: float) -> tuple[Array, Array]:
    """Quantiles of the gamma distribution that has this mean and variance; both ends the mean where it has none."""
    lower, upper = special().gammaincinv, special().gammainccinv
    spread = (variance > 0) & (mean > 0)
    shape = np.where(spread, mean, 1.0) ** 2 / np.where(spread, variance, 1.0)
    tail = 0.5 * (1 - float(confidence))
    low, high = (np.where(spread, mean / shape * inverse(shape, tail), mean) for inverse in (lower, upper))
    return low, high


def bounded(mean: Array, variance: Array, top: Array, confidence: float) -> tuple[Array, Array]:
    """Quantiles of the beta distribution on [0, top] with this mean and variance; normal ones where it is narrow."""
    lower, upper = special().betaincinv, special().betainccinv
    certain = (variance <= 0) | (top <= 0)
    safe = np.where(certain, 1.0, variance)
    m = np.where(certain, 0.5, mean / np.where(top > 0, top, 1.0))
    size = np.maximum(m * (1 - m) * np.where(certain, 1.0, top) ** 2 / safe - 1, 0.0)
    a, b = m * size, (1 - m) * size
    narrow = certain | (np.minimum(a, b) > _NEARLY_NORMAL) | ~(np.minimum(a, b) > 0)
    a, b = (np.where(narrow, 1.0, x) for x in (a, b))
    reach, tail = _standard_errors(confidence) * np.sqrt(np.maximum(variance, 0.0)), 0.5 * (1 - float(confidence))
    ends: list[Array] = []
    for inverse, to in ((lower, -reach), (upper, reach)):
        plain = np.clip(mean + to, 0.0, np.maximum(top, mean))
        ends.append(np.where(narrow, plain, top * inverse(a, b, tail)))
    return ends[0], ends[1]


def jackknife(left: Array, weight: Array, n: Array, size: Array) -> Array:
    """The variance by leaving out each observation in turn (Efron and Stein 1981), (B,); inf for one observation.

    From the estimates (B, D) without one, and how many observations (B, D) give each, of n in all. `size` (B,) is how
    large the numbers are whose rounding `left` has: a spread that this alone explains, of 1e14 observations, is none.
    """
    mean = (weight * left).sum(axis=1) / n
    spread = (weight * (left - mean[:, None]) ** 2).sum(axis=1)
    spread = np.where(spread > n * (_ROUNDING * size) ** 2, spread, 0.0)
    return np.where(n > 1, (n - 1) / n * spread, np.inf)


def left_out(estimate: Callable[[Any], Array], m: Multiplicities) -> Array:
    """The estimate without one observation of an outcome that has each of the distinct counts, (B, D).

    Observations of outcomes that were seen equally often give the same estimate: one each is enough. 0 where a
    histogram has fewer distinct counts than D, or but one observation.
    """
    row, at = np.nonzero((m.multiplicity > 0) & (m.total > 1)[:, None])
    left = np.zeros_like(m.counts)
    for part in _parts(len(row), m):
        left[row[part], at[part]] = estimate(_without(m, row[part], at[part]))
    return left


def _parts(pairs: int, m: Multiplicities) -> list[slice]:
    size = max(1, _ELEMENTS // (m.counts.shape[1] + 1))
    return [slice(i, i + size) for i in range(0, pairs, size)]


def _without(m: Multiplicities, row: Array, at: Array) -> Multiplicities:
    """The histograms without one observation of an outcome that has the count at that place."""
    counts, multiplicity = m.counts[row], m.multiplicity[row]
    pairs = np.arange(len(row))
    fewer = counts[pairs, at] - 1
    multiplicity[pairs, at] -= 1
    counts[pairs, at] = np.where(multiplicity[pairs, at] > 0, counts[pairs, at], 1.0)
    counts = np.hstack([counts, np.where(fewer > 0, fewer, 1.0)[:, None]])
    return Multiplicities(counts, np.hstack([multiplicity, (fewer > 0)[:, None]]), m.outcomes[row])
