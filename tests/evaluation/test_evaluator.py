"""Rows in batches: the bits of `evaluate`, whatever the order, the batches, the merges and the pickling in between."""

import json
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xent
from xent.evaluation import Evaluator, evaluate


def without_rows(e):
    fields = json.loads(e.to_json())
    for worst in fields["worst_rows"]:
        del worst["row"]
    return fields


def taken(options, index):
    """The options of some rows."""
    return {
        name: {column: np.asarray(values)[index] for column, values in option.items()}
        if isinstance(option, dict)
        else np.asarray(option)[index]
        for name, option in options.items()
    }


def in_batches(y, q, batches, options, form=xent.Probs, **settings_):
    """One evaluator a batch, merged as a random tree, pickled on the way."""
    rng = np.random.default_rng(len(batches))
    parts = [
        Evaluator(**settings_).update(y[index], form(q[index]), **taken(options, index))
        for index in batches
        if len(index)
    ]
    while len(parts) > 1:
        i, j = rng.choice(len(parts), 2, replace=False)
        merged = pickle.loads(pickle.dumps(parts[i])).merge(parts[j])
        parts = [*(p for n, p in enumerate(parts) if n not in (i, j)), merged]
    return parts[0]


OPTIONS = ["plain", "weight", "cluster", "slices", "all"]


def options(kind, n, seed=0):
    rng = np.random.default_rng(seed)
    every = {
        "weight": rng.choice([0.0, 1.0, 2.5, 0.3], n),
        "cluster": rng.integers(0, max(2, n // 5), n),
        "slices": {"site": rng.choice(["a", "b"], n), "year": rng.integers(2000, 2003, n)},
    }
    return {} if kind == "plain" else every if kind == "all" else {kind: every[kind]}


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("parts", [1, 2, 9, 120])
def test_any_batches_and_merges(several, kind, k, parts):
    y, _, q = several(120, k=k)
    given = options(kind, 120)
    batches = np.array_split(np.random.default_rng(parts).permutation(120), parts)
    assert without_rows(in_batches(y, q, batches, given).result()) == without_rows(evaluate(y, q, **given))


@pytest.mark.parametrize("form", [xent.LogProbs, xent.Logits])
def test_any_form(several, form):
    y, z, q = several(100, k=3)
    values = z if form is xent.Logits else np.log(q)
    batches = np.array_split(np.random.default_rng(1).permutation(100), 7)
    assert without_rows(in_batches(y, values, batches, {}, form).result()) == without_rows(evaluate(y, form(values)))
    one = values[:, 1] - values[:, 0] if form is xent.Logits else np.minimum(values[:, 1], -1e-9)
    y = np.minimum(y, 1)
    assert without_rows(in_batches(y, one, batches, {}, form).result()) == without_rows(evaluate(y, form(one)))


def test_soft_labels_beside_hard_ones(several):
    y, _, q = several(90, k=3)
    soft = np.eye(3)[y]
    soft[50:] = np.random.default_rng(0).dirichlet([1.0] * 3, 40)
    e = Evaluator().update(y[:50], q[:50]).update(soft[50:], q[50:])
    other = Evaluator().update(soft[50:], q[50:]).merge(Evaluator().update(y[:50], q[:50]))
    assert without_rows(e.result()) == without_rows(other.result()) == without_rows(evaluate(soft, q))


# Few distinct values, so that ties and copies are common.
row = st.tuples(
    st.integers(0, 2),
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.25]), min_size=3, max_size=3).filter(any),
    st.sampled_from([0.0, 1.0, 0.5, 3.0]),
    st.sampled_from(["a", "b", 1, (2, 3)]),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=30), data=st.data(), weighted=st.booleans(), clustered=st.booleans())
def test_any_split_of_rows_with_ties(rows, data, weighted, clustered):
    def arguments(some):
        y, odds, w, g = zip(*some, strict=True)
        q = np.array(odds) / np.sum(odds, axis=1, keepdims=True)
        return (y, q), {"weight": w if weighted else None, "cluster": g if clustered else None}

    weighted = weighted and any(r[2] for r in rows)
    args, given_ = arguments(rows)
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    e = Evaluator()
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        if start < end:
            some, options_ = arguments(shuffled[start:end])
            e = e.merge(Evaluator().update(*some, **options_)) if start % 2 else e.update(*some, **options_)
    assert without_rows(e.result()) == without_rows(evaluate(*args, **given_))


