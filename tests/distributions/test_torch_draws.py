"""Draws of torch distributions, and of objects like them, through the public measures: values and gradients."""

import math

import pytest

import xent

pytest.importorskip("scipy")


class Flow:
    """Somebody's own torch density: sinh of a normal variable."""

    def __init__(self, torch, scale):
        self.torch, self.base = torch, torch.distributions.Normal(scale * 0, scale)

    def log_prob(self, x):
        return self.base.log_prob(self.torch.asinh(x)) - 0.5 * self.torch.log1p(x * x)

    def rsample(self, shape=()):
        return self.torch.sinh(self.base.rsample(shape))


class Positive(Flow):
    """The same with ends, where a draw may lie outside: exp of a normal variable."""

    support = (0.0, math.inf)

    def log_prob(self, x):
        return self.base.log_prob(self.torch.log(x)) - self.torch.log(x)

    def rsample(self, shape=()):
        return self.torch.exp(self.base.rsample(shape))


@pytest.mark.parametrize(
    "make",
    [
        lambda torch, s: torch.distributions.Laplace(s * 0, s),
        lambda torch, s: torch.distributions.TransformedDistribution(
            torch.distributions.Normal(s * 0, s), [torch.distributions.SigmoidTransform()]
        ),
        Flow,
        Positive,
    ],
)
def test_draws_carry_gradients_through_the_public_measures(make):
    torch = pytest.importorskip("torch")
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    exact = xent.entropy(make(torch, scale))
    (wanted,) = torch.autograd.grad(exact, scale)
    drawn = xent.entropy(make(torch, scale), n=20000, details=True)
    (slope,) = torch.autograd.grad(drawn.value, scale)
    assert abs(float((drawn.value - exact).detach())) < 5 * float(drawn.standard_error)
    assert float(slope) == pytest.approx(float(wanted), abs=0.1)


def test_gradients_reach_the_parameters_of_points():
    torch = pytest.importorskip("torch")
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    zero = torch.zeros(2, dtype=torch.float64)
    p = torch.distributions.Independent(torch.distributions.Laplace(zero, scale), 1)
    q = torch.distributions.MultivariateNormal(zero, torch.eye(2, dtype=torch.float64))
    (slope,) = torch.autograd.grad(xent.kl_divergence(p, q, n=20000), scale)
    assert float(slope) == pytest.approx(2 * (2 * 0.7 - 1 / 0.7), abs=0.1)  # of two log(√(2π)/(2be)) + b²


@pytest.mark.parametrize("how", [{}, {"method": "quadrature"}, {"n": 1000}])
def test_bfloat16(how):
    torch = pytest.importorskip("torch")
    one = torch.ones(3, dtype=torch.bfloat16)
    found = xent.kl_divergence(torch.distributions.Normal(one, one), torch.distributions.Laplace(one, one), **how)
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx([0.0720932] * 3, abs=0.05 if how.get("n") else 1e-3)
