"""Every number against its formula, written out plainly, or against scikit-learn and SciPy."""

import math

import numpy as np
import pytest
import scipy.stats
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, xlogy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import d2_log_loss_score, log_loss

import xent
from xent.evaluation import evaluate


def entropy(f):
    return -xlogy(f, f).sum()


def test_loss_and_skill_are_those_of_scikit_learn(binary, several):
    y, _, q = binary()
    e = evaluate(y, q)
    assert e.cross_entropy.value == pytest.approx(log_loss(y, q), rel=1e-14)
    assert e.skill.value == pytest.approx(d2_log_loss_score(y, np.c_[1 - q, q]), rel=1e-12)
    y, _, q = several()
    e = evaluate(y, q)
    assert e.cross_entropy.value == pytest.approx(log_loss(y, q), rel=1e-14)
    assert e.skill.value == pytest.approx(d2_log_loss_score(y, q), rel=1e-12)


def test_standard_error_and_interval_by_the_formula(several):
    y, _, q = several(57)
    e = evaluate(y, q).cross_entropy
    losses = -np.log(q[np.arange(57), y])
    se = losses.std(ddof=1) / math.sqrt(57)
    assert e.se == pytest.approx(se, rel=1e-13)
    half = scipy.stats.t.ppf(0.975, 56) * se
    assert (e.low, e.high) == pytest.approx((losses.mean() - half, losses.mean() + half), rel=1e-13)


def test_weighted_and_clustered_standard_error_by_the_formula(several):
    y, _, q = several(200)
    rng = np.random.default_rng(3)
    w, g = rng.exponential(size=200), rng.integers(0, 23, 200)
    losses = -np.log(q[np.arange(200), y])
    mean = (w * losses).sum() / w.sum()

    def se(parts):
        return math.sqrt(len(parts) / (len(parts) - 1) * sum(p**2 for p in parts)) / w.sum()

    d = w * (losses - mean)
    assert evaluate(y, q, weight=w).cross_entropy.se == pytest.approx(se(d), rel=1e-12)
    clustered = evaluate(y, q, weight=w, cluster=g).cross_entropy
    assert clustered.value == pytest.approx(mean, rel=1e-14)
    assert clustered.se == pytest.approx(se([d[g == c].sum() for c in range(23)]), rel=1e-12)
    assert clustered.high - clustered.value == pytest.approx(scipy.stats.t.ppf(0.975, 22) * clustered.se, rel=1e-12)


def test_skill_has_the_standard_error_of_the_jackknife(several):
    y, _, q = several(400, k=3)
    e = evaluate(y, q).skill
    keep = ~np.eye(400, dtype=bool)
    left_out = np.array([evaluate_skill(y[k], q[k]) for k in keep])
    jackknife = math.sqrt(399 / 400 * ((left_out - left_out.mean()) ** 2).sum())
    assert e.se == pytest.approx(jackknife, rel=0.02)


def evaluate_skill(y, q):
    return 1 - log_loss(y, q, labels=[0, 1, 2]) / entropy(np.bincount(y, minlength=3) / len(y))


