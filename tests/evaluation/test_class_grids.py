"""Grids of classes: exact merging, and slopes and lines within their promise."""

import functools
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

import xent
from xent import _native, _native_evaluation
from xent.evaluation._class_grids import ClassGrids, _windows
from xent.evaluation._class_reliability import class_reliability, class_slopes
from xent.evaluation._isotonic import line_of, loss_of
from xent.evaluation._rows import read_rows
from xent.evaluation._table import binary_table


def results(grids):
    names = tuple(map(str, range(grids.k)))
    return repr((class_slopes(grids), class_reliability(grids, names, 0, clustered=False)))


@pytest.mark.parametrize("kind", ["plain", "weighted", "soft"])
def test_any_parts_in_any_order(several, kind):
    y, _, q = several(900, k=4)
    rng = np.random.default_rng(0)
    w = rng.exponential(size=900) * 2.0 ** rng.integers(-40, 40, 900) if kind == "weighted" else None
    w = None if w is None else np.where(np.arange(900) % 100 == 0, w.max(), w)
    y = rng.dirichlet([1.0] * 4, 900) if kind == "soft" else y

    def of(some):
        return ClassGrids.of(read_rows(y[some], q[some], None, None if w is None else w[some], None))

    whole = of(np.arange(900))
    parts = [of(some) for some in np.array_split(np.arange(900), 9)]

    def merged(order):
        grids = ClassGrids.empty(4)
        for i in order:
            grids.merge(parts[i])
        return grids

    assert results(merged(range(9))) == results(merged([8, 3, 1, 0, 2, 7, 5, 4, 6])) == results(whole)
    order = rng.permutation(900)
    assert results(of(order)) == results(whole)


def test_windows_hold_weights_exactly():
    rng = np.random.default_rng(0)
    w = rng.random(300) * 2.0 ** rng.integers(-1000, 0, 300)
    w[:3] = [5e-324, 1.0, 2.0**-1074 * 3]
    parts = list(_windows(w))
    assert all((part >= 0).all() and (part < 2**32).all() for _, part in parts)
    for i, value in enumerate(w.tolist()):
        numerator, denominator = value.as_integer_ratio()
        assert sum(int(part[i]) << (32 * j) for j, part in parts) * denominator == numerator << 1152


@pytest.mark.parametrize("weighted", [False, True])
def test_slopes_are_those_of_statsmodels(several, weighted):
    y, _, q = several(4000, k=3)
    w = np.random.default_rng(0).integers(1, 4, 4000) if weighted else None
    slopes = class_slopes(ClassGrids.of(read_rows(y, q, None, w, None)))
    for k, found in enumerate(slopes):
        x = np.log(q[:, k]) - np.log1p(-q[:, k])
        model = sm.GLM(y == k, sm.add_constant(x), family=sm.families.Binomial(), freq_weights=w).fit()
        assert found[::-1] == pytest.approx(tuple(model.params), abs=1e-4)


def test_lines_are_those_of_the_rows(several):
    y, _, q = several(5000, k=3)
    diagrams = class_reliability(ClassGrids.of(read_rows(y, q, None, None, None)), ("a", "b", "c"), 0, clustered=False)
    assert [d.kind for d in diagrams] == ["top_label", "class", "class", "class"]
    assert {d.name for d in diagrams[1:]} == {"a", "b", "c"}
    pairs = {"abc"[k]: (q[:, k], (y == k).astype(int)) for k in range(3)}
    pairs[""] = q.max(axis=1), (q.argmax(axis=1) == y).astype(int)
    for d in diagrams:
        table = binary_table(read_rows(pairs[d.name][1], pairs[d.name][0], None, None, None), 0)
        truth = loss_of(table) - line_of(table).loss
        assert d.miscalibration == pytest.approx(truth, abs=5e-4)
        assert d.density == pytest.approx((np.histogram(pairs[d.name][0], 20, (0, 1))[0] / 5000).tolist(), abs=2e-3)
    top = functools.partial(sorted, key=lambda k: -np.where(y == k, -np.log(q[:, k]), 0.0).sum())
    assert [d.name for d in diagrams[1:]] == ["abc"[k] for k in top(range(3))]


