"""The measures of distributions as they are called: which method answers, and what it says about itself."""

import math

import numpy as np
import pytest
import torch

import xent
from xent.distributions import Product

stats = pytest.importorskip("scipy.stats")
laws = torch.distributions

NORMAL, WIDE, STUDENT = stats.norm(0, 1), stats.norm(1, 2), stats.t(5)
KL_OF_NORMALS = math.log(2) - 0.25


# -- which method ------------------------------------------------------------------------------------------------------


def test_a_formula_answers_where_there_is_one():
    found = xent.kl_divergence(NORMAL, WIDE, details=True)
    assert (found.method, found.n, found.standard_error) == ("closed form", 0, None)
    assert found.value == pytest.approx(KL_OF_NORMALS, rel=1e-15)
    assert 0 < found.error_bound < 1e-14


def test_quadrature_answers_where_there_is_no_formula():
    found = xent.kl_divergence(NORMAL, STUDENT, details=True)
    assert found.method == "quadrature"
    assert found.standard_error is None
    assert found.n > 100
    assert found.error_bound < 1e-13


def test_draws_answer_for_points_without_a_formula():
    found = xent.kl_divergence(
        stats.multivariate_normal([0, 0]), stats.multivariate_t([0, 0], df=9), details=True, n=4096
    )
    assert found.method == "Monte Carlo"
    assert found.error_bound is None
    assert found.n == 4096
    assert 0 < found.standard_error < 0.01


@pytest.mark.parametrize("method", ["closed form", "quadrature", "Monte Carlo"])
def test_a_method_may_be_asked_for(method):
    found = xent.kl_divergence(NORMAL, WIDE, method=method, details=True)
    assert found.method == method
    error = found.error_bound if found.standard_error is None else 4 * found.standard_error
    assert abs(found.value - KL_OF_NORMALS) <= error


@pytest.mark.parametrize("keywords", [{"n": 1000}, {"estimator": "k1"}])
def test_draws_are_asked_for_by_their_options(keywords):
    assert xent.kl_divergence(NORMAL, WIDE, details=True, **keywords).method == "Monte Carlo"


def test_the_same_seed_draws_the_same():
    def drawn(seed):
        return xent.kl_divergence(NORMAL, WIDE, n=1000, seed=seed)

    assert drawn(0) == drawn(None) == drawn(0)
    assert drawn(0) != drawn(1)


def test_rtol_draws_until_it_is_reached():
    found = xent.kl_divergence(NORMAL, WIDE, method="Monte Carlo", estimator="k1", rtol=0.003, details=True)
    assert found.standard_error <= 0.003 * found.value
    assert found.n > 4096


# -- what goes together ------------------------------------------------------------------------------------------------


def test_scipy_and_torch_mix_and_gradients_stay():
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    for p, q in [(NORMAL, laws.Normal(1.0, scale)), (laws.Normal(torch.zeros((), dtype=torch.float64), 1.0), WIDE)]:
        assert float(xent.kl_divergence(p, q).detach()) == pytest.approx(KL_OF_NORMALS, rel=1e-15)
    xent.kl_divergence(NORMAL, laws.Normal(1.0, scale)).backward()
    assert scale.grad.item() == pytest.approx(1 / 2 - 2 / 8, rel=1e-14)


def test_float32_parameters_give_float32_results():
    value = xent.entropy(laws.Normal(0.0, torch.tensor(3.0)))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(0.5 * math.log(2 * math.pi * math.e * 9), rel=1e-7)


def test_batches_broadcast():
    p, q = stats.norm(np.zeros((3, 1)), 1), stats.norm(0, [1.0, 2.0])
    value = xent.kl_divergence(p, q)
    assert value.shape == (3, 2)
    assert (value[:, 0] == 0).all()
    by_quadrature = xent.kl_divergence(p, q, method="quadrature")
    np.testing.assert_allclose(by_quadrature, value, rtol=1e-12, atol=1e-15)


