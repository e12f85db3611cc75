"""Neither the order of the rows, nor a common factor of the weights, nor the names of clusters change a digit."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xent
from xent.evaluation import evaluate


def without_rows(e):
    fields = json.loads(e.to_json())
    for worst in fields["worst_rows"]:
        del worst["row"]
    return fields


# Few distinct values, so that ties and copies are common.
row = st.tuples(
    st.integers(0, 2),
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.25]), min_size=3, max_size=3).filter(any),
    st.sampled_from([1.0, 0.5, 2.0]),
    st.integers(0, 5),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=40), data=st.data(), weighted=st.booleans(), clustered=st.booleans())
def test_any_order_of_rows(rows, data, weighted, clustered):
    def run(some):
        y, odds, w, g = zip(*some, strict=True)
        q = np.array(odds) / np.sum(odds, axis=1, keepdims=True)
        return without_rows(evaluate(y, q, weight=w if weighted else None, cluster=g if clustered else None))

    assert run(data.draw(st.permutations(rows))) == run(rows)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])), min_size=1, max_size=40),
    data=st.data(),
)
def test_any_order_of_binary_rows(rows, data):
    def run(some):
        y, q = zip(*some, strict=True)
        return without_rows(evaluate(y, q))

    assert run(data.draw(st.permutations(rows))) == run(rows)


@pytest.mark.parametrize("k", [2, 10, 33])
@pytest.mark.parametrize("n", [17, 5000, 16385 + 16384])
def test_order_across_blocks(several, n, k):
    y, z, _ = several(n, k=k)
    rng = np.random.default_rng(0)
    w, g = rng.exponential(size=n), rng.integers(0, n // 3, n)
    order = rng.permutation(n)
    a = evaluate(y, xent.Logits(z), weight=w, cluster=g)
    b = evaluate(y[order], xent.Logits(z[order]), weight=w[order], cluster=g[order])
    assert without_rows(a) == without_rows(b)
    assert {r.row for r in a.worst_rows} == {int(order[r.row]) for r in b.worst_rows}


def test_layout_of_the_arrays(several):
    y, _, q = several(500, k=10)
    wide = np.zeros((1000, 20))
    wide[::2, ::2] = q
    same = [q, np.asfortranarray(q), wide[::2, ::2], q.tolist(), q.astype(">f8")]
    assert len({evaluate(labels, given).to_json() for given in same for labels in (y, y.tolist(), y * 1.0)}) == 1


def test_a_common_factor_of_the_weights(several):
    y, _, q = several(200)
    w = np.random.default_rng(0).exponential(size=200)
    a = evaluate(y, q, weight=w)
    for factor in (2.0**-900, 2.0**900):
        assert evaluate(y, q, weight=w * factor).to_json() == a.to_json()
    b = evaluate(y, q, weight=w * 3)
    assert b.cross_entropy.value == pytest.approx(a.cross_entropy.value, rel=1e-14)
    assert b.recalibration.gain.value == pytest.approx(a.recalibration.gain.value, rel=1e-10)
    # Other last bits of what is pooled choose no other draws.
    for one, other in zip(a.reliability, b.reliability, strict=True):
        assert (other.p_value, other.null_mean) == pytest.approx((one.p_value, one.null_mean), rel=1e-9)
    assert evaluate(y, q, weight=np.full(200, 7)).to_json() == evaluate(y, q).to_json()


def test_rows_of_weight_zero_are_as_if_left_out(several):
    y, _, q = several(200)
    w = np.random.default_rng(0).exponential(size=200)
    w[::3] = 0
    keep = w > 0
    a, b = evaluate(y, q, weight=w), evaluate(y[keep], q[keep], weight=w[keep])
    place = np.flatnonzero(keep)
    assert a.n == b.n
    assert [r.row for r in a.worst_rows] == [int(place[r.row]) for r in b.worst_rows]
    assert (a.audit.rows, a.audit.dropped) == (200, 67)
    fields, others = without_rows(a), without_rows(b)
    del fields["audit"], others["audit"]
    assert fields == others


def test_nothing_is_asked_of_rows_of_weight_zero(several):
    y, _, q = several(50)
    q[3], y[4] = np.nan, 99
    w = np.ones(50)
    w[3:5] = 0
    assert evaluate(y, q, weight=w).n == 48


def test_names_of_clusters(several):
    y, _, q = several(120)
    g = np.random.default_rng(1).integers(0, 30, 120)
    texts = [f"patient {k * 7919 % 31}" for k in g]
    pairs = [(k % 5, k // 5) for k in g.tolist()]
    same = [g, g.astype(float), texts, np.array(texts), pairs, [frozenset([k]) for k in g.tolist()]]
    assert len({evaluate(y, q, cluster=names).to_json() for names in same}) == 1


def test_each_row_its_own_cluster(several):
    y, _, q = several(120)
    a, b = evaluate(y, q), evaluate(y, q, cluster=range(120))
    assert a.cross_entropy == b.cross_entropy
    assert a.recalibration.gain.value == pytest.approx(b.recalibration.gain.value, abs=a.recalibration.gain.se)
    assert a.recalibration.parameters == b.recalibration.parameters


def test_seed_chooses_the_folds_only(binary):
    y, _, q = binary(100)
    a, b = evaluate(y, q, seed=0), evaluate(y, q, seed=-1)
    assert a.recalibration.gain != b.recalibration.gain
    assert a.recalibration.parameters == b.recalibration.parameters
    assert a.recalibration.p_value == b.recalibration.p_value
    assert evaluate(y, q, seed=0).to_json() == a.to_json()


@pytest.mark.parametrize(("n", "k"), [(1, 3), (3, 33_000)])
def test_more_classes_than_fit_a_block(several, n, k):
    y, z, _ = several(n, k=k)
    order = np.arange(n)[::-1]
    a, b = evaluate(y, xent.Logits(z)), evaluate(y[order], xent.Logits(z[order]))
    assert without_rows(a) == without_rows(b)


def test_rows_of_one_loss_and_one_class_go_by_their_probability():
    """Neighbouring doubles may have one logarithm: what the table shows of them does not depend on their order."""
    one = 1e-5
    other = float(np.nextafter(one, 1))
    assert np.log(one) == np.log(other)
    orders = ([one] * 11 + [other] * 11, [other] * 11 + [one] * 11)
    shown = [[row.probability for row in evaluate([1] * 22, q).worst_rows] for q in orders]
    assert shown[0] == shown[1]
