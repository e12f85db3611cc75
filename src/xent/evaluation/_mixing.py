"""Keys of 64 bits for what rows hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]


def mix(x: Keys) -> Keys:
    """SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of x."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def salts(columns: int) -> Keys:
    """A number for each column, so that a key depends on which column holds what."""
    return mix(np.arange(columns, dtype=np.uint64))


def bits(x: Floats) -> Keys:
    """The bits of each float, with one zero: -0.0 + 0.0 is 0.0."""
    return np.ascontiguousarray(x + 0.0).view(np.uint64)


def sum_of_mixed(x: Floats, salt: Keys) -> Keys:
    """One key a row: the sum modulo 2**64 of its mixed values, each with the salt of its column."""
    return mix(bits(x) ^ salt).sum(axis=1, dtype=np.uint64)
