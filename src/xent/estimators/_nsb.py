r"""The estimator of Nemenman, Shafee and Bialek: Dirichlet priors mixed so that the entropy is evenly spread a priori.

    H = \int E[H | n, \beta] P(n | \beta) d\xi / \int P(n | \beta) d\xi,  \xi(\beta) = \psi(K\beta+1) - \psi(\beta+1)

The integrals are taken over t = log beta by the trapezoid rule. The integrand is analytic for |Im t| < pi and falls
exponentially at both ends, so each halving of the step about squares the error: a change below 3e-7 leaves 1e-12.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xent.estimators._dirichlet import posterior
from xent.estimators._gamma import rise, stirling
from xent.estimators._histograms import Multiplicities

Array = np.ndarray[Any, Any]

_NEGLIGIBLE = 34.0  # weights below exp(-34) of the largest are left out
_SEARCH = 40  # intervals of each look for where the weight lies
_RESOLVED = 20.0  # the second difference at the peak, below which a look has seen its shape
_FIRST = 64  # intervals of the first trapezoid rule, which is compared with that of half as many
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


def log_evidence(m: Multiplicities, t: Array) -> Array:
    """log P(n | beta) at beta = exp(t), (B, J), less what does not depend on beta.

    Of log Gamma(n + b)/(Gamma(n) Gamma(b)) the sum over the counts, b = beta, less that of their total, b = K beta:
    (n - 1/2) log(1 + b/n) + b log(1 + n/b) + log(b)/2 + stirling(n + b) - stirling(b) and a constant.
    """
    total, k = m.total[:, None], m.outcomes[:, None]
    n, scale, sign = (
        np.concatenate([first, others], axis=1)[:, None]
        for first, others in ((total, m.counts), (k, np.ones_like(m.counts)), (np.full_like(k, -1.0), m.multiplicity))
    )
    b = np.exp(t)[..., None] * scale
    lacking = stirling(np.concatenate([n + b, b[..., :2]], axis=-1))
    rising = (n - 0.5) * np.log1p(b / n) + b * np.log1p(n / b) + lacking[..., :-2]
    of_all, of_one = lacking[..., -2], lacking[..., -1]
    evidence = (sign * rising).sum(axis=-1)
    return evidence + m.seen[:, None] * (0.5 * t - of_one) - (0.5 * (t + np.log(k)) - of_all)


def log_prior(m: Multiplicities, t: Array) -> Array:
    """log of d xi/dt = K beta psi'(K beta + 1) - beta psi'(beta + 1) > 0, (B, J)."""
    beta = np.exp(t)
    whole = m.outcomes[:, None] * beta
    (low, high), (low_lacks, high_lacks) = rise(np.stack([beta, whole]))
    return np.log(np.where(whole < 1, high - low, low_lacks - high_lacks))


def rough_log_prior(m: Multiplicities, t: Array) -> Array:
    """The same to 0.2, with x/(x + 0.6) for x psi'(x + 1): enough to find where the weight lies."""
    beta, k = np.exp(t), m.outcomes[:, None]
    return np.log(0.6 * (k - 1)) + t - np.log(k * beta + 0.6) - np.log(beta + 0.6)


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
        part = m if len(active) == len(low) else m.rows(active)
        w = log_evidence(part, t) + rough_log_prior(part, t)
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
    where, everyone = _locate(m), np.arange(len(m.total))
    sums, mean, variance, centre = np.zeros((4, len(everyone))), *(np.zeros(len(everyone)) for _ in range(3))
    active, steps = everyone, _FIRST
    for level in range(_HALVINGS):
        part = m if active is everyone else m.rows(active)
        t, slope = where.nodes(active, steps)
        t, slope = (t, slope) if level == 0 else (t[:, 1::2], slope[:, 1::2])
        weight = np.exp(log_evidence(part, t) + log_prior(part, t) - where.peak[active, None]) * slope
        given, spread = posterior(part, np.exp(t))
        if level == 0:
            centre = given[everyone, np.argmax(weight, axis=1)]
        off = given - centre[active, None]
        terms = np.stack([weight, weight * off, weight * off * off, weight * spread])
        if level == 0:  # the even places are the rule of half as many steps
            mean, variance = _moments(centre, terms[:, :, ::2].sum(axis=2))
        sums[:, active] += terms.sum(axis=2)
        new_mean, new_variance = _moments(centre[active], sums[:, active])
        moved = np.abs(new_mean - mean[active]) > _CLOSE * new_mean
        moved |= np.abs(new_variance - variance[active]) > 10 * _CLOSE * new_variance
        mean[active], variance[active] = new_mean, new_variance
        active, steps = active[moved], steps * 2
        if not len(active):
            return mean, variance
    raise ArithmeticError("The integral of the estimator 'nsb' did not settle; please report the counts.")


def _moments(centre: Array, sums: Array) -> tuple[Array, Array]:
    """Mean and variance from the sums of the weights, of what the mean is off the centre, its square, and variances."""
    mass, first, second, inner = sums
    return centre + first / mass, np.maximum((second + inner) / mass - (first / mass) ** 2, 0.0)
