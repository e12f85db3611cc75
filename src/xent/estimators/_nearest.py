"""Entropy and KL divergence from distances to the kth nearest neighbour, and how far they spread."""

from __future__ import annotations

import math

import numpy as np

from xent._errors import DistributionError
from xent.estimators import _neighbours
from xent.estimators._points import Points, refuse_ties
from xent.estimators._special import digamma, log_ball, trigamma

_UNIQUE = (
    "If values were rounded, say which noise restores them and add it yourself, drop the repetitions, or take a larger "
    "`k`; if they are outcomes, count them: `xent.Counts(np.unique(values, return_counts=True)[1])`."
)


def kozachenko_leonenko(x: Points, k: int, norm: float) -> tuple[float, Points]:
    """The entropy of the density behind `x`, in nats, and the terms d log r_i, from which `standard_error` is.

        H = psi(n) - psi(k) + log c_d + d/n sum log r_i

    for r_i the distance to the kth nearest neighbour and c_d the volume of the ball of radius 1.
    """
    n, d = x.shape
    logs = d * _logs("data", _neighbours.nearest(x, k, norm)[1], k)
    ball = log_ball(d) if norm == 2 else d * math.log(2)
    value = float(digamma(n) - digamma(k)) + ball + float(logs.mean())
    return value, logs


def standard_error(logs: Points, k: int) -> float:
    """The root of (Var log f + chi_k)/n.

    The terms have variance Var log f + trigamma(k). Those of neighbours are correlated: what their mean has above
    Var log f / n is chi_k / n, which is the same for all densities (Delattre and Fournier 2017; k = 1) and hardly
    depends on the dimension: (1.7 + 0.5/k)/k is within 4 % of what it is for uniform points on the torus in one to
    three dimensions for k = 2 to 20, 10 % for k = 1.
    """
    spread = float(logs.var(ddof=1)) if len(logs) > 1 else 0.0
    return math.sqrt((max(spread - trigamma(k), 0.0) + (1.7 + 0.5 / k) / k) / len(logs))


def wang_kulkarni_verdu(x: Points, y: Points, k: int) -> float:
    """KL divergence of the density behind the n samples `x` from that behind the m samples `y`, in nats.

        D = d/n sum log(s_i / r_i) + log(m / (n - 1))

    for r_i and s_i the distances from x_i to its kth nearest neighbour among the other `x`, and among `y`.
    """
    (n, d), m = x.shape, len(y)
    own = _logs("p", _neighbours.nearest(x, k, 2)[1], k)
    first, other = _neighbours.nearest_across(x, y, k, 2)
    met = int((other == 0).sum())
    if met:
        refuse_ties("samples of `p`", met, n, k, "Those lie on samples of `q`; leave out what the two have in common.")
    if 2 * int((first == 0).sum()) > n:
        raise DistributionError(
            f"{int((first == 0).sum())} of the {n} samples of `p` are samples of `q` too: the estimate is of samples "
            "that were drawn apart. Leave out what the two have in common, or split the samples."
        )
    return float(d * (np.log(other).mean() - own.mean())) + math.log(m / (n - 1))


def _logs(name: str, radii: Points, k: int) -> Points:
    zeros = int((radii == 0).sum())
    if zeros:
        refuse_ties(f"samples of `{name}`", zeros, len(radii), k, _UNIQUE)
    return np.log(radii)
