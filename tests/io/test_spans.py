"""Spans read two at a time: in the order of the file, whoever is quicker, and never for longer than they are wanted."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xent.io import _spans as spans
from xent.io import scan_predictions


@dataclass
class Batch:
    name: str
    nbytes: int = 1


def span(number, count, seconds=0.0, error=None, nbytes=1):
    def read():
        for place in range(count):
            time.sleep(seconds)
            yield Batch(f"{number}.{place}", nbytes)
        if error is not None:
            raise error

    return read


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch):
    monkeypatch.setattr(spans.os, "cpu_count", lambda: 2)


def names(batches):
    return [batch.name for batch in batches]


def test_order_is_that_of_the_file_though_later_spans_are_quicker():
    found = spans.in_turn([span(0, 4, 0.01), span(1, 3), span(2, 0), span(3, 2, 0.005), span(4, 1)])
    assert names(found) == ["0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.2", "3.0", "3.1", "4.0"]


def test_an_error_comes_after_all_that_was_before_it():
    found = spans.in_turn([span(0, 3, 0.01), span(1, 1, error=ValueError("broken")), span(2, 2)])
    seen = []
    with pytest.raises(ValueError, match="broken"):
        seen.extend(batch.name for batch in found)
    assert seen == ["0.0", "0.1", "0.2", "1.0"]


def test_little_is_read_before_its_turn(monkeypatch):
    monkeypatch.setattr(spans, "_HELD_BYTES", 5)
    begun = []

    def second():
        for place in range(100):
            begun.append(place)
            yield Batch(f"1.{place}")

    found = spans.in_turn([span(0, 50, 0.002), second])
    assert next(found).name == "0.0"
    time.sleep(0.05)
    assert len(begun) <= 7
    assert len(names(found)) == 149


def test_batches_larger_than_what_may_be_held_come_one_by_one(monkeypatch):
    monkeypatch.setattr(spans, "_HELD_BYTES", 5)
    assert len(names(spans.in_turn([span(0, 9, nbytes=7), span(1, 9, nbytes=7), span(2, 1, nbytes=7)]))) == 19


def test_who_stops_early_leaves_no_thread_behind():
    before = threading.active_count()
    found = spans.in_turn([span(0, 1000), span(1, 1000)])
    next(found)
    found.close()
    assert threading.active_count() == before


@pytest.fixture(name="path")
def _path(tmp_path):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 6000).astype(np.float32)
    y = rng.integers(0, 3, 6000)
    pq.write_table(
        pa.table({"y": y, **{f"p_{k}": p[:, k] for k in range(3)}}), tmp_path / "t.parquet", row_group_size=700
    )
    return tmp_path / "t.parquet", y, p


def test_row_groups_come_in_the_order_of_the_file(path):
    path, y, p = path
    with scan_predictions(path, batch_rows=500) as scan:
        batches = list(scan)
    assert np.array_equal(np.concatenate([batch.rows for batch in batches]), np.arange(6000))
    assert np.array_equal(np.concatenate([batch.labels for batch in batches]), y)
    assert np.array_equal(np.concatenate([batch.scores for batch in batches]), p)
    assert len(batches) < 18  # row groups are read together, not cut into ever smaller pieces


def test_a_scan_that_is_forgotten_does_not_keep_python_from_ending(path, monkeypatch):
    code = (
        "import sys, xent.io._spans as s; s._HELD_BYTES = 1; s.os.cpu_count = lambda: 2\n"
        "from xent.io import scan_predictions\n"
        "scan = scan_predictions(sys.argv[1], batch_rows=500); next(scan)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path[0])], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
