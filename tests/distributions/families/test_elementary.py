"""Closed forms of normal, lognormal, uniform, exponential, Laplace, logistic and Pareto against mpmath."""

import math

import mpmath
import numpy as np
import pytest
import scipy.stats

import xent
import xent.measures._namespace as ns
from xent.distributions.families import FORMULAS, PAIRS
from xent.distributions.families.laplace import _COTH
from xent.testing import ulp_error

M = mpmath.mpf
SCALES = (1.0, 1 + 1e-8, 1 + 1e-12, 0.3, 7.0, 1e-300, 1e300)
ALPHAS = (0.5, 1 - 1e-12, 1e-9, 0.0, 1.0)
WIDE = 650  # digits: a scale of 1e-300 against 1e300, squared, and what differs by 1e-16


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(WIDE):
        yield


def member(**parameters):
    return {key: np.asarray(value, dtype=np.float64) for key, value in parameters.items()}


def compute(family, measure, *members, alpha=None):
    xp = ns.namespace(np.zeros(1))
    extra = () if alpha is None else (alpha,)
    return getattr(FORMULAS[family], measure)(xp, *members, *extra)


def error(found, truth):
    return 0.0 if truth > 1e308 and math.isinf(found) else ulp_error(float(found), truth, "float64")


def gap(a, b, alpha):
    """(log(alpha a + (1 - alpha) b) - alpha log a - (1 - alpha) log b) / (alpha (1 - alpha)), and its limits."""
    if alpha in (0, 1):
        r = a / b if alpha == 0 else b / a
        return r - 1 - mpmath.log(r)
    mean = alpha * a + (1 - alpha) * b
    return (mpmath.log(mean) - alpha * mpmath.log(a) - (1 - alpha) * mpmath.log(b)) / (alpha * (1 - alpha))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_normal_divergences_near_equal_tiny_and_huge(alpha):
    worst = 0.0
    for s in SCALES:
        for u in SCALES:
            for shift in (0.0, 1e-9 * u, 3.0 * u):
                found = compute("normal", "renyi", member(loc=shift, scale=s), member(loc=0, scale=u), alpha=alpha)
                variance = alpha * M(u) ** 2 + (1 - M(alpha)) * M(s) ** 2
                truth = (gap(M(u) ** 2, M(s) ** 2, M(alpha)) + M(shift) ** 2 / variance) / 2
                worst = max(worst, error(found, truth))
    assert worst <= (4 if alpha == 1.0 else 6)


def test_normal_of_nearly_equal_scales_is_no_zero():
    value = compute("normal", "kl", member(loc=0, scale=1), member(loc=0, scale=1 + 1e-8))
    assert ulp_error(float(value), gap(M(1 + 1e-8) ** 2, M(1), M(1)) / 2, "float64") <= 2


@pytest.mark.parametrize("alpha", ALPHAS)
def test_exponential_and_pareto_divergences(alpha):
    worst = 0.0
    for s in SCALES:
        for u in SCALES:
            truth = gap(1 / M(s), 1 / M(u), M(alpha))
            one = compute("exponential", "renyi", member(scale=s, loc=1), member(scale=u, loc=1), alpha=alpha)
            rates = member(alpha=s, scale=3, loc=0), member(alpha=u, scale=3, loc=0)
            other = compute("pareto", "renyi", *rates, alpha=1.0 - alpha if alpha in (0.0, 1.0) else alpha)
            worst = max(worst, error(one, truth))
            if alpha in (0.0, 0.5, 1.0):
                worst = max(worst, error(other, gap(M(s), M(u), 1 - M(alpha))))
    assert worst <= 6


def test_laplace_divergence():
    worst = 0.0
    for s in SCALES:
        for u in SCALES:
            for shift in (0.0, 1e-9 * s, s, 5 * s, 1e-3 * u):
                a, b, d = M(s), M(u), M(shift)
                truth = mpmath.log(b / a) + (a * mpmath.exp(-d / a) + d) / b - 1
                worst = max(
                    worst, error(compute("laplace", "kl", member(loc=shift, scale=s), member(loc=0, scale=u)), truth)
                )
    assert worst <= 4


def test_logistic_divergence_of_equal_scales_only():
    for x in (1e-9, 1e-3, 0.5, 1.9, 2.1, 8.0, 100.0, 1e5):
        found = compute("logistic", "kl", member(loc=x, scale=1), member(loc=0, scale=1))
        assert ulp_error(float(found), M(x) * mpmath.coth(M(x) / 2) - 2, "float64") <= 5
    assert compute("logistic", "kl", member(loc=0, scale=1), member(loc=0, scale=2)) is None