def test_extremes_have_places_of_their_own():
    q = np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1e-300, 1.0, 0.0]])
    grids = ClassGrids.of(read_rows([1, 0, 1], q, None, None, None))
    table = grids.table(1)
    assert table.forecast[0] == 0.0
    assert table.forecast[-1] == 1.0
    assert table.surprisal[1, 0] == np.inf
    assert table.forecast[1] == pytest.approx(1e-300, rel=0.2)
    far = ClassGrids.of(read_rows([1, 0], xent.Logits([[5e4, 0.0, 0.0], [0.0, 0.0, 1.0]]), None, None, None))
    assert np.isfinite(far.table(2).surprisal).all()


def test_clusters_leave_the_band_open(several):
    y, _, q = several(60, k=3)
    for d in class_reliability(ClassGrids.of(read_rows(y, q, None, None, None)), ("a", "b", "c"), 0, clustered=True):
        assert np.isnan([*d.low, *d.high, d.null_mean, d.p_value]).all()
        assert np.isfinite(d.frequency).all()


def test_beyond_a_thousand_classes_only_the_top_label(several):
    y, z, _ = several(4, k=1001)
    grids = ClassGrids.of(read_rows(y, xent.Logits(z), None, None, None))
    assert len(class_reliability(grids, tuple(map(str, range(1001))), 0, clustered=False)) == 1
    assert np.isnan(class_slopes(grids)).all()


compiled = pytest.mark.skipif(not _native_evaluation.grids(), reason="needs the compiled core")

KERNEL_CODE = """
import sys, zlib, numpy as np
import xent
from xent.evaluation._class_grids import ClassGrids
from xent.evaluation._rows import read_rows
r = np.random.default_rng(0)
for k, n, spread in ((3, 1301, 2.0), (10, 3001, 30.0), (37, 50, 90.0), (1100, 70, 3.0)):
    grids = ClassGrids.of(read_rows(r.integers(k, size=n), xent.Logits(r.normal(size=(n, k)) * spread), *[None] * 3))
    print(zlib.crc32(b"".join(x.tobytes() for x in (grids.rows, grids.place, *grids.happened.values()))))
"""


@compiled
def test_the_kernel_gives_one_answer_on_every_machine():
    def run(**more):
        code = [sys.executable, "-c", KERNEL_CODE]
        done = subprocess.run(code, env=os.environ | more, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    known = [{"XENT_ISA": isa, "XENT_NUM_THREADS": n} for isa in _native._core.runnable() for n in ("1", "3")]
    assert len({run(**more) for more in known}) == 1


@compiled
@pytest.mark.parametrize("kind", ["plain", "copies", "weighted", "soft"])
@pytest.mark.parametrize("k", [3, 20, 1100])
def test_the_kernel_counts_what_numpy_counts(k, kind, monkeypatch):
    rng = np.random.default_rng(k)
    n = 503
    q = rng.dirichlet([0.1] * k, n)
    q[0] = np.eye(k)[1]
    q[1] = [1.0 + 2.0**-52, *[0.0] * (k - 1)]
    y = rng.integers(k, size=n) if kind != "soft" else rng.dirichlet([1.0] * k, n)
    rows = read_rows(y, q, None, rng.random(n) if kind == "weighted" else None, None)
    if kind == "copies":
        rows = replace(rows, count=rng.integers(1, 9, n))
    fast = ClassGrids.of(rows)
    monkeypatch.setattr(_native_evaluation, "grids", lambda: False)
    slow = ClassGrids.of(rows)
    assert (fast.rows == slow.rows).all()
    # A place may differ in its last digit where the logarithms do.
    assert np.abs(fast.place - slow.place).sum() <= 2
    for mine, theirs in ((fast.every, slow.every), (fast.happened, slow.happened)):
        assert mine.keys() == theirs.keys()
        assert all((mine[j] == theirs[j]).all() for j in mine)


@pytest.mark.parametrize("p", [1.0 + 2.0**-52, 1.0, 0.0])
def test_what_is_sure_has_a_bin_of_its_own(p):
    grids = ClassGrids.of(read_rows([0, 1], [[p, 1.0 - min(p, 1.0), 0.0]] * 2, None, None, None))
    assert grids.rows[1][[0, -1]].tolist() == ([2, 0] if p == 0.0 else [0, 2])
    assert grids.rows[3][[0, -1]].tolist() == [2, 0]
