"""SciPy's distributions as views: densities, supports, draws, families, and what is refused."""

import numpy as np
import pytest

import xent
from xent import DistributionError
from xent.distributions._scipy import recognise

stats = pytest.importorskip("scipy.stats")
new_style = pytest.mark.skipif(not hasattr(stats, "Normal"), reason="SciPy is older than its new distributions")


def family(value):
    found = recognise("p", value).family
    return found.name, {key: np.asarray(a).tolist() for key, a in found.parameters.items()}


FAMILIES = {
    "norm": (lambda: stats.norm(1, 2), "normal", {"loc": 1.0, "scale": 2.0}),
    "expon": (lambda: stats.expon(1, 2), "exponential", {"loc": 1.0, "scale": 2.0}),
    "gamma": (lambda: stats.gamma(3, 1, 2), "gamma", {"concentration": 3.0, "loc": 1.0, "scale": 2.0}),
    "erlang": (lambda: stats.erlang(3, scale=2), "gamma", {"concentration": 3.0, "loc": 0.0, "scale": 2.0}),
    "chi2": (lambda: stats.chi2(5), "gamma", {"concentration": 2.5, "loc": 0.0, "scale": 2.0}),
    "invgamma": (lambda: stats.invgamma(3), "inverse_gamma", {"concentration": 3.0, "loc": 0.0, "scale": 1.0}),
    "beta": (lambda: stats.beta(2, 3, 1, 4), "beta", {"a": 2.0, "b": 3.0, "low": 1.0, "width": 4.0}),
    "arcsine": (lambda: stats.arcsine(), "beta", {"a": 0.5, "b": 0.5, "low": 0.0, "width": 1.0}),
    "powerlaw": (lambda: stats.powerlaw(3), "beta", {"a": 3.0, "b": 1.0, "low": 0.0, "width": 1.0}),
    "uniform": (lambda: stats.uniform(1e8, 1e-9), "uniform", {"low": 1e8, "high": 1e8, "width": 1e-9}),
    "laplace": (lambda: stats.laplace(1, 2), "laplace", {"loc": 1.0, "scale": 2.0}),
    "logistic": (lambda: stats.logistic(1, 2), "logistic", {"loc": 1.0, "scale": 2.0}),
    "t": (lambda: stats.t(5, 1, 2), "student_t", {"df": 5.0, "loc": 1.0, "scale": 2.0}),
    "cauchy": (lambda: stats.cauchy(1, 2), "student_t", {"df": 1.0, "loc": 1.0, "scale": 2.0}),
    "weibull_min": (lambda: stats.weibull_min(3, 1, 2), "weibull", {"concentration": 3.0, "loc": 1.0, "scale": 2.0}),
    "gumbel_r": (lambda: stats.gumbel_r(1, 2), "gumbel", {"loc": 1.0, "scale": 2.0}),
    "gumbel_l": (lambda: stats.gumbel_l(1, 2), "gumbel_min", {"loc": 1.0, "scale": 2.0}),
    "pareto": (lambda: stats.pareto(3, 1, 2), "pareto", {"alpha": 3.0, "loc": 1.0, "scale": 2.0}),
    "vonmises": (lambda: stats.vonmises(2, 1), "von_mises", {"loc": 1.0, "concentration": 2.0}),
    "lognorm": (lambda: stats.lognorm(3, scale=1), "lognormal", {"mu": 0.0, "median": 1.0, "sigma": 3.0, "loc": 0.0}),
    "bernoulli": (lambda: stats.bernoulli(0.5, 2), "bernoulli", {"log_odds": 0.0, "success": 0.5, "loc": 2.0}),
    "binom": (lambda: stats.binom(4, 0.5), "binomial", {"log_odds": 0.0, "success": 0.5, "n": 4.0, "loc": 0.0}),
    "geom": (lambda: stats.geom(0.5), "geometric", {"log_odds": 0.0, "success": 0.5, "loc": 1.0}),
    "nbinom": (
        lambda: stats.nbinom(4, 0.5),
        "negative_binomial",
        {"log_odds": 0.0, "success": 0.5, "n": 4.0, "loc": 0.0},
    ),
    "poisson": (lambda: stats.poisson(3, 1), "poisson", {"rate": 3.0, "loc": 1.0}),
    "randint": (lambda: stats.randint(1, 3), "categorical", {"log_probs": [-np.log(2)] * 2, "loc": 1.0}),
    "dirichlet": (lambda: stats.dirichlet([1, 2]), "dirichlet", {"concentration": [1.0, 2.0]}),
    "wishart": (
        lambda: stats.wishart(5, 4 * np.eye(2)),
        "wishart",
        {"df": 5.0, "scale_tril": [[2.0, 0.0], [0.0, 2.0]]},
    ),
}


@pytest.mark.parametrize(("make", "name", "parameters"), FAMILIES.values(), ids=FAMILIES)
def test_families(make, name, parameters):
    assert family(make()) == (name, parameters)