@pytest.mark.parametrize("factor", [2.0, 1024.0, 2.0**-900, 2.0**900])
def test_a_common_factor_of_the_weights(several, factor):
    y, _, q = several(100)
    w = np.random.default_rng(0).exponential(size=100)
    batches = np.array_split(np.arange(100), 4)
    plain = in_batches(y, q, batches, {"weight": w}).result()
    assert in_batches(y, q, batches, {"weight": w * factor}).result().to_json() == plain.to_json()


def test_equal_weights_are_none(several):
    y, _, q = several(100)
    plain = evaluate(y, q).to_json()
    halves = [np.arange(50), np.arange(50, 100)]
    assert without_rows(in_batches(y, q, halves, {"weight": np.full(100, 7.3)}).result()) == without_rows(
        evaluate(y, q)
    )
    e = Evaluator().update(y[:50], q[:50]).update(y[50:], q[50:], weight=np.ones(50)).result()
    assert without_rows(e) == without_rows(evaluate(y, q))
    uneven = Evaluator().update(y[:50], q[:50]).update(y[50:], q[50:], weight=np.full(50, 3)).result()
    assert without_rows(uneven) == without_rows(evaluate(y, q, weight=[1] * 50 + [3] * 50))
    assert evaluate(y, q).to_json() == plain


def test_a_batch_of_weight_zero_is_as_if_left_out(several):
    y, _, q = several(60)
    w = np.r_[np.zeros(20), np.ones(40)]
    e = Evaluator().update(y[:20], q[:20], weight=w[:20]).update(y[20:], q[20:])
    assert without_rows(e.result()) == without_rows(evaluate(y, q, weight=w))
    with pytest.raises(ValueError, match="`weight` is 0 in every row so far"):
        Evaluator().update(y, q, weight=np.zeros(60)).result()


def test_list_and_wide_columns(several):
    y, _, q = several(60)
    wide = np.asfortranarray(np.c_[q, q])[:, :5]
    e, other = Evaluator().update(y, q.tolist()), Evaluator().update(y.tolist(), wide)
    assert e.result().to_json() == other.result().to_json()


def test_clusters_go_on_in_other_batches(binary):
    y, _, q = binary(200)
    g = np.random.default_rng(0).integers(0, 17, 200)
    spelled = [g.astype(np.int8), g.tolist(), g.astype(np.float64), [np.int64(k) for k in g]]
    e = Evaluator()
    for i, labels in enumerate(spelled):
        part = slice(50 * i, 50 * i + 50)
        e.update(y[part], q[part], cluster=labels[part])
    assert without_rows(e.result()) == without_rows(evaluate(y, q, cluster=g))
    assert e.result().clusters == len(set(g.tolist()))


def test_an_empty_one_is_neutral(several):
    y, _, q = several(50)
    plain = Evaluator().update(y, q).result().to_json()
    assert Evaluator().merge(Evaluator().update(y, q)).result().to_json() == plain
    assert Evaluator().update(y, q).merge(Evaluator()).result().to_json() == plain
    assert Evaluator().merge(Evaluator()).merge(pickle.loads(pickle.dumps(Evaluator().update(y, q)))).result().n == 50
    with pytest.raises(ValueError, match="there is no row"):
        Evaluator().merge(Evaluator()).result()
    named = Evaluator().merge(Evaluator(classes=["a", "b", "c", "d", "e"]))
    assert named.update(y, q).result().classes == tuple("abcde")


