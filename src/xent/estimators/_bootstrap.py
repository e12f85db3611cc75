"""Drawing data sets like the one that was seen: multinomial, from the observed shares or from what they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.estimators._coverage import coverage
from xent.estimators._histograms import Array, histograms

RESAMPLES = 400  # the standard error is then known to 4 %
_CELLS = 1 << 24


def resamples(counts: Array, seed: Any) -> list[Array]:
    """`RESAMPLES` draws of as many observations from the shares of `counts`, (K,), in parts of shape (R, K)."""
    rng, n = np.random.default_rng(seed), int(counts.sum())
    size = max(1, min(RESAMPLES, _CELLS // len(counts)))
    sizes = [min(size, RESAMPLES - i) for i in range(0, RESAMPLES, size)]
    return [rng.multinomial(n, counts / counts.sum(), size=r).astype(np.float64) for r in sizes]


def assemblages(counts: Array, seed: Any) -> Array:
    """Draws from a distribution with the outcomes that are missing, (R, K').

    As Chao, Wang and Jost (2013, appendix S2) recommend: Chao's estimate of how many outcomes were not seen, which
    share evenly what the sample does not cover, and the shares of those seen made smaller, most for the rare.
    """
    rng, seen = np.random.default_rng(seed), counts[counts > 0]
    n = seen.sum()
    missing, unseen = _missing(seen)
    share = seen / n
    absent = np.exp(n * np.log1p(-np.minimum(share, 1 - 2.0**-53)))
    loss = (share * absent).sum()
    share = share * (1 - (missing / loss if loss > 0 else 0.0) * absent)
    share = np.append(np.maximum(share, 0.0), missing)
    drawn = rng.multinomial(int(n), share / share.sum(), size=RESAMPLES).astype(np.float64)
    return np.hstack([drawn[:, :-1], _spread(drawn[:, -1].astype(np.int64), unseen, rng)])


def _missing(seen: Array) -> tuple[float, float]:
    """The share that was not seen, and over how many outcomes."""
    n, once, twice = seen.sum(), np.count_nonzero(seen == 1), np.count_nonzero(seen == 2)
    missing = float(1 - coverage(histograms(seen[None]))[0])
    pairs = once**2 / (2 * twice) if twice else once * (once - 1) / 2
    unseen = float(np.ceil((n - 1) / n * pairs))
    return (missing, unseen) if unseen > 0 else (0.0, 0.0)


def _spread(drawn: Array, unseen: float, rng: np.random.Generator) -> Array:
    """So many draws a row from outcomes that are equally likely, as counts: a column for each that a row met."""
    row = np.repeat(np.arange(len(drawn)), drawn)
    if not len(row):
        return np.zeros((len(drawn), 0))
    which = rng.integers(max(int(unseen), 1), size=len(row))
    order = np.lexsort((which, row))
    row, which = row[order], which[order]
    new = np.append(True, (row[1:] != row[:-1]) | (which[1:] != which[:-1]))
    first = np.append(True, row[1:] != row[:-1])
    place = np.cumsum(new) - 1
    place -= np.repeat(place[first], np.diff(np.append(np.flatnonzero(first), len(row))))
    counts = np.zeros((len(drawn), int(place.max()) + 1))
    np.add.at(counts, (row, place), 1.0)
    return counts
