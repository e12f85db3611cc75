"""The mutual information of the two variables of a contingency table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xent import _units
from xent._forms import Counts
from xent.estimators import _bootstrap, _dirichlet, _intervals
from xent.estimators._estimate import Estimate
from xent.estimators._histograms import Array, flattened, histograms, read, require_table, require_whole
from xent.estimators._methods import ENTROPY, batched, check_options, chosen, left_out
from xent.estimators._shrinkage import intensity
from xent.measures import mutual_information as information

DEFAULT = "nsb"
# Those whose variance is that of the plug-in; of the others but 'dirichlet' the jackknife finds it.
_NEAR_PLUG_IN = ("plug-in", "miller-madow", "grassberger", "shrinkage")


def plug_in(t: Array) -> Array:
    """Of the observed shares, (B,)."""
    return information(Counts(t), check=False)


def miller_madow(t: Array) -> Array:
    """The plug-in less (rows - 1)(columns - 1)/(2N) as far as they were seen: the three corrections together."""
    rows, columns = (np.count_nonzero(t.sum(axis=axis), axis=1) for axis in (2, 1))
    cells = np.count_nonzero(t, axis=(1, 2))
    return plug_in(t) + (rows + columns - cells - 1) / (2 * t.sum(axis=(1, 2)))


def shrinkage(t: Array) -> Array:
    """The plug-in of the table shrunk towards equal cells, (B,)."""
    weight = intensity(histograms(_flat(t)))[:, None, None]
    cells = t.shape[1] * t.shape[2]
    return plug_in(weight * t.sum(axis=(1, 2), keepdims=True) / cells + (1 - weight) * t)


def by_entropies(name: str, t: Array) -> Array:
    """H(X) + H(Y) - H(X, Y), each by this estimator, (B,)."""
    of = ENTROPY[name].estimate
    rows, columns, cells = (of(histograms(part), None)[0] for part in (t.sum(axis=2), t.sum(axis=1), _flat(t)))
    return rows + columns - cells


def _flat(t: Array) -> Array:
    return t.reshape(len(t), t.shape[1] * t.shape[2])


def estimate(name: str, t: Array, prior: Any) -> Array:
    """The value of every table, (B,)."""
    plain = {"plug-in": plug_in, "miller-madow": miller_madow, "shrinkage": shrinkage}
    if name in plain:
        return plain[name](t)
    return dirichlet(t, prior) if name == "dirichlet" else by_entropies(name, t)


def dirichlet(t: Array, prior: Any) -> Array:
    """The posterior mean, exact (Hutter 2001, equation 12): the marginals of a Dirichlet table are Dirichlet too."""
    cells = histograms(_flat(t))
    a = _dirichlet.concentration(cells, prior)[:, None]
    rows, columns = histograms(t.sum(axis=2)), histograms(t.sum(axis=1))
    parts = [(rows, a * t.shape[2]), (columns, a * t.shape[1]), (cells, a)]
    x, y, both = (_dirichlet.posterior(part, each)[0][:, 0] for part, each in parts)
    return x + y - both


def dirichlet_variance(alpha: Array) -> Array:
    """The posterior variance for these concentrations, to the second order (Hutter and Zaffalon 2005, equation 15).

    At least half of the first order: what the second takes from it is only asymptotic.
    """
    whole = alpha.sum(axis=(1, 2), keepdims=True)
    rows, columns = alpha.sum(axis=2, keepdims=True), alpha.sum(axis=1, keepdims=True)
    p, ratio = alpha / whole, np.log(alpha / rows) + np.log(whole / columns)
    mean = (p * ratio).sum(axis=(1, 2), keepdims=True)
    first = (p * (ratio - mean) ** 2).sum(axis=(1, 2))
    middle = ((1 / alpha - 1 / rows - 1 / columns + 1 / whole) * alpha * ratio).sum(axis=(1, 2))
    freedom = (alpha.shape[1] - 1) * (alpha.shape[2] - 1)
    overlap = 1 - (alpha / rows * (alpha / columns)).sum(axis=(1, 2))
    a = whole[:, 0, 0]
    second = (middle + freedom * (0.5 - mean[:, 0, 0]) - overlap) / (a + 2)
    return np.maximum(first + second, 0.5 * first) / (a + 1)


def plug_in_variance(t: Array) -> Array:
    """By the delta method, and what is left where the variables are independent: 2N times the value is chi-squared."""
    n = t.sum(axis=(1, 2), keepdims=True)
    rows, columns = t.sum(axis=2, keepdims=True), t.sum(axis=1, keepdims=True)
    seen = t > 0
    safe = np.where(seen, t, 1.0)
    ratio = np.where(seen, np.log(safe / n) - np.log(np.where(seen, rows / n * (columns / n), 1.0)), 0.0)
    p = t / n
    mean = (p * ratio).sum(axis=(1, 2), keepdims=True)
    spread = (p * (ratio - mean) ** 2).sum(axis=(1, 2))
    freedom = (np.count_nonzero(rows, axis=(1, 2)) - 1.0) * (np.count_nonzero(columns, axis=(1, 2)) - 1.0)
    return spread / n[:, 0, 0] + freedom / (2 * n[:, 0, 0] ** 2)


def jackknife_variance(name: str, t: Array) -> Array:
    """By leaving out each observation in turn, at least that of the plug-in, (B,); inf for one observation.

    Each of the three entropies depends on one count alone, of the row, the column or the cell it is taken from.
    """
    if 1 in t.shape[1:]:  # nothing to tell: certainly 0
        return np.zeros(len(t))
    rows, columns = _left_out(name, t.sum(axis=2)), _left_out(name, t.sum(axis=1))
    cells = _left_out(name, _flat(t))
    left, size = _flat(rows[:, :, None] + columns[:, None, :]) - cells, np.abs(cells).max(axis=1, initial=0.0)
    return np.maximum(_intervals.jackknife(left, _flat(t), t.sum(axis=(1, 2)), size), plug_in_variance(t))


def _left_out(name: str, dense: Array) -> Array:
    """The entropy without one observation of each outcome, (B, K), less a constant; 0 for those not seen."""
    h = histograms(dense)
    left = left_out(ENTROPY[name], h)
    result = np.zeros_like(dense)
    for at in range(left.shape[1]):
        result += left[:, at, None] * ((dense == h.counts[:, at, None]) & (h.multiplicity[:, at, None] > 0))
    return result


def mutual_information(
    values: Any,
    *,
    method: str | None = None,
    unit: str = "nats",
    prior: str | float | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """What `xent.estimators.mutual_information` answers for a contingency table."""
    name, scale = chosen(method, DEFAULT, ENTROPY), _units.per_nat(unit)
    prior = check_options(name, prior, None, ())
    interval = _intervals.asked(interval, confidence, seed)
    array = read("x", values)
    require_table("x", array)
    if ENTROPY[name].whole:
        require_whole("x", array, repr(name), "`method='plug-in'` or 'dirichlet'")
    elif interval == "bootstrap" or (interval and name == "nsb"):
        require_whole("x", array, f"this interval of {name!r}", "`interval=None`")
    batch, shape = array.shape[:-2], array.shape[-2:]
    h = flattened("x", array, events=2)
    t = h.dense.reshape(len(h.dense), *shape)
    value, counted = estimate(name, t, prior), batched(h.total, batch)
    if interval is None:
        return Estimate(batched(value * scale, batch), None, None, None, name, counted)
    variance = _variance(name, t, prior, interval, seed)
    if name == "dirichlet" and interval == "analytic":
        top = np.full_like(value, math.log(min(shape)))
        ends = _intervals.bounded(value, variance, top, confidence)
    else:
        ends = _intervals.normal_of(value, variance, confidence)
    low, high = (batched(end * scale, batch) for end in ends)
    return Estimate(batched(value * scale, batch), batched(np.sqrt(variance) * scale, batch), low, high, name, counted)


def _variance(name: str, t: Array, prior: Any, interval: str, seed: Any) -> Array:
    if interval == "bootstrap":
        return np.array([_bootstrap_variance(name, table, prior, seed) for table in t])
    if name == "dirichlet":
        return dirichlet_variance(t + _dirichlet.concentration(histograms(_flat(t)), prior)[:, None, None])
    return plug_in_variance(t) if name in _NEAR_PLUG_IN else jackknife_variance(name, t)


def _bootstrap_variance(name: str, table: Array, prior: Any, seed: Any) -> Any:
    parts = _bootstrap.resamples(table.reshape(-1), seed)
    drawn = [estimate(name, part.reshape(-1, *table.shape), prior) for part in parts]
    return np.concatenate(drawn).var(ddof=1)
