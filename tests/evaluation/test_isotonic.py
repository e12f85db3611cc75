"""The isotonic map against exact fractions and scikit-learn, and its null against what it should be."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

import xent
from xent import _native
from xent.evaluation import _draws, _isotonic, _isotonic_null
from xent.evaluation._calibration import calibrate
from xent.evaluation._mixing import mix
from xent.evaluation._reliability import isotonic_of
from xent.evaluation._rows import read_rows
from xent.evaluation._table import binary_table
from xent.evaluation._tables import mean_or_inf


def losses_of(rows):
    p = rows.surprisal
    if rows.soft is None:
        return p[np.arange(rows.n), rows.labels]
    return np.where(rows.soft > 0, rows.soft * p, 0.0).sum(axis=1)


def calibrated(y, q, seed=0, **options):
    rows = read_rows(y, q, None, options.get("weight"), options.get("cluster"))
    with np.errstate(all="ignore"):
        losses = losses_of(rows)
        return calibrate(rows, losses, mean_or_inf(losses, rows), seed)


def exact_line(y, q, weight):
    """Frequency of each distinct forecast by the max-min formula, in fractions."""
    points = sorted(set(q))
    yes = [sum(Fraction(w) * Fraction(b) for a, b, w in zip(q, y, weight, strict=True) if a == p) for p in points]
    all_ = [sum(Fraction(w) for a, w in zip(q, weight, strict=True) if a == p) for p in points]
    size = range(len(points))

    def share(i, j):
        return sum(yes[i : j + 1]) / sum(all_[i : j + 1])

    return dict(
        zip(points, (max(min(share(i, j) for j in size[k:]) for i in size[: k + 1]) for k in size), strict=True)
    )


tied = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 1.0]), st.sampled_from([0.25, 1.0, 3.5])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(tied, st.booleans())
def test_line_and_loss_are_those_of_exact_fractions(rows, weighted):
    y, q, w = (list(column) for column in zip(*rows, strict=True))
    w = w if weighted else [1.0] * len(y)
    truth = exact_line(y, q, w)
    c = calibrated(y, q, weight=w)
    shown = c.reliability[0]
    assert shown.forecast == tuple(sorted(truth))
    assert shown.frequency == tuple(float(truth[p]) for p in sorted(truth))
    after = -sum(v * math.log(f if b else 1 - f) for b, f, v in zip(y, map(truth.get, q), w, strict=True) if 0 < f < 1)
    with np.errstate(all="ignore"):
        given_ = [-math.log(a if b else 1 - a) if (a if b else 1 - a) else math.inf for a, b in zip(q, y, strict=True)]
    loss = sum(v * g for v, g in zip(w, given_, strict=True)) / sum(w)
    if math.isinf(loss):
        assert math.isnan(c.isotonic.miscalibration)
        assert math.isnan(c.isotonic.p_value)
    else:
        assert c.isotonic.miscalibration == pytest.approx(loss - after / sum(w), abs=1e-13)
        assert c.isotonic.miscalibration >= 0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("digits", [2, 12])
def test_line_is_that_of_scikit_learn(binary, weighted, digits):
    y, _, q = binary(3000)
    q = q.round(digits)
    w = np.random.default_rng(0).exponential(size=3000) if weighted else None
    model = IsotonicRegression(y_min=0, y_max=1).fit(q, y, sample_weight=w)
    c = calibrated(y, q, weight=w)
    shown = c.reliability[0]
    assert shown.frequency == pytest.approx(model.predict(shown.forecast).tolist(), abs=1e-12)
    before = log_loss(y, q, sample_weight=w)
    after = log_loss(y, model.predict(q), sample_weight=w)
    assert c.isotonic.miscalibration == pytest.approx(before - after, abs=1e-12)


def test_soft_labels_are_two_weights(binary):
    _, _, q = binary(200)
    q = q.round(1).clip(0.05, 0.95)
    soft = np.random.default_rng(0).integers(0, 5, 200) / 4
    twice = calibrated([0] * 200 + [1] * 200, np.r_[q, q], weight=np.r_[1 - soft, soft])
    once = calibrated(xent.Probs(soft), q)
    assert once.isotonic.miscalibration == pytest.approx(twice.isotonic.miscalibration, abs=1e-13)
    assert once.reliability[0].frequency == pytest.approx(twice.reliability[0].frequency, abs=1e-15)
    assert once.auc == pytest.approx(twice.auc, abs=1e-15)


def test_logits_beyond_the_resolution_of_probabilities_stay_apart():
    z = np.array([40.0, 50.0, 40.0, 50.0])
    table_of = calibrated([0, 1, 1, 1], xent.Logits(z)).reliability[0]
    assert table_of.forecast == (1.0, 1.0)
    assert table_of.frequency == (0.5, 1.0)


numbers = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2**58)), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(numbers, st.booleans())
def test_pooling_compares_exactly_and_natively(values, large):
    masses = np.array([m if large else 1 + m % 7 for _, m in values]) // (16 if large else 1) + 1
    yes = np.stack([masses * a // 3 for a in itertools.islice(itertools.permutations([v for v, _ in values]), 3)])
    ends, found, counts = _isotonic._pool(yes, masses)
    blocks = _isotonic.pool(yes, masses)
    assert blocks.end.tolist() == ends.tolist()
    assert blocks.mass[1].tolist() == found.tolist()
    assert np.diff(blocks.first).tolist() == counts.tolist()
    for a, b in itertools.pairwise(blocks.first.tolist()):
        shares = [Fraction(int(m1), int(m0 + m1)) for m0, m1 in blocks.mass[:, a:b].T]
        assert all(low < high for low, high in itertools.pairwise(shares))
        assert blocks.mass[:, a:b].sum() == masses.sum()


def test_draws_are_binomial_and_alike_without_the_core(monkeypatch):
    copies = np.array([1, 1, 1, 1, 3, 40, 40, 1000, 10**9, 5, 5])
    q = np.array([0.0, 1.0, 0.3, 0.8, 0.5, 0.02, 0.97, 0.4, 1e-9, 0.0, 1.0])
    key, salt = mix(np.arange(copies.size, dtype=np.uint64)), mix(np.arange(4000, dtype=np.uint64))
    drawn = _draws.binomials(copies, q, key, salt)
    monkeypatch.setattr(_native, "offers", lambda call: False)
    assert (_draws.binomials(copies, q, key, salt) == drawn).all()
    assert (drawn[:, [0, 9]] == 0).all()
    assert (drawn[:, [1, 10]] == [1, 5]).all()
    for i in (2, 3, 4, 5, 6, 8):
        at = np.arange(max(0, drawn[:, i].min()), drawn[:, i].max() + 1)
        wanted = 4000 * scipy.stats.binom.pmf(at, copies[i], q[i])
        seen = np.array([(drawn[:, i] == k).sum() for k in at])
        often = wanted > 5
        statistic = ((seen - wanted)[often] ** 2 / wanted[often]).sum()
        assert scipy.stats.chi2.sf(statistic, max(1, often.sum() - 1)) > 1e-4
    assert drawn[:, 7].mean() == pytest.approx(400, abs=4 * math.sqrt(240 / 4000))
    assert drawn[:, 7].var() == pytest.approx(240, rel=0.1)


def test_all_is_alike_without_the_core(binary, monkeypatch):
    y, _, q = binary(150)
    q = q.round(1)
    w, g = np.random.default_rng(0).exponential(size=150), np.arange(150) // 3
    options = [{}, {"weight": w}, {"cluster": g}, {"weight": w, "cluster": g}]
    natively = [calibrated(y, q, **o) for o in options]
    monkeypatch.setattr(_native, "offers", lambda call: False)
    for native, o in zip(natively, options, strict=True):
        plain = calibrated(y, q, **o)
        assert repr((plain.isotonic, plain.reliability)) == repr((native.isotonic, native.reliability))


@pytest.mark.parametrize("clustered", [False, True])
def test_p_values_of_calibrated_forecasts_are_uniform(clustered):
    rng = np.random.default_rng(1)
    p_values, saved, null = [], [], []
    for _ in range(200):
        q = rng.random(120) ** 2
        u = np.repeat(rng.random(40), 3) if clustered else rng.random(120)
        rows = read_rows((u < q).astype(int), q, None, None, np.arange(120) // 3 if clustered else None)
        c, _ = isotonic_of(binary_table(rows, 0), float(losses_of(rows).mean()), 0)
        p_values.append(c.p_value)
        saved.append(c.miscalibration)
        null.append(c.null_mean)
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(saved) == pytest.approx(np.mean(null), abs=4 * np.std(saved) / math.sqrt(200))


def test_copies_in_a_cluster_are_one_row():
    rng = np.random.default_rng(2)
    q = rng.random(150)
    y = (rng.random(150) < q).astype(int)
    once = calibrated(y, q, cluster=np.arange(150)).isotonic
    six = calibrated(np.repeat(y, 6), np.repeat(q, 6), cluster=np.repeat(np.arange(150), 6)).isotonic
    naive = calibrated(np.repeat(y, 6), np.repeat(q, 6)).isotonic
    assert six.miscalibration == pytest.approx(once.miscalibration, rel=1e-12)
    assert six.null_mean == pytest.approx(once.null_mean, rel=0.1)
    assert naive.null_mean < 0.5 * once.null_mean


def test_null_on_pooled_forecasts_is_that_on_all_of_them():
    rng = np.random.default_rng(3)
    q = rng.random(6000)
    table = binary_table(read_rows((rng.random(6000) < q).astype(int), q, None, None, None), 0)
    whole, part = _isotonic_null.null_of(table, 0), _isotonic_null.null_of(table, 0, groups=1000)
    assert part.observed == pytest.approx(whole.observed, rel=1e-12)
    assert part.mean == pytest.approx(whole.mean, rel=0.02)
    assert part.high == pytest.approx(whole.high, rel=0.02)
    assert part.p_value == pytest.approx(whole.p_value, abs=0.03)


def test_band_holds_the_line_of_calibrated_forecasts():
    rng = np.random.default_rng(4)
    q = rng.random(2000)
    shown = calibrated((rng.random(2000) < q).astype(int), q).reliability[0]
    inside = [a <= f <= b for a, f, b in zip(shown.low, shown.frequency, shown.high, strict=True)]
    assert np.mean(inside) > 0.85
    off = calibrated((rng.random(2000) < q**2).astype(int), q).reliability[0]
    assert np.mean([a <= f <= b for a, f, b in zip(off.low, off.frequency, off.high, strict=True)]) < 0.3
    assert len(shown.forecast) == 65
    assert (shown.forecast[0], shown.forecast[-1]) == (q.min(), q.max())
    assert shown.density == pytest.approx((np.histogram(q, 20, (0, 1))[0] / 2000).tolist())


def test_seed_and_order(binary):
    y, _, q = binary(300)
    order = np.random.default_rng(0).permutation(300)
    a, b, other = calibrated(y, q), calibrated(y[order], q[order]), calibrated(y, q, seed=1)
    assert repr(a.isotonic) == repr(b.isotonic)
    assert a.reliability == b.reliability
    assert other.isotonic.miscalibration == a.isotonic.miscalibration
    assert other.isotonic.null_mean != a.isotonic.null_mean


def test_perfect_and_single_forecasts():
    sure = calibrated([0, 1, 1], [0.0, 1.0, 1.0])
    assert (sure.isotonic.miscalibration, sure.isotonic.null_mean, sure.isotonic.p_value) == (0.0, 0.0, 1.0)
    assert sure.auc == 1.0
    one = calibrated([1], [0.5])
    assert one.isotonic.miscalibration == pytest.approx(math.log(2))
    assert one.isotonic.p_value == 1.0
    assert math.isnan(one.auc)
    assert (one.reliability[0].forecast, one.reliability[0].frequency) == ((0.5,), (1.0,))


def test_forecasts_that_are_all_but_sure_have_no_null():
    """What is drawn from them is what they say: their losses of the other outcome must not leave rounding behind."""
    z = np.random.default_rng(0).normal(size=60) * 1e300
    e = xent.evaluate((z < 0).astype(int), xent.Logits(z))
    assert (e.isotonic.null_mean, e.isotonic.null_high) == (0.0, 0.0)