OTHERS = {
    "halfnorm": lambda: stats.halfnorm(),
    "truncnorm": lambda: stats.truncnorm(-np.inf, 2),
    "values": lambda: stats.rv_discrete(values=([1, 4], [0.25, 0.75])),
    "histogram": lambda: stats.rv_histogram(np.histogram([1.0, 2.0, 2.5, 4.0], bins=3)),
    "not frozen": lambda: stats.norm,
    "batch": lambda: stats.gamma([[2.0], [3.0]], scale=[1.0, 2.0, 3.0]),
    "many integers": lambda: stats.randint(0, 5000),
    "batch of dice": lambda: stats.randint(np.array([0, 1]), np.array([6, 6])),
    "multivariate normal": lambda: stats.multivariate_normal([0, 1], [[2.0, 0.5], [0.5, 1.0]]),
    "one coordinate": lambda: stats.multivariate_normal(0, 2),
    "singular": lambda: stats.multivariate_normal([0, 0], [[1.0, 1.0], [1.0, 1.0]], allow_singular=True),
    "multivariate t": lambda: stats.multivariate_t([0, 1], np.eye(2), df=3),
    "multinomial": lambda: stats.multinomial(5, [0.25, 0.25, 0.5]),
    "batch of multinomials": lambda: stats.multinomial([5, 6], [0.25, 0.25, 0.5]),
    "hypergeometric": lambda: stats.multivariate_hypergeom([3, 4, 5], 6),
    "matrix normal": lambda: stats.matrix_normal(np.zeros((2, 3))),
    "inverse wishart": lambda: stats.invwishart(5, np.eye(2)),
    "kernels": lambda: stats.gaussian_kde([0.0, 1.0, 3.0]),
    "kernels of points": lambda: stats.gaussian_kde([[0.0, 1.0, 3.0, 2.0], [1.0, 0.0, 2.0, 5.0]]),
}


@pytest.mark.parametrize(
    "make", [row[0] for row in FAMILIES.values()] + list(OTHERS.values()), ids=[*FAMILIES, *OTHERS]
)
def test_draws_lie_where_the_density_is(make):
    view = recognise("p", make())
    draws = view.draw(7, np.random.default_rng(1))
    assert draws.shape == (7, *view.batch, *view.event)
    assert np.array_equal(draws, view.draw(7, np.random.default_rng(1)))
    density = view.log_density(draws)
    assert density.shape == (7, *view.batch)
    assert np.all(density > -np.inf)
    outside = view.log_density(np.full((2, *view.batch, *view.event), -1e4 - 0.5))
    assert outside.shape == (2, *view.batch)
    assert np.all(outside < -10)
    if view.low is not None:
        assert view.low.shape == view.high.shape == view.batch
        assert np.all((draws >= view.low) & (draws <= view.high))
        assert np.all(view.log_density(view.low - 1.0) == -np.inf)
    if view.quantile is not None:
        middle = view.quantile(np.full((2, *view.batch), 0.5))
        assert middle.shape == (2, *view.batch)
        assert np.all((middle >= view.low) & (middle <= view.high))


@pytest.mark.parametrize("name", ["halfnorm", "singular", "many integers", "batch of dice", "values", "kernels"])
def test_what_has_no_formula(name):
    assert recognise("p", OTHERS[name]()).family is None


def test_infinitely_many_degrees_of_freedom_have_no_formula():
    assert recognise("p", stats.t(np.inf)).family is None


def test_what_has_no_density_or_is_no_distribution_is_not_ours():
    assert recognise("p", stats.uniform_direction(3)) is None
    assert recognise("p", [0.5, 0.5]) is None
    assert recognise("p", None) is None


def test_kernel_quantiles_invert_the_distribution_function():
    kde = stats.gaussian_kde([0.0, 1.0, 3.0], weights=[0.5, 0.25, 0.25])
    u = np.array([1e-12, 0.3, 0.9])
    places = recognise("p", kde).quantile(u)
    assert [kde.integrate_box_1d(-np.inf, x) for x in places] == pytest.approx(u, rel=1e-9)


@new_style
def test_new_style_families():
    assert family(stats.Normal(mu=[0, 1], sigma=2)) == ("normal", {"loc": [0.0, 1.0], "scale": [2.0, 2.0]})
    assert family(3 * stats.Normal() + 1) == ("normal", {"loc": 1.0, "scale": 3.0})
    assert family(-2 * stats.Normal(mu=1)) == ("normal", {"loc": -2.0, "scale": 2.0})
    assert family(stats.exp(stats.Normal(mu=1))) == ("lognormal", {"mu": 1.0, "sigma": 1.0, "loc": 0.0})
    assert family(stats.Uniform(a=1, b=3)) == ("uniform", {"low": 1.0, "high": 3.0, "width": 2.0})
    assert family(-1 * stats.Uniform(a=1, b=3))[1] == {"low": -3.0, "high": -1.0, "width": 2.0}
    assert family(stats.Logistic()) == ("logistic", {"loc": 0.0, "scale": 1.0})
    if hasattr(stats, "Binomial"):
        assert family(stats.Binomial(n=4, p=0.5))[1] == {"n": 4.0, "log_odds": 0.0, "success": 0.5, "loc": 0.0}
    made = stats.make_distribution(stats.gamma)
    assert family(made(a=2.0)) == ("gamma", {"concentration": 2.0, "scale": 1.0, "loc": 0.0})
    assert family(-1 * stats.make_distribution(stats.gumbel_r)())[0] == "gumbel_min"
    assert recognise("p", -1 * made(a=2.0)).family is None


