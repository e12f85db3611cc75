"""Numbers that others have published about distributions, each with its source."""

import math

import numpy as np
import pytest

import xent
from xent.distributions import Product

stats = pytest.importorskip("scipy.stats")


def printed(value, text):
    """Whether `value`, rounded to as many decimals as the source prints, reads as it does there."""
    decimals = len(text.partition(".")[2])
    assert f"{float(value):.{decimals}f}" == text


@pytest.mark.parametrize(
    ("p", "q", "text"),
    [
        ((1, 1), (3, 3), "0.598803"),
        ((3, 3), (1, 1), "0.267864"),
        ((3, 0.5), (0.5, 3), "7.21574"),
        ((0.5, 3), (3, 0.5), "7.21574"),
    ],
)
def test_wikipedia_beta_divergences(p, q, text):
    # Article "Beta distribution", section "Quantities of information".
    printed(xent.kl_divergence(stats.beta(*p), stats.beta(*q)), text)


@pytest.mark.parametrize(("p", "text"), [((3, 3), "-0.267864"), ((3, 0.5), "-1.10805")])
def test_wikipedia_beta_entropies(p, text):
    # The same article; Beta(1, 1) has entropy 0.
    printed(xent.entropy(stats.beta(*p)), text)
    assert abs(xent.entropy(stats.beta(1, 1))) < 1e-15


def test_wikipedia_binomial_beside_uniform():
    # Article "Kullback-Leibler divergence", "Basic example": binomial(2, 0.4) and the uniform of 0, 1, 2.
    p, q = stats.binom(2, 0.4), stats.randint(0, 3)
    printed(xent.kl_divergence(p, q), "0.0852996")
    printed(xent.kl_divergence(q, p), "0.097455")


def test_cover_and_thomas_normal_and_uniform():
    # Elements of Information Theory, 2nd ed., examples 8.1.1 and 8.1.2: log a; ½ log 2πeσ², 2.047 bits for σ = 1.
    assert xent.entropy(stats.uniform(3, 0.5), unit="bits") == -1.0
    printed(xent.entropy(stats.norm(), unit="bits"), "2.047")


def test_cover_and_thomas_table_17_1():
    # Table 17.1, differential entropies in nats: Cauchy, exponential, Laplace, logistic, Rayleigh.
    rayleigh = 1 + math.log(1 / math.sqrt(2)) + np.euler_gamma / 2
    found = [
        xent.entropy(d) for d in (stats.cauchy(), stats.expon(), stats.laplace(), stats.logistic(), stats.rayleigh())
    ]
    expected = [math.log(4 * math.pi), 1.0, 1 + math.log(2), 2.0, rayleigh]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_scipy_documentation_of_poisson_is_not_what_the_entropy_is():
    # ½ log(2πe λ) - 1/(12 λ) - ... (Evans and Boersma 1988) at λ = 10⁶; SciPy's own `entropy` gives 2.77.
    printed(xent.entropy(stats.poisson(1e6)), "8.32669")


def test_scipy_entropy_documentation():
    # scipy.stats.entropy, examples: a fair coin beside one of 0.9: 0.7369655941662062 bits.
    value = xent.kl_divergence(stats.bernoulli(0.5), stats.bernoulli(0.1), unit="bits")
    assert value == pytest.approx(0.7369655941662062, rel=1e-14)


def test_bishop_mutual_information_as_a_divergence():
    # Pattern Recognition and Machine Learning, exercise 2.13 with D = 1: KL of N(0, 1) under N(1, 4) is
    # ½ (log 4 + (1 + 1)/4 - 1) = 0.443147...
    value = xent.kl_divergence(stats.norm(0, 1), stats.norm(1, 2))
    assert value == pytest.approx(math.log(2) - 0.25, rel=1e-15)
    both = xent.kl_divergence(Product(stats.norm(), stats.norm()), Product(stats.norm(1, 2), stats.norm(1, 2)))
    assert both == pytest.approx(2 * value, rel=1e-15)


def test_nielsen_cauchy_divergence():
    # Chyzak and Nielsen (2019), arXiv:1905.10965: log(((s1 + s2)² + (l1 - l2)²) / (4 s1 s2)), symmetric.
    p, q = stats.cauchy(0, 1), stats.cauchy(3, 2)
    expected = math.log((9 + 9) / 8)
    for value in (xent.kl_divergence(p, q), xent.kl_divergence(q, p)):
        assert value == pytest.approx(expected, rel=1e-9)
