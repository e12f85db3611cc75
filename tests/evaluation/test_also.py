"""Accuracy, Brier score, calibration error, confusions and the histogram against scikit-learn and plain loops."""

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, confusion_matrix

import xent
from xent.evaluation import _confusions, evaluate


@pytest.fixture(name="weight", params=[False, True])
def _weight(request):
    return np.random.default_rng(4).exponential(size=300) if request.param else None


def test_accuracy_and_brier_are_those_of_scikit_learn(binary, several, weight):
    y, _, q = binary()
    e = evaluate(y, q, weight=weight).also
    assert e.accuracy == pytest.approx(accuracy_score(y, q > 0.5, sample_weight=weight), rel=1e-14)
    assert e.brier == pytest.approx(brier_score_loss(y, q, sample_weight=weight), rel=1e-13)
    y, _, q = several()
    e = evaluate(y, q, weight=weight).also
    assert e.accuracy == pytest.approx(accuracy_score(y, q.argmax(axis=1), sample_weight=weight), rel=1e-14)
    assert e.brier == pytest.approx(np.average(((q - np.eye(5)[y]) ** 2).sum(axis=1), weights=weight), rel=1e-13)


def test_calibration_error_bin_by_bin(several, weight):
    y, _, q = several()
    w = np.ones(300) if weight is None else weight
    top, right = q.max(axis=1), q.argmax(axis=1) == y
    gaps = 0.0
    for b in range(15):
        mine = (top >= b / 15) & (top < (b + 1) / 15)
        gaps += abs((w * (top - right))[mine].sum())
    assert evaluate(y, q, weight=weight).also.ece == pytest.approx(gaps / w.sum(), rel=1e-12)


def test_a_forecast_of_one_is_in_the_last_bin():
    assert evaluate([1, 0], [1.0, 1.0]).also.ece == 0.5
    assert evaluate([1, 0], [0.0, 1.0]).also.accuracy == 0.0


def test_ties_go_to_the_first_class():
    e = evaluate([0, 1, 1], [[0.5, 0.5, 0.0]] * 3)
    assert e.also.accuracy == pytest.approx(1 / 3)
    assert [(c.label, c.said, c.n) for c in e.confusions] == [("1", "0", 2)]


def test_soft_labels(several):
    _, _, q = several(120, k=3)
    y = np.random.default_rng(5).dirichlet([0.5] * 3, size=120)
    e = evaluate(y, q)
    assert e.also.accuracy == pytest.approx(y[np.arange(120), q.argmax(axis=1)].mean(), rel=1e-13)
    assert e.also.brier == pytest.approx(((q - y) ** 2).sum(axis=1).mean(), rel=1e-13)
    two = evaluate(y[:, 0], q[:, 0])
    assert two.also.brier == pytest.approx(((q[:, 0] - y[:, 0]) ** 2).mean(), rel=1e-13)


def test_confusions_are_the_costliest_cells_of_the_matrix(several, weight):
    y, _, q = several(k=5)
    w = np.ones(300) if weight is None else weight
    said, losses = q.argmax(axis=1), -np.log2(q[np.arange(300), y])
    counts = confusion_matrix(y, said)
    costs = confusion_matrix(y, said, sample_weight=w * losses)
    weights = confusion_matrix(y, said, sample_weight=w)
    order = sorted(((i, j) for i in range(5) for j in range(5) if i != j and counts[i, j]), key=lambda c: -costs[c])
    e = evaluate(y, q, weight=weight, unit="bits").confusions
    assert [(int(c.label), int(c.said)) for c in e] == order[:20]
    for c, cell in zip(e, order, strict=False):
        assert c.n == counts[cell]
        assert c.loss == pytest.approx(costs[cell] / weights[cell], rel=1e-12)
        assert c.share == pytest.approx(costs[cell] / (w * losses).sum(), rel=1e-12)


def test_confusions_with_infinite_loss_come_first():
    e = evaluate([0, 1, 1], [[0.1, 0.9, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0]])
    assert next((c.label, c.said, c.loss) for c in e.confusions) == ("1", "2", math.inf)
    assert all(math.isnan(c.share) for c in e.confusions)


def test_too_many_pairs_are_not_kept(several, monkeypatch):
    y, _, q = several(k=5)
    pairs = len({(a, b) for a, b in zip(y, q.argmax(axis=1), strict=True) if a != b})
    monkeypatch.setattr(_confusions, "MOST", pairs)
    kept = evaluate(y, q)
    assert kept.confusions
    monkeypatch.setattr(_confusions, "MOST", pairs - 1)
    assert evaluate(y, q).confusions == ()
    assert xent.Evaluator().update(y[:150], q[:150]).update(y[150:], q[150:]).result().confusions == ()


def test_histogram(several, weight):
    y, _, q = several()
    w = np.ones(300) if weight is None else weight
    losses = -np.log2(q[np.arange(300), y])
    bins = evaluate(y, q, unit="bits", weight=weight).loss_histogram
    assert all(a.high == b.low for a, b in itertools.pairwise(bins))
    assert bins[0].rows > 0
    assert bins[-1].rows > 0
    for b in bins:
        mine = (losses >= b.low) & (losses < b.high)
        assert b.rows == pytest.approx(w[mine].sum() / w.sum(), rel=1e-12)
        assert b.loss == pytest.approx((w * losses)[mine].sum() / (w * losses).sum(), rel=1e-12)


def test_histogram_counts_infinite_losses_last():
    bins = evaluate([1, 1, 0], [0.0, 0.5, 0.0]).loss_histogram
    assert (bins[0].low, bins[-1].high) == (0.0, math.inf)
    assert bins[-1].rows == pytest.approx(1 / 3)
    assert sum(b.loss for b in bins) == pytest.approx(1)
    assert math.isnan(evaluate([1, 1], [1.0, 1.0]).loss_histogram[0].loss)


def test_rows_go_by_the_names_given(several):
    y, _, q = several(50)
    names = [f"row {i}" for i in range(50)]
    numbered = evaluate(y, q).worst_rows
    assert [r.row for r in evaluate(y, q, id=names).worst_rows] == [f"row {r.row}" for r in numbered]
    assert [r.row for r in evaluate(y, q, id=np.arange(100, 150)).worst_rows] == [r.row + 100 for r in numbered]
    mixed = [r.row for r in evaluate([1] * 4, [0.5] * 4, id=["b", 10, "a", np.int64(9)]).worst_rows]
    assert mixed == [9, 10, "a", "b"]
    assert [type(name) for name in mixed] == [int, int, str, str]
    with pytest.raises(ValueError, match=r"`id` has shape \(2,\) and there are 50 rows"):
        evaluate(y, q, id=[1, 2])
    with pytest.raises(ValueError, match="`id` is 7; it is one name a row"):
        evaluate(y, q, id=7)


def test_names_of_rows_that_tie_are_the_first_in_order():
    names = [f"{i:03}" for i in range(100)]
    shown = evaluate([1] * 100, [0.5] * 100, id=names[::-1]).worst_rows
    assert [r.row for r in shown] == names[:20]
