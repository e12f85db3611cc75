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
    own = sum(m * x * (x + 1) * ((mp.psi(0, x + 2) - mp.psi(0, a + 2)) ** 2 + mp.psi(1, x + 2) - top) for x, m in alpha)
    return evidence, mean, (pairs + own) / (a * (a + 1))


def reference(counts, k, steps, digits):
    """Posterior mean and standard deviation: the trapezoid rule in log beta, so many steps for each unit."""
    with mp.workdps(digits):
        low, high = -int(math.log(k)) - 40, int(math.log(sum(counts))) + 40
        mass = first = second = mp.mpf(0)
        for i in range((high - low) * steps):
            beta = mp.exp(low + mp.mpf(i) / steps)
            evidence, mean, square = given(counts, k, beta)
            weight = evidence * beta * (k * mp.psi(1, k * beta + 1) - mp.psi(1, beta + 1))
            mass, first, second = mass + weight, first + weight * mean, second + weight * square
        return first / mass, mp.sqrt(second / mass - (first / mass) ** 2)


# reference(counts, k, steps=4, digits=110)
REFERENCES = [
    ([1], 2, "0.34657359027997265718", "0.2794056380838543091"),
    ([3], 2, "0.2182159229877649184", "0.24950854742981041495"),
    ([1, 1], 2, "0.58894370861667523139", "0.13443551680578683194"),
    ([1, 1, 1, 1, 1], 10**30, "36.211343563621676566", "18.989740613838613666"),
    ([2, 1, 1], 10**30, "2.6586534860043319486", "1.2650850557588719249"),
    ([4, 0, 2, 1], 4, "1.098443677237040956", "0.20100476755463896546"),
    ([50, 50, 40], 3, "1.0893966349023086643", "0.0093257203214320252544"),
    ([1000, 1], 2, "0.0089255545870115837852", "0.0070930714042276323537"),
    ([10**6, 3 * 10**5, 7], 10, "0.54027336575032618563", "0.00044554083763815742933"),
    ([10**12, 10**12 + 10**6], 2, "0.69314718055957031003", "4.9999934520985091377e-13"),
    ([5, 4, 4, 3, 2, 1, 1, 1], 1000, "2.2939144155279793961", "0.28692963911778727178"),
]


@pytest.mark.parametrize(("counts", "k", "mean", "spread"), REFERENCES)
def test_agrees_with_its_definition(counts, k, mean, spread):
    found = entropy(xent.Counts(counts), method="nsb", outcomes=float(k))
    assert found.value == pytest.approx(float(mean), rel=1e-11)
    # at 1e12 observations the log of the evidence is known to 1e-4 alone, where the concentration is as large
    assert found.standard_error == pytest.approx(float(spread), rel=1e-7 if sum(counts) > 1e12 else 1e-9, abs=0)


def test_the_references_are_the_definition():
    mean, spread = reference([3], 2, steps=2, digits=40)
    assert float(mean) == pytest.approx(float(REFERENCES[1][2]), rel=1e-11)
    assert float(spread) == pytest.approx(float(REFERENCES[1][3]), rel=1e-11)


def test_one_observation_leaves_the_prior():
    """Evenly spread over [0, log K]: mean log(K)/2, whatever K; the prior's own spread within a concentration aside."""
    for k in (2.0, 10.0, 1e6, 1e30):
        assert entropy(xent.Counts([1]), method="nsb", outcomes=k).value == pytest.approx(math.log(k) / 2, rel=1e-9)


def test_the_number_that_ndd_prints():
    """README of the package ndd (Marsili 2021): ndd.entropy of these counts, K = 20."""
    assert entropy(xent.Counts(README), method="nsb").value == pytest.approx(2.623634344888532, rel=1e-9)


def test_a_batch_is_a_loop_over_very_different_histograms():
    rng = np.random.default_rng(0)
    counts = np.stack(
        [rng.multinomial(n, rng.dirichlet(np.full(12, a))) for n in (1, 9, 400, 10**9) for a in (0.05, 5)]
    )
    whole = entropy(xent.Counts(counts), method="nsb", outcomes=50)
    for row, value, spread in zip(counts, whole.value, whole.standard_error, strict=True):
        one = entropy(xent.Counts(row), method="nsb", outcomes=50)
        assert one.value == pytest.approx(value, rel=1e-11)
        assert one.standard_error == pytest.approx(spread, rel=1e-9)


@pytest.mark.parametrize("k", [20.0, 1e3, 1e9, 1e30])
def test_singletons_alone(k):
    found = entropy(xent.Counts([1] * 20), method="nsb", outcomes=k)
    assert 0 < found.low < found.value < found.high <= math.log(k)
    assert math.isfinite(found.standard_error)


def test_many_outcomes_that_were_seen():
    """As n grows past K the prior has no say: the posterior mean is near the plug-in with Miller and Madow's term."""
    counts = np.random.default_rng(1).multinomial(4_000_000, np.full(20_000, 1 / 20_000))
    nsb = entropy(xent.Counts(counts), method="nsb")
    assert nsb.value == pytest.approx(math.log(20_000), abs=1e-3)
    assert nsb.standard_error < 1e-3