@new_style
@pytest.mark.parametrize(
    "make",
    [
        lambda: stats.abs(stats.Normal()),
        lambda: stats.truncate(stats.Normal(), 0, 1),
        lambda: stats.Mixture([stats.Normal(), stats.Normal(mu=3)]),
        lambda: stats.order_statistic(stats.Normal(), n=4, r=2),
        lambda: 3 * stats.make_distribution(stats.halfnorm)() + 1,
        lambda: stats.Uniform(a=0, b=[1, 2]),
    ],
    ids=["abs", "truncate", "mixture", "order statistic", "made", "batch"],
)
def test_new_style_draws_lie_where_the_density_is(make):
    view = recognise("p", make())
    draws = view.draw(5, np.random.default_rng(1))
    assert draws.shape == (5, *view.batch)
    assert np.all(np.isfinite(view.log_density(draws)))
    assert np.all((draws >= view.low) & (draws <= view.high))
    assert np.all(view.log_density(np.where(np.isfinite(view.low), view.low - 1.0, -np.inf)) == -np.inf)
    assert view.quantile(np.full(view.batch, 0.5)) == pytest.approx(np.asarray(view.origin.icdf(0.5)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: stats.norm(0, -1),
            "`q` is scipy.stats.norm with loc = 0.0, scale = -1.0, which SciPy answers with NaN",
        ),
        (lambda: stats.norm([0, np.nan], 1), "with loc = nan, scale = 1.0 at 1 of the batch"),
        (lambda: stats.norm(np.inf, 1), "loc = inf"),
        (lambda: stats.gamma([[1.0, -2.0]]), r"with a = -2.0, loc = 0.0, scale = 1.0 at (0, 1) of the batch"),
        (lambda: stats.binom(4, 1.5), "n = 4.0, p = 1.5, loc = 0.0,"),
        (lambda: stats.poisson(3, 0.5), "poisson with loc = 0.5; its outcomes must be integers"),
        (lambda: stats.rv_discrete(values=([0.5, 1], [0.5, 0.5])), "values that are no integers"),
        (lambda: stats.vonmises(1, scale=2), "vonmises with scale = 2; on a circle it is 1"),
        pytest.param(lambda: stats.Normal(sigma=-1), "SciPy's Normal with ", marks=new_style),
    ],
)
def test_refusals_name_the_argument_and_the_parameters(make, message):
    with pytest.raises(DistributionError) as caught:
        recognise("q", make())
    assert message in str(caught.value)


def test_distributions_without_their_parameters_are_refused():
    with pytest.raises(TypeError, match=r"`p` is scipy.stats.gamma, which has no parameters yet.*gamma\(a\)"):
        recognise("p", stats.gamma)
    with pytest.raises(TypeError, match="scipy.stats.dirichlet, which has no parameters yet"):
        recognise("p", stats.dirichlet)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.laplace(0, 1000), stats.laplace([0.0, 5.0])),
        (stats.pareto(0.5), stats.pareto(3000)),
        (stats.pareto(0.5, loc=-1, scale=2), stats.pareto([3000, 2.0], loc=-1, scale=0.5)),
    ],
)
def test_densities_that_scipy_lets_underflow_have_logs(p, q):
    found = xent.kl_divergence(p, q, method="quadrature", details=True)
    assert np.all(np.abs(found.value - xent.kl_divergence(p, q)) <= found.error_bound)
    assert np.all(found.error_bound < 2e-13 * found.value)


@new_style
def test_new_densities_that_scipy_lets_underflow_have_logs():
    laplace = stats.make_distribution(stats.laplace)()
    found = xent.kl_divergence(1000 * laplace, laplace, method="quadrature", details=True)
    assert abs(found.value - xent.kl_divergence(stats.laplace(0, 1000), stats.laplace())) <= found.error_bound


def test_a_log_density_that_overflows_is_told_from_one_that_underflows():
    with pytest.raises(xent.NotConverged, match="`q` has a log density of -inf near .*: it is beyond the floats"):
        xent.kl_divergence(stats.cauchy(), stats.gumbel_r())
    with pytest.raises(xent.DistributionError, match="the log of a number that underflows"):
        xent.kl_divergence(stats.expon(scale=30.0), stats.rice(1.0))
