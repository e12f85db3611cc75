"""The alpha family of distributions: integrands, closed forms and draws; nothing infinite turns finite."""

import math
import time

import array_api_compat.numpy as xnp
import numpy as np
import pytest
import scipy.stats
import torch

import xent
from xent.distributions._alpha import from_renyi, plan

P, Q = scipy.stats.norm(0, 1), scipy.stats.norm(0.3, 1.4)
INF = math.inf


def renyi_of_normals(alpha):
    """The Rényi divergence over alpha (Gil, Alajaji and Linder 2013, table 2)."""
    spread = (1 - alpha) + alpha * 1.4**2
    if alpha == 0:
        return (1.4**2 + 0.3**2) / 2 - 0.5 - math.log(1.4)
    if alpha == 1:
        return math.log(1.4) + (1 + 0.3**2) / (2 * 1.4**2) - 0.5
    return (math.log(1.4) + math.log(1.4**2 / spread) / (2 * (alpha - 1))) / alpha + 0.3**2 / (2 * spread)


def finished(integrand, value):
    return float(value if integrand.finish is None else integrand.finish(xnp, np.asarray(value)))


def integrated(how, p, q):
    p, q = (q, p) if how.changed else (p, q)

    x = np.linspace(-40, 40, 2001)  # of analytic functions the trapezoids are as exact as their sum

    def integral(integrand):
        return float(integrand.term(xnp, p.logpdf(x), q.logpdf(x)).sum() * (x[1] - x[0]))

    value = integral(how.near)
    if how.far is not None and how.is_far(value):
        return finished(how.far, integral(how.far))
    return finished(how.near, value)


CASES = [
    *(("renyi_divergence", a) for a in (0.1, 0.5, 1.0, 2.0)),
    *(("alpha_divergence", a) for a in (0.0, 0.7)),
    ("tsallis_divergence", 0.3),
    ("hellinger_distance", math.nan),
    ("chi_square_divergence", math.nan),
]


@pytest.mark.parametrize(("name", "alpha"), CASES)
def test_integrals_are_closed_forms(name, alpha):
    how = plan(name, alpha=alpha)
    closed = float(how.closed(xnp, np.asarray(renyi_of_normals(how.order))))
    assert integrated(how, P, Q) == pytest.approx(closed, rel=1e-12)


@pytest.mark.parametrize(("name", "alpha"), CASES)
def test_draws_have_the_mean(name, alpha):
    how = plan(name, alpha=alpha)
    p, q = (Q, P) if how.changed else (P, Q)
    x = p.rvs(20000, random_state=3)
    drawn = how.near.drawn(xnp, p.logpdf(x), q.logpdf(x))
    truth = integrated(how, P, Q)
    mean, error = drawn.mean(), drawn.std() / math.sqrt(x.size)
    low, high = sorted(finished(how.near, v) for v in (max(mean - 4 * error, 0), mean + 4 * error))
    assert low <= truth <= high


def test_small_overlaps_keep_their_digits():
    how = plan("renyi_divergence", alpha=0.5)
    assert integrated(how, scipy.stats.norm(0, 1), scipy.stats.norm(12, 1)) == pytest.approx(36.0, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 0.95, 1.0, 1.05, 2.0])
def test_entropies_of_a_normal(alpha):
    base = 0.5 * math.log(2 * math.pi)
    renyi = base + (0.5 if alpha == 1 else 0.5 * math.log(alpha) / (alpha - 1))
    tsallis = renyi if alpha == 1 else math.expm1((1 - alpha) * renyi) / (1 - alpha)
    assert integrated(plan("renyi_entropy", alpha=alpha), P, P) == pytest.approx(renyi, rel=1e-12)
    assert integrated(plan("tsallis_entropy", alpha=alpha), P, P) == pytest.approx(tsallis, rel=1e-12)


def test_supports_that_differ():
    lp, lq = np.log([0.5, 0.5]), np.asarray([-INF, 0.0])
    for alpha in (1.0, 2.0):
        how = plan("renyi_divergence", alpha=alpha).near
        assert how.term(xnp, lp, lq)[0] == how.drawn(xnp, lp, lq)[0] == INF
    below = plan("alpha_divergence", alpha=0.75)
    assert below.near.term(xnp, lp, lq)[0] == pytest.approx(0.5 / 0.25)
    # what q has where p has nothing is not missed by draws of p
    lp, lq = np.log([1.0]), np.log([0.25])
    for name, truth in (("total_variation", 0.75), ("renyi_divergence", math.log(4)), ("tsallis_divergence", 0.75)):
        how = plan(name, alpha=0.0).near
        assert finished(how, how.drawn(xnp, lp, lq)[0]) == pytest.approx(truth)
    how = plan("f_divergence", f=lambda t: abs(t - 1) / 2, slope=0.5).near
    assert how.drawn(xnp, lp, lq)[0] == pytest.approx(0.75)
    assert how.term(xnp, np.asarray(-INF), np.asarray(0.0)) == 0.5
    assert how.term(xnp, np.asarray(0.0), np.asarray(-INF)) == 0.5


def test_closed_forms_at_their_limits():
    far = np.asarray([0.0, 1e-12, INF])
    assert from_renyi(xnp, far, 0.5).tolist() == [0.0, pytest.approx(1e-12, rel=1e-12), 4.0]
    assert from_renyi(xnp, far, 2.0)[2] == INF
    assert from_renyi(xnp, far, 1.0).tolist() == far.tolist()
    assert plan("hellinger_distance").closed(xnp, far)[2] == 1.0
    order_0 = plan("renyi_divergence", alpha=0.0).closed(xnp, far)
    assert order_0[:2].tolist() == [0.0, 0.0]
    assert math.isnan(order_0[2])
    with pytest.raises(ValueError, match="no integral"):
        plan("renyi_divergence", alpha=INF)
    with pytest.raises(ValueError, match="is an integral"):
        plan("renyi_entropy", alpha=INF)


