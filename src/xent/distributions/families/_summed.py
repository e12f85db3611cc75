"""Entropies of integer families, by sums over the outcomes that matter.

A narrow distribution is summed over its integers. Of a wide one, whose probabilities continue to a smooth function of
real outcomes, a sum over places a part of the deviation apart is the same number: with a step of h deviations the two
differ by exp(-2 π² / h²), which is 1e-19 for h = 2/3 (Trefethen and Weideman, SIAM Review 56, 2014).

Probabilities are Loader's (2000), whose logarithms are sums of terms of one sign: with c(k) = log k! - k log k + k and
d(k, m) = k log(k/m) - k + m >= 0, that of Poisson is -c(k) - d(k, rate).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xent.distributions._special import HALF_LOG_2PI, lgamma, stirling
from xent.measures._namespace import helper_device
from xent.measures._primitives import Pair, contrast, kl_terms

Array = Any

# log k! - k log k + k, k = 0 to 15, by mpmath at 40 digits. A test computes them again.
_SMALL = (
    0.0,
    1.0,
    1.3068528194400546,
    1.4959226032237258,
    1.6328763858683832,
    1.7403021806115442,
    1.828694396641771,
    1.9037903176782212,
    1.9690705693065629,
    2.0268062840554952,
    2.0785616431350586,
    2.12545984509181,
    2.168334698205882,
    2.207822206123445,
    2.244418568125061,
    2.2785183673077407,
)
_WIDE = 100.0  # the variance from which on a distribution counts as wide
_PLACES = 448  # integers that a narrow one needs at most: a mean of 200, 14 deviations, and some
_FARTHEST = 8192  # integers that a narrow negative binomial one may need
_REACH = 14.0  # deviations to either side
_STEP, _FINE = 2.0 / 3.0, 0.4  # deviations from place to place; of a negative binomial one, whose transform is wider
_RECIPROCALS = tuple(1.0 / math.factorial(k) if k <= 170 else 0.0 for k in range(_PLACES))
_CHUNK = 4096  # members of a batch that are summed at once


def _constants(xp: Any, k: Array) -> Array:
    """c(k) of integers k >= 0, and of any real k >= 16."""
    table = xp.asarray(_SMALL, dtype=k.dtype, device=helper_device(k))
    small = k < 16.0
    large = xp.where(small, xp.full_like(k, 16.0), k)
    index = xp.astype(xp.where(small, k, 0.0 * k), xp.int64)
    found = xp.reshape(xp.take(table, xp.reshape(index, (-1,)), axis=0), k.shape)
    return xp.where(small, found, HALF_LOG_2PI + 0.5 * xp.log(large) + stirling(large))


def _d(xp: Any, k: Array, m: Array, difference: Array) -> Array:
    """k log(k/m) - k + m of k >= 0, m > 0, with their difference k - m."""
    one = xp.ones_like(k)
    ratio = xp.log(xp.where(k > 0.0, k, one)) - xp.log(xp.where(k > 0.0, m, one))
    s = contrast(xp, k, m, difference)
    return kl_terms(xp, Pair(k, m, s, ratio, xp.abs(s) < 0.5, k == 0.0))


def _mean_surprisal(xp: Any, surprisal: Array, possible: Array, weight: Array | None = None) -> Array:
    """The entropy from the surprisals of places along the last axis that stand for equal widths."""
    surprisal = xp.where(possible, surprisal, xp.zeros_like(surprisal))
    weight = xp.where(possible, xp.exp(-surprisal) if weight is None else weight, xp.zeros_like(surprisal))
    return xp.sum(weight * surprisal, axis=-1) / xp.sum(weight, axis=-1)


def _in_chunks(xp: Any, function: Callable[..., Array], *parameters: Array, size: int = _CHUNK) -> Array:
    """The function of parameters of one shape, of a bounded number of them at a time."""
    parameters = tuple(xp.broadcast_arrays(*parameters))
    shape = parameters[0].shape
    flat = [xp.reshape(a, (-1,)) for a in parameters]
    starts = range(0, max(flat[0].shape[0], 1), size)
    parts = [function(*(a[i : i + size] for a in flat)) for i in starts]
    return xp.reshape(parts[0] if len(parts) == 1 else xp.concat(parts), shape)


def _integers(xp: Any, reach: Array) -> Array:
    """The outcomes that matter to narrow distributions that reach so far, as a row."""
    places = int(xp.max(reach)) + 1 if reach.shape[0] else 1
    return xp.astype(xp.arange(places, device=helper_device(reach)), reach.dtype)[None, :]


def _light(xp: Any, mean: Array) -> Array:
    """How far a Poisson or binomial distribution of this mean reaches."""
    return mean + 14.0 * xp.sqrt(mean) + 40.0


def _heavy(xp: Any, mean: Array, success: Array) -> Array:
    """How far a negative binomial distribution reaches, which decays no faster than a geometric one."""
    return mean + 14.0 * xp.sqrt(mean / success) + 40.0 / success


def _reciprocals(xp: Any, k: Array) -> Array:
    """1/k! of a row of the first integers."""
    return xp.asarray(_RECIPROCALS[: k.shape[-1]], dtype=k.dtype, device=helper_device(k))


def _steps(xp: Any, like: Array, step: float = _STEP) -> Array:
    half = round(_REACH / step)
    return step * xp.astype(xp.arange(-half, half + 1, device=helper_device(like)), like.dtype)


def _chosen(xp: Any, wide: Array, of_wide: Callable[[Array], Array], of_narrow: Callable[[Array], Array]) -> Array:
    """By place: the one or the other, each computed only where any of the batch needs it."""
    if bool(xp.all(wide)):
        return of_wide(wide)
    if not bool(xp.any(wide)):
        return of_narrow(wide)
    return xp.where(wide, of_wide(wide), of_narrow(wide))


# -- Poisson --------------------------------------------------------------------------------------


def poisson_entropy(xp: Any, rate: Array) -> Array:
    """The entropy of Poisson distributions of any rate >= 0."""
    return _in_chunks(xp, lambda a: _poisson(xp, a), rate)


def _poisson(xp: Any, rate: Array) -> Array:
    wide = rate >= _WIDE

    def of_wide(wide: Array) -> Array:
        m = xp.where(wide, rate, _WIDE * xp.ones_like(rate))[:, None]
        off = _steps(xp, rate) * xp.sqrt(m)
        k = m + off
        possible = k >= 16.0
        k, off = xp.where(possible, k, 16.0 + 0.0 * k), xp.where(possible, off, 0.0 * off)
        return _mean_surprisal(xp, _constants(xp, k) + _d(xp, k, m, off), possible)

    def of_narrow(wide: Array) -> Array:
        some = (rate > 0.0) & ~wide
        m = xp.where(some, rate, xp.ones_like(rate))[:, None]
        k = _integers(xp, _light(xp, m)) + xp.zeros_like(m)
        surprisal = _constants(xp, k) + _d(xp, k, m, k - m)
        # the exponential of a surprisal of 700 has lost three digits of a rate that is rare
        rare = m < 1.0
        powers = xp.where(rare, m, xp.ones_like(m)) ** k * _reciprocals(xp, k) * xp.exp(-m)
        value = _mean_surprisal(xp, surprisal, k >= 0.0, xp.where(rare, powers, xp.exp(-surprisal)))
        return xp.where(rate == 0.0, 0.0 * rate, value)

    return xp.where(rate >= 0.0, _chosen(xp, wide, of_wide, of_narrow), xp.full_like(rate, math.nan))


# -- binomial --------------------------------------------------------------------------------------


def binomial_entropy(xp: Any, n: Array, success: Array, failure: Array) -> Array:
    """The entropy of binomial distributions of any n; the rarer of the two outcomes is what is counted."""
    rare = xp.where(success < failure, success, failure)
    common = xp.where(success < failure, failure, success)
    return _in_chunks(xp, lambda *a: _binomial(xp, *a), n, rare, common)


def _binomial(xp: Any, n: Array, rare: Array, common: Array) -> Array:
    def of_wide(wide: Array) -> Array:
        return _wide_binomial(xp, n, rare, common, wide)

    def of_narrow(wide: Array) -> Array:
        return _narrow_binomial(xp, n, rare, common, wide)

    return _chosen(xp, n * rare * common >= _WIDE, of_wide, of_narrow)


def _wide_binomial(xp: Any, n: Array, rare: Array, common: Array, wide: Array) -> Array:
    """Of those that are wide; anything elsewhere."""
    half = 0.5 * xp.ones_like(rare)
    trials = xp.where(wide, n, 4.0 * _WIDE + 0.0 * n)[:, None]
    p, q = xp.where(wide, rare, half)[:, None], xp.where(wide, common, half)[:, None]
    mean, rest = trials * p, trials * q
    off = _steps(xp, rare) * xp.sqrt(mean * q)
    possible = (mean + off >= 16.0) & (rest - off >= 16.0)
    off = xp.where(possible, off, 0.0 * off)
    k, other = mean + off, rest - off
    constants = (_constants(xp, k) + _constants(xp, other)) - _constants(xp, trials + 0.0 * k)
    return _mean_surprisal(xp, constants + _d(xp, k, mean, off) + _d(xp, other, rest, -off), possible)


def _narrow_binomial(xp: Any, n: Array, rare: Array, common: Array, wide: Array) -> Array:
    """Of those that are not wide; anything elsewhere."""
    variance = n * rare * common
    some = (variance > 0.0) & ~wide
    trials = xp.where(some, n, xp.ones_like(n))[:, None]
    p, q = xp.where(some, rare, 0.5 + 0.0 * n)[:, None], xp.where(some, common, 0.5 + 0.0 * n)[:, None]
    mean = trials * p
    k = _integers(xp, _light(xp, mean)) + xp.zeros_like(trials)
    possible = k <= trials
    outcome = k
    k = xp.where(possible, k, 0.0 * k)
    left = trials - k
    ways = _constants(xp, trials + 0.0 * k) - _constants(xp, left)
    surprisal = (_constants(xp, k) - ways) + _d(xp, k, mean, k - mean) + _d(xp, left, trials * q, mean - k)
    # as for a Poisson distribution, times (1 - 1/n) ... (1 - (k - 1)/n) and what the failures give
    few = mean < 1.0
    powers = xp.where(few, mean, xp.ones_like(mean)) ** outcome * _reciprocals(xp, k)
    rest = xp.where(few, left * xp.log1p(-p) + ways - _d(xp, left, trials + 0.0 * k, -k), 0.0 * k)
    weight = xp.where(few, powers * xp.exp(rest), xp.exp(-surprisal))
    value = _mean_surprisal(xp, surprisal, possible, weight)
    return xp.where(variance == 0.0, 0.0 * variance, xp.where(variance > 0.0, value, variance))


# -- negative binomial --------------------------------------------------------------------------------------


def negative_binomial_entropy(xp: Any, n: Array, success: Array, failure: Array) -> Array | None:
    """The entropy of negative binomial distributions; None where one is neither narrow nor near normal."""
    mean = n * failure / success
    wide = (n >= _WIDE) & (mean >= _WIDE)
    if not bool(xp.all(wide | (_heavy(xp, mean, success) < _FARTHEST))):
        return None
    size = _CHUNK * _PLACES // _FARTHEST
    return _in_chunks(xp, lambda *a: _negative_binomial(xp, *a), n, success, failure, wide, size=size)


def _negative_binomial(xp: Any, n: Array, success: Array, failure: Array, wide: Array) -> Array:
    """n/(n + k) times the probability of n successes in n + k trials."""

    def surprisal(n: Array, k: Array, p: Array, q: Array, off: Array) -> Array:
        total = n + k
        at_n = _d(xp, n + 0.0 * k, total * p, -off * p)
        at_k = _d(xp, k, total * q, off * p)
        constants = (_real(xp, n) + _real(xp, k)) - _real(xp, total)
        return constants + xp.log1p(k / n) + at_n + at_k

    def of_wide(wide: Array) -> Array:
        trials = xp.where(wide, n, _WIDE + 0.0 * n)[:, None]
        p, q = xp.where(wide, success, 0.5 + 0.0 * n)[:, None], xp.where(wide, failure, 0.5 + 0.0 * n)[:, None]
        mean = trials * q / p
        off = _steps(xp, success, _FINE) * xp.sqrt(mean / p)
        possible = mean + off >= 16.0
        off = xp.where(possible, off, 0.0 * off)
        return _mean_surprisal(xp, surprisal(trials, mean + off, p, q, off), possible)

    def of_narrow(wide: Array) -> Array:
        some = (n > 0.0) & (failure > 0.0) & ~wide
        trials = xp.where(some, n, 1.0 + 0.0 * n)[:, None]
        p, q = xp.where(some, success, 0.5 + 0.0 * n)[:, None], xp.where(some, failure, 0.5 + 0.0 * n)[:, None]
        mean = trials * q / p
        k = _integers(xp, _heavy(xp, mean, p)) + xp.zeros_like(trials)
        value = _mean_surprisal(xp, surprisal(trials, k, p, q, k - mean), k >= 0.0)
        return xp.where(failure == 0.0, 0.0 * failure, value)

    return _chosen(xp, wide, of_wide, of_narrow)


def _real(xp: Any, x: Array) -> Array:
    """c(x) of any real x >= 0."""
    small = (x < 16.0) & (x > 0.0)
    part = xp.where(small, x, xp.ones_like(x))
    large = xp.where(x < 16.0, 16.0 + 0.0 * x, x)
    low = lgamma(xp, part + 1.0) - part * xp.log(part) + part
    high = HALF_LOG_2PI + 0.5 * xp.log(large) + stirling(large)
    return xp.where(x < 16.0, xp.where(small, low, 0.0 * x), high)