def test_the_polynomial_of_the_logistic_divergence():
    with mpmath.workdps(60):
        f = lambda u: (mpmath.sqrt(u) * mpmath.coth(mpmath.sqrt(u) / 2) - 2) / u if u else M(1) / 6  # noqa: E731
        assert [float(c) for c in mpmath.chebyfit(f, [0, 4.01], 14)[::-1]] == list(_COTH)


def _densities():
    normal = lambda m, s: lambda x: mpmath.npdf(x, m, s)  # noqa: E731
    laplace = lambda m, s: lambda x: mpmath.exp(-abs(x - m) / s) / (2 * s)  # noqa: E731
    logistic = lambda m, s: lambda x: mpmath.sech((x - m) / (2 * s)) ** 2 / (4 * s)  # noqa: E731
    lognormal = lambda m, s: lambda x: mpmath.npdf(mpmath.log(x), m, s) / x  # noqa: E731
    pareto = lambda a, s: lambda x: a * M(s) ** a / x ** (a + 1)  # noqa: E731
    exponential = lambda s, low: lambda x: mpmath.exp(-(x - low) / s) / s  # noqa: E731
    line = [-60, -10, -1, 0, 1, 2, 10, 60]
    half = [0, 0.01, 0.1, 0.5, 1, 2, 4, 10, 100, 1e4, mpmath.inf]
    return [
        ("normal", normal, ("loc", "scale"), (1, 2), (0.5, 3), {}, line),
        ("laplace", laplace, ("loc", "scale"), (1, 2), (0, 3), {}, [-150, -60, -10, -1, 0, 1, 2, 10, 60, 150]),
        ("logistic", logistic, ("loc", "scale"), (1, 2), (0, 2), {}, [-200, -60, -10, -1, 0, 1, 2, 10, 60, 200]),
        ("lognormal", lognormal, ("mu", "sigma"), (0.25, 0.5), (0.5, 1), {"loc": 0}, half),
        ("pareto", pareto, ("alpha", "scale"), (3, 2), (5, 1), {"loc": 0}, [2, 4, 8, 100, mpmath.inf]),
        ("exponential", exponential, ("scale", "loc"), (2, 1), (3, 0.5), {}, [1, 4, 10, 40, 200]),
    ]


@pytest.mark.parametrize("case", _densities(), ids=lambda case: case[0])
def test_formulas_are_the_integrals_they_claim(case):
    name, density, keys, mine, theirs, rest, places = case
    p, q = member(**dict(zip(keys, mine, strict=True)), **rest), member(**dict(zip(keys, theirs, strict=True)), **rest)
    f, g = density(*mine), density(*theirs)
    with mpmath.workdps(15):
        h = mpmath.quad(lambda x: -f(x) * mpmath.log(f(x)) if f(x) else 0, places)
        kl = mpmath.quad(lambda x: f(x) * mpmath.log(f(x) / g(x)) if f(x) else 0, places)
    assert float(compute(name, "entropy", p)) == pytest.approx(float(h), rel=1e-9)
    assert float(compute(name, "kl", p, q)) == pytest.approx(float(kl), rel=1e-9)
    if FORMULAS[name].cross_entropy is not None:
        assert float(compute(name, "cross_entropy", p, q)) == pytest.approx(float(h + kl), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.3, 2.0, -0.25])
@pytest.mark.parametrize(
    "case", [c for c in _densities() if c[0] in ("normal", "exponential", "pareto", "lognormal")], ids=lambda c: c[0]
)
def test_the_alpha_family_is_the_integral_it_claims(case, alpha):
    name, density, keys, mine, theirs, rest, places = case
    if alpha < 0 and name in ("pareto", "exponential"):
        mine, theirs = theirs, mine  # q must lie inside p
        places = [max(mine[1], theirs[1]), *places[1:]]
    p, q = member(**dict(zip(keys, mine, strict=True)), **rest), member(**dict(zip(keys, theirs, strict=True)), **rest)
    f, g = density(*mine), density(*theirs)
    with mpmath.workdps(15):
        total = mpmath.quad(lambda x: f(x) ** alpha * g(x) ** (1 - alpha) if f(x) and g(x) else 0, places)
    found = compute(name, "renyi", p, q, alpha=alpha)
    assert float(found) == pytest.approx(float(-mpmath.log(total) / (alpha * (1 - alpha))), rel=1e-9)


def test_supports_that_reach_outside_are_infinitely_far():
    early, late = member(scale=1.0, loc=0.0), member(scale=1.0, loc=1.0)
    assert compute("exponential", "kl", early, late) == np.inf
    assert compute("exponential", "kl", late, early) == 1.0
    assert compute("exponential", "cross_entropy", early, late) == np.inf
    assert compute("exponential", "renyi", late, early, alpha=0.0) == np.inf
    assert compute("exponential", "renyi", late, early, alpha=2.0) == 0.5
    small, large = member(alpha=2.0, scale=1.0, loc=0.0), member(alpha=2.0, scale=2.0, loc=0.0)
    assert compute("pareto", "kl", small, large) == np.inf
    assert float(compute("pareto", "kl", large, small)) == pytest.approx(2 * math.log(2))
    assert compute("pareto", "kl", small, small | {"loc": np.asarray(1.0)}) is None


