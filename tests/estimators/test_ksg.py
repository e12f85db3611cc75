"""Mutual information of continuous samples, and of samples with ties: brute force, known truths, what is refused."""

import math

import numpy as np
import pytest
from scipy.special import digamma

from xent import DistributionError, Samples, ShapeError, estimators


def information(x, y, **options):
    return estimators.mutual_information(Samples(x), Samples(y), **options)


def distances(x):
    x = np.reshape(x, (len(x), -1))
    return np.abs(x[:, None] - x[None]).max(axis=-1)


def psi(counts):
    return digamma(np.asarray(counts, dtype=float))


def brute(x, y, k, method):
    """From the definitions, one sample after another."""
    dx, dy = distances(x), distances(y)
    n, terms = len(dx), []
    for i in range(n):
        others = np.delete(np.arange(n), i)
        ax, ay = dx[i, others], dy[i, others]
        joint = np.maximum(ax, ay)
        near = np.argsort(joint, kind="stable")[:k]
        r = joint[near[-1]]
        if method == "ksg2":
            nx, ny = (ax <= ax[near].max()).sum(), (ay <= ay[near].max()).sum()
            terms.append(psi(k) - 1 / k - psi(nx) - psi(ny))
        elif method == "gao" and r == 0:
            both, nx, ny = (joint == 0).sum() + 1, (ax == 0).sum() + 1, (ay == 0).sum() + 1
            terms.append(psi(both) - psi(nx) - psi(ny))
        else:
            terms.append(psi(k) - psi((ax < r).sum() + 1) - psi((ay < r).sum() + 1))
    return np.mean(terms) + psi(n)