def test_gradients_of_torch_densities():
    import array_api_compat.torch as xt

    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    x = torch.linspace(-9, 9, 5, dtype=torch.float64)
    for alpha in (0.3, 1.0, 2.0):
        how = plan("alpha_divergence", alpha=alpha)

        def summed(s, how=how):
            lp, lq = torch.distributions.Normal(0.0, 1.0).log_prob(x), torch.distributions.Normal(0.2, s).log_prob(x)
            return how.near.term(xt, *((lq, lp) if how.changed else (lp, lq))).sum()

        assert torch.autograd.gradcheck(summed, scale)


# -- far apart, and beyond the floats ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "q", "alpha"),
    [
        (scipy.stats.norm(), scipy.stats.norm(300, 1), 0.5),
        (scipy.stats.norm(), scipy.stats.norm([0.0, 30.0, 300.0], [[1.0], [1.5]]), 0.3),
        (scipy.stats.norm(), scipy.stats.norm(300, 1), 2),
        (scipy.stats.poisson(1), scipy.stats.poisson(5000), 0.5),
        (scipy.stats.poisson(5000), scipy.stats.poisson(1), 2),
        (scipy.stats.uniform(0, 1), scipy.stats.uniform(1 - 1e-12, 1), 0.5),
        (scipy.stats.uniform(0, 1), scipy.stats.uniform([0.5, 1.0, 2.0], 1), 0.5),
        (scipy.stats.uniform(0, 1), scipy.stats.uniform(2, 1), 2),
    ],
)
def test_renyi_of_what_hardly_overlaps(p, q, alpha):
    """Where the overlap underflows, or the power overflows, quadrature is that of the formula."""
    truth = xent.renyi_divergence(p, q, alpha=alpha, method="closed form")
    found = xent.renyi_divergence(p, q, alpha=alpha, method="quadrature", details=True)
    finite = np.isfinite(truth)
    np.testing.assert_array_equal(found.value[~finite], truth[~finite])
    value, bound, truth = found.value[finite], found.error_bound[finite], truth[finite]
    assert np.all(np.abs(value - truth) <= bound + 4e-16 * truth)
    assert np.all(bound < 1e-12 * np.maximum(truth, 1.0))


def test_renyi_of_what_hardly_overlaps_has_its_gradient():
    loc = torch.tensor(300.0, dtype=torch.float64, requires_grad=True)
    q = torch.distributions.Normal(loc, 1.5)
    slopes = [
        torch.autograd.grad(xent.renyi_divergence(scipy.stats.norm(), q, alpha=0.5, method=method), loc)[0].item()
        for method in ("quadrature", "closed form")
    ]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-12)


@pytest.mark.parametrize("alpha", [1.2, 2, 10])
def test_renyi_that_diverges_is_refused_soon(alpha):
    start = time.perf_counter()
    with pytest.raises(xent.NotConverged, match="`p` and `q` does not converge"):
        xent.renyi_divergence(scipy.stats.t(4), scipy.stats.norm(1, 2), alpha=alpha)
    assert time.perf_counter() - start < 2.0


@pytest.mark.parametrize("q", [scipy.stats.uniform(2, 1), scipy.stats.expon(loc=5)])
@pytest.mark.parametrize("alpha", [0, 0.25, 1, 2])
def test_renyi_of_supports_that_do_not_meet_is_infinite(alpha, q):
    assert xent.renyi_divergence(scipy.stats.uniform(0, 1), q, alpha=alpha, method="quadrature") == INF


def test_renyi_of_order_0_where_little_is_left():
    found = xent.renyi_divergence(scipy.stats.uniform(0, 1e-9), scipy.stats.uniform(), alpha=0, details=True)
    assert abs(found.value - 9 * math.log(10)) <= found.error_bound < 1e-12


@pytest.mark.parametrize("alpha", [0.3, 1 - 1e-12, 1, 2])
def test_categories_have_the_formula_of_their_rows(alpha):
    p, q = (
        torch.tensor([[0.2, 0.3, 0.5], [0.0, 0.5, 0.5]], dtype=torch.float64),
        np.array([0.25, 0.35, 0.4]),
    )
    found = xent.renyi_divergence(torch.distributions.Categorical(p), q, alpha=alpha, details=True)
    assert found.method == "closed form"
    rows = xent.renyi_divergence(p.numpy(), np.broadcast_to(q, (2, 3)), alpha=alpha)
    np.testing.assert_allclose(found.value.numpy(), rows, rtol=1e-14)
    summed = xent.renyi_divergence(torch.distributions.Categorical(p), q, alpha=alpha, method="quadrature")
    np.testing.assert_allclose(summed.numpy(), rows, rtol=1e-13)
    logits = torch.tensor([0.1, -0.4, 0.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda z: xent.renyi_divergence(
            torch.distributions.Categorical(p), torch.distributions.Categorical(logits=z), alpha=alpha
        ),
        logits,
    )


@pytest.mark.parametrize("measure", ["alpha_divergence", "hellinger_distance", "chi_square_divergence"])
@pytest.mark.parametrize("alpha", [-1, 0, 0.25, 1, 2])
def test_categories_of_different_outcomes(measure, alpha):
    p, q = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]), np.array([[0.0, 0.4, 0.6], [0.1, 0.3, 0.6]])
    order = {"alpha": alpha} if measure == "alpha_divergence" else {}
    found = getattr(xent, measure)(torch.distributions.Categorical(torch.tensor(p)), q, **order)
    np.testing.assert_allclose(found.numpy(), getattr(xent, measure)(p, q, **order), rtol=1e-14)
