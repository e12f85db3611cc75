"""The loss alone: the bits of the whole evaluation, and nothing of what it leaves out."""

import json
import math
import pickle

import numpy as np
import pytest

import xent
from xent.evaluation import Evaluator, LossOnly

SHARED = ("n", "classes", "unit", "cross_entropy", "finite_cross_entropy", "clipped", "uncertainty", "skill", "audit")
KINDS = ("plain", "weight", "cluster", "both")


def options(kind, n):
    rng = np.random.default_rng(5)
    weight, cluster = rng.choice([0.0, 1.0, 2.5, 0.3], n), rng.integers(0, n // 5, n)
    every = {"plain": {}, "weight": {"weight": weight}, "cluster": {"cluster": cluster}}
    return every.get(kind, {"weight": weight, "cluster": cluster})


def cut(options, index):
    return {name: values[index] for name, values in options.items()}


def agree(loss, whole):
    found, expected = json.loads(loss.to_json()), json.loads(whole.to_json())
    assert {name: found[name] for name in (*SHARED, "clusters")} == {
        name: expected[name] for name in (*SHARED, "clusters")
    }
    assert (loss.also.accuracy, loss.also.brier) == (whole.also.accuracy, whole.also.brier)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["probs", "logits", "one column", "soft", "float32"])
def test_the_bits_of_the_whole_evaluation(binary, several, kind, form):
    y, z, p = several(400, 4, seed=2)
    if form == "one column":
        y, _, p = binary(400)
    given = {"logits": xent.Logits(z), "float32": p.astype(np.float32)}.get(form, p)
    labels = p[::-1].copy() if form == "soft" else y
    more = options(kind, 400)
    agree(LossOnly().update(labels, given, **more).result(), Evaluator().update(labels, given, **more).result())


@pytest.mark.parametrize("kind", KINDS)
def test_batches_merges_and_pickles_change_nothing(several, kind):
    y, _, p = several(500, 3, seed=4)
    p[::50, :2] += 1e-4  # off 1, and used as given
    more = options(kind, 500)
    whole = LossOnly(unit="bits").update(y, p, **more)
    parts = [
        LossOnly(unit="bits").update(y[i], p[i], **cut(more, i))
        for i in np.array_split(np.random.default_rng(0).permutation(500), 7)
    ]
    merged = LossOnly(unit="bits")
    for part in parts[::-1]:
        merged.merge(pickle.loads(pickle.dumps(part)))
    assert merged.result().to_json() == whole.result().to_json()
    assert merged.result().audit.unnormalized_rows > 0


def test_rows_ruled_out_are_counted_and_named():
    y = [0, 1, 1, 0, 1, 2]
    q = np.array(
        [[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.3, 0.5], [0, 0.4, 0.6], [1e-9, 1 - 1e-9, 0], [1e-8, 1 - 2e-8, 1e-8]]
    )
    more = {"weight": [1, 2, 1, 0.5, 1, 3], "id": list("abcdef")}
    loss, whole = LossOnly().update(y, q, **more).result(), Evaluator().update(y, q, **more).result()
    agree(loss, whole)
    assert math.isinf(loss.cross_entropy.value)
    assert loss.audit.zero_probability_rows == 2
    assert loss.worst_rows == tuple(row for row in whole.worst_rows if math.isinf(row.loss))


def test_the_rest_is_left_out_and_never_a_wrong_number(several):
    y, _, p = several(100, 3)
    found = LossOnly().update(y, p, slices={"site": ["a", "b"] * 50}).result()
    assert (found.per_class, found.confusions, found.slices, found.loss_histogram, found.worst_rows) == ((),) * 5
    assert math.isnan(found.also.ece)
    assert math.isnan(found.also.auc)
    assert math.isnan(found.recalibration.gain.value)
    assert found.isotonic is None


def test_a_refused_batch_changes_nothing(several):
    y, _, p = several(60, 3)
    state = LossOnly().update(y, p)
    before = state.result().to_json()
    with pytest.raises(ValueError, match="sums to"):
        state.update(y, p * 0.9)
    with pytest.raises(ValueError, match="weight"):
        state.update(y, p, weight=-np.ones(60))
    assert state.result().to_json() == before


def test_without_a_row_there_is_no_loss():
    with pytest.raises(ValueError, match="no row"):
        LossOnly().result()
