"""Logits as whole numbers that order them, and back: what the grid of two classes is laid over.

The number of x is made of the leading bits of |x| + 2: about 2**-31 apart near 0, and relatively so far out. So cells
of equal numbers are evenly spaced where forecasts differ, and no logarithm is needed to find them.
"""

from __future__ import annotations

import numpy as np

from xent.evaluation._exact import Floats, Ints

OCTAVE = 32
"""Bits of the number for each doubling of |x| + 2."""

_TWO = 0x4000000000000000
"""The bits of 2.0."""


def magnitudes(x: Floats) -> Ints:
    """Return the number of |x|, for finite x: 0 for 0."""
    size = np.ascontiguousarray(np.abs(x) + 2.0).view(np.int64)
    return (size - _TWO) >> (52 - OCTAVE)


def numbers(x: Floats, magnitude: Ints) -> Ints:
    """Return the number of x from that of |x|: negative for x < 0."""
    return np.where(x < 0.0, ~magnitude, magnitude)


def logits_of(magnitude: Floats) -> Floats:
    """Return the |x| of a number, or of the mean of numbers in one octave."""
    octave = np.floor(magnitude * 2.0**-OCTAVE)
    part = magnitude * 2.0**-OCTAVE - octave
    return np.ldexp(1.0 + part, octave.astype(np.int64) + 1) - 2.0


def centres(key: Ints, level: int) -> Floats:
    """Return the logit in the middle of each cell."""
    below = key < 0
    magnitude = np.where(below, ~key, key).astype(np.float64)
    size = logits_of((magnitude + (0.5 if level else 0.0)) * 2.0**level)
    return np.where(below, -size, size)
