"""How far estimates from nearest neighbours spread, from the estimates of parts of the samples.

A bootstrap draws samples twice, and a sample's nearest neighbour is then itself: it is not offered.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from xent.estimators._points import Points
from xent.estimators._special import normal_quantile, student_quantile

# Parts of which each is estimated alone: the variance of an estimate is that of its parts over their number.
PARTS = 10

# So many samples for each of k + 1 in a part: with fewer, estimates of parts spread too little for what they are.
SHARE = 10


def parts(n: int, generator: np.random.Generator, groups: Points | None = None) -> list[Points]:
    """The places of n samples dealt out at random, evenly; those of each group evenly, where there are groups."""
    order = generator.permutation(n)
    if groups is not None:
        order = order[np.argsort(groups[order], kind="stable")]
    return [order[i::PARTS] for i in range(PARTS)]


def subsampled(estimate: Callable[..., float], dealt: list[tuple[Points, ...]]) -> float:
    """The standard error of an estimate from the estimates of its parts (Holmes and Nemenman 2019)."""
    values = [estimate(*part) for part in dealt]
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def normal_reach(confidence: float) -> float:
    """How many standard errors an interval reaches each way."""
    return normal_quantile((1 + confidence) / 2)


def subsampled_reach(confidence: float) -> float:
    """The same where the standard error is that of `PARTS` parts."""
    return student_quantile((1 + confidence) / 2, PARTS - 1)
