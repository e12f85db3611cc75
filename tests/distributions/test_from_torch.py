"""torch's distributions as views: densities, supports, seeded draws, families, gradients."""

import numpy as np
import pytest

import xent
from xent import DistributionError
from xent.distributions._from_torch import recognise

torch = pytest.importorskip("torch")
D = torch.distributions


def t(*values):
    return torch.tensor(values[0] if len(values) == 1 else values, dtype=torch.float64)


def affine(base, loc, scale):
    return D.TransformedDistribution(base, [D.AffineTransform(loc, scale)])


FAMILIES = {
    "Normal": (lambda: D.Normal(t(1.0), t(2.0)), "normal", {"loc": 1.0, "scale": 2.0}),
    "LogNormal": (lambda: D.LogNormal(t(1.0), t(2.0)), "lognormal", {"mu": 1.0, "sigma": 2.0, "loc": 0.0}),
    "Uniform": (lambda: D.Uniform(t(1.0), t(3.0)), "uniform", {"low": 1.0, "high": 3.0, "width": 2.0}),
    "Exponential": (lambda: D.Exponential(t(4.0)), "exponential", {"scale": 0.25, "loc": 0.0}),
    "Gamma": (lambda: D.Gamma(t(3.0), t(4.0)), "gamma", {"concentration": 3.0, "scale": 0.25, "loc": 0.0}),
    "Chi2": (lambda: D.Chi2(t(3.0)), "gamma", {"concentration": 1.5, "scale": 2.0, "loc": 0.0}),
    "InverseGamma": (
        lambda: D.InverseGamma(t(3.0), t(4.0)),
        "inverse_gamma",
        {"concentration": 3.0, "scale": 4.0, "loc": 0.0},
    ),
    "Beta": (lambda: D.Beta(t(2.0), t(3.0)), "beta", {"a": 2.0, "b": 3.0, "low": 0.0, "width": 1.0}),
    "Dirichlet": (lambda: D.Dirichlet(t(1.0, 2.0)), "dirichlet", {"concentration": [1.0, 2.0]}),
    "Laplace": (lambda: D.Laplace(t(1.0), t(2.0)), "laplace", {"loc": 1.0, "scale": 2.0}),
    "StudentT": (lambda: D.StudentT(t(5.0), t(1.0), t(2.0)), "student_t", {"df": 5.0, "loc": 1.0, "scale": 2.0}),
    "Cauchy": (lambda: D.Cauchy(t(1.0), t(2.0)), "student_t", {"df": 1.0, "loc": 1.0, "scale": 2.0}),
    "Weibull": (lambda: D.Weibull(t(2.0), t(3.0)), "weibull", {"scale": 2.0, "concentration": 3.0, "loc": 0.0}),
    "Gumbel": (lambda: D.Gumbel(t(1.0), t(2.0)), "gumbel", {"loc": 1.0, "scale": 2.0}),
    "Pareto": (lambda: D.Pareto(t(2.0), t(3.0)), "pareto", {"scale": 2.0, "alpha": 3.0, "loc": 0.0}),
    "VonMises": (lambda: D.VonMises(t(1.0), t(2.0)), "von_mises", {"loc": 1.0, "concentration": 2.0}),
    "Wishart": (
        lambda: D.Wishart(t(5.0), scale_tril=t([2.0, 0.0], [1.0, 1.0])),
        "wishart",
        {"df": 5.0, "scale_tril": [[2.0, 0.0], [1.0, 1.0]]},
    ),
    "Bernoulli of logits": (lambda: D.Bernoulli(logits=t(-800.0)), "bernoulli", {"log_odds": -800.0, "loc": 0.0}),
    "Bernoulli": (lambda: D.Bernoulli(t(0.5)), "bernoulli", {"log_odds": 0.0, "success": 0.5, "loc": 0.0}),
    "Binomial": (lambda: D.Binomial(4, logits=t(1.5)), "binomial", {"log_odds": 1.5, "n": 4.0, "loc": 0.0}),
    "Geometric": (lambda: D.Geometric(t(0.5)), "geometric", {"log_odds": 0.0, "success": 0.5, "loc": 0.0}),
    "Poisson": (lambda: D.Poisson(t(3.0)), "poisson", {"rate": 3.0, "loc": 0.0}),
    "NegativeBinomial of logits": (
        lambda: D.NegativeBinomial(t(4.0), logits=t(1.5)),
        "negative_binomial",
        {"log_odds": -1.5, "n": 4.0, "loc": 0.0},
    ),
    "NegativeBinomial": (
        lambda: D.NegativeBinomial(t(4.0), t(0.5)),
        "negative_binomial",
        {"log_odds": -0.0, "failure": 0.5, "n": 4.0, "loc": 0.0},
    ),
    "Categorical": (
        lambda: D.Categorical(t(0.0, 1.0)),
        "categorical",
        {"log_probs": [-np.inf, 0.0], "probs": [0.0, 1.0], "loc": 0.0},
    ),
    "OneHotCategorical": (
        lambda: D.OneHotCategorical(logits=t(0.0, 0.0)),
        "categorical",
        {"log_probs": [-np.log(2.0)] * 2, "loc": 0.0},
    ),
    "MultivariateNormal of a triangle": (
        lambda: D.MultivariateNormal(t(0.0, 1.0), scale_tril=t([2.0, 0.0], [1.0, 1.0])),
        "multivariate_normal",
        {"loc": [0.0, 1.0], "scale_tril": [[2.0, 0.0], [1.0, 1.0]]},
    ),
    "MultivariateNormal of a covariance": (
        lambda: D.MultivariateNormal(t(0.0, 1.0), t([4.0, 2.0], [2.0, 2.0])),
        "multivariate_normal",
        {"loc": [0.0, 1.0], "scale_tril": [[2.0, 0.0], [1.0, 1.0]], "covariance": [[4.0, 2.0], [2.0, 2.0]]},
    ),
    "MultivariateNormal of a precision": (
        lambda: D.MultivariateNormal(t(0.0, 1.0), precision_matrix=t([0.25, 0.0], [0.0, 1.0])),
        "multivariate_normal",
        {"loc": [0.0, 1.0], "scale_tril": [[2.0, 0.0], [0.0, 1.0]]},
    ),
    "affine": (lambda: affine(D.Normal(t(1.0), t(2.0)), 1.0, -3.0), "normal", {"loc": -2.0, "scale": 6.0}),
    "affine gamma": (
        lambda: affine(D.Gamma(t(3.0), t(4.0)), 1.0, 2.0),
        "gamma",
        {"concentration": 3.0, "scale": 0.5, "loc": 1.0},
    ),
    "affine uniform": (
        lambda: affine(D.Uniform(t(1.0), t(3.0)), 1.0, -2.0),
        "uniform",
        {"low": -5.0, "high": -1.0, "width": 4.0},
    ),
    "exponential of a normal": (
        lambda: D.TransformedDistribution(D.Normal(t(1.0), t(2.0)), [D.ExpTransform()]),
        "lognormal",
        {"mu": 1.0, "sigma": 2.0, "loc": 0.0},
    ),
    "affine multivariate normal": (
        lambda: affine(D.MultivariateNormal(t(0.0, 1.0), scale_tril=t([2.0, 0.0], [1.0, 1.0])), 1.0, t(2.0, -1.0)),
        "multivariate_normal",
        {"loc": [1.0, 0.0], "scale_tril": [[4.0, 0.0], [-1.0, 1.0]]},
    ),
}


