"""Closed forms and sums of the integer families against mpmath."""

import functools
import math

import mpmath
import numpy as np
import pytest

import xent.measures._namespace as ns
from xent.distributions._odds import chance
from xent.distributions.families import FORMULAS, _summed
from xent.testing import ulp_error

M = mpmath.mpf
XP = ns.namespace(np.zeros(1))
CHANCES = (1e-300, 1e-9, 0.1, 0.1 + 1e-12, 0.5, 0.5 + 1e-9, 0.9, 1 - 1e-12, 1 - 2.0**-53)


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(40):
        yield


def told(p, loc=0.0, **rest):
    rest = {key: np.asarray(value, dtype=np.float64) for key, value in rest.items()}
    return chance(XP, np.asarray(p, dtype=np.float64)) | {"loc": np.asarray(loc)} | rest


def by_log_odds(x, loc=0.0):
    return {"log_odds": np.asarray(x, dtype=np.float64), "loc": np.asarray(loc)}


def entropy_of(terms):
    return mpmath.fsum(-f * mpmath.log(f) for f in terms if f)


def two(p, q):
    return p * mpmath.log(p / q) + (1 - p) * mpmath.log((1 - p) / (1 - q))


def test_divergences_of_chances_near_equal_tiny_and_near_one():
    with mpmath.workdps(700):
        for p in CHANCES:
            for q in CHANCES:
                truth = two(M(p), M(q))
                assert ulp_error(float(FORMULAS["bernoulli"].kl(XP, told(p), told(q))), truth, "float64") <= 3
                assert (
                    ulp_error(float(FORMULAS["binomial"].kl(XP, told(p, n=12), told(q, n=12))), 12 * truth, "float64")
                    <= 3
                )
                assert ulp_error(float(FORMULAS["geometric"].kl(XP, told(p), told(q))), truth / M(p), "float64") <= 3
                found = FORMULAS["negative_binomial"].kl(XP, told(p, n=2.5), told(q, n=2.5))
                assert ulp_error(float(found), 5 * truth / M(p) / 2, "float64") <= 4


def test_divergences_of_tiny_chances_that_are_nearly_equal():
    with mpmath.workdps(700):
        for p, growth in ((1e-300, 1 + 1e-12), (1e-200, 1 - 1e-9), (1e-40, 1.5), (1e-31, 10.0), (1e-300, 1e280)):
            truth = two(M(p), M(p * growth)) / M(p)
            found = FORMULAS["geometric"].kl(XP, told(p), told(p * growth))
            assert ulp_error(float(found), truth, "float64") <= 3
            found = FORMULAS["negative_binomial"].kl(XP, told(p, n=2.5), told(p * growth, n=2.5))
            assert ulp_error(float(found), 5 * truth / 2, "float64") <= 4


def test_log_odds_keep_what_probabilities_have_lost():
    p, q = by_log_odds(40.0), by_log_odds(50.0)
    with mpmath.workdps(60):
        a, b = (1 / (1 + mpmath.exp(-M(x))) for x in (40, 50))
        truth = two(a, b)
    assert ulp_error(float(FORMULAS["bernoulli"].kl(XP, p, q)), truth, "float64") <= 3
    assert FORMULAS["bernoulli"].kl(XP, p, by_log_odds(np.inf)) == np.inf
    assert FORMULAS["bernoulli"].kl(XP, by_log_odds(np.inf), q) > 0


def test_failure_told_as_probability():
    rare = {"log_odds": np.asarray(46.0), "failure": np.asarray(1e-20), "n": np.asarray(1.0), "loc": np.asarray(0.0)}
    twice = rare | {"failure": np.asarray(2e-20)}
    with mpmath.workdps(60):
        truth = two(M(1e-20), M(2e-20)) / (1 - M(1e-20))
    assert ulp_error(float(FORMULAS["negative_binomial"].kl(XP, rare, twice)), truth, "float64") <= 3


def test_geometric_entropy():
    for p in CHANCES:
        with mpmath.workdps(700):
            truth = -(M(p) * mpmath.log(M(p)) + (1 - M(p)) * mpmath.log(1 - M(p))) / M(p)
        assert ulp_error(float(FORMULAS["geometric"].entropy(XP, told(p))), truth, "float64") <= 3
    assert FORMULAS["geometric"].entropy(XP, told(1.0)) == 0.0


