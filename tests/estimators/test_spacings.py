"""Entropy from spacings: SciPy's values, cases by hand, invariances, batches, and what is refused."""

import math

import numpy as np
import pytest
import scipy.stats

from xent import DistributionError, Samples, ShapeError, estimators

METHODS = ["vasicek", "van-es", "ebrahimi", "correa"]


def value(x, method, **options):
    return estimators.entropy(Samples(x), method=method, **options).value


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [5, 6, 37, 1000])
@pytest.mark.parametrize("window", [None, 1, 2])
def test_values_are_scipys(method, n, window):
    x = np.random.default_rng(n).standard_t(3, size=n)
    peer = scipy.stats.differential_entropy(x, method=method.replace("-", " "), window_length=window)
    assert value(x, method, window=window) == pytest.approx(peer, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_batches_are_their_rows(method, axis):
    x = np.random.default_rng(1).gamma(2.0, size=(40, 30))
    found = estimators.entropy(Samples(x), method=method, axis=axis)
    alone = [value(row, method) for row in np.moveaxis(x, axis, -1)]
    assert found.value.shape == (len(alone),)
    assert found.value == pytest.approx(alone, rel=1e-14, abs=1e-14)
    assert found.n == x.shape[axis]


def test_by_hand():
    # Sorted 0, 1, 3, 7 with m = 1: the spacings are 1, 3, 6, 4.
    x = [7.0, 0.0, 3.0, 1.0]
    assert value(x, "vasicek", window=1) == pytest.approx(np.mean(np.log(np.array([1, 3, 6, 4]) * 2)))
    assert value(x, "ebrahimi", window=1) == pytest.approx(np.mean(np.log(np.array([1, 3, 6, 4]) * 4 / [1, 2, 2, 1])))
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    van_es = np.mean(np.log(np.array([1, 2, 4]) * 5)) + harmonic - math.log(5)
    assert value(x, "van-es", window=1) == pytest.approx(van_es)


def test_correa_by_its_definition():
    x = np.sort(np.random.default_rng(3).normal(size=20))
    n, m = len(x), 3
    terms = []
    for i in range(n):
        j = np.arange(-m, m + 1)
        near = x[np.clip(i + j, 0, n - 1)]
        centred = near - near.mean()
        terms.append(np.sum(centred * j) / (n * np.sum(centred**2)))
    assert value(x, "correa", window=m) == pytest.approx(-np.mean(np.log(terms)), rel=1e-13)


def test_correa_in_chunks_is_the_whole():
    x = np.random.default_rng(4).normal(size=9000)  # longer than a chunk
    peer = scipy.stats.differential_entropy(x, method="correa", window_length=5)
    assert value(x, "correa", window=5) == pytest.approx(peer, rel=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-40, 3.0, 2.0**1000])
def test_scale_adds_its_log_and_place_nothing(method, scale):
    x = np.random.default_rng(2).integers(0, 2**40, 50) * 2.0**-20
    assert value(x * scale, method) == pytest.approx(value(x, method) + math.log(scale), rel=1e-12)
    assert value(x - 2.0**20, method) == pytest.approx(value(x, method), rel=1e-14)
    assert value(x[::-1], method) == value(x, method)


@pytest.mark.parametrize("method", METHODS)
def test_the_widest_range_of_floats(method):
    x = np.array([-1.7e308, -1e308, 0.1e308, 0.5e308, 1.7e308])
    assert value(x, method) == pytest.approx(value(x * 2.0**-1000, method) + 1000 * math.log(2), rel=1e-13)


def test_scales_of_a_batch_are_its_rows():
    x = np.random.default_rng(2).normal(size=(2, 30)) * [[1.0], [1e-200]]
    assert value(x, "correa", axis=1)[1] == pytest.approx(value(x[1], "correa"), rel=1e-14)


def test_it_goes_to_the_truth():
    # Normal: Vasicek's bias is about -10/n at this window, its spread sqrt(1/2n) = 0.005.
    x = np.random.default_rng(0).normal(size=20_000)
    for method, off in (("vasicek", 0.02), ("ebrahimi", 0.02), ("correa", 0.02)):
        assert value(x, method) == pytest.approx(0.5 * math.log(2 * math.pi * math.e), abs=off)


def test_units_and_no_interval():
    x = np.random.default_rng(0).normal(size=50)
    found = estimators.entropy(Samples(x), method="vasicek")
    assert (found.standard_error, found.low, found.high, found.n, found.method) == (None, None, None, 50, "vasicek")
    assert value(x, "vasicek", unit="bits") == pytest.approx(found.value / math.log(2))
    assert value(x[:, None], "vasicek") == found.value
    with pytest.raises(ValueError, match="no sound interval"):
        value(x, "vasicek", interval="analytic")


@pytest.mark.parametrize("method", METHODS)
def test_ties_are_refused(method):
    x = np.r_[np.zeros(12), np.arange(1.0, 9.0)]
    with pytest.raises(DistributionError, match=r"has ties.*larger `window`"):
        value(x, method, window=2)
    with pytest.raises(DistributionError, match="`data` has ties"):  # no row, where there is one
        value(x, method, window=2)
    with pytest.raises(DistributionError, match="row 1"):
        value(np.stack([np.arange(20.0), x]), method, window=2, axis=1)


def test_what_is_refused():
    with pytest.raises(ShapeError, match="points of 2 dimensions"):
        value(np.ones((5, 2)), "vasicek")
    with pytest.raises(ShapeError, match="`axis` is 2"):
        value(np.ones((5, 2)), "vasicek", axis=2)
    with pytest.raises(DistributionError, match="2 samples"):
        value([1.0, 2.0], "vasicek")
    with pytest.raises(DistributionError, match="0 samples"):
        value(np.empty((3, 0)), "vasicek", axis=1)
    with pytest.raises(DistributionError, match="int64"):
        value(np.arange(9), "vasicek")
    with pytest.raises(DistributionError, match=r"nan at 1"):
        value([1.0, np.nan, 2.0, 3.0], "vasicek")
    for window in (0, 5, 1.5, True):
        with pytest.raises(ValueError, match="`window`"):
            value(np.arange(10.0), "vasicek", window=window)
    for options in ({"k": 5}, {"norm": "max"}):
        with pytest.raises(TypeError, match="has `window`"):
            value(np.arange(10.0), "vasicek", **options)
    with pytest.raises(TypeError, match="`axis` is 1.5"):
        value(np.ones((5, 5)), "vasicek", axis=1.5)
    with pytest.raises(TypeError, match="for spacings"):
        estimators.entropy(Samples(np.arange(10.0)), window=2)