@pytest.mark.parametrize(("make", "name", "parameters"), FAMILIES.values(), ids=FAMILIES)
def test_families(make, name, parameters):
    found = recognise("p", make()).family
    assert (found.name, {key: a.tolist() for key, a in found.parameters.items()}) == (name, parameters)


OTHERS = {
    "Independent": lambda: D.Independent(D.Normal(torch.zeros(3, 2), 1.0), 1),
    "mirrored exponential": lambda: affine(D.Exponential(t(1.0)), 1.0, -2.0),
    "sigmoid of a normal": lambda: D.TransformedDistribution(D.Normal(t(0.0), t(1.0)), [D.SigmoidTransform()]),
    "mixture": lambda: D.MixtureSameFamily(D.Categorical(t(1.0, 1.0)), D.Gamma(t(2.0, 3.0), 1.0)),
    "Kumaraswamy": lambda: D.Kumaraswamy(t(2.0), t(3.0)),
    "HalfNormal": lambda: D.HalfNormal(t(1.0, 2.0)),
    "Multinomial": lambda: D.Multinomial(5, t(0.5, 0.5)),
    "LogisticNormal": lambda: D.LogisticNormal(t(0.0, 0.0), t(1.0, 1.0)),
    "without checks": lambda: D.Gamma(t(2.0), t(3.0), validate_args=False),
    "float32": lambda: D.Gamma(2.0, 3.0),
}


