"""Entropy estimates that ask how much of the distribution was seen at all: Chao-Shen and Chao-Wang-Jost."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.estimators._corrected import surprisal
from xent.estimators._gamma import digamma_gap, special
from xent.estimators._histograms import Multiplicities

Array = np.ndarray[Any, Any]


def chao_shen(m: Multiplicities) -> Array:
    """Horvitz-Thompson over the shares times Good's coverage 1 - f1/N (Chao and Shen 2003, equation 7), (B,).

    Where all were seen once, f1 = N - 1 is used: the coverage would be 0, and the estimate undefined.
    """
    n, singletons = m.total, m.having(1)
    unseen = np.where(singletons == n, n - 1, singletons) / n
    p = (1 - unseen)[:, None] * m.counts / n[:, None]
    with np.errstate(divide="ignore"):  # p = 1: certain to be seen
        included = -np.expm1(n[:, None] * np.log1p(-p))
    terms = p * (surprisal(m) - np.log1p(-unseen)[:, None]) / included
    return (m.multiplicity * terms).sum(axis=1)


def chao_wang_jost(m: Multiplicities) -> Array:
    """The entropy by the slope of the species accumulation curve (Chao, Wang and Jost 2013, equation 8), (B,)."""
    n, once = m.total, m.having(1)
    observed = m.counts * digamma_gap(m.counts, np.maximum(n[:, None] - m.counts, 0.0))
    return (m.multiplicity * observed).sum(axis=1) / n + once / n * _unseen(_rate(n, once, m.having(2)), n)


def chao_wang_jost_left_out(m: Multiplicities) -> Array:
    """The estimates without one observation of an outcome of each count c, (B, D), less what all have in common.

    The first part of the estimate is psi(n) - sum c psi(c)/n, and c psi(c) - (c-1) psi(c-1) = psi(c) + 1 for c > 1;
    the second one depends on c where it is 1, 2 or 3 alone.
    """
    n, once, twice = np.maximum(m.total - 1, 1.0), m.having(1), m.having(2)
    singletons = np.maximum(np.stack([once - 1, once + 1, once, once]), 0.0)
    pairs = np.maximum(np.stack([twice, twice - 1, twice + 1, twice]), 0.0)
    every = np.broadcast_to(n, singletons.shape)
    unseen = singletons / n * _unseen(_rate(every, singletons, pairs), every)
    case = np.minimum(m.counts, 4.0).astype(np.intp) - 1
    return (special().digamma(m.counts) + (m.counts > 1)) / n[:, None] + np.take_along_axis(unseen.T, case, axis=1)


def _rate(n: Array, once: Array, twice: Array) -> Array:
    """A, the mean share of the outcomes that were seen once, as Good and Turing estimate it; 1 without any."""
    by_pairs = 2 * twice / ((n - 1) * once + 2 * twice + (twice == 0))
    by_once = 2 / ((n - 1) * np.maximum(once - 1, 0) + 2)
    return np.where(once == 0, 1.0, np.where(twice > 0, by_pairs, by_once))


def coverage(m: Multiplicities) -> Array:
    """The share of the distribution that was seen, (B,): 1 - f1/N (1 - A) (Chao and Jost 2012)."""
    n, once = m.total, m.having(1)
    return 1 - once / n * (1 - _rate(n, once, m.having(2)))


_SKIPPED = 16
_EULER_MACLAURIN = {1: 1 / 12, 3: -1 / 720, 5: 1 / 30240, 7: -1 / 1209600}  # B_2k/(2k)! by derivative


def _unseen(a: Array, n: Array) -> Array:
    """(1-A)^(1-n) [-log A - sum_{r<n} (1-A)^r/r] = sum_{j>=0} (1-A)^(j+1)/(n+j).

    The bracket as it stands loses all digits, and its factor overflows, as soon as nA is large. The sum is taken
    term by term for j < 16 and by Euler and Maclaurin's formula beyond, to 1e-14 for the A <= 2/3 that occur.
    """
    seen = np.where(a < 1, a, 0.5)
    z, s, x = 1 - seen, -np.log1p(-seen), n + _SKIPPED
    j = np.arange(_SKIPPED)
    head = (z[..., None] ** j / (n[..., None] + j)).sum(axis=-1)
    power, slope = 1.0, 1 / x
    tail = scaled_exponential_integral(s * x) + 0.5 * slope
    for order in range(1, 8):  # of exp(-sx)/x, but for its sign and exp(-sx): x f^(k) + k f^(k-1) = s^k
        power = power * s
        slope = (power + order * slope) / x
        if order in _EULER_MACLAURIN:
            tail = tail + _EULER_MACLAURIN[order] * slope
    return np.where(a < 1, z * (head + z**_SKIPPED * tail), 0.0)


def scaled_exponential_integral(x: Array) -> Array:
    """exp(x) E_1(x), x > 0: asymptotic from 50 on, where the terms fall below 3e-16 of the sum."""
    small = np.minimum(x, 50.0)
    found = np.exp(small) * special().exp1(small)
    beyond = x >= 50
    if beyond.any():
        large = x[beyond]
        series = np.ones_like(large)
        for k in range(20, 0, -1):
            series = 1 - k / large * series
        found[beyond] = series / large
    return found
