"""`xent report --engine dask`: the document of `--engine local`, made by processes."""

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")


@pytest.fixture(name="frame")
def _frame():
    rng = np.random.default_rng(5)
    q = rng.dirichlet(np.ones(3), 700)
    y = (rng.random((700, 1)) > np.cumsum(q, axis=1)).sum(axis=1).clip(0, 2)
    names = np.array(["cat", "dog", "bird"])
    region = rng.choice(["north", "south"], 700)
    return pd.DataFrame({"label": names[y], "region": region, **{f"p_{name}": q[:, i] for i, name in enumerate(names)}})


def documents(xent_process, *arguments):
    """The JSON of both engines, without what may differ."""
    found = []
    for engine in ("local", "dask"):
        done = xent_process("report", *map(str, arguments), "--engine", engine, "--json")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert document.pop("provenance")["engine"] == engine
        found.append(document)
    return found


class TestEngine:
    def test_row_groups(self, xent_process, frame, tmp_path):
        path = tmp_path / "predictions.parquet"
        frame.to_parquet(path, row_group_size=150)
        local, dask = documents(xent_process, path, "--slice", "region")
        assert local == dask
        assert any(row["row"] > 150 for row in dask["worst_rows"])

    def test_several_files_of_unknown_length(self, xent_process, frame, tmp_path):
        frame[:300].to_csv(tmp_path / "a.csv", index=False)
        frame[300:].to_csv(tmp_path / "b.csv", index=False)
        local, dask = documents(xent_process, tmp_path / "a.csv", tmp_path / "b.csv")
        assert local == dask

    def test_an_error_in_a_later_part(self, xent_process, frame, tmp_path):
        path = tmp_path / "predictions.parquet"
        frame.loc[500, "p_dog"] = np.nan
        frame.to_parquet(path, row_group_size=150)
        done = xent_process("report", str(path), "--engine", "dask")
        assert done.returncode == 2
        assert done.stdout == ""
        assert "column 'p_dog' row 500 is empty" in done.stderr

    def test_no_scheduler_there(self, xent_process, frame, tmp_path):
        path = tmp_path / "predictions.parquet"
        frame.to_parquet(path)
        nobody = {"DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:9", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
        done = xent_process("report", str(path), "--engine", "dask", **nobody)
        assert done.returncode == 2
        assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
