r"""The estimator of Nemenman, Shafee and Bialek: Dirichlet priors mixed so that the entropy is evenly spread a priori.

    H = \int E[H | n, \beta] P(n | \beta) d\xi / \int P(n | \beta) d\xi,  \xi(\beta) = \psi(K\beta+1) - \psi(\beta+1)

The integrals are taken over t = log beta by the trapezoid rule. The integrand is analytic for |Im t| < pi and falls
exponentially at both ends, so each halving of the step about squares the error: a change below 3e-7 leaves 1e-12.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from xent.estimators._dirichlet import posterior
from xent.estimators._gamma import rise, stirling
from xent.estimators._histograms import Multiplicities

Array = np.ndarray[Any, Any]

_NEGLIGIBLE = 34.0  # weights below exp(-34) of the largest are left out
_SEARCH = 40  # intervals of each look for where the weight lies
_RESOLVED = 20.0  # the second difference at the peak, below which a look has seen its shape
_FIRST = 32  # intervals of the first trapezoid rule
_HALVINGS = 12
_CLOSE = 3e-7
_ELEMENTS = 1 << 16  # of a temporary: a batch is cut into parts that stay in the cache


def nsb(m: Multiplicities) -> tuple[Array, Array]:
    """The posterior mean and variance of the entropy, both (B,)."""
    mean, variance = np.zeros(len(m.total)), np.zeros(len(m.total))
    several = np.flatnonzero(m.outcomes > 1)  # of one possible outcome nothing is uncertain
    part = max(1, _ELEMENTS // (_SEARCH * (m.counts.shape[1] + 1)))
    for start in range(0, len(several), part):
        rows = several[start : start + part]
        mean[rows], variance[rows] = _integrate(m.rows(rows))
    return mean, variance


def log_weight(m: Multiplicities, t: Array) -> Array:
    """The log of P(n | beta) d xi/dt at beta = exp(t), (B, J), less what does not depend on beta."""
    beta = np.exp(t)
    whole, total = m.outcomes[:, None] * beta, m.total[:, None]
    evidence = (m.multiplicity[:, None] * _log_rising(m.counts[:, None], beta[..., None])).sum(axis=-1)
    own = m.seen[:, None] * (0.5 * t - stirling(beta))
    all_of = _log_rising(total, whole) + 0.5 * np.log(whole) - stirling(whole)
    return evidence + own - all_of + np.log(_prior(beta, whole))


def _log_rising(n: Array, beta: Array) -> Array:
    """log Gamma(n + beta)/(Gamma(n) Gamma(beta)) less log(beta)/2 - stirling(beta) and what is constant in beta."""
    return (n - 0.5) * np.log1p(beta / n) + beta * np.log1p(n / beta) + stirling(n + beta)


def _prior(beta: Array, whole: Array) -> Array:
    """d xi/dt = K beta psi'(K beta + 1) - beta psi'(beta + 1) > 0."""
    (low, high), (low_lacks, high_lacks) = rise(np.stack([beta, whole]))
    return np.where(whole < 1, high - low, low_lacks - high_lacks)


class _Where(NamedTuple):
    """Where the weight lies in t: its ends, its highest place, the width there and the log of the height."""

    low: Array
    high: Array
    centre: Array
    width: Array
    peak: Array

    def nodes(self, rows: Array, steps: int) -> tuple[Array, Array]:
        """t = centre + width sinh(s) for evenly spaced s, and dt/ds."""
        low, high, centre, width = (x[rows, None] for x in self[:4])
        first, last = np.arcsinh((low - centre) / width), np.arcsinh((high - centre) / width)
        s = first + (last - first) * (np.arange(steps + 1) / steps)
        return centre + width * np.sinh(s), width * np.cosh(s)


def _locate(m: Multiplicities) -> _Where:
    """From where K beta < 1/log N and the weight is proportional to beta or falls faster, to where beta > N and it
    falls as 1/beta: each look keeps the places that count, and their neighbours, until it resolves the peak."""
    low = -np.log(m.outcomes) - np.log1p(np.log1p(m.total)) - _NEGLIGIBLE
    high = np.log(np.maximum(m.total, 1.0)) + _NEGLIGIBLE
    found = _Where(low, high, *(np.zeros_like(low) for _ in range(3)))
    active = np.arange(len(low))
    while len(active):
        step = (high[active] - low[active]) / _SEARCH
        t = low[active, None] + step[:, None] * np.arange(_SEARCH + 1)
        w = log_weight(m if len(active) == len(low) else m.rows(active), t)
        rows, best = np.arange(len(active)), np.clip(np.argmax(w, axis=1), 1, _SEARCH - 1)
        before, peak, after = (w[rows, best + i] for i in (-1, 0, 1))
        bend = np.maximum(2 * peak - before - after, 1e-3)
        found.peak[active] = peak
        found.centre[active] = t[rows, best] + step * np.clip((after - before) / (2 * bend), -1, 1)
        found.width[active] = step * np.sqrt(2 / bend)  # to where a parabola falls by 1
        counts = w > peak[:, None] - _NEGLIGIBLE
        first = np.maximum(np.argmax(counts, axis=1) - 1, 0)
        last = np.minimum(_SEARCH - np.argmax(counts[:, ::-1], axis=1) + 1, _SEARCH)
        low[active], high[active] = t[rows, first], t[rows, last]
        active = active[(bend > _RESOLVED) & (last - first < _SEARCH)]
    return found


def _integrate(m: Multiplicities) -> tuple[Array, Array]:
    where = _locate(m)
    centre, sums = np.zeros_like(m.total), np.zeros((4, len(m.total)))
    mean, variance = np.full_like(centre, math.inf), np.full_like(centre, math.inf)
    active, steps = np.arange(len(centre)), _FIRST
    for level in range(_HALVINGS):
        part = m if len(active) == len(centre) else m.rows(active)
        t, slope = where.nodes(active, steps)
        t, slope = (t, slope) if level == 0 else (t[:, 1::2], slope[:, 1::2])
        weight = np.exp(log_weight(part, t) - where.peak[active, None]) * slope
        given, spread = posterior(part, np.exp(t))
        if level == 0:
            centre = given[np.arange(len(active)), np.argmax(weight, axis=1)]
        off = given - centre[active, None]
        sums[:, active] += [(weight * x).sum(axis=1) for x in (1.0, off, off * off, spread)]
        mass, first, second, inner = sums[:, active]
        new_mean = centre[active] + first / mass
        new_variance = np.maximum((second + inner) / mass - (first / mass) ** 2, 0.0)
        moved = np.abs(new_mean - mean[active]) > _CLOSE * new_mean
        moved |= np.abs(new_variance - variance[active]) > 10 * _CLOSE * new_variance
        mean[active], variance[active] = new_mean, new_variance
        active, steps = active[moved], steps * 2
        if not len(active):
            return mean, variance
    raise ArithmeticError("The integral of the estimator 'nsb' did not settle; please report the counts.")
