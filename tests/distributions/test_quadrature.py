"""Quadrature against known values: the truth is within the bound, the bound is small, and what has none is refused."""

import math
import time

import mpmath
import numpy as np
import pytest
import scipy.stats as st

from xent import DistributionError, NotConverged
from xent.distributions import _nodes
from xent.distributions._integrands import INTEGRANDS, Integrand
from xent.distributions._quadrature import integrate

EULER = float(np.euler_gamma)


def normal_kl(m1, s1, m2, s2):
    with mpmath.workdps(60):
        m1, s1, m2, s2 = map(mpmath.mpf, (m1, s1, m2, s2))
        t = (s1 / s2) ** 2 - 1
        return float((t - mpmath.log1p(t) + ((m1 - m2) / s2) ** 2) / 2)


def check(result, truth, relative):
    """The bound holds, and is worth having."""
    value, bound = np.asarray(result.value), np.asarray(result.error_bound)
    assert np.all(np.abs(value - truth) <= bound), (value, truth, bound)
    assert np.all(bound <= relative * np.maximum(np.abs(truth), 1e-300)), bound
    assert result.n > 0


# -- the rule ----------------------------------------------------------------------------------------------------------


def test_the_rule_is_exact_to_its_degree():
    """A Kronrod rule around given Gauss nodes is determined by that."""
    for degree in range(32):
        assert (
            abs(np.sum(_nodes.KRONROD * (2 * _nodes.NODES - 1) ** degree) - ((degree + 1) % 2) / (degree + 1)) < 2e-16
        )
    for degree in range(20):
        assert abs(np.sum(_nodes.GAUSS * (2 * _nodes.NODES - 1) ** degree) - ((degree + 1) % 2) / (degree + 1)) < 2e-16
    with mpmath.workdps(30):
        roots = sorted(float(r) for r in mpmath.polyroots(mpmath.taylor(lambda x: mpmath.legendre(10, x), 0, 10)[::-1]))
    np.testing.assert_allclose(2 * _nodes.NODES[1::2] - 1, roots, atol=2e-16)


def test_weights_of_moved_places_are_those_of_the_places():
    shift = np.random.default_rng(0).normal(size=(4, 21)) * 1e-4
    kronrod, gauss = _nodes.weights_at(shift)
    places = _nodes.NODES + shift
    for degree in range(10):
        np.testing.assert_allclose(np.sum(kronrod * places**degree, axis=1), 1 / (degree + 1), rtol=1e-14)
        np.testing.assert_allclose(np.sum(gauss * places**degree, axis=1), 1 / (degree + 1), rtol=1e-14)


# -- KL ----------------------------------------------------------------------------------------------------------------

NORMALS = [
    ((0.0, 1.0, 1.0, 2.0), 1e-13),
    ((3.0, 0.5, 3.0, 0.5), 1.0),
    ((0.0, 1.0, 0.0, 1.0 + 1e-8), 1e-5),
    ((0.0, 1.0, 1e-12, 1.0), 1e-1),
    ((1e6, 1e-3, 1e6 + 1e-3, 2e-3), 1e-12),
    ((0.0, 1.0, 1e6, 1e-3), 1e-12),
    ((1e6, 1e-3, 0.0, 1.0), 1e-12),
    ((0.0, 1e-3, 0.0, 1e3), 1e-12),
    ((0.0, 1e3, 0.0, 1e-3), 1e-12),
    ((1e8, 1.0, -1e8, 1.0), 1e-12),
]


@pytest.mark.parametrize("quantile", [True, False])
@pytest.mark.parametrize(("parameters", "relative"), NORMALS)
def test_kl_of_normals(scipy_view, parameters, relative, quantile):
    m1, s1, m2, s2 = parameters
    p, q = scipy_view(st.norm(m1, s1), "p", quantile), scipy_view(st.norm(m2, s2), "q", quantile)
    truth = normal_kl(*parameters)
    result = integrate(INTEGRANDS["kl_divergence"], p, q)
    if truth == 0.0:
        assert 0.0 <= result.value <= result.error_bound < 1e-28
    else:
        check(result, truth, relative)


