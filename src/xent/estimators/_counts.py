"""The entropy behind counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent import _units
from xent.estimators import _bootstrap, _histograms, _intervals
from xent.estimators._corrected import plug_in_variance
from xent.estimators._estimate import Estimate
from xent.estimators._histograms import Array, Histograms, histograms
from xent.estimators._methods import ENTROPY, Method, batched, check_options, chosen, left_out

DEFAULT = "chao-wang-jost"


def entropy(
    values: Any,
    *,
    method: str | None = None,
    axis: int = -1,
    unit: str = "nats",
    outcomes: float | None = None,
    prior: str | float | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """What `xent.estimators.entropy` answers for counts."""
    name, scale = chosen(method, DEFAULT, ENTROPY), _units.per_nat(unit)
    prior = check_options(name, prior, outcomes, [n for n, m in ENTROPY.items() if m.possible])
    interval = _intervals.asked(interval, confidence, seed)
    found, array = ENTROPY[name], _histograms.along("data", _histograms.read("data", values), axis)
    if found.whole:
        _histograms.require_whole("data", array, repr(name), "`method='plug-in'`, 'dirichlet' or 'nsb'")
    elif interval == "bootstrap" or (interval and name == "shrinkage"):
        _histograms.require_whole("data", array, f"this interval of {name!r}", "`interval=None`")
    h, batch = _histograms.flattened("data", array, outcomes), array.shape[:-1]
    value, spread = found.estimate(h, prior)
    if interval is None:
        return Estimate(batched(value * scale, batch), None, None, None, name, batched(h.total, batch))
    if interval == "analytic" and spread is not None:
        variance, ends = spread, _intervals.bounded(value, spread, np.log(h.outcomes), confidence)
    else:
        variance = _bootstrap_variance(found, h, prior, seed) if interval == "bootstrap" else _variance(found, h)
        ends = _intervals.normal_of(value, variance, confidence)
    low, high = (batched(end * scale, batch) for end in ends)
    error = batched(np.sqrt(variance) * scale, batch)
    return Estimate(batched(value * scale, batch), error, low, high, name, batched(h.total, batch))


def _variance(method: Method, h: Histograms) -> Array:
    """That of the plug-in, or by the jackknife and at least that: where all counts are equal it sees no spread.

    Without a repeated outcome nothing says how many more there are: inf for the methods that ask just this.
    """
    if method.near_plug_in:
        return plug_in_variance(h)
    left = left_out(method, h)
    found = _intervals.jackknife(left, h.multiplicity * h.counts, h.total, np.abs(left).max(axis=1, initial=0.0))
    found = np.maximum(found, plug_in_variance(h))
    return np.where(h.having(1) == h.total, np.inf, found) if method.assemblage else found


def _bootstrap_variance(method: Method, h: Histograms, prior: Any, seed: Any) -> Array:
    """The variance over data sets drawn anew; the same seed for every histogram, whatever batch it is in."""
    return np.array([_one_variance(method, h, i, prior, seed) for i in range(len(h.dense))])


def _one_variance(method: Method, h: Histograms, i: int, prior: Any, seed: Any) -> Any:
    row = h.dense[i]
    draw = _bootstrap.assemblages if method.assemblage else _bootstrap.resamples
    drawn = (histograms(part, np.full(len(part), h.outcomes[i])) for part in draw(row[row > 0], seed))
    return np.concatenate([method.estimate(d, prior)[0] for d in drawn]).var(ddof=1)
