"""A slice says what an evaluation of its rows alone says."""

import math

import numpy as np
import pytest

import xent
from xent.evaluation import evaluate


def columns(n, seed=0):
    rng = np.random.default_rng(seed)
    return {"site": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]), "year": rng.integers(2000, 2003, n)}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("k", [2, 4])
def test_a_slice_is_the_evaluation_of_its_rows(several, weighted, clustered, k):
    y, _, q = several(400, k=k)
    rng = np.random.default_rng(1)
    w = rng.choice([0.0, 1.0, 2.5], 400) if weighted else np.ones(400)
    g = rng.integers(0, 40, 400) if clustered else np.arange(400)
    slices = columns(400)
    options = {"weight": w if weighted else None}
    e = evaluate(y, q, unit="bits", slices=slices, cluster=g if clustered else None, **options)
    assert [s.column for s in e.slices] == ["site"] * 3 + ["year"] * 3
    for s in e.slices:
        mine = (slices[s.column].astype(str) == s.value) & (w > 0)
        alone = evaluate(y[mine], q[mine], weight=w[mine], cluster=g[mine] if clustered else None, unit="bits")
        assert s.n == alone.n
        assert (s.cross_entropy, s.uncertainty, s.skill) == (alone.cross_entropy, alone.uncertainty, alone.skill)
        assert s.accuracy == alone.also.accuracy
        whole = (w * -np.log2(q[np.arange(400), y])).sum()
        assert s.share == pytest.approx(alone.cross_entropy.value * w[mine].sum() / whole, rel=1e-12)
        if k == 2:
            gap = np.average(q[mine, 1] - y[mine], weights=w[mine])
        else:
            gap = np.average(q[mine].max(axis=1) - (q[mine].argmax(axis=1) == y[mine]), weights=w[mine])
        assert s.mean_gap == pytest.approx(gap, rel=1e-11, abs=1e-15)
    for column in slices:
        shares = [s.share for s in e.slices if s.column == column]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)


def test_soft_labels_in_slices(several):
    _, _, q = several(200, k=3)
    y = np.random.default_rng(5).dirichlet([0.5] * 3, size=200)
    slices = columns(200)
    for s in evaluate(y, q, slices=slices).slices:
        mine = slices[s.column].astype(str) == s.value
        alone = evaluate(y[mine], q[mine])
        assert (s.n, s.cross_entropy, s.uncertainty, s.skill) == (
            alone.n,
            alone.cross_entropy,
            alone.uncertainty,
            alone.skill,
        )


def test_infinite_losses_come_first():
    e = evaluate([1, 1, 0], [0.5, 0.0, 0.1], slices={"s": ["a", "b", "c"]})
    assert [s.value for s in e.slices] == ["b", "a", "c"]
    assert e.slices[0].cross_entropy.value == math.inf
    assert all(math.isnan(s.share) for s in e.slices)


def test_values_are_text():
    kinds = {"n": [1, None, "1"], "t": np.array(["2020-01-01", "NaT", "2020-01-02"], "M8[D]"), "b": [True, False, True]}
    e = evaluate([1, 0, 1], [0.5, 0.5, 0.5], slices=kinds)
    assert [(s.column, s.value, s.n) for s in e.slices] == [
        ("n", "1", 2),
        ("n", "None", 1),
        ("t", "2020-01-01", 1),
        ("t", "2020-01-02", 1),
        ("t", "NaT", 1),
        ("b", "True", 2),
        ("b", "False", 1),
    ]


def test_refused():
    y, q = [1, 0, 1], [0.5, 0.5, 0.5]
    with pytest.raises(ValueError, match=r"`slices` column 's' has shape \(2,\) and there are 3 rows"):
        evaluate(y, q, slices={"s": [1, 2]})
    with pytest.raises(ValueError, match="`slices` is list; it maps a column's name to one value a row"):
        evaluate(y, q, slices=[1, 2, 3])
    with pytest.raises(ValueError, match="`slices` has the column '1' twice"):
        evaluate(y, q, slices={1: [1, 2, 3], "1": [1, 2, 3]})
    with pytest.raises(ValueError, match="`slices` column 'id' has more than 1,000 values"):
        evaluate([1] * 1001, [0.5] * 1001, slices={"id": range(1001)})
    e = xent.Evaluator().update([1] * 600, [0.5] * 600, slices={"id": range(600)})
    with pytest.raises(ValueError, match="`slices` column 'id' has more than 1,000 values"):
        e.update([1] * 600, [0.5] * 600, slices={"id": range(500, 1100)})
    assert e.update([1] * 600, [0.5] * 600, slices={"id": range(400, 1000)}).result().n == 1200