def test_a_table_beside_a_law_of_integers():
    table = np.array([0.5, 0.3, 0.2])
    law = stats.binom(2, 0.3)
    expected = xent.kl_divergence(table, law.pmf([0, 1, 2]))
    assert xent.kl_divergence(table, law) == pytest.approx(float(expected), rel=1e-13)
    assert xent.kl_divergence(law, xent.LogProbs(np.log(table))) == pytest.approx(
        float(xent.kl_divergence(law.pmf([0, 1, 2]), table)), rel=1e-13
    )
    assert xent.kl_divergence(stats.poisson(1), table) == math.inf


@pytest.mark.parametrize("unit", ["bits", "bans"])
def test_units_scale_values_and_errors(unit):
    nats, other = (xent.js_divergence(NORMAL, WIDE, details=True, unit=u) for u in ("nats", unit))
    size = {"bits": math.log(2), "bans": math.log(10)}[unit]
    assert other.value == pytest.approx(nats.value / size, rel=1e-15)
    assert other.error_bound == pytest.approx(nats.error_bound / size, rel=1e-12)
    distance = xent.js_distance(NORMAL, WIDE, unit=unit)
    assert distance == pytest.approx(math.sqrt(other.value), rel=1e-14)


# -- independent coordinates -------------------------------------------------------------------------------------------


def test_a_product_adds_up():
    p, q = Product(NORMAL, stats.expon(), NORMAL), Product(WIDE, stats.gamma(2), STUDENT)
    found = xent.kl_divergence(p, q, details=True)
    parts = [xent.kl_divergence(a, b) for a, b in zip(p.parts, q.parts, strict=True)]
    assert found.method == "quadrature"
    assert found.value == pytest.approx(sum(parts), rel=1e-15)
    assert xent.entropy(p) == pytest.approx(sum(xent.entropy(a) for a in p.parts), rel=1e-15)


def test_what_does_not_add_up_over_a_product_is_drawn():
    p, q = Product(NORMAL, NORMAL), Product(WIDE, NORMAL)
    found = xent.js_divergence(p, q, details=True)
    assert found.method == "Monte Carlo"
    assert abs(found.value - xent.js_divergence(NORMAL, WIDE)) < 4 * found.standard_error


