"""What an Evaluator keeps: the rows while they are few, equal rows as one, then a grid; decided by the data alone."""

import json
import pickle

import numpy as np
import pytest

import xent
from xent.evaluation import Evaluator, _held, evaluate


def without_rows(e):
    fields = json.loads(e.to_json())
    for worst in fields["worst_rows"]:
        del worst["row"]
    return fields


SUMS = [
    *("n", "classes", "cross_entropy", "finite_cross_entropy", "clipped", "uncertainty", "skill", "audit"),
    *("clusters", "confusions", "slices", "loss_histogram", "worst_rows"),
]


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(_held, "MOST_ROWS", 100)


def batches(arrays, parts, seed=0):
    n = len(arrays[0])
    for index in np.array_split(np.random.default_rng(seed).permutation(n), parts):
        yield [a[index] for a in arrays]


def fed(arrays, parts, seed=0, names=("y", "q")):
    e = Evaluator()
    for some in batches(arrays, parts, seed):
        y, q, *rest = some
        e.update(y, q, **dict(zip(names[2:], rest, strict=True)))
    return e


def merged(arrays, parts, seed=0, names=("y", "q")):
    e = Evaluator()
    for i, some in enumerate(batches(arrays, parts, seed)):
        y, q, *rest = some
        one = Evaluator().update(y, q, **dict(zip(names[2:], rest, strict=True)))
        e = pickle.loads(pickle.dumps(e.merge(one) if i % 2 else one.merge(e)))
    return e


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("extra", [(), ("weight",)])
def test_equal_rows_are_one(several, k, extra):
    """Many rows of which few differ: as exact as `evaluate`, and the same however they came."""
    rng = np.random.default_rng(0)
    y, _, q = several(60, k=k)
    pick = rng.integers(0, 60, 900)
    arrays = [y[pick], q[pick], *([rng.choice([0.5, 3.0], 60)[pick]] if extra else [])]
    results = [way(arrays, parts, parts, ("y", "q", *extra)) for way in (fed, merged) for parts in (1, 3, 50)]
    assert all(e._held.grids is None for e in results)
    found = [without_rows(e.result()) for e in results]
    assert all(other == found[0] for other in found)
    whole = evaluate(*arrays[:2], **dict(zip(extra, arrays[2:], strict=True)))
    exact = without_rows(whole)
    assert {f: found[0][f] for f in SUMS} == {f: exact[f] for f in SUMS}
    e = results[0].result()
    assert e.recalibration.parameters == pytest.approx(whole.recalibration.parameters, rel=1e-9)
    assert e.miscalibration == pytest.approx(whole.miscalibration, abs=1e-12)
    assert e.recalibration.gain.value == pytest.approx(whole.recalibration.gain.value, abs=1e-9)
    assert e.tail_share == pytest.approx(whole.tail_share, rel=1e-12)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("extra", [(), ("weight",), ("cluster",), ("weight", "cluster")])
def test_beyond_memory_rows_go_into_a_grid(several, k, extra):
    y, _, q = several(800, k=k)
    rng = np.random.default_rng(1)
    every = {"weight": rng.exponential(size=800), "cluster": rng.integers(0, 70, 800)}
    arrays, names = [y, q, *(every[name] for name in extra)], ("y", "q", *extra)
    results = [way(arrays, parts, parts, names) for way in (fed, merged) for parts in (1, 3, 40)]
    found = [without_rows(e.result()) for e in results]
    assert all(e._held.grids is not None for e in results)
    for other in found:
        assert {f: v for f, v in other.items() if v != found[0][f]} == {}
    whole = evaluate(y, q, **{name: every[name] for name in extra})
    exact = without_rows(whole)
    assert {f: found[0][f] for f in SUMS} == {f: exact[f] for f in SUMS}
    e = results[0].result()
    assert e.miscalibration == pytest.approx(whole.miscalibration, abs=1e-5)
    assert results[0].result().to_json() == e.to_json()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("factor", [2.0, 1024.0])
def test_a_common_factor_of_the_weights(several, factor):
    y, _, q = several(500, k=3)
    w = np.random.default_rng(0).exponential(size=500)
    names = ("y", "q", "weight")
    plain = fed([y, q, w], 7, 0, names).result()
    assert without_rows(fed([y, q, w * factor], 7, 0, names).result()) == without_rows(plain)


@pytest.mark.usefixtures("few")
def test_at_the_border(several):
    """One row more than are kept, in any batches: the same."""
    for n in (100, 101, 200, 201):
        y, _, q = several(n, k=3)
        found = [way([y, q], parts, parts) for way in (fed, merged) for parts in (1, 2, n)]
        results = [without_rows(e.result()) for e in found]
        assert all(other == results[0] for other in results)
        assert all((e._held.grids is None) == (n <= 100) for e in found)


@pytest.mark.usefixtures("few")
def test_memory_does_not_grow_with_rows(several):
    """Grids have an end; what is on top of them is a few numbers a cluster."""
    y, _, q = several(80_000, k=3)
    sizes, clustered = [], []
    for n in (40_000, 80_000):
        sizes.append(len(pickle.dumps(fed([y[:n], q[:n]], 10))))
        clustered.append(len(pickle.dumps(fed([y[:n], q[:n], np.arange(n) % 50], 10, 0, ("y", "q", "cluster")))))
    assert sizes[1] < 1.2 * sizes[0]
    assert clustered[1] < 1.2 * clustered[0]


def test_the_sums_do_not_grow_with_rows(several):
    y, _, q = several(40_000, k=3)
    slices = {"s": np.array(["a", "b"] * 20_000)}
    small, large = (Evaluator().update(y[:n], q[:n], slices={"s": slices["s"][:n]}) for n in (4000, 40_000))
    assert len(pickle.dumps(large._tally)) < 1.1 * len(pickle.dumps(small._tally)) < 100_000


def test_few_rows_are_as_in_evaluate(binary):
    y, x, _ = binary(3000)
    e = Evaluator()
    for some in batches([y, x], 30):
        e.update(some[0], xent.Logits(some[1]))
    assert e._held.grids is None
    assert without_rows(e.result()) == without_rows(evaluate(y, xent.Logits(x)))
