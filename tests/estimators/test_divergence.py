"""The divergence between what two lots of counts were drawn from."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

import xent
from xent.estimators import kl_divergence

METHODS = ("plug-in", "zhang-grabchak", "dirichlet")
P, Q = [5, 3, 0, 2], [4, 4, 1, 6]


def value(p, q, method, **options):
    return kl_divergence(xent.Counts(p), xent.Counts(q), method=method, interval=None, **options).value


def zhang_grabchak(x, y):
    """The sums of Zhang and Grabchak (2014), equation 6, term by term."""
    n, m = sum(x), sum(y)
    total = mp.mpf(0)
    for a, b in zip(x, y, strict=True):
        if a:
            model = sum(mp.fprod(1 - mp.mpf(b) / (m - j + 1) for j in range(1, v + 1)) / v for v in range(1, m - b + 1))
            own = sum(mp.fprod(1 - mp.mpf(a - 1) / (n - j) for j in range(1, v + 1)) / v for v in range(1, n - a + 1))
            total += mp.mpf(a) / n * (model - own)
    return total


@pytest.mark.parametrize(("p", "q"), [(P, Q), ([1, 0], [0, 1]), ([3], [4]), ([20, 1, 1], [0, 15, 2])])
def test_zhang_grabchak_is_its_sums(p, q):
    with mp.workdps(30):
        expected = float(zhang_grabchak(p, q))
    assert value(p, q, "zhang-grabchak") == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_the_plug_in_is_the_measure():
    p, q = np.random.default_rng(0).integers(0, 9, (2, 4, 6)) + 1
    np.testing.assert_array_equal(value(p, q, "plug-in"), xent.kl_divergence(xent.Counts(p), xent.Counts(q)))


def test_unseen_under_q_is_infinite_for_the_plug_in_alone():
    found = kl_divergence(xent.Counts([1, 2]), xent.Counts([0, 3]), method="plug-in")
    assert (found.value, found.standard_error, found.low, found.high) == (math.inf, math.inf, 0, math.inf)
    for method in METHODS[1:]:
        found = kl_divergence(xent.Counts([1, 2]), xent.Counts([0, 3]), method=method)
        assert all(map(math.isfinite, (found.value, found.standard_error, found.low, found.high)))


def test_posterior_of_dirichlet_priors_by_drawing():
    found = kl_divergence(xent.Counts(P), xent.Counts(Q), method="dirichlet", prior=1.0, confidence=0.8)
    rng = np.random.default_rng(0)
    p, q = (rng.dirichlet(np.array(c) + 1.0, size=200_000) for c in (P, Q))
    drawn = (p * np.log(p / q)).sum(axis=1)
    assert found.value == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(len(drawn)))
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.02)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.1, 0.9]), abs=0.03)


def test_exact_digits_of_the_posterior_mean():
    with mp.workdps(40):
        a, b = ([mp.mpf(c) + mp.mpf(1) / 2 for c in counts] for counts in (P, Q))
        own = sum(x * (mp.psi(0, x + 1) - mp.psi(0, sum(a) + 1)) for x in a) / sum(a)
        model = sum(x * (mp.psi(0, sum(b)) - mp.psi(0, y)) for x, y in zip(a, b, strict=True)) / sum(a)
        expected = float(own + model)
    assert value(P, Q, "dirichlet") == pytest.approx(expected, rel=1e-13)


def test_bias_by_enumeration():
    """All data sets of 7 and 9 observations of two outcomes: Zhang and Grabchak's bias is the smaller by far."""
    p, q, n, m = 0.7, 0.5, 7, 9
    truth = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    bias = dict.fromkeys(("zhang-grabchak", "dirichlet"), -truth)
    for a, b in itertools.product(range(n + 1), range(m + 1)):
        chance = math.comb(n, a) * p**a * (1 - p) ** (n - a) * math.comb(m, b) * q**b * (1 - q) ** (m - b)
        for method in bias:
            bias[method] += chance * value([a, n - a], [b, m - b], method)
    assert abs(bias["zhang-grabchak"]) < 0.01
    assert bias["dirichlet"] > 0.05


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", ["analytic", "bootstrap"])
def test_batches_are_loops(method, interval):
    rng = np.random.default_rng(1)
    p, q = rng.integers(1, 9, (3, 4)), rng.integers(1, 9, (2, 1, 4))
    whole = kl_divergence(xent.Counts(p), xent.Counts(q), method=method, interval=interval)
    assert whole.value.shape == whole.n[0].shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = kl_divergence(xent.Counts(p[j]), xent.Counts(q[i, 0]), method=method, interval=interval)
        for name in ("value", "standard_error", "low", "high"):
            assert getattr(one, name) == pytest.approx(getattr(whole, name)[i, j], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("same", [True, False])
def test_intervals_cover(same):
    p = np.array([0.4, 0.3, 0.2, 0.1])
    q = p if same else np.array([0.2, 0.2, 0.3, 0.3])
    rng = np.random.default_rng(2)
    x, y = rng.multinomial(150, p, size=500), rng.multinomial(100, q, size=500)
    found, truth = kl_divergence(xent.Counts(x), xent.Counts(y)), float(xent.kl_divergence(p, q))
    assert 0.92 <= np.mean((found.low <= truth) & (truth <= found.high)) <= (1 if same else 0.98)


def test_huge_counts():
    p, q = [4 * 10**14, 6 * 10**14], [7 * 10**14, 3 * 10**14]
    expected = 0.4 * math.log(4 / 7) + 0.6 * math.log(2)
    for method in METHODS:
        found = kl_divergence(xent.Counts(p), xent.Counts(q), method=method)
        assert found.value == pytest.approx(expected, rel=1e-13)
        assert 1e-8 < found.standard_error < 1e-7


def test_refuses():
    with pytest.raises(xent.ShapeError, match="same outcomes"):
        kl_divergence(xent.Counts([1, 2]), xent.Counts([1, 2, 3]))
    with pytest.raises(xent.ShapeError, match="batch shapes do not fit"):
        kl_divergence(xent.Counts(np.ones((2, 3))), xent.Counts(np.ones((4, 3))))
    with pytest.raises(xent.DistributionError, match="`q` counts nothing"):
        kl_divergence(xent.Counts([1, 2]), xent.Counts([0, 0]))
    with pytest.raises(xent.DistributionError, match="`p` holds counts and `q` holds samples"):
        kl_divergence(xent.Counts([1, 2]), xent.Samples([1.0, 2.0]))
    with pytest.raises(TypeError, match="`axis` is for `xent.Counts`"):
        kl_divergence(xent.Samples([1.0, 2.0]), xent.Samples([1.0, 2.0]), axis=0)
    with pytest.raises(xent.DistributionError, match="`q` is a list"):
        kl_divergence(xent.Counts([1, 2]), [1, 2])
    with pytest.raises(xent.DistributionError, match="`p` holds 0.5, no whole number.*or 'dirichlet'\\.$"):
        kl_divergence(xent.Counts([0.5, 2]), xent.Counts([1, 2]))
    with pytest.raises(xent.DistributionError, match="the bootstrap needs .* pass `interval='analytic'`"):
        kl_divergence(xent.Counts([1, 2]), xent.Counts([0.5, 2]), method="plug-in", interval="bootstrap")
    with pytest.raises(ValueError, match="`method` is 'nsb'"):
        kl_divergence(xent.Counts([1, 2]), xent.Counts([1, 2]), method="nsb")


def test_the_bootstrap_of_the_plug_in_is_infinite_where_a_draw_is():
    found = kl_divergence(xent.Counts([5, 5]), xent.Counts([8, 2]), method="plug-in", interval="bootstrap")
    assert (found.standard_error, found.low, found.high) == (np.inf, 0, np.inf)
    assert np.isfinite(found.value)
