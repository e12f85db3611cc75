"""The error bounds of closed forms hold where parameters make rounding worse."""

import mpmath
import numpy as np
import pytest

import xent

stats = pytest.importorskip("scipy.stats")
M = mpmath.mpf


def log_beta(a):
    return mpmath.fsum(mpmath.loggamma(x) for x in a) - mpmath.loggamma(mpmath.fsum(a))


def dirichlet_kl(a, b):
    a, b = [M(float(x)) for x in a], [M(float(x)) for x in b]
    mean = mpmath.psi(0, mpmath.fsum(a))
    slopes = mpmath.fsum((x - y) * (mpmath.psi(0, x) - mean) for x, y in zip(a, b, strict=True))
    return log_beta(b) - log_beta(a) + slopes


@pytest.mark.parametrize("least", [0.1, 0.01, 1e-3, 1e-8])
def test_of_small_concentrations(least):
    for a, b in (((0.5, least), (1e14, 0.5)), ((least, 1e8), (0.5, 0.5)), ((1e3, 1e8), (least, 0.5))):
        found = xent.kl_divergence(stats.beta(*a), stats.beta(*b), details=True)
        with mpmath.workdps(80):
            assert abs(dirichlet_kl(a, b) - M(float(found.value))) <= found.error_bound <= 1e-9 / least * found.value


def test_of_covariances_that_are_nearly_singular():
    rng = np.random.default_rng(0)
    for tiny in (1e-2, 1e-4, 1e-6):
        p, q = ((a @ a.T + np.diag([0.0, 0.0, tiny])) for a in rng.normal(size=(2, 3, 2)))
        laws = [stats.multivariate_normal(np.zeros(3), (c + c.T) / 2) for c in (p, q)]
        found = xent.kl_divergence(*laws, details=True)
        with mpmath.workdps(60):
            mine, theirs = (mpmath.matrix(law.cov.tolist()) for law in laws)
            ratio = theirs**-1 * mine
            trace = mpmath.fsum(ratio[i, i] for i in range(3))
            truth = (trace - 3 - mpmath.log(mpmath.det(mine) / mpmath.det(theirs))) / 2
            assert abs(truth - M(float(found.value))) <= found.error_bound < found.value


def test_of_nearly_equal_scale_matrices():
    scale = np.array([[2.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 3.0]])
    n = 1000.0
    for step in (1e-12, 1e-8):
        other = n * (1 + step)
        found = xent.kl_divergence(stats.wishart(n, scale), stats.wishart(other, scale * (1 + step)), details=True)
        with mpmath.workdps(60):
            a, b = M(n) / 2, M(other) / 2
            u = mpmath.matrix((scale * (1 + step)).tolist())
            ratio = u**-1 * mpmath.matrix(scale.tolist())
            truth = -b * mpmath.log(mpmath.det(ratio)) + a * (ratio[0, 0] + ratio[1, 1] + ratio[2, 2] - 3)
            for j in range(3):
                half = M(j) / 2
                truth += mpmath.loggamma(b - half) - mpmath.loggamma(a - half) + (a - b) * mpmath.psi(0, a - half)
            assert abs(truth - M(float(found.value))) <= found.error_bound


def test_of_divergences_that_grow_exponentially():
    found = xent.kl_divergence(stats.weibull_min(1.0), stats.weibull_min(100.0), details=True)
    with mpmath.workdps(60):
        truth = mpmath.gamma(101) - 1 - mpmath.log(100) + 99 * mpmath.euler
        assert abs(truth - M(float(found.value))) <= found.error_bound < 1e-11 * found.value


def test_ordinary_bounds_stay_narrow():
    found = xent.kl_divergence(stats.norm([0.0, 1.0], 1), stats.norm(1, [2.0, 3.0]), details=True)
    np.testing.assert_allclose(found.error_bound, 64 * 2.0**-52 * found.value, rtol=1e-12)
    infinite = xent.kl_divergence(stats.uniform(0, 2), stats.uniform(0, 1), details=True)
    assert (infinite.value, infinite.error_bound) == (np.inf, 0.0)


@pytest.mark.parametrize(("median", "growth"), [(1e8, 1 + 1e-12), (3.0, 1 + 1e-10), (1e-200, 1 + 1e-9), (1e-3, 1e9)])
def test_of_lognormals_told_by_their_medians(median, growth):
    found = xent.kl_divergence(
        stats.lognorm(0.5, scale=median), stats.lognorm(0.5, scale=median * growth), details=True
    )
    with mpmath.workdps(60):
        truth = 2 * mpmath.log(M(median * growth) / M(median)) ** 2
        assert abs(truth - M(float(found.value))) <= found.error_bound < 1e-13 * found.value


def test_a_scaled_lognormal_has_another_median():
    made = stats.make_distribution(stats.lognorm)(s=0.5)
    found = xent.kl_divergence(3 * made, made, details=True)
    assert found.method == "closed form"
    assert abs(found.value - 2 * np.log(3.0) ** 2) <= found.error_bound
