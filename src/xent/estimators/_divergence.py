"""The divergence of the distribution behind some counts from the one behind others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xent import _check, _units
from xent._forms import Counts
from xent.estimators import _bootstrap, _dirichlet, _intervals
from xent.estimators._estimate import Estimate
from xent.estimators._gamma import digamma_gap, excess
from xent.estimators._histograms import Array, Histograms, along, flattened, histograms, read, require_whole
from xent.estimators._methods import batched, check_options, chosen
from xent.measures import kl_divergence as divergence

METHODS = ("plug-in", "zhang-grabchak", "dirichlet")
DEFAULT = "zhang-grabchak"  # the one that needs numbers of observations
_FOR_WEIGHTS = "`method='plug-in'` or 'dirichlet'"


class _Pair(NamedTuple):
    """Two batches of histograms of the same outcomes, and their totals as columns."""

    x: Array
    y: Array
    n: Array
    m: Array


def _pair(x: Array, y: Array) -> _Pair:
    return _Pair(x, y, x.sum(axis=1, keepdims=True), y.sum(axis=1, keepdims=True))


def plug_in(c: _Pair) -> Array:
    """The divergence of the observed shares, (B,); inf where an outcome of `p` was never seen under `q`."""
    return divergence(Counts(c.x), Counts(c.y), check=False)


def plug_in_variance(c: _Pair) -> Array:
    """By the delta method, with its second order, (B,); inf where the value is."""
    p, present = c.x / c.n, c.x > 0
    possible = ~(present & (c.y == 0)).any(axis=1)
    use = present & (c.y > 0)
    safe_x, safe_y = np.where(use, c.x, 1.0), np.where(use, c.y, 1.0)
    ratio = np.log(safe_x / c.n) - np.log(safe_y / c.m)
    over = np.where(use, p * (safe_x / c.n) / (safe_y / c.m), 0.0).sum(axis=1) - 1
    found = _first_order(np.where(use, p, 0.0), ratio, c.n) + np.maximum(over, 0.0) / c.m[:, 0] + _second_order(c)
    return np.where(possible, found, np.inf)


def _first_order(p: Array, surprise: Array, n: Array) -> Array:
    mean = (p * surprise).sum(axis=1, keepdims=True)
    return (p * (surprise - mean) ** 2).sum(axis=1) / n[:, 0]


def _second_order(c: _Pair) -> Array:
    """What is left where p = q: 2nm/(n+m) times the divergence is then chi-squared."""
    freedom = np.count_nonzero((c.x > 0) | (c.y > 0), axis=1) - 1
    return 0.5 * freedom * (1 / c.n[:, 0] + 1 / c.m[:, 0]) ** 2


def zhang_grabchak(c: _Pair) -> tuple[Array, Array]:
    """Sum of x/n [psi(m+1) - psi(y+1) - psi(n) + psi(x)] and its variance, both (B,).

    The closed form of the sums of Zhang and Grabchak (2014, equation 6); finite also where y = 0, since psi(y+1)
    stands in the place of log y. The variance is that of the delta method with psi in the place of the logarithm.
    """
    p, x = c.x / c.n, np.where(c.x > 0, c.x, 1.0)
    terms = digamma_gap(c.y + 1, c.m - c.y) - digamma_gap(x, np.maximum(c.n - x, 0.0))
    model = (p * p * _trigamma(c.y + 1)).sum(axis=1) - _trigamma(c.m + 1)[:, 0]
    variance = _first_order(p, terms, c.n) + np.maximum(model, 0.0) + _second_order(c)
    return (p * terms).sum(axis=1), variance


def dirichlet(c: _Pair, prior: Any) -> tuple[Array, Array]:
    """Posterior mean and variance, both (B,), of independent Dirichlet priors for `p` and for `q`."""
    k = c.x.shape[1]
    a, b = (_dirichlet.concentration(histograms(counts), prior)[:, None] for counts in (c.x, c.y))
    alpha, beta, whole, model = c.x + a, c.y + b, c.n + k * a, c.m + k * b
    surprisal = digamma_gap(beta, (c.m - c.y) + (k - 1) * b)
    others = (c.n - c.x) + (k - 1) * a
    mean, variance = _dirichlet.moments(alpha, alpha / whole, whole[:, 0], others, -surprisal)
    square = alpha / whole * ((alpha + 1) / (whole + 1))
    inner = (square * _trigamma(beta)).sum(axis=1) - _trigamma(model)[:, 0]
    return 0.0 - mean, variance + np.maximum(inner, 0.0)


def _trigamma(x: Array) -> Array:
    return (1 + excess(x)) / x


def _estimate(name: str, c: _Pair, prior: Any) -> tuple[Array, Array]:
    if name == "plug-in":
        return plug_in(c), plug_in_variance(c)
    return zhang_grabchak(c) if name == "zhang-grabchak" else dirichlet(c, prior)


def kl_divergence(
    p: Any,
    q: Any,
    *,
    method: str | None = None,
    axis: int = -1,
    unit: str = "nats",
    prior: str | float | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """What `xent.estimators.kl_divergence` answers for counts."""
    name, scale = chosen(method, DEFAULT, METHODS), _units.per_nat(unit)
    prior = check_options(name, prior, None, ())
    interval = _intervals.asked(interval, confidence, seed)
    first, second = _aligned(read("p", p), read("q", q), axis)
    if interval == "bootstrap" or name == DEFAULT:
        for label, array in (("p", first), ("q", second)):
            what = (repr(name), _FOR_WEIGHTS) if name == DEFAULT else ("the bootstrap", "`interval='analytic'`")
            require_whole(label, array, *what)
    batch = first.shape[:-1]
    x, y = flattened("p", first), flattened("q", second)
    c = _pair(x.dense, y.dense)
    value, variance = _estimate(name, c, prior)
    counted = (batched(x.total, batch), batched(y.total, batch))
    if interval is None:
        return Estimate(batched(value * scale, batch), None, None, None, name, counted)
    if interval == "bootstrap":
        variance = np.array([_bootstrap_variance(name, x, y, i, prior, seed) for i in range(len(value))])
    matched = _intervals.positive if name == "dirichlet" and interval == "analytic" else _intervals.normal_of
    low, high = (batched(end * scale, batch) for end in matched(value, variance, confidence))
    return Estimate(batched(value * scale, batch), batched(np.sqrt(variance) * scale, batch), low, high, name, counted)


def _aligned(p: Array, q: Array, axis: Any) -> tuple[Array, Array]:
    """Outcomes last, the same ones, and batches that broadcast."""
    p, q = along("p", p, axis), along("q", q, axis)
    if p.shape[-1] != q.shape[-1]:
        _check.different_outcomes(("p", "q"), (p.shape, q.shape), -1)
    batch = _check.broadcast(("p", "q"), (p.shape[:-1], q.shape[:-1]), "batch shapes")
    return np.broadcast_to(p, (*batch, p.shape[-1])), np.broadcast_to(q, (*batch, q.shape[-1]))


def _bootstrap_variance(name: str, x: Histograms, y: Histograms, i: int, prior: Any, seed: Any) -> Any:
    """The variance over data sets drawn anew; inf where a draw gives inf."""
    parts = zip(_bootstrap.resamples(x.dense[i], (seed, 0)), _bootstrap.resamples(y.dense[i], (seed, 1)), strict=True)
    values = np.concatenate([_estimate(name, _pair(*part), prior)[0] for part in parts])
    return values.var(ddof=1) if np.isfinite(values).all() else np.inf
