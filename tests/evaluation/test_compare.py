"""The numbers of a comparison, against other programs and against sums over the rows."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

import xent
from xent.evaluation import compare, evaluate

NAN = float("nan")


def pair(n=400, k=3, seed=0):
    """Labels, and logits of two models that know the same to different degrees and with different sharpness."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, k)) * 2
    y = (truth + rng.gumbel(size=(n, k))).argmax(axis=1)
    return y, 0.4 * truth, 2.0 * (truth + rng.normal(size=(n, k)))


def losses(y, z):
    return np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]


def same(a, b, tolerance=1e-12):
    assert (a.value, a.se, a.low, a.high) == pytest.approx((b.value, b.se, b.low, b.high), abs=tolerance, nan_ok=True)


@pytest.mark.parametrize("k", [2, 5])
def test_difference_is_the_paired_t_test(k):
    y, z_a, z_b = pair(k=k)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b))
    test = stats.ttest_rel(losses(y, z_a), losses(y, z_b))
    interval = test.confidence_interval(0.95)
    assert c.difference.value / c.difference.se == pytest.approx(test.statistic, rel=1e-11)
    assert (c.difference.low, c.difference.high) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_clusters_are_those_of_a_regression_on_a_constant():
    """With one regressor statsmodels' correction is G/(G-1) · (n-1)/(n-1): the same."""
    api = pytest.importorskip("statsmodels.api")
    y, z_a, z_b = pair()
    cluster = np.random.default_rng(1).integers(0, 40, len(y))
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b), cluster=cluster)
    gap = losses(y, z_a) - losses(y, z_b)
    fit = api.OLS(gap, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
    assert c.difference.value == pytest.approx(fit.params[0], rel=1e-12)
    assert c.difference.se == pytest.approx(fit.bse[0], rel=1e-10)
    assert (c.difference.low, c.difference.high) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-10)


def test_weights_and_clusters_by_the_formula():
    y, z_a, z_b = pair(200)
    rng = np.random.default_rng(2)
    w, g = rng.exponential(size=200), rng.integers(0, 30, 200)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b), weight=w, cluster=g)
    gap = losses(y, z_a) - losses(y, z_b)
    value = (w * gap).sum() / w.sum()
    sums = np.bincount(g, weights=w * (gap - value))
    groups = len(set(g.tolist()))
    assert c.difference.value == pytest.approx(value, rel=1e-11)
    assert c.difference.se == pytest.approx(math.sqrt(groups / (groups - 1) * (sums**2).sum()) / w.sum(), rel=1e-10)


@pytest.mark.parametrize("unit", ["nats", "bits"])
@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("clustered", [False, True])
def test_identities(k, unit, clustered):
    y, z_a, z_b = pair(300, k=k)
    rng = np.random.default_rng(3)
    options = {"weight": rng.exponential(size=300), "cluster": rng.integers(0, 60, 300)} if clustered else {}
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b), unit=unit, **options)
    shipped = c.a.cross_entropy.value - c.b.cross_entropy.value
    assert c.difference.value == pytest.approx(shipped, abs=1e-12)
    gains = -c.a.recalibration.gain.value + c.b.recalibration.gain.value
    assert c.recalibrated_difference.value == pytest.approx(c.difference.value + gains, abs=1e-12)
    assert sum(row.share for row in c.per_class) == pytest.approx(c.difference.value, abs=1e-12)
    assert c.unpaired_se == pytest.approx(math.hypot(c.a.cross_entropy.se, c.b.cross_entropy.se))


def test_each_alone_is_what_evaluate_gives():
    y, z_a, z_b = pair(150)
    options = {"classes": ["x", "y", "z"], "weight": np.arange(150), "cluster": np.arange(150) // 3, "unit": "bits"}
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b), seed=4, names=("new", "old"), **options)
    assert c.a.to_json() == evaluate(y, xent.Logits(z_a), seed=4, **options).to_json()
    assert c.b.to_json() == evaluate(y, xent.Logits(z_b), seed=4, **options).to_json()
    assert (c.n, c.unit, c.names, c.audit.matched) == (149, "bits", ("new", "old"), 150)
    assert (c.audit.only_a, c.audit.only_b) == (0, 0)


def test_recalibrated_difference_has_the_error_of_its_rows():
    """The fall of each row is that of a fit without it, so its spread is measured, not assumed."""
    y, z_a, z_b = pair(500)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b))
    gap = losses(y, z_a / c.a.recalibration.parameters["temperature"]) - losses(
        y, z_b / c.b.recalibration.parameters["temperature"]
    )
    assert c.recalibrated_difference.se == pytest.approx(gap.std(ddof=1) / math.sqrt(500), rel=0.02)