@pytest.mark.parametrize(
    "make", [row[0] for row in FAMILIES.values()] + list(OTHERS.values()), ids=[*FAMILIES, *OTHERS]
)
def test_draws_lie_where_the_density_is(make):
    view = recognise("p", make())
    before = torch.get_rng_state()
    draws = view.draw(5, np.random.default_rng(3))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(draws, view.draw(5, np.random.default_rng(3)))
    assert tuple(draws.shape) == (5, *view.batch, *view.event)
    density = view.log_density(draws.detach().numpy())
    assert tuple(density.shape) == (5, *view.batch)
    assert str(density.dtype) == f"torch.{view.dtype}"
    assert bool((density > -torch.inf).all())
    assert not bool(torch.isnan(view.log_density(np.full((2, *view.batch, *view.event), -7.5))).any())
    if view.low is not None:
        assert view.low.shape == view.high.shape == view.batch
        assert np.all((draws.detach().numpy() >= view.low) & (draws.detach().numpy() <= view.high))
        assert bool((view.log_density(view.low - 1.0) == -torch.inf).all())
    if view.quantile is not None:
        assert view.quantile(np.full((2, *view.batch), 0.5)).shape == (2, *view.batch)


@pytest.mark.parametrize(
    ("make", "low", "high", "discrete"),
    [
        (lambda: affine(D.Exponential(t(1.0)), 1.0, -2.0), -np.inf, 1.0, False),
        (OTHERS["sigmoid of a normal"], 0.0, 1.0, False),
        (OTHERS["mixture"], 0.0, np.inf, False),
        (lambda: D.VonMises(t(1.0), t(2.0)), -np.pi, np.pi, False),
        (lambda: D.Gumbel(t(1.0), t(2.0)), -np.inf, np.inf, False),
        (lambda: D.Bernoulli(t(0.5)), 0.0, 1.0, True),
        (lambda: D.Binomial(4, t(0.5)), 0.0, 4.0, True),
        (lambda: D.Categorical(t(0.5, 0.25, 0.25)), 0.0, 2.0, True),
        (lambda: D.Poisson(t(2.0)), 0.0, np.inf, True),
    ],
)
def test_ends_of_the_support(make, low, high, discrete):
    view = recognise("p", make())
    assert (float(view.low), float(view.high), view.discrete) == (low, high, discrete)


def test_places_outside_the_support_have_density_0_and_poison_no_gradient():
    rate = t(2.0).requires_grad_()
    view = recognise("p", D.Gamma(t(3.0), rate))
    density = view.log_density(np.array([-1.0, 0.5, np.nan, np.inf]))
    assert density[0] == -torch.inf
    assert torch.isnan(density[2])
    assert density[3] == -torch.inf
    (gradient,) = torch.autograd.grad(density[1], rate)
    assert float(gradient) == pytest.approx(3.0 / 2.0 - 0.5)


@pytest.mark.parametrize(
    ("components", "places", "truth"),
    [
        (lambda: D.Uniform(t(0.0, 2.0), t(1.0, 4.0)), [0.5, 1.5, 3.0, -1.0], [0.5, 0.0, 0.25, 0.0]),
        (lambda: affine(D.Uniform(t(0.0, 2.0), t(1.0, 4.0)), 1.0, -1.0), [0.5, -0.5, -2.0, 7.0], [0.5, 0.0, 0.25, 0.0]),
        (
            lambda: D.Independent(D.Uniform(torch.zeros(2, 1), t([1.0], [4.0])), 1),
            [[0.5], [3.0], [5.0], [-1.0]],
            [0.625, 0.125, 0.0, 0.0],
        ),
    ],
    ids=["uniform", "affine", "independent"],
)
def test_mixtures_of_different_supports(components, places, truth):
    # torch itself refuses places that are outside one of the components
    weights = torch.zeros(2, dtype=torch.float64).requires_grad_()
    view = recognise("p", D.MixtureSameFamily(D.Categorical(logits=weights), components()))
    density = view.log_density(np.array(places)).exp()
    assert density.tolist() == pytest.approx(truth)
    if view.low is not None:
        assert (float(view.low), float(view.high)) in ((0.0, 4.0), (-3.0, 1.0))
    (slope,) = torch.autograd.grad(density.sum(), weights)
    assert bool(torch.isfinite(slope).all())


def test_impossible_outcomes_have_density_0_where_torch_clamps():
    assert recognise("p", D.Categorical(t(0.0, 1.0))).log_density(np.array([0.0, 1.0])).tolist() == [-np.inf, 0.0]
    assert recognise("p", D.Bernoulli(t(1.0))).log_density(np.array([0.0, 1.0])).tolist() == [-np.inf, 0.0]


