"""The one pass over rows against several by NumPy, against numbers made one by one, and its bits on every machine."""

import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest

import xent
from xent import _native
from xent import _native_evaluation as core
from xent.evaluation import _row_facts
from xent.evaluation._mixing import salts, sum_of_mixed

KINDS = ("probs", "logprobs", "logits")
FORM = {"probs": xent.Probs, "logprobs": xent.LogProbs, "logits": xent.Logits}
CLASSES = [2, 3, 8, 10, 31, 32, 33, 64, 65, 200]
NAMES = ("loss", "given", "said", "top", "brier", "off_one", "keys")


def forecasts(kind, n, k, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 3.0, (n, k))
    if kind == "logits":
        return logits.astype(dtype), rng.integers(0, k, n)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[rng.random((n, k)) < 0.05] = 0.0
    with np.errstate(divide="ignore"):
        return (p if kind == "probs" else np.log(p)).astype(dtype), rng.integers(0, k, n)


def same(a, b, kind):
    for name in NAMES:
        x, y = getattr(a, name), getattr(b, name)
        if kind == "probs" or name in ("loss", "said", "keys"):
            assert np.array_equal(x, y), name
        else:  # exponentials by another library
            assert np.allclose(x, y, rtol=4e-16 * 300, atol=1e-15), name
    assert a.bad == b.bad


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", CLASSES)
@pytest.mark.parametrize("kind", KINDS)
def test_as_by_numpy(kind, k, dtype):
    for n in (1, 7, 8, 9, 700):
        x, y = forecasts(kind, n, k, dtype)
        ours = core.row_facts(kind, x, y, math.inf, salts(k))
        same(ours, _row_facts._by_numpy(kind, x, y, math.inf, salts(k), None), kind)


@pytest.mark.parametrize("k", [2, 10, 33])
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_has_the_bits_of_surprisal(kind, k):
    x, y = forecasts(kind, 1000, k)
    whole = xent.surprisal(FORM[kind](x), check=False)
    assert np.array_equal(core.row_facts(kind, x, y, math.inf).loss, whole[np.arange(1000), y])


@pytest.mark.parametrize("k", [2, 3, 10, 100])
def test_against_numbers_one_by_one(k):
    x, y = forecasts("probs", 200, k)
    got = core.row_facts("probs", x, y, 1.0)
    for i, (row, label) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        assert got.said[i] == row.index(max(row))
        assert got.top[i] == max(row)
        assert got.given[i] == row[label]
        assert got.loss[i] == (pytest.approx(-math.log(row[label]), rel=1e-15) if row[label] else math.inf)
        brier = math.fsum((p - (j == label)) ** 2 for j, p in enumerate(row)) if k > 2 else (row[1] - label) ** 2
        assert got.brier[i] == pytest.approx(brier, rel=1e-13)
        assert got.off_one[i] == pytest.approx(abs(math.fsum(row) - 1.0), abs=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities(kind):
    x, y = forecasts(kind, 77, 70)
    probs = np.full(x.shape, np.nan)
    got = core.row_facts(kind, x, y, math.inf, None, probs)
    assert np.array_equal(probs[np.arange(77), y], got.given)
    assert np.array_equal(probs.max(axis=1), got.top)
    assert np.array_equal(probs.argmax(axis=1), got.said)
    if kind == "logits":
        assert np.allclose(probs.sum(axis=1), 1.0, rtol=0, atol=1e-13)
        assert np.allclose(probs, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_any_layout(kind):
    x, y = forecasts(kind, 103, 12, np.float32)
    wide = np.zeros((206, 36), dtype=np.float32)
    wide[::2, ::3] = x
    first = core.row_facts(kind, x, y, math.inf, salts(12))
    for same_values in (
        np.asfortranarray(x),
        wide[::2, ::3],
        x[::-1].copy()[::-1],
        np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    ):
        other = core.row_facts(kind, same_values, y, math.inf, salts(12))
        assert all(np.array_equal(getattr(first, name), getattr(other, name)) for name in NAMES)


def test_ties_go_to_the_first_class():
    x = np.array([[0.25, 0.25, 0.25, 0.25], [0.0, 0.4, 0.2, 0.4]])
    assert core.row_facts("probs", x, None, 1.0).said.tolist() == [0, 1]
    assert core.row_facts("logits", np.zeros((3, 50)), None, 1.0).said.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("probs", [math.nan, -1e-9, 1.1, math.inf, -math.inf]),
        ("logprobs", [math.nan, 0.2, math.inf]),
        ("logits", [math.nan, math.inf]),
    ],
)
@pytest.mark.parametrize("row", [0, 5, 8, 20_000, 20_004])
def test_the_first_bad_row(kind, values, row):
    limit = {"probs": 1.0, "logprobs": 0.0, "logits": math.inf}[kind]
    for value in values:
        x, y = forecasts(kind, 20_005, 10)
        assert core.row_facts(kind, x, y, limit).bad == -1
        x[row, 7] = x[-1, 2] = value
        assert core.row_facts(kind, x, y, limit).bad == row == _row_facts._by_numpy(kind, x, y, limit, None, None).bad


def test_a_row_of_impossible_logits_is_bad():
    x = np.zeros((30, 5))
    x[3, :4] = -math.inf
    assert core.row_facts("logits", x, None, math.inf).bad == -1
    x[11] = -math.inf
    assert core.row_facts("logits", x, None, math.inf).bad == 11


def test_keys_are_those_of_the_values():
    x, _ = forecasts("probs", 500, 13)
    assert np.array_equal(core.row_facts("probs", x, None, 1.0, salts(13)).keys, sum_of_mixed(x, salts(13)))
    assert core.row_facts("probs", -x * 0.0, None, 1.0, salts(13)).keys[0] == sum_of_mixed(x * 0.0, salts(13))[0]


@pytest.mark.parametrize("label", [-1, 10])
def test_labels_outside_are_refused(label):
    x, y = forecasts("probs", 20, 10)
    y[4] = label
    with pytest.raises(ValueError, match="not one of the classes"):
        core.row_facts("probs", x, y, 1.0)


def test_no_rows():
    got = core.row_facts("probs", np.empty((0, 3)), np.empty(0, dtype=np.int64), 1.0)
    assert got.loss.shape == (0,)
    assert got.bad == -1


def digest() -> str:
    """Everything that the pass gives, as one number."""
    whole = hashlib.sha256()
    for kind in KINDS:
        for k in CLASSES:
            x, y = forecasts(kind, 3001, k, np.float32)
            probs = np.empty(x.shape)
            got = core.row_facts(kind, x, y, math.inf, salts(k), probs)
            for part in (*(getattr(got, name) for name in NAMES), probs):
                whole.update(part.tobytes())
    return whole.hexdigest()


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("isa", _native._core.runnable() if _native.available() else [])
def test_same_bits_on_every_machine(isa, threads):
    environment = {**os.environ, "XENT_ISA": isa, "XENT_NUM_THREADS": threads}
    done = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == digest(), done.stderr


if __name__ == "__main__":
    print(digest())