def test_the_other_stays_as_it_is(several):
    y, _, q = several(60)
    parts = {"cluster": np.arange(60) // 3, "slices": {"s": ["a", "b"] * 30}}
    a, b = Evaluator().update(y, q, **parts), Evaluator().update(y, q, **parts)
    before = b.result().to_json()
    empty = Evaluator().merge(b)
    empty.update(y, q, **parts)
    a.merge(b).update(y, q, **parts)
    assert b.result().to_json() == before
    assert a.result().n == 180
    assert a.merge(a).result().n == 360


def test_arrays_may_change_afterwards(binary):
    y, _, q = binary(50)
    w = np.random.default_rng(0).exponential(size=50)
    plain = evaluate(y, q, weight=w)
    e = Evaluator().update(y, q, weight=w)
    y[:], q[:], w[:] = 0, 0.5, 1.0
    assert without_rows(e.result()) == without_rows(plain)


def test_results_any_number_of_times(several):
    y, _, q = several(90)
    e = Evaluator().update(y[:40], q[:40])
    first = e.result()
    assert e.result().to_json() == first.to_json()
    assert e.update(y[40:], q[40:]) is e
    assert without_rows(e.result()) == without_rows(evaluate(y, q))
    assert first.n == 40


def test_names_of_rows():
    e = Evaluator().update([1, 0], [0.2, 0.3], id=["a", "b"]).update([1], [0.1], id=[7]).update([1], [0.5])
    assert [r.row for r in e.result().worst_rows] == [7, "a", None, "b"]
    assert [r.row for r in Evaluator().update([1, 0], [0.2, 0.3]).result().worst_rows] == [None, None]


def test_unit_and_seed(binary):
    y, _, q = binary(100)
    e = Evaluator(unit="bits", seed=3).update(y, q).result()
    assert without_rows(e) == without_rows(evaluate(y, q, unit="bits", seed=3))


SOME = ([1, 0, 1], [0.2, 0.7, 0.4])
REFUSED = [
    (([1, 0], [[0.2, 0.3, 0.5]] * 2), {}, "there are 3 classes, and before there were 2"),
    (([1, 0], xent.Logits([0.2, 0.3])), {}, "`q` holds logits of class 1, and before it held probabilities of class 1"),
    (([1, 0], [[0.2, 0.8]] * 2), {}, "`q` holds probabilities, and before it held probabilities of class 1"),
    (([1, 0], [0.2, 0.3]), {"cluster": [1, 2]}, "`cluster` is given, and before it was missing"),
    (([1, 0], [0.2, 0.3]), {"slices": {"s": [1, 2]}}, "`slices` has the columns ['s'] and before it had []"),
    (([1, 0], [0.2, math.nan]), {}, "`q` row 1 is nan"),
    (([1, 2], [0.2, 0.3]), {}, "`y` row 1 is 2"),
    (([1, 0], [0.2, 0.3]), {"weight": [1, -1]}, "`weight` row 1 is -1"),
    (([1, 0], [0.2, 0.3]), {"id": [1]}, "`id` has shape (1,)"),
    (([], np.zeros(0)), {}, "`q` has no row"),
]


@pytest.mark.parametrize(("rows", "given_", "message"), REFUSED)
def test_a_refused_batch_changes_nothing(rows, given_, message):
    e = Evaluator().update(*SOME)
    before = pickle.dumps(e)
    with pytest.raises(ValueError, match=re.escape(message)):
        e.update(*rows, **given_)
    assert pickle.dumps(e) == before


def test_evaluators_that_do_not_go_together():
    def refused(message, a, b):
        before = pickle.dumps(a)
        with pytest.raises(ValueError, match=re.escape(message)):
            a.merge(b)
        assert pickle.dumps(a) == before

    e = Evaluator().update(*SOME)
    refused("one evaluator has the unit 'nats', the other 'bits'", e, Evaluator(unit="bits").update(*SOME))
    refused("one evaluator has the seed 0, the other 1", e, Evaluator(seed=1))
    refused("class 0 is 'a', and before it was '0'", e, Evaluator(classes=["a", "b"]))
    refused("class 0 is '0', and before it was 'a'", Evaluator(classes=["a", "b"]), e)
    refused("there are 3 classes, and before there were 2", e, Evaluator().update([2], [[0.2, 0.3, 0.5]]))
    refused("`cluster` is given, and before it was missing", e, Evaluator().update(*SOME, cluster=[1, 2, 2]))
    refused("`cluster` is missing, and before it was given", Evaluator().update(*SOME, cluster=[1, 2, 2]), e)
    refused("`slices` has the columns ['s']", e, Evaluator().update(*SOME, slices={"s": [1, 2, 2]}))
    refused("`q` holds logits of class 1", e, Evaluator().update([1], xent.Logits([0.5])))
    refused("`other` is int; only an Evaluator can be merged", e, 3)


def test_settings_are_checked_at_once():
    with pytest.raises(ValueError, match="`unit` is 'nat'"):
        Evaluator(unit="nat")
    with pytest.raises(ValueError, match="`classes` has 'a' twice"):
        Evaluator(classes=["a", "a"])
    with pytest.raises(TypeError):
        Evaluator(seed="a")
    assert Evaluator(classes=["cat", "dog"]).update(["dog", "cat"], [0.5, 0.5]).result().classes == ("cat", "dog")
