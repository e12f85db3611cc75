"""The class-wise map against a general minimiser, its test, and the sample it is fitted on."""

import math

import numpy as np
import pytest
import scipy.stats
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp

import xent
from xent.evaluation import _classwise, _sample
from xent.evaluation._classwise import classwise_of
from xent.evaluation._rows import read_rows
from xent.evaluation._sample import Sample


def found(y, q, seed=0, **options):
    return classwise_of(Sample.of(read_rows(y, q, None, options.get("weight"), options.get("cluster")), seed))


def drawn(n, k=4, seed=0, slopes=(0.4, 0.7, 1.1, 0.9), offsets=(0.5, 0.0, -0.8, 0.3)):
    """Labels drawn from a class-wise map of the forecasts."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k)) * 1.5
    x = z - logsumexp(z, axis=1, keepdims=True)
    y = (x * np.array(slopes) + np.array(offsets) + rng.gumbel(size=(n, k))).argmax(axis=1)
    return y, x


@pytest.mark.parametrize("weighted", [False, True])
def test_map_is_that_of_a_general_minimiser(weighted):
    y, x = drawn(600)
    w = np.random.default_rng(1).exponential(size=600) if weighted else None

    def loss(theta):
        eta = x * theta[:4] + np.r_[theta[4:], 0.0]
        return np.average(logsumexp(eta, axis=1) - eta[np.arange(600), y], weights=w)

    best = minimize(loss, np.r_[np.ones(4), np.zeros(3)], method="BFGS", options={"gtol": 1e-9})
    c = found(y, xent.LogProbs(x), weight=w)
    offset = np.r_[best.x[4:], 0.0]
    assert c.slope == pytest.approx(tuple(best.x[:4]), abs=1e-5)
    assert c.offset == pytest.approx(tuple(offset - offset.mean()), abs=1e-5)
    assert sum(c.offset) == pytest.approx(0, abs=1e-12)
    assert c.rows == 600
    if weighted:
        assert math.isnan(c.p_value)
        return

    def tempered(beta):
        return (logsumexp(beta * x, axis=1) - beta * x[np.arange(600), y]).mean()

    one = minimize_scalar(tempered, bracket=(0.1, 1.0), tol=1e-12)
    assert c.p_value == pytest.approx(scipy.stats.chi2.sf(2 * 600 * (one.fun - best.fun), 6), rel=1e-5)


def test_map_finds_what_the_labels_were_drawn_from():
    y, x = drawn(20_000)
    c = found(y, xent.LogProbs(x))
    assert c.slope == pytest.approx((0.4, 0.7, 1.1, 0.9), abs=0.06)
    assert np.diff(c.offset) == pytest.approx(np.diff([0.5, 0.0, -0.8, 0.3]), abs=0.1)
    assert c.p_value < 1e-12
    assert c.gain.low > 0


def test_gain_is_that_of_fits_to_the_other_folds():
    y, x = drawn(400, seed=3)
    rows = read_rows(y, xent.LogProbs(x), None, None, None)
    sample = Sample.of(rows, 0)
    fold = np.arange(400) % 5
    labels, s = sample.share.argmax(axis=1), sample.surprisal
    fall = np.zeros(400)
    for f in range(5):
        out = fold == f

        def loss(theta, some, s=s):
            eta = -s[some] * theta[:4] + np.r_[theta[4:], 0.0]
            return logsumexp(eta, axis=1) - eta[np.arange(some.sum()), labels[some]]

        best = minimize(lambda theta, o=out: loss(theta, ~o).mean(), np.r_[np.ones(4), np.zeros(3)], method="BFGS")
        fall[out] = s[out, labels[out]] - loss(best.x, out)
    c = classwise_of(sample)
    assert c.gain.value == pytest.approx(fall.mean(), abs=1e-6)
    assert c.gain.se == pytest.approx(fall.std(ddof=1) / 20, rel=1e-4)


def test_p_values_are_uniform_where_one_temperature_is_enough():
    p_values = []
    for seed in range(80):
        y, x = drawn(500, seed=seed, slopes=(0.7,) * 4, offsets=(0.0,) * 4)
        p_values.append(found(y, xent.LogProbs(x)).p_value)
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.01


def test_no_best_map(several):
    y, _, q = several(300, k=3)
    separated = np.where(np.eye(3)[y] > 0, 0.8, 0.1)
    for labels, given in ((y % 2, q), (y, separated), ([0, 1, 2], q[:3])):
        c = found(labels, given)
        assert np.isnan([*c.slope, *c.offset, c.p_value, c.gain.value]).all()
    ruled_out = q.copy()
    ruled_out[0] = np.roll(np.eye(3)[y[0]], 1)
    assert math.isnan(found(y, ruled_out).slope[0])
    possible = np.where(np.arange(300)[:, None] == 0, np.eye(3)[y[0]], q)
    assert found(y, possible).slope == pytest.approx(found(y[1:], q[1:]).slope, rel=1e-6)


def test_any_order_and_copies(several):
    y, _, q = several(500, k=4)
    g = np.arange(500) // 4
    order = np.random.default_rng(0).permutation(500)
    assert repr(found(y, q)) == repr(found(y[order], q[order]))
    assert repr(found(y, q, cluster=g)) == repr(found(y[order], q[order], cluster=g[order]))
    twice = found(np.repeat(y, 2), np.repeat(q, 2, axis=0))
    assert twice.slope == pytest.approx(found(y, q).slope, rel=1e-9)
    in_clusters = found(np.repeat(y, 6), np.repeat(q, 6, axis=0), cluster=np.repeat(np.arange(500), 6))
    assert in_clusters.slope == pytest.approx(found(y, q).slope, rel=1e-9)
    assert in_clusters.gain.value == pytest.approx(found(y, q).gain.value, abs=found(y, q).gain.se)
    assert in_clusters.gain.se == pytest.approx(found(y, q).gain.se, rel=0.2)
    assert math.isnan(in_clusters.p_value)


@pytest.mark.parametrize("most", [50, 32768])
def test_samples_merge(several, monkeypatch, most):
    monkeypatch.setattr(_sample, "MOST", most)
    y, _, q = several(700, k=3)
    q = q.round(1) + 0.01
    q /= q.sum(axis=1, keepdims=True)
    w = np.random.default_rng(0).choice([1.0, 2.0], 700)

    def of(some):
        return Sample.of(read_rows(y[some], q[some], None, w[some], None), 5)

    whole = of(np.arange(700))
    parts = [of(some) for some in np.array_split(np.random.default_rng(1).permutation(700), 7)]
    merged = parts[3]
    for i in (0, 6, 5, 1, 2, 4):
        merged = merged.merge(parts[i])
    assert repr(merged) == repr(whole)
    assert whole.count.max() > 1
    assert whole.key.size <= most
    assert most > 700 or whole.key.size == most


def test_one_curvature_serves_all_folds_of_many_rows(monkeypatch):
    y, x = drawn(9000)
    sample = Sample.of(read_rows(y, xent.LogProbs(x), None, None, None), 0)
    kept = classwise_of(sample).gain
    monkeypatch.setattr(_classwise, "_MANY", 10**9)
    assert kept.value == pytest.approx(classwise_of(sample).gain.value, abs=1e-6)
