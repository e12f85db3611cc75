"""A row that stands for several is as good as those several, to the bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xent.evaluation._calibration import calibrate
from xent.evaluation._class_grids import ClassGrids
from xent.evaluation._exact import copies_total, total
from xent.evaluation._folds import copies_in_folds, folds
from xent.evaluation._losses import row_losses
from xent.evaluation._rows import read_rows
from xent.evaluation._tables import mean_or_inf


def rows_of(y, q, w, times):
    """The same rows: counted, and side by side in another order."""
    merged = read_rows(y, q, None, w, None)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(times)), times))
    apart = read_rows(y[order], q[order], None, None if w is None else w[order], None)
    return replace(merged, count=np.array(times, dtype=np.int64)), apart, order


def calibrated(rows, seed=0):
    with np.errstate(all="ignore"):
        losses = row_losses(rows)
        if rows.count is None:
            loss = mean_or_inf(losses, rows)
        else:
            whole = replace(rows, weight=np.repeat(rows.weights(), rows.count), position=np.arange(rows.count.sum()))
            loss = mean_or_inf(np.repeat(losses, rows.count), whole)
        c = calibrate(rows, losses, loss, seed)
    return repr(replace(c, mended=replace(c.mended, fall=None)))


some_rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.5]), min_size=3, max_size=3).filter(any),
        st.sampled_from([1.0, 0.3, 2.0]),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(some_rows, st.booleans(), st.booleans())
def test_counted_rows_are_as_rows_side_by_side(rows, weighted, two):
    y, odds, w, times = (list(column) for column in zip(*rows, strict=True))
    y, odds = np.array(y), np.array(odds)
    if two:
        y, odds = y % 2, odds[:, :2] + 0.5
    q = odds / odds.sum(axis=1, keepdims=True)
    counted, apart, _ = rows_of(y, q, np.array(w) if weighted else None, times)
    if (counted.weight is None) == (apart.weight is None):
        assert calibrated(counted) == calibrated(apart)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 4])
def test_many_counted_rows(several, k, weighted):
    y, _, q = several(150, k=k)
    rng = np.random.default_rng(1)
    w = rng.exponential(size=150) if weighted else None
    counted, apart, _ = rows_of(y, q, w, rng.integers(1, 12, 150))
    assert calibrated(counted) == calibrated(apart)


def test_soft_labels_with_counts(several):
    _, _, q = several(80, k=3)
    rng = np.random.default_rng(1)
    counted, apart, _ = rows_of(rng.dirichlet([1] * 3, 80), q, None, rng.integers(1, 4, 80))
    assert calibrated(counted) == calibrated(apart)


def test_copies_are_dealt_as_rows(several):
    y, _, q = several(40, k=3)
    times = np.random.default_rng(0).integers(1, 30, 40)
    counted, apart, order = rows_of(y, q, None, times)
    dealt = copies_in_folds(counted, 7)
    fold = folds(apart, 7)
    assert dealt.sum(axis=0).tolist() == times.tolist()
    seen = np.array([np.bincount(order[fold == f], minlength=40) for f in range(5)])
    assert (dealt == seen).all()
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("copies", [100, 20_000])
def test_copies_fall_into_folds_by_chance(copies):
    """Dealt evenly, each fold would be a likeness of the others, and a map would seem to gain."""
    y, q = np.array([0, 1, 0, 1]), np.array([0.2, 0.2, 0.6, 0.6])
    counted, apart, order = rows_of(y, q, None, [copies] * 4)
    found = []
    for seed in range(150):
        dealt = copies_in_folds(counted, seed)
        fold = folds(apart, seed)
        assert (dealt == [np.bincount(order[fold == f], minlength=4) for f in range(5)]).all()
        assert (dealt.sum(axis=0) == copies).all()
        found.append(dealt)
    spread = np.var(np.array(found, dtype=float) - copies / 5)
    # Of few rows the folds are equally large: then the four kinds share their places.
    expected = copies * 0.16 * (0.75 if 4 * copies < 2**16 else 1.0)
    assert spread == pytest.approx(expected, rel=0.12)


def test_copies_total_is_exact():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500)
    copies = rng.integers(0, 40, 500)
    assert copies_total(x, copies) == total(np.repeat(x, copies))
    assert copies_total(x, copies * 2**33 + 1) == total(np.repeat(x, copies)) * 2**33 + total(x)


def test_class_grids_count_copies(several):
    y, _, q = several(60, k=4)
    counted, apart, _ = rows_of(y, q, np.random.default_rng(0).exponential(size=60), [3] * 60)
    a, b = ClassGrids.of(counted), ClassGrids.of(apart)
    assert (a.rows == b.rows).all()
    assert (a.place == b.place).all()
    assert repr(a.table(2)) == repr(b.table(2))


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 3])
def test_calibration_in_any_order(several, k, weighted, clustered):
    y, _, q = several(240, k=k)
    q = q.round(2) + 0.01
    q /= q.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(3)
    w = rng.choice([0.3, 1.0, 7.0], 240) if weighted else None
    g = rng.integers(0, 60, 240) if clustered else None

    def of(order):
        options = (None if w is None else w[order], None if g is None else g[order])
        return calibrated(read_rows(y[order], q[order], None, *options))

    assert of(np.arange(240)) == of(rng.permutation(240)) == of(np.arange(240)[::-1])