def test_kl_of_normals_of_extreme_scales(scipy_view):
    for scale in (1e-200, 1e100):
        p, q = scipy_view(st.norm(0, scale)), scipy_view(st.norm(0, 10 * scale), "q")
        check(integrate(INTEGRANDS["kl_divergence"], p, q), normal_kl(0, 1, 0, 10), 1e-11)


# -H of Beta(0.1, 0.1)
BETA = float(1.8 * (mpmath.digamma(0.2) - mpmath.digamma(0.1)) - mpmath.log(mpmath.beta(0.1, 0.1)))

PAIRS = [
    (st.norm(), st.gumbel_r(), -0.5 * math.log(2 * math.pi * math.e) + math.exp(0.5)),
    (st.expon(), st.gamma(0.5), 0.5 * math.log(math.pi) - 0.5 * EULER),
    (st.uniform(-1, 2), st.norm(), -math.log(2) + 0.5 * math.log(2 * math.pi) + 1 / 6),
    (st.laplace(), st.norm(), 0.5 * math.log(2 * math.pi) + 1 - math.log(2) - 1),
    (st.expon(), st.laplace(), math.log(2)),
    (st.t(3), st.norm(), float(-st.t(3).entropy()) + 0.5 * math.log(2 * math.pi) + 1.5),
    (st.uniform(0.25, 0.5), st.uniform(0, 1), math.log(2)),
    (st.norm(), st.cauchy(), 0.25924453248886227),
    (st.beta(0.1, 0.1), st.uniform(), BETA),
]


@pytest.mark.parametrize("quantile", [True, False])
@pytest.mark.parametrize(("p", "q", "truth"), PAIRS, ids=lambda d: getattr(getattr(d, "dist", None), "name", ""))
def test_kl_of_pairs(scipy_view, p, q, truth, quantile):
    result = integrate(INTEGRANDS["kl_divergence"], scipy_view(p, "p", quantile), scipy_view(q, "q", quantile))
    assert abs(result.value - truth) <= result.error_bound + 4e-16 * abs(truth)  # a truth of float64 is rounded too
    assert result.error_bound <= 1e-9 * truth


# -- entropies: tails, poles, kinks ------------------------------------------------------------------------------------

ENTROPIES = [
    (st.norm(), 0.5 * math.log(2 * math.pi * math.e)),
    (st.cauchy(), math.log(4 * math.pi)),
    (st.chi2(1), 0.5 + math.log(2) + 0.5 * math.log(math.pi) + 0.5 * (-EULER - 2 * math.log(2))),
    (st.beta(0.5, 0.5), math.log(math.pi / 4)),
    (st.expon(), 1.0),
    (st.lognorm(2), math.log(2) + 0.5 * math.log(2 * math.pi * math.e)),
    (st.uniform(), 0.0),
    (st.uniform(5, 0.25), math.log(0.25)),
    (st.laplace(3, 2), 1 + math.log(4)),
    (st.pareto(0.5), 3 + math.log(2)),
    (st.gumbel_r(), 1 + EULER),
    (st.weibull_min(0.1), EULER * (1 - 10) - math.log(0.1) + 1),
    (st.logistic(), 2.0),
]


@pytest.mark.parametrize("quantile", [True, False])
@pytest.mark.parametrize(("p", "truth"), ENTROPIES, ids=lambda d: getattr(getattr(d, "dist", None), "name", ""))
def test_entropies(scipy_view, p, truth, quantile):
    result = integrate(INTEGRANDS["entropy"], scipy_view(p, "p", quantile), None)
    assert abs(result.value - truth) <= result.error_bound + 4e-16 * abs(truth)
    assert result.error_bound <= 1e-11 * max(1.0, abs(truth))


def test_a_pole_that_floats_hardly_reach_is_bounded_honestly(scipy_view):
    """Of Gamma(0.01) a thousandth of the mass lies below 1e-290."""
    truth = 0.01 + math.lgamma(0.01) + 0.99 * float(mpmath.digamma(0.01))
    result = integrate(INTEGRANDS["entropy"], scipy_view(st.gamma(0.01)), None)
    assert abs(result.value - truth) <= result.error_bound < 0.05 * abs(truth)


