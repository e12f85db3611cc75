"""Sums over the integers against known values: the truth is within the bound, and the bound is worth having."""

import math

import mpmath
import numpy as np
import pytest
import scipy.stats as st

from xent import DistributionError, NotConverged
from xent.distributions._integrands import INTEGRANDS
from xent.distributions._summation import summate

KL, ENTROPY = INTEGRANDS["kl_divergence"], INTEGRANDS["entropy"]


def poisson_kl(a, b):
    with mpmath.workdps(40):
        a, b = mpmath.mpf(a), mpmath.mpf(b)
        return float(b - a + a * mpmath.log(a / b))


def normal_entropy(variance):
    return 0.5 * math.log(2 * math.pi * math.e * variance)


def zipf_entropy(a):
    with mpmath.workdps(30):
        zeta = mpmath.zeta(a)
        return float(mpmath.log(zeta) - a * mpmath.zeta(a, derivative=1) / zeta)


def check(result, truth, relative):
    assert abs(result.value - truth) <= result.error_bound + 2e-16 * abs(truth), (result, truth)
    assert result.error_bound <= relative * max(abs(truth), 1e-300)


CASES = [
    (KL, st.poisson(3), st.poisson(4), poisson_kl(3, 4), 1e-12),
    (KL, st.poisson(1e6), st.poisson(1e6 + 1), poisson_kl(1e6, 1e6 + 1), 1e-3),
    (KL, st.poisson(5), st.poisson(1e5), poisson_kl(5, 1e5), 1e-12),
    (KL, st.geom(0.3), st.geom(0.5), math.log(0.6) + (1 / 0.3 - 1) * math.log(1.4), 1e-12),
    (KL, st.bernoulli(0.3), st.bernoulli(0.4), 0.3 * math.log(0.75) + 0.7 * math.log(0.7 / 0.6), 1e-12),
    (KL, st.randint(2, 4), st.randint(0, 8), math.log(4), 1e-13),
    (ENTROPY, st.randint(5, 6), None, 0.0, math.inf),
    (ENTROPY, st.randint(0, 10**7), None, math.log(1e7), 1e-10),
    (ENTROPY, st.poisson(1e6), None, normal_entropy(1e6) - 1 / 12e6, 1e-8),
    (ENTROPY, st.binom(10**9, 0.3), None, normal_entropy(0.21e9), 1e-6),
    (ENTROPY, st.geom(1e-9), None, 1 - math.log(1e-9) - 5e-10, 1e-12),
    (ENTROPY, st.zipf(3), None, zipf_entropy(3), 1e-13),
    (ENTROPY, st.zipf(2), None, zipf_entropy(2), 1e-12),
    (ENTROPY, st.zipf(1.5), None, zipf_entropy(1.5), 1e-6),
    (ENTROPY, st.zipf(1.1), None, zipf_entropy(1.1), 0.5),
    (INTEGRANDS["js_divergence"], st.randint(0, 5), st.randint(7, 9), math.log(2), 1e-13),
    (INTEGRANDS["perplexity"], st.randint(0, 8), None, 8.0, 1e-13),
]


@pytest.mark.parametrize(("measure", "p", "q", "truth", "relative"), CASES)
def test_sums(scipy_view, measure, p, q, truth, relative):
    q = None if q is None else scipy_view(q, "q")
    check(summate(measure, scipy_view(p), q), truth, relative)


def test_what_q_rules_out_is_infinite(scipy_view):
    result = summate(KL, scipy_view(st.poisson(3)), scipy_view(st.binom(10, 0.3), "q"))
    assert result.value == math.inf
    k, p = np.arange(11), st.binom(10, 0.3)
    truth = float(np.sum(p.pmf(k) * (p.logpmf(k) - st.poisson(3).logpmf(k))))
    back = summate(KL, scipy_view(st.binom(10, 0.3)), scipy_view(st.poisson(3), "q"))
    assert abs(back.value - truth) < 1e-14


@pytest.mark.parametrize(("p", "q"), [(st.zipf(1.5), st.poisson(3, loc=1)), (st.zipf(1.01), st.zipf(2))])
def test_a_sum_that_does_not_converge_says_so(scipy_view, p, q):
    with pytest.raises(NotConverged, match="The sum over `p` and `q` does not converge"):
        summate(KL, scipy_view(p), scipy_view(q, "q"))


def test_lost_mass_is_refused(scipy_view):
    with pytest.raises(DistributionError, match=r"`p` adds up to 0.42.*, not to 1"):
        summate(ENTROPY, scipy_view(st.poisson(3)), None, bounds=(0, 2))


def test_a_batch(scipy_view):
    rates = np.array([[1.0, 50.0], [2e4, 3.0]])
    result = summate(KL, scipy_view(st.poisson(rates)), scipy_view(st.poisson([2.0, 60.0]), "q"))
    truth = np.vectorize(poisson_kl)(rates, np.array([[2.0, 60.0], [2.0, 60.0]]))
    assert result.value.shape == (2, 2)
    assert np.all(np.abs(result.value - truth) <= result.error_bound)
    assert np.all(result.error_bound < 1e-8 * truth)


def test_torch_sums_carry_gradients(torch_view):
    import torch

    rate = torch.tensor([3.0, 7.0], dtype=torch.float64, requires_grad=True)
    poisson = torch.distributions.Poisson
    p = torch_view(poisson(rate, validate_args=False), 0, math.inf, discrete=True)
    model = poisson(torch.full((2,), 4.0, dtype=torch.float64), validate_args=False)
    value = summate(KL, p, torch_view(model, 0, math.inf, "q", discrete=True)).value
    np.testing.assert_allclose(value.detach().numpy(), [poisson_kl(3, 4), poisson_kl(7, 4)], rtol=1e-12)
    value.sum().backward()
    np.testing.assert_allclose(rate.grad.numpy(), np.log(np.array([3.0, 7.0]) / 4.0), rtol=1e-11)