def test_a_product_of_torch_is_independent():
    p = laws.Independent(laws.Normal(torch.zeros(3, dtype=torch.float64), 1.0), 1)
    q = laws.MultivariateNormal(torch.ones(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64))
    assert xent.kl_divergence(p, q).item() == pytest.approx(1.5, rel=1e-14)
    assert xent.entropy(p).item() == pytest.approx(3 * float(xent.entropy(NORMAL)), rel=1e-14)


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: xent.entropy("coin"), TypeError, "`p` is of type str"),
        (lambda: xent.entropy(stats.gamma), TypeError, "which has no parameters yet"),
        (lambda: xent.entropy(laws.Normal), TypeError, "call it with them first"),
        (lambda: xent.kl_divergence(NORMAL, stats.poisson(3)), xent.DistributionError, "cannot be compared"),
        (lambda: xent.kl_divergence(NORMAL, stats.multivariate_normal([0, 0])), xent.ShapeError, "have shape"),
        (lambda: xent.kl_divergence(stats.norm([0, 1]), stats.norm([0, 1, 2])), xent.ShapeError, "Batch shapes"),
        (lambda: xent.entropy(STUDENT, method="closed"), ValueError, "Did you mean 'closed form'"),
        (
            lambda: xent.kl_divergence(NORMAL, STUDENT, method="closed form"),
            xent.DistributionError,
            "no formula is known",
        ),
        (
            lambda: xent.entropy(stats.wishart(3, np.eye(2)), method="quadrature"),
            xent.DistributionError,
            "is for numbers",
        ),
        (lambda: xent.kl_divergence(NORMAL, WIDE, estimator="k9"), ValueError, "`estimator` is 'k9'"),
        (lambda: xent.kl_divergence(NORMAL, WIDE, n=1), ValueError, "at least 2"),
        (lambda: xent.kl_divergence(NORMAL, WIDE, rtol=2), ValueError, "`rtol` is 2"),
        (lambda: xent.kl_divergence(NORMAL, STUDENT, bounds=(1, 0)), ValueError, "low < high"),
        (lambda: xent.kl_divergence(NORMAL, WIDE, seed=-1), ValueError, "`seed` is -1"),
        (lambda: xent.entropy([0.5, 0.5], n=10), TypeError, "`n` is for distributions"),
        (lambda: xent.entropy(xent.Samples([1.0, 2.0])), xent.DistributionError, "xent.estimators.entropy"),
        (
            lambda: xent.kl_divergence(xent.Samples([1.0]), NORMAL),
            xent.DistributionError,
            "xent.estimators.kl_divergence",
        ),
        (lambda: xent.cross_entropy(NORMAL, xent.Samples([1.0])), xent.DistributionError, "second a distribution"),
        (lambda: xent.kl_divergence(Product(NORMAL), Product(NORMAL, WIDE)), xent.ShapeError, "must be as many"),
        (lambda: xent.cross_entropy(np.array([0.3, -1.2]), NORMAL), xent.DistributionError, "xent.Samples(p)"),
        (
            lambda: xent.estimators.kl_divergence(xent.Samples([1.0]), NORMAL),
            xent.DistributionError,
            "nothing has to be estimated",
        ),
        (lambda: Product(), ValueError, "at least one"),
        (lambda: xent.kl_divergence(stats.cauchy(), stats.logistic()), xent.NotConverged, "does not converge"),
    ],
)
def test_refused_with_the_reason(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize("how", [{"n": 1e5}, {"n": True}, {"seed": 1.5}, {"seed": np.random.default_rng(0)}])
def test_draws_and_seeds_are_integers(how):
    with pytest.raises(ValueError, match="an integer of at least"):
        xent.kl_divergence(NORMAL, WIDE, method="Monte Carlo", **how)


@pytest.mark.parametrize("value", [3, None, "normal", {}])
def test_what_is_no_distribution_is_told_what_one_is(value):
    with pytest.raises(TypeError, match=f"`q` is of type {type(value).__name__}; pass a distribution"):
        xent.kl_divergence(NORMAL, value)


def test_numbers_against_points_say_where_the_shape_comes_from():
    with pytest.raises(xent.ShapeError, match="event_shape"):
        xent.kl_divergence(NORMAL, stats.multivariate_normal([0, 0]))


def test_arrays_answer_details_too():
    found = xent.kl_divergence([0.5, 0.5], [0.25, 0.75], details=True)
    assert (found.value, found.method, found.n) == (xent.kl_divergence([0.5, 0.5], [0.25, 0.75]), "closed form", 0)


def test_samples_under_a_model():
    x = np.array([0.0, 1.0, -1.0, 2.0])
    found = xent.cross_entropy(xent.Samples(x), NORMAL, details=True, unit="bits")
    terms = -NORMAL.logpdf(x) / math.log(2)
    assert found.value == pytest.approx(terms.mean(), rel=1e-14)
    assert found.standard_error == pytest.approx(terms.std(ddof=1) / 2, rel=1e-13)
    assert found.n == 4
    assert xent.perplexity(xent.Samples(x), NORMAL) == pytest.approx(2 ** float(found.value), rel=1e-13)


# -- the bound of a closed form holds ----------------------------------------------------------------------------------

PAIRS = {
    "bernoulli": (stats.bernoulli(0.3), stats.bernoulli(0.9)),
    "binomial": (stats.binom(9, 0.3), stats.binom(9, 0.5)),
    "geometric": (stats.geom(0.3), stats.geom(0.05)),
    "poisson": (stats.poisson(30), stats.poisson(41)),
    "negative binomial": (stats.nbinom(4.5, 0.3), stats.nbinom(4.5, 0.2)),
    "uniform": (stats.uniform(1, 2), stats.uniform(0, 5)),
    "lognormal": (stats.lognorm(0.5, scale=2), stats.lognorm(0.8)),
    "exponential": (stats.expon(scale=3), stats.expon(scale=0.5)),
    "gamma": (stats.gamma(0.4, scale=3), stats.gamma(7)),
    "inverse gamma": (stats.invgamma(3), stats.invgamma(1.5, scale=2)),
    "beta": (stats.beta(0.5, 0.7), stats.beta(3, 2)),
    "laplace": (stats.laplace(1, 2), stats.laplace()),
    "logistic": (stats.logistic(1, 2), stats.logistic(-1, 2)),
    "weibull": (stats.weibull_min(0.8), stats.weibull_min(2, scale=3)),
    "gumbel": (stats.gumbel_r(1, 2), stats.gumbel_r()),
    "gumbel of minima": (stats.gumbel_l(1, 2), stats.gumbel_l()),
    "pareto": (stats.pareto(3, scale=2), stats.pareto(1.5)),
    "von mises": (stats.vonmises(2, loc=0.5), stats.vonmises(0.7)),
    "student t under normal": (stats.t(7), stats.norm(1, 2)),
}


@pytest.mark.parametrize("measure", ["kl_divergence", "cross_entropy"])
@pytest.mark.parametrize("name", list(PAIRS))
def test_a_formula_and_quadrature_agree_within_their_bounds(name, measure):
    p, q = PAIRS[name]
    call = getattr(xent, measure)
    formula = call(p, q, method="closed form", details=True)
    numeric = call(p, q, method="quadrature", details=True)
    assert abs(formula.value - numeric.value) <= formula.error_bound + numeric.error_bound
    assert numeric.error_bound <= 1e-9 * max(1.0, abs(numeric.value))


def test_draws_of_torch_carry_their_gradients():
    # KL(Laplace(l, 1) || N(m, 1)) = const + |l - m|²/2 for independent coordinates
    loc = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)
    mean = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    p = laws.Independent(laws.Laplace(loc, torch.ones(2, dtype=torch.float64)), 1)
    q = laws.MultivariateNormal(mean, torch.eye(2, dtype=torch.float64))
    xent.kl_divergence(p, q, n=20_000).backward()
    torch.testing.assert_close(loc.grad, loc.detach(), atol=0.05, rtol=0)
    torch.testing.assert_close(mean.grad, -loc.detach(), atol=0.05, rtol=0)


def test_a_traceback_does_not_speak_of_arrays():
    with pytest.raises(xent.NotConverged) as caught:
        xent.kl_divergence(stats.cauchy(), stats.logistic())
    assert caught.value.__context__ is None


# -- ends of supports --------------------------------------------------------------------------------------------------


def test_a_pole_at_an_end_that_floats_blur_is_within_its_bound():
    """1 - x is known to three digits where x is within 1e-13 of 1, and the density is infinite there."""
    p, q = stats.arcsine(), stats.beta(2, 3)
    found = xent.kl_divergence(p, q, method="quadrature", details=True)
    truth = 8 * math.log(2) - math.log(12 * math.pi)
    assert abs(found.value - truth) <= found.error_bound < 5e-14


def test_js_where_densities_are_further_apart_than_floats_reach():
    found = xent.js_divergence(stats.arcsine(), stats.beta(2, 3), details=True)
    # mpmath, 30 digits, over the sine of the angle
    assert abs(found.value - 0.15686427401095963) <= found.error_bound < 1e-14


def test_warnings_of_compiled_quantiles_do_not_escape():
    assert math.isfinite(xent.kl_divergence(stats.beta(0.5, 2), stats.beta(2, 0.5), method="quadrature"))
