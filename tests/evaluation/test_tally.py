"""The sums behind an evaluation: they merge exactly, in any order and shape, and what is too much is not kept."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xent
from xent.evaluation import _sums, evaluate
from xent.evaluation._exact import ONE
from xent.evaluation._losses import row_losses
from xent.evaluation._rows import read_rows
from xent.evaluation._tally import Tally
from xent.evaluation._worst import Naming


def tally(y, q, weight=None, cluster=None):
    rows = read_rows(y, q, None, weight, cluster)
    return Tally.of(rows, row_losses(rows), Naming(None, False), {})


def merged(*tallies):
    whole = copy.deepcopy(tallies[0])
    for other in tallies[1:]:
        before = pickle.dumps(other)
        whole.add(other)
        assert pickle.dumps(other) == before
    return whole


loss = st.sampled_from([0.0, 5e-324, 1e-300, 1e-17, 0.5, 1.0, 40.0, 700.0, 1e300])
weights = st.sampled_from([5e-324, 1e-200, 0.1, 1.0, 3.0, 1e200, 1.7e308])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(loss, weights, st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=12))
def test_sums_are_exact_over_the_whole_range(rows):
    """One chunk a row: every sum is that of fractions, whatever the size of losses and weights."""
    parts = []
    for size, w, g, y in rows:
        logits = [[0.0, 0.0]] if size == 0.5 else [[size, 0.0] if y == 1 else [0.0, size]]
        parts.append((tally([y], xent.Logits(logits), [w], [g]), w, g, y))
    losses = [
        Fraction(row_losses(read_rows([y], xent.Logits([[s, 0.0] if y == 1 else [0.0, s]]), None, None, None))[0])
        if s != 0.5
        else Fraction(math.log(2))
        for s, _, _, y in rows
    ]
    sums = merged(*(part[0] for part in parts)).sums
    for (part, w, _, y), nats in zip(parts, losses, strict=True):
        assert Fraction(part.sums.loss, ONE**2) == Fraction(w) * nats
        assert Fraction(part.sums.classes[y].mass, ONE**2) == Fraction(w)
    every = [(Fraction(w), nats, g) for (_, w, g, _), nats in zip(rows, losses, strict=True)]
    assert Fraction(sums.loss, ONE**2) == sum(w * nats for w, nats, _ in every)
    assert Fraction(sums.loss_loss, ONE**4) == sum((w * nats) ** 2 for w, nats, _ in every)
    assert Fraction(sums.loss_weight, ONE**3) == sum(w * w * nats for w, nats, _ in every)
    assert Fraction(sums.weight_weight, ONE**2) == sum(w * w for w, _, _ in every)
    _, zeros, _ = sums.clusters.zeros
    for g, one in sums.clusters.sums.items():
        assert Fraction(one.loss << zeros, ONE**2) == sum(w * nats for w, nats, h in every if h == g)


def test_soft_labels_of_many_classes_have_no_error_of_skill(several, monkeypatch):
    _, _, q = several(60, k=4)
    y = np.random.default_rng(0).dirichlet([1.0] * 4, size=60)
    plain = evaluate(y, q)
    monkeypatch.setattr(_sums, "MOST_SOFT_CLASSES", 3)
    e = evaluate(y, q)
    assert e.skill.value == plain.skill.value
    assert all(math.isnan(part) for part in (e.skill.se, e.skill.low, e.skill.high))
    assert e.cross_entropy == plain.cross_entropy
    clustered = evaluate(y, q, cluster=range(60)).skill
    assert clustered.se == pytest.approx(plain.skill.se, rel=1e-12)


def test_worst_rows_of_any_split(several):
    y, _, q = several(200)
    truth = [row.loss for row in evaluate(y, q).worst_rows]
    for parts in (2, 11, 200):
        pieces = [tally(y[i], q[i]) for i in np.array_split(np.arange(200), parts)]
        rng = np.random.default_rng(parts)
        assert [-row.gain for row in merged(*(pieces[i] for i in rng.permutation(parts))).worst] == truth