def test_densities_that_are_not_right_to_the_last_digits_widen_the_bound(scipy_view):
    """SciPy's log density of Gamma(1e6) is off by 1e-9."""
    with mpmath.workdps(30):
        a = mpmath.mpf(10**6)
        truth = float(a + mpmath.loggamma(a) + (1 - a) * mpmath.digamma(a))
    result = integrate(INTEGRANDS["entropy"], scipy_view(st.gamma(1e6)), None)
    assert abs(result.value - truth) <= result.error_bound < 1e-7


class Mixture:
    """Equal parts of normals far apart, by hand: SciPy's quad sees none of them."""

    dist = None

    def __init__(self, *parts):
        self.parts = [st.norm(*part) for part in parts]

    def logpdf(self, x):
        return np.logaddexp.reduce([part.logpdf(x) for part in self.parts]) - math.log(len(self.parts))

    def support(self):
        return -math.inf, math.inf


def test_narrow_bumps_far_apart_are_found_without_quantiles(scipy_view):
    p = Mixture((0.0, 1e-3), (1e4, 1e-3), (-3e5, 1e-2))
    result = integrate(INTEGRANDS["entropy"], scipy_view(p, quantile=False), None)
    truth = math.log(3) + 0.5 * math.log(2 * math.pi * math.e) + (2 * math.log(1e-3) + math.log(1e-2)) / 3
    check(result, truth, 1e-11)


def test_a_small_bump_between_quantiles_is_found_by_its_mass(scipy_view):
    """Not one quantile that is asked for first lies in it."""
    import dataclasses

    def log_density(x):
        return np.logaddexp(st.norm(0, 1).logpdf(x) + math.log(0.96), st.norm(50, 1e-4).logpdf(x) + math.log(0.04))

    def quantile(levels):
        inner = np.where(levels < 0.96, st.norm(0, 1).ppf(np.minimum(levels / 0.96, 1)), 0)
        return np.where(levels < 0.96, inner, st.norm(50, 1e-4).ppf(np.clip((levels - 0.96) / 0.04, 0, 1)))

    p = dataclasses.replace(scipy_view(st.norm()), log_density=log_density, quantile=quantile)
    half = 0.5 * math.log(2 * math.pi * math.e)
    truth = half + 0.04 * math.log(1e-4) - 0.96 * math.log(0.96) - 0.04 * math.log(0.04)
    check(integrate(INTEGRANDS["entropy"], p, None), truth, 1e-9)


# -- JS, perplexity, and what follows an integral ----------------------------------------------------------------------


def test_js_is_symmetric_and_bounded(scipy_view):
    p, q = scipy_view(st.norm()), scipy_view(st.norm(1, 2), "q")
    one, other = (integrate(INTEGRANDS["js_divergence"], *pair) for pair in ((p, q), (q, p)))
    assert abs(one.value - other.value) <= one.error_bound + other.error_bound
    p, q = scipy_view(st.uniform(0, 1)), scipy_view(st.uniform(3, 1), "q")
    check(integrate(INTEGRANDS["js_divergence"], p, q), math.log(2), 1e-13)
    check(integrate(INTEGRANDS["js_distance"], p, q), math.sqrt(math.log(2)), 1e-13)


def test_perplexity_is_the_exponential_of_the_entropy(scipy_view):
    result = integrate(INTEGRANDS["perplexity"], scipy_view(st.uniform(0, 8)), None)
    check(result, 8.0, 1e-13)


def test_cross_entropy_lives_where_p_does(scipy_view):
    p, q = scipy_view(st.uniform(0, 1)), scipy_view(st.norm(), "q")
    check(integrate(INTEGRANDS["cross_entropy"], p, q), 0.5 * math.log(2 * math.pi) + 1 / 6, 1e-13)


# -- infinite, divergent, refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (st.uniform(0, 1), st.uniform(3, 1)),
        (st.norm(), st.uniform(-50, 100)),
        (st.uniform(0, 2), st.uniform(0, 1)),
        (st.laplace(), st.expon()),
    ],
)
@pytest.mark.parametrize("measure", ["kl_divergence", "cross_entropy"])
def test_what_q_rules_out_is_infinite(scipy_view, p, q, measure):
    result = integrate(INTEGRANDS[measure], scipy_view(p), scipy_view(q, "q"))
    assert result.value == math.inf
    assert result.error_bound == 0.0


