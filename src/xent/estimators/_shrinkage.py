"""The entropy of shares that are shrunk towards equal ones (James and Stein; Hausser and Strimmer 2009)."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.estimators._histograms import Multiplicities

Array = np.ndarray[Any, Any]


def intensity(m: Multiplicities) -> Array:
    """How far the shares go towards 1/K, from 0 to 1, (B,): what keeps the mean squared error least.

    1 where nothing tells: one observation, or shares that are equal already.
    """
    n = m.total[:, None]
    share, uniform = m.counts / n, 1 / m.outcomes
    spread = (m.multiplicity * share * ((n - m.counts) / n)).sum(axis=1)
    distance = (m.multiplicity * (share - uniform[:, None]) ** 2).sum(axis=1) + (m.outcomes - m.seen) * uniform**2
    scale = (m.total - 1) * distance
    known = scale > 0
    return np.where(known, np.minimum(spread / np.where(known, scale, 1.0), 1.0), 1.0)


def shrinkage(m: Multiplicities) -> Array:
    """The plug-in of the shrunk shares, (B,)."""
    toward, k = intensity(m), m.outcomes
    n, weight = m.total[:, None], toward[:, None]
    share = weight / k[:, None] + (1 - weight) * m.counts / n
    others = weight * (1 - 1 / k[:, None]) + (1 - weight) * (n - m.counts) / n
    seen = (m.multiplicity * share * np.log1p(others / share)).sum(axis=1)
    small = toward / k
    return seen + np.where(toward > 0, (k - m.seen) * small * -np.log(np.where(toward > 0, small, 1.0)), 0.0)
