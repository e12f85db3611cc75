"""Distributions beside SciPy's `entropy` and torch's `kl_divergence`, where these are right."""

import numpy as np
import pytest
import torch

import xent

stats = pytest.importorskip("scipy.stats")
D = torch.distributions
two = torch.float64
EYE = torch.eye(2, dtype=two)


def t(*values):
    return torch.tensor(values if len(values) > 1 else values[0], dtype=two)


# What torch has a divergence for, each family with two members.
FAMILIES = [
    (D.Bernoulli(t(0.3, 0.6)), D.Bernoulli(logits=t(0.3, 0.6))),
    (D.Beta(t(2.0, 0.5), t(3.0)), D.Beta(t(1.0), t(2.0, 3))),
    (D.Binomial(5, t(0.3, 0.6)), D.Binomial(5, t(0.5, 0.5))),
    (D.Categorical(t(0.3, 0.7)), D.Categorical(logits=t(0.3, 0.1))),
    (D.OneHotCategorical(t(0.3, 0.7)), D.OneHotCategorical(t(0.5, 0.5))),
    (D.Cauchy(t(0.0), t(1.0)), D.Cauchy(t(1.0), t(2.0))),
    (D.ContinuousBernoulli(t(0.3)), D.ContinuousBernoulli(t(0.6))),
    (D.Dirichlet(t(1.0, 2, 3)), D.Dirichlet(t(0.5, 2, 3))),
    (D.Exponential(t(2.0)), D.Exponential(t(1.0, 3.0))),
    (D.Gamma(t(2.0), t(1.0)), D.Gamma(t(0.5), t(2.0))),
    (D.Geometric(t(0.3)), D.Geometric(t(0.5))),
    (D.Gumbel(t(0.0), t(1.0)), D.Gumbel(t(1.0), t(2.0))),
    (D.HalfNormal(t(1.0)), D.HalfNormal(t(2.0))),
    (D.Laplace(t(0.0), t(1.0)), D.Laplace(t(1.0), t(2.0))),
    (D.LogNormal(t(0.0), t(1.0)), D.LogNormal(t(1.0), t(2.0))),
    (
        D.LowRankMultivariateNormal(t(0.0, 0), t(1.0, 1)[:, None], t(1.0, 1)),
        D.LowRankMultivariateNormal(t(1.0, 1), t(1.0, 1)[:, None], t(2.0, 2)),
    ),
    (
        D.MultivariateNormal(t(0.0, 0), torch.eye(2, dtype=two)),
        D.MultivariateNormal(t(1.0, 1), 2 * torch.eye(2, dtype=two)),
    ),
    (D.Normal(t(0.0), t(1.0)), D.Normal(t(1.0, 2.0), t(2.0))),
    (D.Pareto(t(2.0), t(3.0)), D.Pareto(t(1.0), t(2.0))),
    (D.Poisson(t(3.0)), D.Poisson(t(2.0, 40.0))),
    (D.Uniform(t(1.0), t(2.0)), D.Uniform(t(0.0), t(3.0))),
    (D.Independent(D.Normal(t(0.0, 0, 0), t(1.0)), 1), D.Independent(D.Normal(t(1.0, 1, 1), t(1.0)), 1)),
    (
        D.TransformedDistribution(D.Normal(t(0.0), t(1.0)), [D.SigmoidTransform()]),
        D.TransformedDistribution(D.Normal(t(1.0), t(1.0)), [D.SigmoidTransform()]),
    ),
]

REGISTERED = torch.distributions.kl._KL_REGISTRY
# Torch's answer is inf for a law on [0, 1] under a uniform one on [0, 3], which is wrong.
WRONG = (D.ContinuousBernoulli, D.Uniform)
PAIRS = [
    (p, q) for p, _ in FAMILIES for _, q in FAMILIES if (type(p), type(q)) in REGISTERED and (type(p), type(q)) != WRONG
]


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda d: type(d).__name__)
def test_divergences_are_torchs(p, q):
    expected = D.kl_divergence(p, q)
    found = xent.kl_divergence(p, q)
    torch.testing.assert_close(found, expected.expand_as(found), rtol=1e-9, atol=1e-11)


WITH_ENTROPY = [p for p, _ in FAMILIES if type(p) not in (D.Poisson, D.TransformedDistribution)]


@pytest.mark.parametrize("p", WITH_ENTROPY, ids=lambda d: type(d).__name__)
def test_entropies_are_torchs(p):
    torch.testing.assert_close(xent.entropy(p), p.entropy(), rtol=1e-12, atol=1e-12)


LAWS = """alpha:3.57 anglit: arcsine: argus:1 betaprime:5,6 bradford:0.3 burr12:10,4 chi:78 cosine: crystalball:2,3
dgamma:1.1 dweibull:2.07 erlang:10 expon: exponnorm:1.5 exponpow:2.7 f:29,18 fatiguelife:29 fisk:3.09 foldcauchy:4.72
foldnorm:1.95 gengamma:4.42,3.12 genlogistic:0.41 genpareto:0.1 gompertz:0.95 halfcauchy: halflogistic: halfnorm:
hypsecant: invgauss:0.14 johnsonsu:2.55,2.25 levy: loggamma:0.41 loglaplace:3.25 lomax:1.88 maxwell: moyal:
nakagami:4.97 norminvgauss:1.25,0.5
powerlaw:1.66 rayleigh: rdist:1.6 recipinvgauss:0.63 semicircular: skewcauchy:0.5 skewnorm:4
triang:0.16 truncexpon:4.69 truncnorm:-1,2 wald: weibull_max:2.87 wrapcauchy:0.03
boltzmann:1.4,19 dlaplace:0.8 hypergeom:20,7,12 logser:0.6 planck:0.51
randint:7,31 skellam:10,15 yulesimon:11 zipf:6.6"""


def test_a_parameter_that_is_a_list():
    chances = [0.1, 0.6, 0.7, 0.8]
    if not hasattr(stats, "poisson_binom"):
        pytest.skip("this SciPy has no Poisson binomial distribution")
    law = stats.poisson_binom(chances)
    assert xent.entropy(law) == pytest.approx(float(xent.entropy(law.pmf(np.arange(5)))), rel=1e-12)
    with pytest.raises(xent.DistributionError, match=r"p\[1\] = 1.5"):
        xent.entropy(stats.poisson_binom([0.1, 1.5]))


@pytest.mark.parametrize("law", LAWS.split())
def test_entropies_are_scipys(law):
    name, _, shapes = law.partition(":")
    frozen = getattr(stats, name)(*(float(a) for a in shapes.split(",") if a))
    with np.errstate(all="ignore"):
        expected = float(frozen.entropy())
    found = xent.entropy(frozen, details=True)
    assert found.value == pytest.approx(expected, rel=1e-6, abs=1e-6)  # SciPy's own are quadratures to about 1e-8
    assert found.error_bound < 1e-6