@pytest.mark.parametrize(("p", "q"), [(st.cauchy(), st.norm()), (st.t(2), st.norm()), (st.pareto(1), st.expon())])
def test_a_divergence_that_does_not_converge_says_so(scipy_view, p, q):
    with pytest.raises(NotConverged, match=r"over `p` and `q` does not converge: at a distance of .* it has come to"):
        integrate(INTEGRANDS["kl_divergence"], scipy_view(p), scipy_view(q, "q"))


def test_an_infinite_entropy_does_not_converge(scipy_view):
    import dataclasses

    p = dataclasses.replace(
        scipy_view(st.pareto(1)),
        low=np.asarray(math.e),
        log_density=lambda x: -np.log(x) - 2 * np.log(np.log(x)),
        quantile=lambda levels: np.exp(1 / np.maximum(1 - levels, 1e-2)),
    )
    with pytest.raises(NotConverged):
        integrate(INTEGRANDS["entropy"], p, None)


def test_a_power_divergence_beyond_its_range_does_not_converge(scipy_view):
    chi2 = Integrand(lambda xp, lp, lq: xp.exp(2 * lp - lq), lambda xp, lp, lq: xp.exp(lp - lq), "p")
    p, q = scipy_view(st.norm(0, 1)), scipy_view(st.norm(0, 0.9), "q")
    check(integrate(chi2, p, q), 0.81 / math.sqrt(2 * 0.81 - 1), 1e-12)
    with pytest.raises(NotConverged):
        integrate(chi2, p, scipy_view(st.norm(0, 0.7), "q"))


def test_what_does_not_integrate_to_1_is_refused(scipy_view):
    import dataclasses

    loose = dataclasses.replace(scipy_view(st.norm()), log_density=lambda x: st.norm().logpdf(x) + 1.0)
    with pytest.raises(DistributionError, match=r"`p` integrates to 2.71828 from -inf to inf, not to 1.*bounds="):
        integrate(INTEGRANDS["entropy"], loose, None)
    loose = dataclasses.replace(loose, name="q")
    with pytest.raises(DistributionError, match="`q` integrates to 2.71828"):
        integrate(INTEGRANDS["kl_divergence"], scipy_view(st.norm()), loose)


@pytest.mark.parametrize("bounds", [(2.0, 3.0), (1.0, 0.0), (0.5, 0.5)])
def test_bounds_that_hold_nothing_are_refused(scipy_view, bounds):
    with pytest.raises(DistributionError, match="nothing of the support of `p` between `bounds="):
        integrate(INTEGRANDS["entropy"], scipy_view(st.uniform()), None, bounds=bounds)


def test_the_log_of_a_density_that_underflows_is_no_zero(scipy_view):
    """SciPy's Laplace is the log of its density: -inf from 745 scales on."""
    p, q = st.laplace(0.0, 1.0), st.laplace(0.5, 0.4)
    result = integrate(INTEGRANDS["kl_divergence"], scipy_view(p), scipy_view(q, "q"))
    truth = math.log(0.4) + (0.5 + math.exp(-0.5)) / 0.4 - 1
    assert abs(result.value - truth) <= result.error_bound < 1e-12
    with pytest.raises(DistributionError, match="`q` has a log density of -inf near .* within its support"):
        integrate(INTEGRANDS["kl_divergence"], scipy_view(p), scipy_view(st.laplace(0.0, 0.01), "q"))


def test_nan_is_refused(scipy_view):
    import dataclasses

    broken = dataclasses.replace(scipy_view(st.norm()), log_density=lambda x: np.where(x > 1, np.nan, -(x**2)))
    with pytest.raises(DistributionError, match="`p` has a log density of NaN at"):
        integrate(INTEGRANDS["entropy"], broken, None)


def test_bounds_find_what_is_hidden(scipy_view):
    p = scipy_view(st.norm(0, 1e-200), quantile=False)
    with pytest.raises(DistributionError, match="bounds="):
        integrate(INTEGRANDS["entropy"], p, None)
    result = integrate(INTEGRANDS["entropy"], p, None, bounds=(-1e-198, 1e-198))
    check(result, 0.5 * math.log(2 * math.pi * math.e) - 200 * math.log(10), 1e-12)


