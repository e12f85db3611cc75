"""Gaussian densities and their mixtures as the figures need them: log densities, divergences, the best single one.

Expectations under a Gaussian are sums at even steps of its standard deviation: of analytic functions they converge
faster than any power of the step, and of logarithms of Gaussians they are right to rounding.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDING = 1e-13  # of differences of logarithms; its square for terms that are their squares

_Z: Array = np.linspace(-10.0, 10.0, 4001)
_WEIGHTS: Array = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()


class Gaussian(NamedTuple):
    """One bump: mean, standard deviation, and its share of a mixture."""

    mean: float
    sd: float
    weight: float = 1.0


Mixture = tuple[Gaussian, ...]


def log_density(mixture: Mixture, x: Any) -> Array:
    """log of the sum of the weighted densities."""
    parts = [
        math.log(g.weight) - 0.5 * ((x - g.mean) / g.sd) ** 2 - math.log(g.sd) - 0.5 * math.log(2 * math.pi)
        for g in mixture
    ]
    return np.asarray(np.logaddexp.reduce(parts, axis=0), dtype=np.float64)


def expectation(mixture: Mixture, f: Any) -> float:
    """The mean of f(x) under the mixture."""
    return float(sum(g.weight * (_WEIGHTS @ f(g.mean + g.sd * _Z)) for g in mixture))


def kl(p: Mixture, q: Mixture) -> float:
    """KL(p‖q) in nats. Near Gaussians take the mean of r - 1 - log r, r = q/p, which does not cancel.

    Not so mixtures: a bump of q where p is nothing is missed, and then the mean of r is not 1.
    """
    single = len(p) == len(q) == 1

    def term(x: Array) -> Array:
        d = log_density(q, x) - log_density(p, x)
        if not single or np.abs(d).max() > 0.5:
            return -d
        return np.asarray(sum(d**k / math.factorial(k) for k in range(2, 18)))

    value = expectation(p, term)
    return value if value > (_ROUNDING**2 if single else _ROUNDING) else 0.0


def matched(p: Mixture) -> Gaussian:
    """The Gaussian of least KL(p‖q): that of the same mean and variance."""
    mean = sum(g.weight * g.mean for g in p)
    return Gaussian(mean, math.sqrt(sum(g.weight * (g.sd**2 + (g.mean - mean) ** 2) for g in p)))


def locked(p: Mixture) -> Gaussian:
    """The Gaussian of least KL(q‖p), by Newton's method from every bump and from the moments; of equals the first."""
    found = [_descended(p, start) for start in (*p, matched(p))]
    costs = [kl((q,), p) for q in found]
    return found[min(range(len(found)), key=lambda i: (round(costs[i], 9), i))]


def _descended(p: Mixture, start: Gaussian) -> Gaussian:
    """Newton's method with halved steps; where the cost is not convex the step is down the slope."""
    at, cost = np.array([start.mean, start.sd]), _cost(p, start.mean, start.sd)
    for _ in range(200):
        slope, curvature = _derivatives(p, *at)
        values, vectors = np.linalg.eigh(curvature)
        step = -vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-9))
        share = 1.0
        while share > 1e-9:
            new = at + share * step
            if new[1] > 0 and (lower := _cost(p, *new)) < cost:
                at, cost = new, lower
                break
            share /= 2
        else:
            break
    return Gaussian(float(at[0]), float(at[1]))


def _cost(p: Mixture, mean: float, sd: float) -> float:
    """KL(q‖p) but for a constant."""
    return -math.log(sd) - float(_WEIGHTS @ log_density(p, mean + sd * _Z))


def _derivatives(p: Mixture, mean: float, sd: float) -> tuple[Array, Array]:
    """Of `_cost` by mean and sd: expectations of the first two derivatives of log p."""
    x = mean + sd * _Z
    shares = [np.exp(log_density((g,), x) - log_density(p, x)) for g in p]
    slopes = [(g.mean - x) / g.sd**2 for g in p]
    first = sum(s * a for s, a in zip(shares, slopes, strict=True))
    second = sum(s * (a * a - 1 / g.sd**2) for s, a, g in zip(shares, slopes, p, strict=True)) - first**2
    a, b, c = (float(_WEIGHTS @ (second * _Z**k)) for k in range(3))
    gradient = np.array([-(_WEIGHTS @ first), -1 / sd - _WEIGHTS @ (first * _Z)])
    return gradient, np.array([[-a, -b], [-b, 1 / sd**2 - c]])
