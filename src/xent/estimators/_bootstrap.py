"""Drawing data sets like the one that was seen: multinomial, from the observed shares or from what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.estimators._coverage import coverage
from xent.estimators._histograms import Array, histograms

RESAMPLES = 400  # the standard error is then known to 4 %
_CELLS = 1 << 22  # of a part
_MOST = 2.0**63  # observations in a data set


def resamples(counts: Array, seed: Any) -> Iterator[Array]:
    """`RESAMPLES` draws of as many observations from the shares of `counts`, (K,), in parts of shape (R, K)."""
    yield from _draws(counts, counts, np.random.default_rng(seed))


def _draws(counts: Array, share: Array, rng: np.random.Generator) -> Iterator[Array]:
    """One part after the other, that they need not all be held; `share` may be off by a factor."""
    n, size = counts.sum(), max(1, min(RESAMPLES, _CELLS // len(share)))
    if n >= _MOST:
        raise DistributionError(
            f"The bootstrap draws as many observations as there are, here {n:.6g}; it can draw up to {_MOST:.3g}. "
            "`interval='analytic'` takes more."
        )
    for i in range(0, RESAMPLES, size):
        yield rng.multinomial(int(n), share / share.sum(), size=min(size, RESAMPLES - i)).astype(np.float64)


def assemblages(seen: Array, seed: Any) -> Iterator[Array]:
    """Draws from a distribution with the outcomes that are missing, in parts of shape (R, K').

    As Chao, Wang and Jost (2013, appendix S2) recommend: Chao's estimate of how many outcomes were not seen, which
    share evenly what the sample does not cover, and the shares of those seen made smaller, most for the rare.
    """
    rng, n = np.random.default_rng(seed), seen.sum()
    missing, unseen = _missing(seen)
    share = seen / n
    absent = np.exp(n * np.log1p(-np.minimum(share, 1 - 2.0**-53)))
    loss = (share * absent).sum()
    share = share * (1 - (missing / loss if loss > 0 else 0.0) * absent)
    for drawn in _draws(seen, np.append(np.maximum(share, 0.0), missing), rng):
        yield np.hstack([drawn[:, :-1], _spread(drawn[:, -1].astype(np.int64), unseen, rng)])


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