def test_gradients_reach_the_parameters_through_families_densities_and_draws():
    loc = t(1.0).requires_grad_()
    view = recognise("p", D.Independent(D.Normal(loc.expand(3), t(1.0)), 1))
    assert view.reparametrised
    assert view.family.name == "product"
    assert view.family.parameters["axes"] == 1
    for made in (view.family.parameters["parts"][0].parameters["loc"], view.log_density(np.zeros(3))):
        assert torch.autograd.grad(made.sum(), loc)[0] == pytest.approx(3.0 if made.ndim else -3.0)
    assert torch.autograd.grad(view.draw(2, np.random.default_rng(0)).sum(), loc)[0] == 6.0


def test_a_chance_told_by_logits_stays_so_after_torch_made_the_other():
    for d in (D.Geometric(logits=t(1.5)), D.Bernoulli(logits=t(1.5)), D.Binomial(3, logits=t(1.5))):
        d.log_prob(t(1.0))
        d.probs  # noqa: B018  # torch makes it when it is asked for
        assert "success" not in recognise("p", d).family.parameters


def test_what_a_user_derived_keeps_no_formula():
    class Mine(D.Normal):
        def log_prob(self, value):
            return super().log_prob(value) - 1.0

    assert recognise("p", Mine(0.0, 1.0)).family is None


def test_no_distributions_are_not_ours():
    assert recognise("p", t(1.0)) is None
    assert recognise("p", 3.0) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: D.Normal(t(0.0, 0.0), t(1.0, -2.0), validate_args=False), "Normal with scale = -2.0; it must satisfy"),
        (lambda: D.Normal(t(0.0, np.inf), t(1.0, 2.0)), "Normal with loc = inf; it must be finite"),
        (lambda: D.Independent(D.LogNormal(t(0.0, -np.inf), t(1.0, 2.0)), 1), "loc = -inf; it must be finite"),
        (lambda: D.Bernoulli(t(np.nan), validate_args=False), "Bernoulli with probs = nan; it must be finite"),
    ],
)
def test_parameters_that_torch_lets_pass_are_refused(make, message):
    with pytest.raises(DistributionError) as caught:
        recognise("q", make())
    assert message in str(caught.value)
    assert str(caught.value).startswith("`q` is torch.distributions.")


FLOAT32 = [
    *(D.Normal, D.LogNormal, D.Laplace, D.Cauchy, D.Gumbel, D.Gamma, D.InverseGamma, D.Beta, D.Weibull, D.Pareto),
    *(D.Kumaraswamy, D.FisherSnedecor, D.VonMises, D.NegativeBinomial, D.RelaxedBernoulli),
    *(D.Poisson, D.Exponential, D.Chi2, D.StudentT, D.HalfNormal, D.HalfCauchy),
    *(D.Bernoulli, D.Geometric, D.ContinuousBernoulli),
]


@pytest.mark.parametrize("kind", FLOAT32, ids=lambda kind: kind.__name__)
def test_float32_parameters_give_float32_densities_of_float64_places(kind):
    given = [torch.tensor(0.75)] if kind in FLOAT32[15:] else [torch.tensor(2.0), torch.tensor(0.5)]
    narrow = recognise("p", kind(*given))
    wide = recognise("p", kind(*(a.double() for a in given)))
    places = np.array([[0.0], [1.0]]) if narrow.discrete else np.array([[0.25], [0.625]])
    found = narrow.log_density(places)
    assert (narrow.dtype, found.dtype) == ("float32", torch.float32)
    assert found.numpy() == pytest.approx(wide.log_density(places).numpy(), rel=1e-5, abs=1e-6)


def test_integers_that_float32_does_not_hold():
    view = recognise("p", D.Poisson(torch.tensor(1e8)))
    first, second = view.log_density(np.array([1e8 + 100001.0, 1e8 + 100003.0])).tolist()
    assert first > second


def test_a_mixture_of_narrow_and_wide_is_found():
    """By the quantiles of the mixture, between those of its components."""
    weights, loc, scale = (torch.tensor(a, dtype=torch.float64) for a in ([0.3, 0.7], [-50.0, 60.0], [1e-3, 2.0]))
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights), torch.distributions.Normal(loc, scale)
    )
    found = xent.entropy(mixture, details=True)
    own = torch.distributions.Normal(loc, scale).entropy() - weights.log()  # the components do not overlap
    assert abs(float(found.value - (weights * own).sum())) <= found.error_bound < 1e-12
