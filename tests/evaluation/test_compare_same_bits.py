"""A comparison does not depend on the order of the rows, and swapping the models negates it to the bit."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xent
from xent.evaluation import compare


def without_rows(c):
    """What is compared here; the worst rows of each model alone are a matter of `evaluate`."""
    fields = json.loads(c.to_json())
    del fields["a"]["worst_rows"], fields["b"]["worst_rows"]
    for row in fields["movers"]:
        del row["row"]
    return fields


odds = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.25]), min_size=3, max_size=3).filter(any)
row = st.tuples(st.integers(0, 2), odds, odds, st.sampled_from([1.0, 0.5, 2.0]), st.integers(0, 5))


def run(some, weighted, clustered, **options):
    y, a, b, w, g = zip(*some, strict=True)
    q_a, q_b = (np.array(o) / np.sum(o, axis=1, keepdims=True) for o in (a, b))
    return compare(y, q_a, q_b, weight=w if weighted else None, cluster=g if clustered else None, **options)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=40), data=st.data(), weighted=st.booleans(), clustered=st.booleans())
def test_any_order_of_rows(rows, data, weighted, clustered):
    again = run(data.draw(st.permutations(rows)), weighted, clustered)
    assert without_rows(again) == without_rows(run(rows, weighted, clustered))


@pytest.mark.parametrize("clustered", [False, True])
def test_rows_that_are_equal_for_one_model_only(binary, clustered):
    y, _, q = binary(300)
    rough = np.where(q < 0.5, 0.2, 0.8)
    cluster = np.arange(300) // 2 if clustered else None
    if clustered:
        y, rough = np.repeat(y[::2], 2), np.repeat(rough[::2], 2)
    whole = compare(y, rough, q, cluster=cluster)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(300)
        again = compare(y[order], rough[order], q[order], cluster=cluster[order] if clustered else None)
        assert without_rows(again) == without_rows(whole)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=40), weighted=st.booleans(), clustered=st.booleans())
def test_swapping_negates(rows, weighted, clustered):
    c = run(rows, weighted, clustered)
    d = run([(y, b, a, w, g) for y, a, b, w, g in rows], weighted, clustered)
    for one, other in ((c.difference, d.difference), (c.recalibrated_difference, d.recalibrated_difference)):
        assert repr(one.value + 0.0) == repr(-other.value + 0.0)
        assert repr(one.se) == repr(other.se)
        assert repr(one.low + 0.0) == repr(-other.high + 0.0)
    assert repr(c.correlation) == repr(d.correlation)
    assert repr(c.unpaired_se) == repr(d.unpaired_se)
    assert c.wins == d.wins[::-1]
    assert repr(c.averaging.cross_entropy) == repr(d.averaging.cross_entropy)
    assert repr(c.averaging.gain.value) == repr(d.averaging.gain.value)
    assert c.a.to_json() == d.b.to_json()


@pytest.mark.parametrize("n", [5000, 16385])
def test_order_across_blocks(several, n):
    y, z, _ = several(n, k=4)
    rng = np.random.default_rng(0)
    other, w, g = z + rng.normal(size=z.shape), rng.exponential(size=n), rng.integers(0, n // 3, n)
    order = rng.permutation(n)
    a = compare(y, xent.Logits(z), xent.Logits(other), weight=w, cluster=g)
    b = compare(y[order], xent.Logits(z[order]), xent.Logits(other[order]), weight=w[order], cluster=g[order])
    assert without_rows(a) == without_rows(b)
    assert [m.row for m in a.movers] == [int(order[m.row]) for m in b.movers]


def test_layout_of_the_arrays(several):
    y, _, q = several(300, k=4)
    wide = np.zeros((600, 8))
    wide[::2, ::2] = q
    other = q[:, ::-1].copy()
    same = [q, np.asfortranarray(q), wide[::2, ::2], q.tolist(), q.astype(">f8")]
    assert len({compare(labels, given, other).to_json() for given in same for labels in (y, y.tolist())}) == 1


def test_threads_and_hash_seed():
    code = (
        "import numpy as np, xent; r = np.random.default_rng(0); z = r.normal(size=(5000, 5));"
        "y = r.integers(0, 5, 5000);"
        "g = [f'g{k}' for k in r.integers(0, 900, 5000)];"
        "print(xent.compare(y, xent.Logits(z), xent.Logits(z[:, ::-1] * 2), cluster=g).to_json())"
    )
    source = str(Path(xent.__file__).parents[1])

    def run_with(seed, threads):
        environment = {"PYTHONPATH": source, "PYTHONHASHSEED": seed, "XENT_NUM_THREADS": threads}
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        ).stdout

    assert run_with("0", "1") == run_with("7", "2")
