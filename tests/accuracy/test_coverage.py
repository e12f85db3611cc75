"""Simulations: intervals cover what they promise, p-values of calibrated forecasts are uniform, gains are unbiased.

The truth is known exactly, since forecasts come from a finite set. Seeds are fixed; the bounds are those promised, not
fitted to what came out. A coverage of 0.95 in 800 trials has a standard deviation of 0.0077.
"""

import math

import numpy as np
import pytest
import scipy.stats

import xent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FORECASTS = np.array([0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95])
TRUTHS = np.array([0.05, 0.15, 0.3, 0.42, 0.5, 0.62, 0.75, 0.9])
TRIALS = 800


def population(forecasts, truths):
    """Loss and skill of forecasts that are drawn with equal chances, when what happens follows `truths`."""
    loss = np.mean(-truths * np.log(forecasts) - (1 - truths) * np.log(1 - forecasts))
    rate = truths.mean()
    prior = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    return loss, 1 - loss / prior


def covered(estimates, truth):
    return np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])


def independent(rng, truths, n):
    place = rng.integers(0, len(FORECASTS), n)
    return (rng.random(n) < truths[place]).astype(int), FORECASTS[place]


def test_intervals_cover_with_independent_rows():
    rng = np.random.default_rng(20)
    loss, skill = population(FORECASTS, TRUTHS)
    found = [xent.evaluate(*independent(rng, TRUTHS, 500)) for _ in range(TRIALS)]
    assert 0.93 <= covered([e.cross_entropy for e in found], loss) <= 0.97
    assert 0.93 <= covered([e.skill for e in found], skill) <= 0.97


def clustered(rng, clusters, size):
    """Rows of a cluster share their forecast and, half of the time, what happens: independent they are not."""
    place = np.repeat(rng.integers(0, len(FORECASTS), clusters), size)
    shared = np.repeat(rng.random(clusters), size)
    own = rng.random(clusters * size)
    together = np.repeat(rng.random(clusters) < 0.5, size)
    happened = (np.where(together, shared, own) < TRUTHS[place]).astype(int)
    return happened, FORECASTS[place], np.repeat(np.arange(clusters), size)


def test_intervals_cover_with_clusters():
    rng = np.random.default_rng(21)
    loss, skill = population(FORECASTS, TRUTHS)
    found, blind = [], []
    for _ in range(TRIALS):
        y, q, cluster = clustered(rng, 120, 5)
        found.append(xent.evaluate(y, q, cluster=cluster))
        blind.append(found[-1].cross_entropy.value - loss)
    assert 0.93 <= covered([e.cross_entropy for e in found], loss) <= 0.97
    assert 0.93 <= covered([e.skill for e in found], skill) <= 0.97
    # The reported error is the spread that is really there, which is far above that of independent rows.
    spread = np.std(blind)
    assert np.mean([e.cross_entropy.se for e in found]) == pytest.approx(spread, rel=0.06)


def test_intervals_cover_with_weights():
    rng = np.random.default_rng(22)
    loss, _ = population(FORECASTS, TRUTHS)
    found = []
    for _ in range(TRIALS):
        y, q = independent(rng, TRUTHS, 600)
        found.append(xent.evaluate(y, q, weight=rng.gamma(2.0, size=600)).cross_entropy)
    assert 0.93 <= covered(found, loss) <= 0.97


def uniform(p_values):
    """Neither the whole distribution nor the usual 5 % says that these are not uniform."""
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.01
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.07


def test_p_values_of_calibrated_binary_forecasts_are_uniform():
    rng = np.random.default_rng(23)
    found = [xent.evaluate(*independent(rng, FORECASTS, 500)) for _ in range(TRIALS)]
    uniform([e.recalibration.p_value for e in found])
    # That of the isotonic null takes the values 1/sets, ..., 1 and rejects no more than it says.
    assert np.mean([e.isotonic.p_value < 0.05 for e in found]) == pytest.approx(0.05, abs=0.02)
    # In sample even a calibrated forecast seems to gain: k / (2 n), and the isotonic map its null.
    assert np.mean([e.miscalibration for e in found]) == pytest.approx(2 / (2 * 500), rel=0.12)
    seen, expected = (np.mean([getattr(e.isotonic, name) for e in found]) for name in ("miscalibration", "null_mean"))
    assert seen == pytest.approx(expected, rel=0.05)


def several(rng, n, k=4):
    """Calibrated forecasts of `k` classes, from a finite set of rows."""
    rows = np.random.default_rng(7).dirichlet(np.full(k, 0.7), 40)
    q = rows[rng.integers(0, len(rows), n)]
    happened = (rng.random((n, 1)) > np.cumsum(q, axis=1)).sum(axis=1)
    return np.minimum(happened, k - 1), q


def test_p_values_of_calibrated_forecasts_of_several_classes_are_uniform():
    rng = np.random.default_rng(24)
    found = [xent.evaluate(*several(rng, 500)) for _ in range(TRIALS)]
    uniform([e.recalibration.p_value for e in found])
    # 2 K - 2 parameters beyond one temperature.
    assert np.mean([e.classwise.p_value < 0.05 for e in found]) == pytest.approx(0.05, abs=0.025)


def test_p_values_with_clusters_of_copies_are_uniform():
    rng = np.random.default_rng(25)
    p_values = []
    for _ in range(TRIALS):
        y, q = independent(rng, FORECASTS, 500)
        copies = rng.integers(1, 4, 500)
        cluster = np.repeat(np.arange(500), copies)
        p_values.append(xent.evaluate(y[cluster], q[cluster], cluster=cluster).recalibration.p_value)
    uniform(p_values)


def test_cross_fitted_gain_is_unbiased():
    """What is printed is what a map fitted on so many rows gives on rows it has not seen: below 0 when all is well."""
    rng = np.random.default_rng(26)
    gains, real = [], []
    for _ in range(600):
        gains.append(xent.evaluate(*independent(rng, FORECASTS, 500)).recalibration.gain.value)
        fitted = xent.evaluate(*independent(rng, FORECASTS, 400)).recalibration.parameters
        x = np.log(FORECASTS / (1 - FORECASTS))
        after = 1 / (1 + np.exp(-(fitted["slope"] * x + fitted["intercept"])))
        before = population(FORECASTS, FORECASTS)[0]
        real.append(before - np.mean(-FORECASTS * np.log(after) - (1 - FORECASTS) * np.log(1 - after)))
    error = math.hypot(np.std(gains), np.std(real)) / math.sqrt(600)
    assert abs(np.mean(gains) - np.mean(real)) < 3 * error
    # Two parameters from four fifths of the rows.
    assert np.mean(real) == pytest.approx(-2 / (2 * 400), rel=0.15)
    assert np.mean(gains) < 0