# -- batches, gradients, speed -----------------------------------------------------------------------------------------


def test_lanes_of_a_batch_adapt_on_their_own(scipy_view):
    loc, scale = np.array([0.0, 1e6, -3.0]), np.array([[1.0], [1e-3]])
    result = integrate(
        INTEGRANDS["kl_divergence"], scipy_view(st.norm(loc, 1e-3)), scipy_view(st.norm(loc, scale), "q")
    )
    assert result.value.shape == result.error_bound.shape == (2, 3)
    truth = np.array([[normal_kl(0, 1e-3, 0, s)] * 3 for s in (1.0, 1e-3)])
    assert np.all(np.abs(result.value - truth) <= result.error_bound)
    one = integrate(INTEGRANDS["entropy"], scipy_view(st.norm(np.zeros((1, 2)), [[1.0, 2.0]])), None)
    assert one.value.shape == (1, 2)


def test_an_empty_batch_has_an_empty_answer(scipy_view):
    result = integrate(INTEGRANDS["entropy"], scipy_view(st.norm(np.zeros((0, 2)), 1.0)), None)
    assert result.value.shape == result.error_bound.shape == (0, 2)
    assert result.n == 0


def test_only_some_lanes_are_infinite(scipy_view):
    p, q = scipy_view(st.uniform([0.0, 0.25], 0.5)), scipy_view(st.uniform(0, 0.6), "q")
    result = integrate(INTEGRANDS["kl_divergence"], p, q)
    assert abs(result.value[0] - math.log(1.2)) < 1e-14
    assert result.value[1] == math.inf


def test_torch_results_carry_gradients(torch_view):
    import torch

    loc = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    q = torch_view(torch.distributions.Normal(torch.zeros(2, dtype=torch.float64), 1.0), -math.inf, math.inf, "q")

    def kl(loc, scale):
        p = torch_view(torch.distributions.Normal(loc, scale), -math.inf, math.inf)
        return integrate(INTEGRANDS["kl_divergence"], p, q).value

    value = kl(loc, scale)
    truth = 0.5 * (4.0 + loc.detach().numpy() ** 2 - 1) - math.log(2)
    np.testing.assert_allclose(value.detach().numpy(), truth, rtol=1e-14)
    d_loc, d_scale = torch.autograd.grad(value.sum(), (loc, scale))
    np.testing.assert_allclose(d_loc.numpy(), loc.detach().numpy(), rtol=1e-12)
    assert abs(d_scale.item() - 2 * (2.0 - 0.5)) < 1e-12
    assert torch.autograd.gradcheck(kl, (loc, scale))


def test_torch_gradients_through_a_pole_and_an_end_are_numbers(torch_view):
    import torch

    a = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    p = torch_view(torch.distributions.Gamma(a, torch.ones((), dtype=torch.float64), validate_args=False), 0, math.inf)
    value = integrate(INTEGRANDS["entropy"], p, None).value
    value.backward()
    truth = 1 + (1 - 0.5) * float(mpmath.psi(1, 0.5))
    assert abs(a.grad.item() - truth) < 1e-10


def test_float32_densities_are_worth_float32(torch_view):
    import torch

    p, q = (torch_view(torch.distributions.Normal(torch.tensor(m), torch.tensor(s)), -math.inf, math.inf, name)
            for m, s, name in ((100.0, 1.0, "p"), (101.0, 2.0, "q")))  # fmt: skip
    result = integrate(INTEGRANDS["kl_divergence"], p, q)
    assert result.value.dtype == torch.float32
    assert abs(result.value.item() - normal_kl(100, 1, 101, 2)) <= result.error_bound < 1e-3


def test_a_pair_takes_milliseconds(scipy_view):
    p, q = scipy_view(st.norm()), scipy_view(st.norm(1, 2), "q")
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        integrate(INTEGRANDS["kl_divergence"], p, q)
        best = min(best, time.perf_counter() - start)
    assert best < 0.1  # about 3 ms; a loop over places takes longer than this