def poisson_terms(rate):
    rate = M(rate)
    term = mpmath.exp(-rate)
    for k in range(int(rate + 30 * mpmath.sqrt(rate) + 60)):
        yield term
        term *= rate / (k + 1)


@pytest.mark.parametrize("rate", [1e-300, 1e-8, 0.01, 0.999, 1.0, 2.5, 37.0, 99.99, 100.0, 150.0])
def test_poisson_entropy(rate):
    with mpmath.workdps(340 if rate < 1e-100 else 60):
        truth = entropy_of(poisson_terms(rate))
    assert (
        ulp_error(
            float(FORMULAS["poisson"].entropy(XP, {"rate": np.asarray(rate), "loc": np.asarray(0.0)})), truth, "float64"
        )
        <= 4
    )


@pytest.mark.parametrize("rate", [1e4, 1e6, 1e9, 1e15, 1e100, 1e300])
def test_poisson_entropy_of_huge_rates(rate):
    # Evans and Boersma (1988), SIAM Review 30, 314
    r = M(rate)
    truth = (
        mpmath.log(2 * mpmath.pi * mpmath.e * r) / 2
        - 1 / (12 * r)
        - 1 / (24 * r**2)
        - 19 / (360 * r**3)
        - 9 / (80 * r**4)
    )
    assert (
        ulp_error(
            float(FORMULAS["poisson"].entropy(XP, {"rate": np.asarray(rate), "loc": np.asarray(0.0)})), truth, "float64"
        )
        <= 4
    )


@pytest.mark.parametrize("n", [1, 2, 20, 400, 450, 900])
def test_binomial_entropy(n):
    for p in (1e-300, 1e-9, 0.01, 0.3, 0.5, 1 - 1e-12):
        with mpmath.workdps(340 if p < 1e-100 else 50):
            low, high = M(p), 1 - M(p)
            term, terms = high**n, []
            for k in range(n + 1):
                terms.append(term)
                term *= low / high * (n - k) / (k + 1)
            truth = entropy_of(terms)
        found = float(FORMULAS["binomial"].entropy(XP, told(p, n=n)))
        assert ulp_error(found, truth, "float64") <= 4, (n, p)


def test_binomial_entropy_of_many_trials():
    # ½ log(2 π e n p q) + (4 p q - 1)/(12 n p q) + O(1/n²): Knessl (1998), Appl. Math. Lett. 11, 69
    n, p = M(10) ** 9, M(0.3)
    variance = n * p * (1 - p)
    truth = mpmath.log(2 * mpmath.pi * mpmath.e * variance) / 2 + (4 * p * (1 - p) - 1) / (12 * variance)
    assert float(FORMULAS["binomial"].entropy(XP, told(0.3, n=1e9))) == pytest.approx(float(truth), rel=1e-15)
    both = FORMULAS["binomial"].entropy(XP, told([1e-9, 1 - 1e-9], n=1e9))
    assert both[0] == pytest.approx(both[1], rel=1e-7)


@functools.cache
def negative_binomial_truth(n, p):
    n, p = M(n), M(p)
    log_term, total, k = n * mpmath.log(p), M(0), 0
    while k < n * (1 - p) / p + 10 or log_term > -100:
        total -= mpmath.exp(log_term) * log_term
        log_term += mpmath.log((n + k) / (k + 1)) + mpmath.log(1 - p)
        k += 1
    return total