def normal_pairs(n, rho, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return x, rho * x + math.sqrt(1 - rho**2) * rng.normal(size=n)


@pytest.mark.parametrize("method", ["ksg1", "ksg2", "gao"])
@pytest.mark.parametrize(("dx", "dy"), [(1, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_by_brute_force(method, dx, dy, k):
    rng = np.random.default_rng(k)
    x = rng.normal(size=(70, dx))
    y = x[:, :1] + rng.normal(size=(70, dy))
    assert information(x, y, k=k, method=method).value == pytest.approx(brute(x, y, k, method), abs=1e-13)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_ties_by_brute_force(k):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, 80)
    y = np.where(rng.random(80) < 0.5, x, rng.normal(size=80))
    points = np.column_stack([y, rng.integers(0, 2, 80)])
    for other in (y, rng.integers(0, 4, 80), points):
        assert information(x, other, k=k, method="gao").value == pytest.approx(brute(x, other, k, "gao"), abs=1e-13)


def test_by_hand():
    # Four pairs, k = 1: the nearest are at max-norm distances 1, 1, 1.75, 1.75. Nearer than that are, in x, 1, 2, 0, 2
    # others, in y, 0, 0, 1, 1.
    x, y = [0.0, 0.5, 3.0, 1.25], [0.0, 1.0, 3.5, 5.0]
    truth = psi(1) + psi(4) - np.mean(psi([2, 3, 1, 3]) + psi([1, 1, 2, 2]))
    assert information(x, y, k=1).value == pytest.approx(truth, abs=1e-15)


@pytest.mark.parametrize("method", ["ksg1", "ksg2", "gao"])
@pytest.mark.parametrize("rho", [0.0, 0.6, -0.9])
def test_normal_pairs_of_known_information(method, rho):
    found = information(*normal_pairs(10_000, rho), method=method)
    assert found.standard_error < 0.02
    assert abs(found.value + 0.5 * math.log(1 - rho**2)) < 4.8 * found.standard_error  # of nine degrees: 1 in 1000


def test_independence_as_in_the_paper():
    """The mean is 0 for small n and any k, as Kraskov, Stögbauer and Grassberger (2004) found and conjectured."""
    for k in (1, 4):
        values = [information(*normal_pairs(50, 0.0, seed), k=k).value for seed in range(200)]
        assert abs(np.mean(values)) < 3.5 * np.std(values, ddof=1) / math.sqrt(200)


def test_the_interval_covers():
    inside = 0
    for seed in range(100):
        found = information(*normal_pairs(800, 0.6, seed))
        inside += found.low <= -0.5 * math.log(0.64) <= found.high
    assert 87 <= inside <= 100  # 94 expected, 3 standard deviations


@pytest.mark.parametrize("method", ["ksg1", "ksg2", "gao"])
def test_symmetry_order_place_and_common_scale(method):
    x, y = (np.round(v * 2**20) for v in normal_pairs(200, 0.7))
    value = information(x, y, method=method).value
    assert information(y, x, method=method).value == pytest.approx(value, abs=1e-13)
    order = np.random.default_rng(0).permutation(200)
    assert information(x[order], y[order], method=method).value == pytest.approx(value, abs=1e-13)
    assert information(x + 2.0**30, -y, method=method).value == pytest.approx(value, abs=1e-13)
    for scale in (2.0**-1000, 2.0**-20, 2.0**980):
        assert information(x * scale, y * scale, method=method).value == pytest.approx(value, abs=1e-13)


def test_monotone_maps_change_the_estimate_within_its_error():
    x, y = normal_pairs(4000, 0.6)
    found = information(x, y)
    for mapped in (3 * x, np.arctan(x), x + 0.3 * x**3):
        assert abs(information(mapped, y).value - found.value) < 2 * found.standard_error


def test_it_is_sklearns():
    feature_selection = pytest.importorskip("sklearn.feature_selection")
    rng = np.random.default_rng(0)
    x = rng.uniform(size=500)
    y = x + 0.3 * rng.normal(size=500)
    x, y = ((v - v.mean()) / v.std() for v in (x, y))  # as it does before it looks for neighbours
    peer = feature_selection.mutual_info_regression(x[:, None], y, n_neighbors=4, random_state=0)
    assert information(x, y, k=4).value == pytest.approx(peer[0], abs=1e-12)


def test_gao_of_a_mixture_with_known_information():
    """x uniform on 0..4, y uniform on [x, x + 2]: log 5 - (4/5) log 2 (Gao, Kannan, Oh and Viswanath 2017)."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, 5000)
    found = information(x, x + 2 * rng.random(5000), method="gao")
    assert abs(found.value - (math.log(5) - 0.8 * math.log(2))) < 4.8 * found.standard_error
    assert found.standard_error < 0.02


def test_gao_of_continuous_samples_is_ksg1():
    x, y = normal_pairs(300, 0.5)
    assert information(x, y, method="gao").value == pytest.approx(information(x, y, method="ksg1").value, abs=1e-13)


def test_gao_of_outcomes_that_repeat():
    x = np.repeat([0, 1], 50)
    assert information(x, x, method="gao").value == pytest.approx(digamma(100) - digamma(50), abs=1e-14)
    assert information(np.zeros(100), x, method="gao").value == pytest.approx(0, abs=1e-14)
    assert information(np.zeros(100), np.random.default_rng(0).normal(size=100), method="gao").value == pytest.approx(
        0, abs=1e-14
    )


def test_units_and_fields():
    x, y = normal_pairs(500, 0.5)
    nats, bits = information(x, y), information(x, y, unit="bits")
    assert bits.value == pytest.approx(nats.value / math.log(2))
    assert bits.high - bits.low == pytest.approx((nats.high - nats.low) / math.log(2))
    assert (nats.n, nats.method) == (500, "ksg1")
    assert information(x, y, seed=1).standard_error != nats.standard_error
    assert information(x, y, interval=None).standard_error is None
    assert information(x[:300], y[:300]).standard_error is None
    with pytest.raises(DistributionError, match="300 samples are too few"):
        information(x[:300], y[:300], interval="subsampling")
    wide = np.random.default_rng(0).normal(size=(500, 3))
    assert information(x, wide[:, :2]).low is not None
    assert information(x, wide).low is None
    assert information(x, wide).standard_error > 0


@pytest.mark.parametrize("method", ["ksg1", "ksg2"])
def test_ties_are_refused_and_gao_named(method):
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    with pytest.raises(DistributionError, match=r"`x` is 0 in 100 of 100 samples.*jittered.*gao"):
        information(np.zeros(100), y, method=method)
    with pytest.raises(DistributionError, match=r"`y` is \(1, 0\) in"):
        information(y, np.column_stack([rng.integers(0, 2, 100), np.zeros(100)]).astype(float), method=method)
    with pytest.raises(DistributionError, match=r"`x` holds int64.*gao"):
        information(np.arange(100), y, method=method)
    # A column with ties is no point with ties; and k ties among more neighbours are few enough.
    assert math.isfinite(information(y, np.column_stack([np.zeros(100), y]), method=method).value)
    assert math.isfinite(information(np.r_[y[:97], 0.0, 0.0, 0.0], y, method=method).value)


def test_what_is_refused():
    x, y = normal_pairs(50, 0.5)
    with pytest.raises(ShapeError, match="`x` has 50 samples and `y` has 49"):
        information(x, y[1:])
    with pytest.raises(DistributionError, match="at least 4"):
        information(x[:3], y[:3])
    with pytest.raises(DistributionError, match="at least 4"):
        information([], [])
    with pytest.raises(DistributionError, match=r"`y` has 1 value that is not finite"):
        information(x, np.r_[np.inf, y[1:]])
    with pytest.raises(DistributionError, match="Rescale"):
        information(x, y * 1e-8)
    with pytest.raises(ValueError, match="`method` of samples is 'ross'"):
        information(x, y, method="ross")
    with pytest.raises(ValueError, match="no bootstrap"):
        information(x, y, interval="bootstrap")
    with pytest.raises(ValueError, match='interval="subsampling"'):
        information(x, y, interval="analytic")