def test_a_model_against_itself():
    y, z, _ = pair(100)
    c = compare(y, xent.Logits(z), xent.Logits(z))
    assert (c.difference.value, c.difference.se, c.recalibrated_difference.value) == (0, 0, 0)
    assert c.correlation == pytest.approx(1, abs=1e-15)
    assert c.wins == (0, 0)
    assert c.movers == ()
    same(c.averaging.cross_entropy, c.a.cross_entropy)
    assert c.averaging.gain.value == pytest.approx(0, abs=1e-15)


def test_correlation_and_wins():
    y, z_a, z_b = pair()
    a, b = losses(y, z_a), losses(y, z_b)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b), weight=np.random.default_rng(0).exponential(size=len(y)))
    assert c.correlation == pytest.approx(stats.pearsonr(a, b).statistic, rel=1e-12)
    assert c.wins == ((a < b).mean(), (b < a).mean())
    assert math.isnan(compare([0, 1, 1], [0.5, 0.5, 0.5], [0.2, 0.7, 0.6]).correlation)
    assert math.isnan(compare([1], [0.5], [0.2]).correlation)


def test_ties_win_for_neither():
    assert compare([0, 1, 1, 0], [0.5, 0.5, 0.7, 0.1], [0.5, 0.5, 0.6, 0.2]).wins == (0.5, 0)


def test_by_class():
    y, z_a, z_b = pair()
    w = np.random.default_rng(0).exponential(size=len(y))
    gap = losses(y, z_a) - losses(y, z_b)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b), weight=w)
    assert [abs(row.share) for row in c.per_class] == sorted((abs(row.share) for row in c.per_class), reverse=True)
    for row in c.per_class:
        mine = y == int(row.name)
        assert row.n == mine.sum()
        assert row.difference == pytest.approx((w * gap)[mine].sum() / w[mine].sum(), rel=1e-10)
        assert row.share == pytest.approx((w * gap)[mine].sum() / w.sum(), rel=1e-10)


def test_a_class_without_rows():
    c = compare([0, 1], [[0.5, 0.25, 0.25]] * 2, [[0.25, 0.5, 0.25]] * 2)
    empty = next(row for row in c.per_class if row.name == "2")
    assert (empty.n, empty.share) == (0, 0)
    assert math.isnan(empty.difference)


def test_movers():
    y, z_a, z_b = pair()
    a, b = losses(y, z_a), losses(y, z_b)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b))
    order = np.argsort(a - b)
    assert [m.row for m in c.movers] == [*order[::-1][:10].tolist(), *order[:10].tolist()]
    for mover in c.movers:
        assert (mover.loss_a, mover.loss_b) == pytest.approx((a[mover.row], b[mover.row]), rel=1e-13)
        assert mover.label == str(y[mover.row])
    few = compare([1, 1, 1], [0.9, 0.5, 0.2], [0.8, 0.5, 0.4])
    assert [m.row for m in few.movers] == [2, 0]


def test_averaging():
    y, z_a, z_b = pair()
    q = (np.exp(z_a - np.logaddexp.reduce(z_a, 1)[:, None]) + np.exp(z_b - np.logaddexp.reduce(z_b, 1)[:, None])) / 2
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b))
    same(c.averaging.cross_entropy, evaluate(y, q).cross_entropy, 1e-13)
    better = losses(y, z_a) if c.difference.value < 0 else losses(y, z_b)
    test = stats.ttest_rel(better, losses(y, np.log(q)))
    assert c.averaging.gain.value / c.averaging.gain.se == pytest.approx(test.statistic, rel=1e-10)


@pytest.mark.parametrize("gap", [0.0, 1e-9, 1e-3, 0.5, 0.999999, 1.0, 1.000001, 5.0, 40.0, 800.0])
@pytest.mark.parametrize("least", [0.0, 1e-30, 1e-8, 0.3, 12.0, 900.0])
def test_the_average_of_two_surprisals(gap, least):
    mpmath = pytest.importorskip("mpmath")
    from xent.evaluation._compare_parts import averaged

    a, b = np.array([least]), np.array([least + gap])
    with mpmath.workdps(1000):
        exact = -mpmath.log((mpmath.exp(-mpmath.mpf(a[0])) + mpmath.exp(-mpmath.mpf(b[0]))) / 2)
    for found in (averaged(a, b), averaged(b, a)):
        assert found[0] == pytest.approx(float(exact), rel=1e-15, abs=0)