@pytest.mark.parametrize("n", [0.5, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("p", [0.2, 0.5, 0.999, 1 - 1e-10])
def test_negative_binomial_entropy(n, p):
    found = FORMULAS["negative_binomial"].entropy(XP, told(p, n=n))
    assert ulp_error(float(found), negative_binomial_truth(n, p), "float64") <= 64


def test_negative_binomial_entropy_reaches_not_everywhere():
    assert FORMULAS["negative_binomial"].entropy(XP, told(1e-6, n=0.1)) is None


def test_constants():
    truth = [0.0] + [float(mpmath.log(mpmath.factorial(k)) - k * mpmath.log(k) + k) for k in range(1, 16)]
    assert list(_summed._SMALL) == truth


def test_many_at_once_in_bounded_memory():
    rate = np.concatenate([np.linspace(0.0, 300.0, 5000), [0.0, 1e9]])
    value = FORMULAS["poisson"].entropy(XP, {"rate": rate, "loc": np.asarray(0.0)})
    assert value.shape == rate.shape
    assert value[0] == 0.0
    assert np.all(np.diff(value[:5000]) > 0)
    assert value[4321] == FORMULAS["poisson"].entropy(XP, {"rate": rate[4321:4322], "loc": np.asarray(0.0)})[0]


@pytest.mark.parametrize("alpha", [0.5, 0.999999, 1 - 1e-12, 1e-9, 0.0, 1.0])
def test_poisson_divergences(alpha):
    rates = (1.0, 1 + 1e-8, 1 + 1e-12, 0.3, 7.0, 1e-300, 1e300, 1e-8)
    member = lambda rate: {"rate": np.asarray(rate), "loc": np.asarray(0.0)}  # noqa: E731
    with mpmath.workdps(700):
        for a in rates:
            for b in rates:
                x, y, w = M(a), M(b), M(alpha)
                if alpha == 1.0:
                    truth = x * mpmath.log(x / y) - x + y
                elif alpha == 0.0:
                    truth = y * mpmath.log(y / x) - y + x
                else:
                    truth = (w * x + (1 - w) * y - x**w * y ** (1 - w)) / (w * (1 - w))
                if truth < 1e307:
                    found = FORMULAS["poisson"].renyi(XP, member(a), member(b), alpha)
                    assert ulp_error(float(found), truth, "float64") <= 6, (a, b)


def test_poisson_of_rate_zero():
    member = lambda rate: {"rate": np.asarray(rate), "loc": np.asarray(0.0)}  # noqa: E731
    kl = FORMULAS["poisson"].kl
    assert kl(XP, member([0.0, 0.0, 2.0]), member([0.0, 3.0, 0.0])).tolist() == [0.0, 3.0, np.inf]


def test_what_no_formula_reaches():
    assert FORMULAS["bernoulli"].kl(XP, told(0.3), told(0.3, loc=1.0)) is None
    assert FORMULAS["binomial"].kl(XP, told(0.3, n=3), told(0.3, n=4)) is None
    assert FORMULAS["geometric"].kl(XP, told(0.3), told(0.3, loc=1.0)) is None
    assert FORMULAS["negative_binomial"].kl(XP, told(0.3, n=3), told(0.3, n=4)) is None
    rates = {"rate": np.asarray(1.0), "loc": np.asarray(0.0)}
    assert FORMULAS["poisson"].kl(XP, rates, rates | {"loc": np.asarray(1.0)}) is None


def test_binomials_that_reach_beyond_the_model():
    found = FORMULAS["binomial"].kl(XP, told([0.3, 0.0, 0.3], n=[4, 4, 3]), told(0.5, n=3))
    assert found[0] == np.inf
    assert found[1:] == pytest.approx([3 * math.log(2), 3 * float(two(M("0.3"), M("0.5")))])


def test_categorical():
    zero = np.asarray(0.0)
    p = {"log_probs": np.log([0.25, 0.75]), "loc": zero}
    q = {"log_probs": np.array([0.0, -np.inf]), "probs": np.array([1.0, 0.0]), "loc": zero}
    assert float(FORMULAS["categorical"].entropy(XP, p)) == pytest.approx(
        -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    )
    assert FORMULAS["categorical"].kl(XP, p, q) == np.inf
    assert float(FORMULAS["categorical"].kl(XP, q, p)) == pytest.approx(math.log(4))
    assert float(FORMULAS["categorical"].cross_entropy(XP, q, p)) == pytest.approx(math.log(4))
    assert FORMULAS["categorical"].kl(XP, p, p | {"loc": np.asarray(1.0)}) is None
    assert FORMULAS["categorical"].kl(XP, p, {"log_probs": np.log([0.5, 0.25, 0.25]), "loc": zero}) is None


def test_nothing_and_no_number():
    empty = {"rate": np.zeros(0), "loc": np.asarray(0.0)}
    assert FORMULAS["poisson"].entropy(XP, empty).shape == (0,)
    assert FORMULAS["binomial"].entropy(XP, told(np.zeros(0), n=3)).shape == (0,)
    assert np.isnan(FORMULAS["poisson"].entropy(XP, {"rate": np.asarray(np.nan), "loc": np.asarray(0.0)}))
    assert np.isnan(FORMULAS["binomial"].entropy(XP, told(np.nan, n=3)))
    assert FORMULAS["binomial"].entropy(XP, told([0.0, 1.0, 0.5], n=[5, 5, 0])).tolist() == [0.0, 0.0, 0.0]
    assert FORMULAS["negative_binomial"].entropy(XP, told([1.0, 1.0], n=[5, 0.5])).tolist() == [0.0, 0.0]
