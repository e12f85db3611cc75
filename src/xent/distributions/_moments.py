"""Means and co-moments of several columns of draws, merged chunk by chunk, and the regression on columns of mean 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A draw that holds more than this share of a control's sum of squares tells of a variance that is infinite, or not
# yet seen; and correlations this near 1 are rounding.
_MOST_LEVERAGE = 0.02
_COLLINEAR = 1e-9
# The least share of a sum of squares that is told from 0, once what controls explain was taken away.
_ROUNDING = 2e-15
# Residuals of n draws with more than this square of their skewness over n are mostly those of a tail seldom seen: the
# interval of their mean falls short.
_MOST_SKEWED = 0.02
# How many standard errors the mean of a control may be from the 0 that it is said to be.
_ASTRAY = 4.0


@dataclass(frozen=True, slots=True)
class Moments:
    """What n draws of k columns tell, for each of B distributions: of any two chunks it is the merged state.

    mean (B, k); co (B, k, k) and third (B, k, k, k), sums of products of two and of three deviations; top (B, k), the
    largest absolute value; wild (B, k), whether a value was infinite: such values are left out of the rest.
    """

    count: int
    mean: Floats
    co: Floats
    third: Floats
    top: Floats
    wild: Any


def moments(columns: Floats) -> Moments:
    """The state of one chunk, columns of shape (B, k, n)."""
    finite = np.isfinite(columns)
    kept = columns if finite.all() else np.where(finite, columns, 0.0)
    mean = kept.mean(axis=-1)
    deviations = kept - mean[..., None]
    turned = deviations.transpose(0, 2, 1)
    with np.errstate(over="ignore", invalid="ignore"):  # the cube of a ratio of densities; see `even`
        co = deviations @ turned
        third = np.stack([(deviations[:, [j]] * deviations) @ turned for j in range(columns.shape[1])], axis=1)
    return Moments(columns.shape[-1], mean, co, third, np.abs(kept).max(axis=-1), ~finite.all(axis=-1))


def merged(a: Moments, b: Moments) -> Moments:
    """The state of both chunks (Chan, Golub and LeVeque, 1983)."""
    count = a.count + b.count
    step = b.mean - a.mean
    co = a.co + b.co + step[..., :, None] * step[..., None, :] * (a.count * b.count / count)
    mean = a.mean + step * (b.count / count)
    with np.errstate(over="ignore", invalid="ignore"):
        third = _about(a, mean) + _about(b, mean)
    return Moments(count, mean, co, third, np.maximum(a.top, b.top), a.wild | b.wild)


def _about(a: Moments, centre: Floats) -> Floats:
    """Sums of products of three deviations from another centre than the mean."""
    step = a.mean - centre
    first = step[:, :, None, None]
    turns = first * (a.co[:, None] + a.count / 3.0 * step[:, None, :, None] * step[:, None, None, :])
    return a.third + turns + np.moveaxis(turns, 1, 2) + np.moveaxis(turns, 1, 3)


class Fit(NamedTuple):
    """A mean freed of what its controls explain: weights (B, k) of the columns' means, value and standard error (B)."""

    weights: Floats
    value: Floats
    error: Floats


def trusted(state: Moments, control: int) -> Any:
    """Whether a column of mean 0 behaves like one of finite variance: no draw rules it, and its mean is near 0."""
    spread = state.co[:, control, control]
    within = state.top[:, control] ** 2 <= _MOST_LEVERAGE * spread
    near = state.mean[:, control] ** 2 * state.count**2 <= _ASTRAY**2 * spread
    return within & near & ~state.wild[:, control]


def even(state: Moments, base: int, fit: Fit, count: int) -> Any:
    """Whether the residuals of a fit are not so skewed that the interval of a mean of `count` falls short.

    Controls take from a mean what its many common draws do, and leave what the rare ones do.
    """
    weights = fit.weights
    cubes = weights[:, :, None, None] * weights[:, None, :, None] * weights[:, None, None, :]
    with np.errstate(over="ignore", invalid="ignore"):
        skewed = np.where(cubes == 0, 0.0, cubes * state.third).sum(axis=(1, 2, 3))
        rest = np.einsum("bi,bij,bj->b", weights, state.co, weights)
        explained = rest <= 1e-9 * state.co[:, base, base]  # whole: what is left is rounding
        return explained | (skewed**2 * max(1.0, state.count / count) <= _MOST_SKEWED * rest**3)


def regression(state: Moments, base: int, controls: Sequence[int], pilot: Moments | None = None) -> Fit:
    """The mean of column `base` less what columns of mean 0 explain of it, by least squares.

    The error is that of the intercept, from residuals with the degrees of freedom of the controls paid for; NaN
    without any left. Controls that are not `trusted`, as far as the draws of the pilot tell, and directions among them
    that are collinear, are left out.
    """
    chosen = list(controls)
    weights, rank, leverage = _weights(state, base, chosen, pilot or state)
    value = (weights * state.mean).sum(axis=-1)
    rest = np.einsum("bi,bij,bj->b", weights, state.co, weights)
    # Controls that explain everything leave rounding.
    rest = np.maximum(rest, np.where(rank > 0, _ROUNDING * state.co[:, base, base], 0.0))
    freedom = state.count - 1 - rank
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(rest / np.where(freedom > 0, freedom, np.nan) * (1.0 / state.count + leverage))
    wild = state.wild[:, base]
    return Fit(weights, np.where(wild, np.inf, value), np.where(wild, np.nan, error))


def _weights(state: Moments, base: int, controls: list[int], pilot: Moments) -> tuple[Floats, Any, Any]:
    """Weights of all columns, how many directions they use, and the controls' share in the intercept's variance."""
    weights = np.zeros_like(state.mean)
    weights[:, base] = 1.0
    if not controls:
        return weights, np.zeros(len(weights)), 0.0
    use = np.stack([trusted(pilot, control) & ~state.wild[:, control] for control in controls], axis=-1)
    scale = np.sqrt(np.stack([state.co[:, j, j] for j in controls], axis=-1))
    use &= scale > 0
    inverse = np.where(use, 1.0 / np.where(use, scale, 1.0), 0.0)
    among = state.co[:, controls][:, :, controls] * inverse[:, :, None] * inverse[:, None, :]
    values, vectors = np.linalg.eigh(among)
    kept = values > _COLLINEAR
    undone = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)

    def solve(right: Floats) -> Floats:
        turned = np.einsum("bij,bi->bj", vectors, right * inverse) * undone
        return np.einsum("bij,bj->bi", vectors, turned) * inverse

    weights[:, controls] = -solve(state.co[:, controls, base])
    mean = state.mean[:, controls]
    return weights, kept.sum(axis=-1), (mean * solve(mean)).sum(axis=-1)
