"""Random numbers from a counter, not from a stream: key and salt decide each, in whatever order they are asked for."""

from __future__ import annotations

import math

import numpy as np

from xent import _native
from xent.evaluation._exact import Floats, Ints
from xent.evaluation._mixing import Keys, mix


def uniforms(key: Keys, salt: Keys) -> Floats:
    """Return a number in [0, 1) for each salt and key."""
    return (mix(key[None, :] ^ salt[:, None]) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def binomials(copies: Ints, q: Floats, key: Keys, salt: Keys) -> Ints:
    """Return how many of `copies` happen, each with probability `q`: one number for each salt and key."""
    if _native.offers("isotonic_draw"):
        return _native.isotonic_draw(copies, q, key, salt)
    drawn = np.where(q >= 1.0, copies, 0) * np.ones((salt.size, 1), dtype=np.int64)
    for i in np.flatnonzero((q > 0.0) & (q < 1.0)).tolist():
        low, until = _distribution(int(copies[i]), float(q[i]))
        x = uniforms(key[i : i + 1], salt)[:, 0] * until[-1]
        drawn[:, i] = low + np.minimum(np.searchsorted(until, x, side="right"), len(until) - 1)
    return drawn


def _distribution(n: int, q: float) -> tuple[int, list[float]]:
    """The binomial distribution function, times a constant, from the first outcome of any weight to the last.

    Built from ratios of neighbours outwards from the mode: + - * / and a root, which round alike everywhere.
    """
    odds = q / (1.0 - q)
    mode = min(int((n + 1.0) * q), n)
    reach = int(8.0 * math.sqrt(n * q * (1.0 - q))) + 12
    low, high = max(mode - reach, 0), min(mode + reach, n)
    below, above = [1.0], [1.0]
    for k in range(mode, low, -1):
        below.append(below[-1] * (k / (n - k + 1.0)) / odds)
    for k in range(mode, high):
        above.append(above[-1] * ((n - k) / (k + 1.0)) * odds)
    until: list[float] = []
    whole = 0.0
    for part in below[:0:-1] + above:
        whole += part
        until.append(whole)
    return low, until
