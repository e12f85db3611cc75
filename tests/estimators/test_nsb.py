"""The estimator of Nemenman, Shafee and Bialek against its definition in mpmath, and against published numbers."""

import math

import mpmath as mp
import numpy as np
import pytest

import xent
from xent.estimators import entropy

README = [7, 3, 5, 8, 9, 1, 3, 3, 1, 0, 2, 5, 2, 11, 4, 23, 5, 0, 8, 0]


def given(counts, k, beta):
    """Evidence, E[H] and E[H^2] for one concentration, as Wolpert and Wolf (1995) write them."""
    alpha = [(c + beta, 1) for c in counts if c] + [(beta, k - sum(c > 0 for c in counts))]
    a = sum(x * m for x, m in alpha)
    n = sum(counts)
    evidence = mp.rgamma(n + k * beta) * mp.gamma(k * beta) * mp.fprod(mp.rf(beta, c) for c in counts if c)
    mean = mp.psi(0, a + 1) - sum(m * x / a * mp.psi(0, x + 1) for x, m in alpha)
    u = [(x, m, mp.psi(0, x + 1) - mp.psi(0, a + 2)) for x, m in alpha]
    top = mp.psi(1, a + 2)
    pairs = sum(m * x * v for x, m, v in u) ** 2 - sum(m * x * x * v * v for x, m, v in u)
    pairs -= top * (a * a - sum(m * x * x for x, m in alpha))
    own = sum(
        m * x * (x + 1) * ((mp.psi(0, x + 2) - mp.psi(0, a + 2)) ** 2 + mp.psi(1, x + 2) - top) for x, m in alpha
    )
    return evidence, mean, (pairs + own) / (a * (a + 1))


def reference(counts, k, step=mp.mpf(1) / 5):
    """Posterior mean and standard deviation: the trapezoid rule in log beta over all that counts, at 40 digits."""
    with mp.workdps(40):
        low, high = -int(math.log(k)) - 40, int(math.log(sum(counts))) + 40
        mass = first = second = mp.mpf(0)
        for i in range(int((high - low) / step)):
            beta = mp.exp(low + i * step)
            evidence, mean, square = given(counts, k, beta)
            weight = evidence * beta * (k * mp.psi(1, k * beta + 1) - mp.psi(1, beta + 1))
            mass, first, second = mass + weight, first + weight * mean, second + weight * square
        return first / mass, mp.sqrt(second / mass - (first / mass) ** 2)


@pytest.mark.parametrize(
    ("counts", "k"),
    [([1], 2), ([3], 2), ([1, 1], 2), ([1] * 5, 10**30), ([2, 1, 1], 10**30), ([4, 0, 2, 1], 4), ([50, 50, 40], 3)],
)
def test_agrees_with_its_definition(counts, k):
    mean, spread = reference(counts, k)
    found = entropy(xent.Counts(counts), method="nsb", outcomes=float(k))
    assert found.value == pytest.approx(float(mean), rel=2e-12)
    assert found.standard_error == pytest.approx(float(spread), rel=2e-10)


def test_the_number_that_ndd_prints():
    """README of the package ndd (Marsili 2021): ndd.entropy of these counts, K = 20."""
    assert entropy(xent.Counts(README), method="nsb").value == pytest.approx(2.623634344888532, rel=1e-9)