def test_soft_labels():
    rng = np.random.default_rng(0)
    y, q_a, q_b = (rng.dirichlet(np.ones(4), 80) for _ in range(3))
    c = compare(y, q_a, xent.LogProbs(np.log(q_b)))
    gap = -(y * np.log(q_a)).sum(1) + (y * np.log(q_b)).sum(1)
    assert c.difference.value == pytest.approx(gap.mean(), abs=1e-14)
    assert sum(row.share for row in c.per_class) == pytest.approx(gap.mean(), abs=1e-14)
    averaged = -(y * np.log((q_a + q_b) / 2)).sum(1)
    assert c.averaging.cross_entropy.value == pytest.approx(averaged.mean(), rel=1e-14)
    assert {row.n for row in c.per_class} == {80}


def test_forms_may_differ():
    y, z_a, z_b = pair(100, k=2)
    q_a = np.exp(losses(np.ones(100, dtype=int), z_a) * -1)
    first = compare(y, xent.Logits(z_a), xent.Logits(z_b))
    for other in (q_a, np.stack([1 - q_a, q_a], axis=1), xent.Logits(z_a[:, 1] - z_a[:, 0])):
        c = compare(y, other, xent.Logits(z_b))
        same(c.difference, first.difference, 1e-12)
        # folds go by the forecasts as given, so the cross-fit differs; the maps themselves do not
        assert c.a.recalibration.parameters == pytest.approx(first.a.recalibration.parameters, abs=1e-7)
        assert c.b.to_json() == first.b.to_json()
    # fractions are soft labels of class 1 beside either form
    soft = np.random.default_rng(0).random(100)
    one, two = compare(soft, q_a, xent.Logits(z_b)), compare(np.stack([1 - soft, soft], 1), q_a, xent.Logits(z_b))
    assert one.to_json() == two.to_json()


def test_infinite_losses():
    y = [1, 1, 0, 0, 1]
    sound, broken = [0.6, 0.7, 0.2, 0.4, 0.5], [0.9, 0.0, 0.1, 0.2, 0.8]
    c = compare(y, broken, sound)
    assert c.difference.value == math.inf
    assert math.isnan(c.difference.se)
    assert math.isnan(c.recalibrated_difference.value)
    assert math.isnan(c.correlation)
    assert math.isnan(c.unpaired_se)
    assert c.wins == (0.8, 0.2)
    assert (c.movers[0].row, c.movers[0].loss_a) == (1, math.inf)
    assert (c.per_class[0].name, c.per_class[0].share) == ("1", math.inf)
    assert c.per_class[1].share == pytest.approx(math.log(0.8 * 0.6 / (0.9 * 0.8)) / 5)
    # no row of the average is ruled out
    q = (np.array(broken) + sound) / 2
    assert c.averaging.cross_entropy.value == pytest.approx(evaluate(y, q).cross_entropy.value, rel=1e-14)
    assert c.averaging.gain.value == pytest.approx(
        evaluate(y, sound).cross_entropy.value - evaluate(y, q).cross_entropy.value, rel=1e-12
    )
    assert compare(y, sound, broken).difference.value == -math.inf


def test_both_infinite():
    y = [1, 1, 0]
    for other in ([0.0, 0.6, 0.3], [0.5, 0.6, 1.0]):
        c = compare(y, [0.0, 0.7, 0.2], other)
        assert math.isnan(c.difference.value)
        assert c.n == 3
    c = compare(y, [0.0, 0.7, 0.2], [0.0, 0.6, 0.3])
    assert c.wins == (2 / 3, 0)
    assert c.averaging.cross_entropy.value == math.inf
    assert math.isnan(c.averaging.gain.value)
    assert sorted(m.row for m in c.movers) == [1, 2]


def test_separated_forecasts_leave_the_recalibrated_difference_open():
    c = compare([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.6, 0.4, 0.5, 0.7])
    assert math.isfinite(c.difference.value)
    assert math.isnan(c.recalibrated_difference.value)


def test_one_row():
    c = compare([1], [0.5], [0.25])
    assert c.difference.value == pytest.approx(-math.log(2))
    assert math.isnan(c.difference.se)


def test_the_mean_is_rounded_once():
    """The row differences are doubles; their mean is the double nearest to the exact one."""
    y, z_a, z_b = pair(1000)
    c = compare(y, xent.Logits(z_a), xent.Logits(z_b))
    from xent.evaluation._evaluate import row_losses
    from xent.evaluation._rows import read_rows

    a, b = (row_losses(read_rows(y, xent.Logits(z), None, None, None)) for z in (z_a, z_b))
    assert c.difference.value == float(sum(map(Fraction, (a - b).tolist())) / 1000)
