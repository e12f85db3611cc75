"""Several readers of one input: each has all of it, whenever the others read."""

import io
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xent.io import Limits, read_predictions


def test_row_groups_on_standard_input(monkeypatch):
    rng = np.random.default_rng(0)
    p = rng.random(300_000).astype(np.float32)
    held = io.BytesIO()
    pq.write_table(pa.table({"y": (rng.random(300_000) < p).astype(int), "p": p}), held, row_group_size=1000)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(5):
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(held.getvalue())))
            found = read_predictions("-", format="parquet")
            np.testing.assert_array_equal(found.scores, p)
    finally:
        sys.setswitchinterval(before)


def test_columns_behind_a_name_with_a_line_end(tmp_path):
    (tmp_path / "t.csv").write_text('"la\nbel",label,' + ",".join(f"p_{k}" for k in range(20)) + "\n")
    with pytest.raises(ValueError, match=r"22 columns \(limit columns = 10\)"):
        read_predictions(tmp_path / "t.csv", limits=Limits(columns=10))


def test_feather_is_arrow(tmp_path):
    table = pa.table({"y": [0, 1, 1], "p": [0.25, 0.5, 0.75]})
    with pa.ipc.new_file(tmp_path / "t.dat", table.schema) as writer:
        writer.write_table(table)
    assert read_predictions(tmp_path / "t.dat", format="feather").facts.format == "arrow"