def test_uniform():
    p, q = member(low=0, high=1, width=1), member(low=[-1, 0, 0.5, 5], high=[3, 1, 2, 6], width=[4, 1, 1.5, 1])
    assert compute("uniform", "kl", p, q).tolist() == [math.log(4), 0.0, math.inf, math.inf]
    assert compute("uniform", "cross_entropy", p, q).tolist() == [math.log(4), 0.0, math.inf, math.inf]
    assert compute("uniform", "renyi", p, q, alpha=0.0).tolist() == [math.inf, 0.0, math.inf, math.inf]
    assert compute("uniform", "renyi", p, q, alpha=2.0).tolist() == [math.log(4) / 2, 0.0, math.inf, math.inf]
    half = compute("uniform", "renyi", p, q, alpha=0.5)
    assert half == pytest.approx([2 * math.log(4), 0.0, 2 * math.log(2) + 2 * math.log(3), math.inf])
    narrow = member(low=1e8, high=1e8, width=1e-9)
    assert compute("uniform", "entropy", narrow) == math.log(1e-9)


def test_outside_of_the_unit_interval_an_integral_may_diverge():
    p, q = member(loc=0, scale=2), member(loc=0, scale=1)
    assert compute("normal", "renyi", p, q, alpha=2.0) == np.inf
    assert np.isfinite(compute("normal", "renyi", q, p, alpha=2.0))
    assert compute("normal", "renyi", q, p, alpha=-1.0) == np.inf


@pytest.mark.parametrize(
    ("pair", "p", "q", "density", "surprisal", "places"),
    [
        (
            ("uniform", "normal"),
            {"low": 1, "high": 3, "width": 2},
            {"loc": 0.5, "scale": 3},
            lambda x: M(1) / 2,
            lambda x: -mpmath.log(mpmath.npdf(x, 0.5, 3)),
            [1, 3],
        ),
        (
            ("laplace", "normal"),
            {"loc": 1, "scale": 2},
            {"loc": 0.5, "scale": 3},
            lambda x: mpmath.exp(-abs(x - 1) / 2) / 4,
            lambda x: mpmath.log(3 * mpmath.sqrt(2 * mpmath.pi)) + ((x - 0.5) / 3) ** 2 / 2,
            [-200, -40, -10, 1, 10, 40, 200],
        ),
        (
            ("uniform", "exponential"),
            {"low": 1, "high": 3, "width": 2},
            {"loc": 0.5, "scale": 3},
            lambda x: M(1) / 2,
            lambda x: mpmath.log(3) + (x - 0.5) / 3,
            [1, 3],
        ),
    ],
)
def test_pairs_of_families(pair, p, q, density, surprisal, places):
    xp = ns.namespace(np.zeros(1))
    with mpmath.workdps(20):
        truth = mpmath.quad(lambda x: density(x) * (mpmath.log(density(x)) + surprisal(x)), places)
    assert float(PAIRS[pair](xp, member(**p), member(**q))) == pytest.approx(float(truth), rel=1e-14)


def test_batches_broadcast():
    p, q = member(loc=np.zeros((3, 1)), scale=1.0), member(loc=0.0, scale=np.array([1.0, 2.0]))
    for measure in ("kl", "cross_entropy"):
        assert compute("normal", measure, p, q).shape == (3, 2)
    assert compute("normal", "renyi", p, q, alpha=0.5).shape == (3, 2)
    assert compute("normal", "entropy", p).shape == (3, 1)
    assert compute("normal", "entropy", member(loc=np.zeros(0), scale=1.0)).shape == (0,)


def test_a_narrow_uniform_distribution_far_from_0_under_a_normal_one_near_it():
    low, width, loc, scale = -42.63536739070897, 0.0015971786753454257, -42.63536736891005, 0.0015971875929345293
    found = xent.kl_divergence(scipy.stats.uniform(low, width), scipy.stats.norm(loc, scale), details=True)
    with mpmath.workdps(40):
        low, width, loc, scale = map(mpmath.mpf, (low, width, loc, scale))
        square = width**2 / 12 + (low + width / 2 - loc) ** 2
        truth = mpmath.log(2 * mpmath.pi * scale**2) / 2 + square / (2 * scale**2) - mpmath.log(width)
        assert abs(float(found.value) - truth) <= 4e-16
