"""Entropy of a density on the line from the spacings of sorted samples, in nats: one value for each row of a batch.

`ordered` is (..., n), sorted along its last axis; m is the window: how many places apart two samples are whose
distance is one spacing. None has a standard error: that of the mean of the terms is a third too small at n = 100, a
tenth at 1000, and the bias is as large.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.estimators._points import Points
from xent.estimators._special import digamma

Spacings = Callable[[Points, int], Any]

# As many numbers as stay in the processor's cache beside a few of their kind.
_CHUNK = 8192


def window(name: str, asked: Any, n: int) -> int:
    """The window asked for, or about the root of n; it needs 2m < n."""
    if n < 3:
        raise DistributionError(f"`{name}` has {n} sample{'s' * (n != 1)} in a row; spacings need at least 3.")
    if asked is None:
        return min(math.floor(math.sqrt(n) + 0.5), (n - 1) // 2)
    if isinstance(asked, (bool, np.bool_)) or not isinstance(asked, (int, np.integer)) or not 2 <= 2 * asked < n:
        raise ValueError(f"`window` is {asked!r}; it is an integer of at least 1 and less than n/2 = {n / 2:g}.")
    return int(asked)


def vasicek(ordered: Points, m: int) -> Any:
    """mean log(n/(2m) (x_{i+m} - x_{i-m})), with the ends repeated beyond the ends."""
    n = ordered.shape[-1]
    mean = _logs(_centred(ordered, m)).mean(axis=-1)
    return mean + math.log(n / (2 * m))


def van_es(ordered: Points, m: int) -> Any:
    """mean log((n+1)/m (x_{i+m} - x_i)) + sum_{k=m}^n 1/k + log(m/(n+1)), over the n - m spacings."""
    n = ordered.shape[-1]
    mean = _logs(ordered[..., m:] - ordered[..., :-m]).mean(axis=-1)
    return mean + float(digamma(n + 1) - digamma(m))


def ebrahimi(ordered: Points, m: int) -> Any:
    """mean log(n/(c_i m) (x_{i+m} - x_{i-m})), c_i 2, and within m of an end down to 1."""
    n = ordered.shape[-1]
    place = np.arange(1, n + 1)
    weight = 1 + np.minimum(np.minimum(place - 1, n - place) / m, 1)
    mean = (_logs(_centred(ordered, m)) - np.log(weight)).mean(axis=-1)
    return mean + math.log(n / m)


def correa(ordered: Points, m: int) -> Any:
    """-mean log(slope_i / n), the slope of the ranks i-m..i+m regressed on their samples."""
    n = ordered.shape[-1]
    padded = np.concatenate([_ends(ordered, 0, m), ordered, _ends(ordered, -1, m)], axis=-1)
    rows = padded.reshape(-1, n + 2 * m)
    rise, square = np.empty((2, len(rows), n))
    several = max(_CHUNK // n, 1)
    for first in range(0, len(rows), several):
        block = slice(first, first + several)
        for start in range(0, n, _CHUNK):
            chunk = slice(start, min(start + _CHUNK, n))
            parts = rows[block, start : chunk.stop + 2 * m]
            rise[block, chunk], square[block, chunk] = _regression(parts, m)
    terms = _logs(square.reshape(ordered.shape)) - _logs(rise.reshape(ordered.shape))
    return terms.mean(axis=-1) + math.log(n)


METHODS: dict[str, Spacings] = {"vasicek": vasicek, "van-es": van_es, "ebrahimi": ebrahimi, "correa": correa}


def _regression(padded: Points, m: int) -> tuple[Points, Points]:
    """sum_j j x_{i+j} and sum_j (x_{i+j} - mean)^2 over j = -m..m, from distances to x_i, which do not cancel."""
    length = padded.shape[-1] - 2 * m
    middle = padded[:, m : m + length]
    rise, total, square = (np.zeros(middle.shape) for _ in range(3))
    above, below = np.empty(middle.shape), np.empty(middle.shape)
    for j in range(1, m + 1):
        np.subtract(padded[:, m + j : m + j + length], middle, out=above)
        np.subtract(middle, padded[:, m - j : m - j + length], out=below)
        total += above
        total -= below
        square += above * above
        square += below * below
        above += below
        above *= j
        rise += above
    return rise, square - total * total / (2 * m + 1)


def _centred(ordered: Points, m: int) -> Points:
    """x_{i+m} - x_{i-m}, with the ends repeated beyond the ends."""
    n = ordered.shape[-1]
    found = np.empty_like(ordered)
    np.subtract(ordered[..., 2 * m :], ordered[..., : n - 2 * m], out=found[..., m : n - m])
    np.subtract(ordered[..., m : 2 * m], ordered[..., :1], out=found[..., :m])
    np.subtract(ordered[..., -1:], ordered[..., n - 2 * m : n - m], out=found[..., n - m :])
    return found


def _ends(ordered: Points, place: int, m: int) -> Points:
    return np.repeat(ordered[..., place, None], m, axis=-1)


def _logs(spacings: Points) -> Points:
    if not (spacings > 0).all():
        row = tuple(int(i) for i in np.argwhere(spacings <= 0)[0][:-1])
        where = "" if not row else f" row {row[0] if len(row) == 1 else row}"
        raise DistributionError(
            f"`data`{where} has ties: as many samples with one value as the window spans, whose spacing is 0 and whose "
            "entropy is -inf. Nothing is jittered in silence. Pass a larger `window`, or, if the values are outcomes, "
            "`xent.Counts(np.unique(values, return_counts=True)[1])`."
        )
    return np.log(spacings)
