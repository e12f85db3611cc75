"""The grid beyond memory against the exact calibration of the same rows, and its bits in any order."""

import math
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import xent
from xent import _native, _native_evaluation
from xent.evaluation._calibration import calibrate
from xent.evaluation._grid_clusters import cluster_keys
from xent.evaluation._grid_nodes import node_sums
from xent.evaluation._grids import Grids
from xent.evaluation._losses import row_losses
from xent.evaluation._recalibration import recalibrate
from xent.evaluation._rows import read_rows


def drawn(n, k, slope=0.6, intercept=0.3, spread=2.0, seed=0):
    """Labels and logits (of class 1 alone for two classes) that are off by `slope`."""
    rng = np.random.default_rng(seed)
    if k == 2:
        x = rng.normal(size=n) * spread
        return (rng.random(n) < 1 / (1 + np.exp(-(slope * x + intercept)))).astype(int), x
    z = rng.normal(size=(n, k)) * spread
    return (z * slope + rng.gumbel(size=z.shape)).argmax(axis=1), z


def softmax(z):
    if z.ndim == 1:
        return 1 / (1 + np.exp(-z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def keys_of(rows):
    return None if rows.cluster is None else np.arange(rows.clusters, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def grid_of(rows, losses):
    grids = Grids.empty(rows.k, 0, rows.cluster is not None)
    grids.add(rows, losses, keys_of(rows))
    return grids


def mean_loss(rows, losses):
    return math.fsum(losses * rows.weights()) / math.fsum(rows.weights())


def read(y, q, weight=None, cluster=None):
    rows = read_rows(y, q, None, weight, cluster)
    return rows, row_losses(rows)


def take(rows, i):
    """Some of the rows, in this order."""

    def some(a):
        return None if a is None else a[i]

    return replace(
        rows,
        forecasts=type(rows.forecasts).again(rows.forecasts.says, rows.forecasts.content[i]),
        labels=some(rows.labels),
        soft=some(rows.soft),
        weight=some(rows.weight),
        cluster=some(rows.cluster),
        position=rows.position[i],
        count=some(rows.count),
    )


KINDS = ("plain", "float32", "good", "weighted", "clustered", "soft", "sharp", "dull")


def case(kind, k, n):
    rng = np.random.default_rng(7)
    weight = cluster = None
    y, z = drawn(n, k, *{"good": (1.0, 0.0), "sharp": (0.1, 0.0, 12.0), "dull": (10.0, 0.0, 0.2)}.get(kind, ()))
    q = xent.Logits(z) if kind == "sharp" else softmax(z)
    if kind == "float32":
        q = q.astype(np.float32)
    if kind == "weighted":
        weight = np.exp(rng.normal(size=n))
    if kind == "clustered":
        cluster = rng.integers(0, n // 10, n)
    if kind == "soft":
        p = softmax(z * 0.5)
        y = p
    return read(y, q, weight, cluster)


@pytest.mark.parametrize("k", [2, 3, 10, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_recalibration_is_that_of_the_rows(kind, k):
    rows, losses = case(kind, k, 12000 if k < 100 else 2000)
    loss = mean_loss(rows, losses)
    exact = recalibrate(rows, losses, loss, 0)
    found = grid_of(rows, losses).calibrate(loss).mended
    assert (found.kind, found.state) == (exact.kind, exact.state) == (exact.kind, "fitted")
    assert abs(found.loss - exact.loss) < (1e-7 if k == 2 else 1e-9)
    for name, value in exact.parameters.items():
        assert found.parameters[name] == pytest.approx(value, rel=1e-6, abs=1e-7)
    assert found.p_value == pytest.approx(exact.p_value, rel=1e-3, abs=1e-12)
    # Other folds: a gain differs by a few times the parameters over the rows.
    scale = max(1.0, abs(exact.gain.value)) * 20.0 / min(rows.n, rows.clusters)
    assert abs(found.gain.value - exact.gain.value) < scale
    if kind != "good":
        assert found.gain.se == pytest.approx(exact.gain.se, rel=0.05)


@pytest.mark.parametrize("k", [2, 3])
def test_gain_is_that_of_the_rows_where_folds_are_by_key_alone(k):
    rows, losses = case("plain", k, 70_000)
    loss = mean_loss(rows, losses)
    exact = recalibrate(rows, losses, loss, 0)
    found = grid_of(rows, losses).calibrate(loss).mended
    assert abs(found.gain.value - exact.gain.value) < 1e-7
    assert found.gain.se == pytest.approx(exact.gain.se, rel=1e-4)


def test_binary_line_and_ranks_are_those_of_the_rows():
    rows, losses = case("plain", 2, 20_000)
    loss = mean_loss(rows, losses)
    exact, found = calibrate(rows, losses, loss, 0), grid_of(rows, losses).calibrate(loss)
    assert abs(found.isotonic.miscalibration - exact.isotonic.miscalibration) < 1e-5
    assert abs(found.isotonic.null_mean - exact.isotonic.null_mean) < 1e-4
    assert abs(found.auc - exact.auc) < 1e-5
    assert abs(found.tail_share - exact.tail_share) < 1e-6
    for a, b in zip(found.temperature_curve, exact.temperature_curve, strict=True):
        assert a.temperature == b.temperature
        assert abs(a.cross_entropy - b.cross_entropy) < 1e-6
    assert found.reliability[0].density == exact.reliability[0].density
    assert np.abs(np.subtract(found.slopes, exact.slopes)).max() < 1e-6


def test_several_classes_have_all_that_the_rows_have():
    rows, losses = case("plain", 4, 6000)
    loss = mean_loss(rows, losses)
    exact, found = calibrate(rows, losses, loss, 0), grid_of(rows, losses).calibrate(loss)
    assert found.classwise == exact.classwise
    assert found.slopes == exact.slopes
    assert found.reliability == exact.reliability
    assert abs(found.tail_share - exact.tail_share) < 1e-6
    best = exact.mended.parameters["temperature"]
    for a, b in zip(found.temperature_curve, exact.temperature_curve, strict=True):
        assert a.temperature == pytest.approx(b.temperature, rel=1e-9) or b.temperature == best
        assert abs(a.cross_entropy - b.cross_entropy) < 1e-9


def test_a_thousand_classes_that_tip_over_at_once():
    rng = np.random.default_rng(1)
    z = np.zeros((300, 1000))
    z[:, 0] = 3.0
    y = np.where(rng.random(300) < 0.4, 0, rng.integers(1, 1000, 300))
    rows, losses = read(y, xent.Logits(z))
    loss = mean_loss(rows, losses)
    exact, found = recalibrate(rows, losses, loss, 0), grid_of(rows, losses).calibrate(loss).mended
    assert abs(found.loss - exact.loss) < 1e-6


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("kind", ["plain", "weighted", "clustered", "soft", "sharp"])
def test_order_batches_merges_and_pickles_change_no_bit(kind, k):
    n = 900
    rows, losses = case(kind, k, n)
    loss = mean_loss(rows, losses)
    keys = keys_of(rows)
    whole = repr(grid_of(rows, losses).calibrate(loss))
    parts = np.array_split(np.random.default_rng(3).permutation(n), [1, 2, 40, 500])
    grids, batches = [], Grids.empty(k, 0, keys is not None)
    for part in parts:
        one = Grids.empty(k, 0, keys is not None)
        one.add(take(rows, part), losses[part], keys)
        grids.append(pickle.loads(pickle.dumps(one)))
        batches.add(take(rows, part), losses[part], keys)
    grids[3].merge(grids[0])
    for i in (2, 1, 3):
        grids[4].merge(grids[i])
    grids[4].merge(Grids.empty(k, 0, keys is not None))
    assert repr(grids[4].calibrate(loss)) == whole
    assert repr(batches.calibrate(loss)) == whole


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("kind", ["plain", "weighted", "soft"])
def test_a_row_with_a_count_is_that_many_rows(kind, k):
    rows, losses = case(kind, k, 200)
    count = np.random.default_rng(0).integers(1, 70, rows.n)
    all_of_them = np.repeat(np.arange(rows.n), count)
    side_by_side = grid_of(take(rows, all_of_them), losses[all_of_them]).calibrate(1.0)
    assert repr(grid_of(replace(rows, count=count), losses).calibrate(1.0)) == repr(side_by_side)


@pytest.mark.parametrize("k", [2, 3])
def test_no_map_is_said_to_be_none(k):
    rows, losses = read([0, 1, 1, 0], [0.2, 0.9, 0.8, 0.1] if k == 2 else np.eye(3)[[0, 1, 1, 0]] * 0.7 + 0.1)
    assert grid_of(rows, losses).calibrate(0.2).mended.state == "separated"
    turned = [0.9, 0.2, 0.1, 0.8] if k == 2 else np.array([[0.1, 0.45, 0.45], [0.45, 0.1, 0.45]])[[0, 1, 1, 0]]
    rows, losses = read([0, 1, 1, 0], turned)
    assert grid_of(rows, losses).calibrate(2.0).mended.state == "reversed"


def test_an_infinite_loss_leaves_no_map_but_the_ranks():
    y, z = drawn(500, 2)
    q = softmax(z)
    q[0], y[0] = 0.0, 1
    rows, losses = read(y, q)
    found = grid_of(rows, losses).calibrate(math.inf)
    assert found.mended.state == "infinite"
    assert math.isnan(found.tail_share)
    assert found.auc == pytest.approx(calibrate(rows, losses, math.inf, 0).auc, abs=1e-3)


def test_forecasts_that_say_nothing_have_a_best_temperature():
    rng = np.random.default_rng(5)
    rows, losses = read(rng.integers(0, 4, 4000), softmax(rng.normal(size=(4000, 4))))
    loss = mean_loss(rows, losses)
    exact, found = recalibrate(rows, losses, loss, 0), grid_of(rows, losses).calibrate(loss).mended
    assert abs(found.loss - exact.loss) < 1e-9


def test_a_cluster_is_known_by_its_label_whatever_its_type():
    labels = [1, 1.0, True, "1", (1, "a"), (1.0, "a"), ("1", "a"), ("1,a",), 2**70, float(2**70), 0.5, b"1", "\udc80"]
    keys = cluster_keys(labels).tolist()
    assert keys[0] == keys[1] == keys[2]
    assert keys[4] == keys[5]
    assert keys[8] == keys[9]
    assert len(set(keys)) == len(labels) - 4
    assert cluster_keys(["a"])[0] == 15423775749102187193  # in every process


@pytest.mark.parametrize("k", [2, 10])
def test_the_state_stays_small(k):
    y, z = drawn(50_000, k)
    rows, losses = read(y, xent.Logits(z))
    assert len(pickle.dumps(grid_of(rows, losses))) < 12e6


NODES_CODE = """
import sys, zlib, numpy as np
from xent.evaluation._grid_clusters import cluster_keys
from xent.evaluation._grid_nodes import node_sums
r = np.random.default_rng(0)
for k, n, spread in ((3, 1300, 2.0), (10, 3001, 3.0), (37, 50, 90.0)):
    z = r.normal(size=(n, k)) * spread
    s = z.max(axis=1, keepdims=True) - z
    s[:, 1:][r.random((n, k - 1)) < 0.1] = np.inf
    unit = np.where(np.arange(n) % 2 > 0, 1.0, 8.0)
    sums = node_sums(s, s[:, 0].copy(), unit, r.random(n) / 2 + 0.5, r.permutation(n))
    print(zlib.crc32(sums.tobytes()))
"""


@pytest.mark.skipif(not _native_evaluation.tempers(), reason="needs the compiled core")
def test_the_kernel_gives_one_answer_on_every_machine():
    def run(**more):
        done = subprocess.run([sys.executable, "-c", NODES_CODE], env=os.environ | more, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    known = [{"XENT_ISA": isa, "XENT_NUM_THREADS": n} for isa in _native._core.runnable() for n in ("1", "3")]
    assert len({run(**more) for more in known}) == 1


@pytest.mark.skipif(not _native_evaluation.tempers(), reason="needs the compiled core")
@pytest.mark.parametrize("k", [3, 100])
def test_the_kernel_agrees_with_numpy(k, monkeypatch):
    rng = np.random.default_rng(k)
    n = 301
    z = rng.normal(size=(n, k)) * 30.0
    s = z.max(axis=1, keepdims=True) - z
    s[:, 1:][rng.random((n, k - 1)) < 0.1] = np.inf
    unit = np.where(np.arange(n) % 2 > 0, 4.0, 8.0)
    given = s, s[:, 0].copy(), unit, rng.random(n) / 2 + 0.5, rng.permutation(n)
    fast = node_sums(*given)
    monkeypatch.setattr(_native_evaluation, "tempers", lambda: False)
    slow = node_sums(*given)
    apart = (fast - slow) @ np.array([1, 2**32])
    # One in 2**30 for each row whose last digit falls on the other side.
    assert np.abs(apart).max() < n