def test_clipped_is_the_loss_of_clipped_probabilities():
    y, q = [0, 1, 1, 0], np.array([1e-9, 1e-9, 0.4, 0.0])
    e = evaluate(y, q)
    assert [c.eps for c in e.clipped] == [2.0**-52, 1e-15, 1e-7]
    for c in e.clipped:
        given = np.maximum(np.array([1 - 1e-9, 1e-9, 0.4, 1.0]), c.eps)
        assert c.cross_entropy == pytest.approx(-np.log(given).mean(), rel=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_slope_and_intercept_are_those_of_logistic_regression(binary, weighted):
    y, x, q = binary(400)
    w = np.random.default_rng(1).exponential(size=400) if weighted else None
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(x[:, None], y, sample_weight=w)
    e = evaluate(y, xent.Logits(x), weight=w)
    assert e.recalibration.kind == "affine"
    assert e.recalibration.parameters["slope"] == pytest.approx(model.coef_[0, 0], rel=1e-5)
    assert e.recalibration.parameters["intercept"] == pytest.approx(model.intercept_[0], rel=1e-5)
    eta = e.recalibration.parameters["slope"] * x + e.recalibration.parameters["intercept"]
    residual = (1 / (1 + np.exp(-eta)) - y) * (1 if w is None else w)
    assert abs(residual.sum()) < 1e-10
    assert abs((residual * x).sum()) < 1e-10
    fitted = np.average(np.logaddexp(0, np.where(y == 1, -eta, eta)), weights=w)
    assert e.miscalibration == pytest.approx(e.cross_entropy.value - fitted, abs=1e-14)
    assert evaluate(y, q, weight=w).recalibration.parameters["slope"] == pytest.approx(
        e.recalibration.parameters["slope"], rel=1e-12
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sharpness", [0.05, 0.5, 1.0, 4.0])
def test_temperature_is_that_of_a_scalar_minimiser(several, sharpness, weighted):
    y, z, _ = several(300, sharpness=sharpness)
    w = np.random.default_rng(1).exponential(size=300) if weighted else None

    def loss(beta):
        return np.average(logsumexp(beta * z, axis=1) - beta * z[np.arange(300), y], weights=w)

    best = minimize_scalar(loss, bracket=(0.1, 1.0), tol=1e-12)
    e = evaluate(y, xent.Logits(z), weight=w)
    assert e.recalibration.kind == "temperature"
    assert e.recalibration.parameters["temperature"] == pytest.approx(1 / best.x, rel=1e-6)
    assert e.miscalibration == pytest.approx(e.cross_entropy.value - best.fun, abs=1e-13)


def test_likelihood_ratio(binary, several):
    y, _, q = binary(200)
    e = evaluate(y, q)
    assert e.recalibration.p_value == pytest.approx(scipy.stats.chi2.sf(2 * 200 * e.miscalibration, 2), rel=1e-9)
    y, _, q = several(40)
    e = evaluate(y, q)
    assert e.recalibration.p_value == pytest.approx(scipy.stats.chi2.sf(2 * 40 * e.miscalibration, 1), rel=1e-9)


def test_per_class_adds_up(several):
    y, _, q = several(250, k=4)
    w = np.random.default_rng(2).exponential(size=250)
    e = evaluate(y, q, weight=w, classes=("a", "b", "c", "d"))
    losses = -np.log(q[np.arange(250), y])
    for k, row in enumerate(e.per_class):
        mine = y == k
        assert row.name == "abcd"[k]
        assert row.n == mine.sum()
        assert row.loss == pytest.approx(np.average(losses[mine], weights=w[mine]), rel=1e-13)
        assert row.share == pytest.approx((w * losses)[mine].sum() / (w * losses).sum(), rel=1e-13)
        assert row.frequency == pytest.approx(w[mine].sum() / w.sum(), rel=1e-13)
        assert row.mean_probability == pytest.approx(np.average(q[:, k], weights=w), rel=1e-13)
    assert sum(row.share for row in e.per_class) == pytest.approx(1, rel=1e-14)
    assert e.uncertainty == pytest.approx(entropy(np.array([row.frequency for row in e.per_class])), rel=1e-14)


def test_a_class_without_rows_has_no_loss():
    e = evaluate([0, 1, 0], np.full((3, 3), 1 / 3))
    assert (e.per_class[2].n, e.per_class[2].share, e.per_class[2].frequency) == (0, 0.0, 0.0)
    assert math.isnan(e.per_class[2].loss)


def test_worst_rows_and_tail(several):
    y, _, q = several(250)
    e = evaluate(y, q, unit="bits")
    losses = -np.log2(q[np.arange(250), y])
    order = np.argsort(-losses)[:20]
    assert [row.row for row in e.worst_rows] == order.tolist()
    assert [row.label for row in e.worst_rows] == [str(k) for k in y[order]]
    assert [row.probability for row in e.worst_rows] == q[order, y[order]].tolist()
    assert [row.loss for row in e.worst_rows] == pytest.approx(losses[order].tolist(), rel=1e-14)
    assert e.tail_share == pytest.approx(losses[order[:3]].sum() / losses.sum(), rel=1e-13)


def test_ties_among_worst_rows_go_by_class_then_row():
    y = [2, 1, 0, 1, 2, 0] * 5
    e = evaluate(y, np.full((30, 3), 1 / 3))
    expected = sorted(range(30), key=lambda i: (y[i], i))[:20]
    assert [row.row for row in e.worst_rows] == expected


def test_geometric_mean_probability(several):
    y, _, q = several(50)
    truth = scipy.stats.gmean(q[np.arange(50), y])
    for unit in ("nats", "bits", "bans"):
        assert evaluate(y, q, unit=unit).geometric_mean_probability == pytest.approx(truth, rel=1e-13)


def test_units_scale_losses_and_nothing_else(several):
    y, _, q = several(80)
    nats, bits = evaluate(y, q), evaluate(y, q, unit="bits")
    for field in ("uncertainty", "miscalibration", "discrimination"):
        assert getattr(bits, field) == pytest.approx(getattr(nats, field) / math.log(2), rel=1e-14)
    assert bits.cross_entropy.se == pytest.approx(nats.cross_entropy.se / math.log(2), rel=1e-14)
    assert bits.recalibration.gain.value == pytest.approx(nats.recalibration.gain.value / math.log(2), rel=1e-14)
    assert bits.skill == nats.skill
    assert bits.recalibration.p_value == nats.recalibration.p_value
    assert bits.tail_share == nats.tail_share
    assert evaluate(y, q, unit="bans").cross_entropy.value == pytest.approx(nats.cross_entropy.value / math.log(10))


def test_soft_labels(several):
    _, _, q = several(120, k=3)
    rng = np.random.default_rng(5)
    y = rng.dirichlet([0.5] * 3, size=120)
    e = evaluate(y, q)
    assert e.cross_entropy.value == pytest.approx(-(y * np.log(q)).sum(axis=1).mean(), rel=1e-14)
    assert e.uncertainty == pytest.approx(entropy(y.mean(axis=0)), rel=1e-13)
    assert e.per_class[1].loss == pytest.approx((y[:, 1] * -np.log(q[:, 1])).sum() / y[:, 1].sum(), rel=1e-13)

    def loss(beta):
        p = q**beta
        return -(y * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1).mean()

    best = minimize_scalar(loss, bracket=(0.1, 1.0), tol=1e-12)
    assert e.recalibration.parameters["temperature"] == pytest.approx(1 / best.x, rel=1e-6)


def test_soft_labels_that_are_hard_give_the_same(binary, several):
    y, _, q = several(60, k=4)
    hard, soft = evaluate(y, q), evaluate(np.eye(4)[y], q)
    assert soft.cross_entropy.value == hard.cross_entropy.value
    assert soft.recalibration.parameters["temperature"] == pytest.approx(
        hard.recalibration.parameters["temperature"], rel=1e-12
    )
    assert soft.per_class == hard.per_class
    assert soft.worst_rows == hard.worst_rows
    assert soft.skill.se == pytest.approx(hard.skill.se, rel=1e-12)
    y, _, q = binary(60)
    assert evaluate(xent.Probs(y.astype(float)), q).cross_entropy == evaluate(y, q).cross_entropy


@pytest.mark.parametrize("k", [2, 4])
def test_forms_agree(binary, several, k):
    y, z, q = several(100, k=k)
    plain = evaluate(y, q)
    for form in (xent.Probs(q), xent.LogProbs(np.log(q)), xent.Logits(z), xent.Logits(z + 700)):
        e = evaluate(y, form)
        assert e.cross_entropy.value == pytest.approx(plain.cross_entropy.value, rel=1e-12)
        assert e.miscalibration == pytest.approx(plain.miscalibration, rel=1e-9)
        assert e.per_class[1].mean_probability == pytest.approx(plain.per_class[1].mean_probability, rel=1e-12)
    y, x, q = binary(100)
    plain = evaluate(y, q)
    forms = (xent.Probs(q), xent.LogProbs(np.log(q)), xent.Logits(x), xent.Logits(x[:, None]), np.c_[1 - q, q])
    for form in forms:
        e = evaluate(y, form)
        assert e.cross_entropy.value == pytest.approx(plain.cross_entropy.value, rel=1e-12)
        assert e.miscalibration == pytest.approx(plain.miscalibration, rel=1e-9)


def test_small_losses_keep_their_digits():
    assert evaluate([0, 0], xent.Logits([[40.0, 0.0]] * 2)).cross_entropy.value == pytest.approx(math.exp(-40))
    assert evaluate([1, 1], xent.Logits([40.0] * 2)).cross_entropy.value == pytest.approx(math.exp(-40))
    assert evaluate([0, 0], [1e-20] * 2).cross_entropy.value == pytest.approx(1e-20)


def test_narrow_floats_are_widened_before_the_logarithm(several):
    y, _, q = several(50)
    q = q.astype(np.float32)
    assert evaluate(y, q).cross_entropy == evaluate(y, q.astype(np.float64)).cross_entropy


def test_equal_losses_have_a_standard_error_of_zero():
    e = evaluate([0, 1] * 10, np.array([[0.7, 0.3], [0.3, 0.7]] * 10)).cross_entropy
    assert (e.se, e.low, e.high) == (0.0, e.value, e.value)


def test_equal_results_are_equal_where_numbers_are_undefined():
    """Undefined numbers are one object, so that results compare."""
    for weight in ([1e300, 1e-300, 1e-300], [1.0, 0.0, 0.0], None):
        one, other = (evaluate([1, 0, 1], [0.3, 0.4, 0.9], weight=weight) for _ in range(2))
        assert one == other


def test_what_rounds_to_nothing_beside_the_rest_is_not_fitted():
    e = evaluate([[1, 0], [1 - 1e-300, 1e-300]], [0.5, 0.5], weight=[1, 1e-140])
    assert e.recalibration.state == "undefined"
    assert evaluate([1, 0, 1], [0.3, 0.4, 0.9], weight=[1e300, 1e-300, 1e-300]).recalibration.state == "separated"
