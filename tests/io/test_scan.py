"""A scan is the file in batches: the same rows, whatever the format, the batches and the parts."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from xent.io import Limits, Scan, parts, read_predictions, scan_part, scan_predictions

ROWS = 1000
Q = np.random.default_rng(0).dirichlet(np.ones(3), ROWS)
Y = np.random.default_rng(1).integers(0, 3, ROWS)
WIDE = pa.table(
    {
        "id": [f"r{i}" for i in range(ROWS)],
        "label": [f"{'abc'[y]}" for y in Y],
        **{f"p_{name}": Q[:, place] for place, name in enumerate("abc")},
        "w": np.arange(ROWS) % 3 + 0.5,
        "who": [f"c{i % 7}" for i in range(ROWS)],
        "site": [None if i % 5 == 0 else f"s{i % 3}" for i in range(ROWS)],
    }
)
LISTS = pa.table({"label": Y, "probs": pa.array(Q.tolist(), pa.list_(pa.float64()))})
OPTIONS = {"weight": "w", "cluster": "who", "slices": ["site"]}


def write(folder: Path, table: pa.Table, name: str) -> Path:
    path = folder / name
    suffix = path.suffix
    if suffix == ".parquet":
        pq.write_table(table, path, row_group_size=300)
    elif suffix == ".feather":
        pyarrow.feather.write_feather(table, path, chunksize=300)
    elif suffix == ".arrow":
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=300)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        table.to_pandas().to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    return path


def same(one, two):
    assert one.classes == two.classes
    for name in ("labels", "rows", "id", "weight", "cluster", "unnamed"):
        assert (getattr(one, name) is None) == (getattr(two, name) is None)
        if getattr(one, name) is not None:
            assert getattr(one, name).tolist() == getattr(two, name).tolist()
    assert {k: v.tolist() for k, v in one.slices.items()} == {k: v.tolist() for k, v in two.slices.items()}
    np.testing.assert_array_equal(one.scores, two.scores)


FILES = ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.feather", "t.arrow"]


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_the_same_in_any_batches(tmp_path, name):
    path = write(tmp_path, WIDE, name)
    whole = read_predictions(path, **OPTIONS)
    same(whole, read_predictions(write(tmp_path, WIDE, "u.parquet"), **OPTIONS))
    assert whole.slices["site"][:6].tolist() == ["(none)", "s1", "s2", "s0", "s1", "(none)"]
    for most in (1, 7, 300, 1000):
        with scan_predictions(path, batch_rows=most, **OPTIONS) as scan:
            assert scan.rows_total == (ROWS if name in ("t.parquet", "t.feather", "t.arrow") else None)
            assert scan.classes == ("a", "b", "c")
            batches = list(scan)
        assert all(0 < len(batch) <= most for batch in batches)
        assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(ROWS))
        assert scan.facts == whole.facts
        same(read_predictions(path, **OPTIONS), whole)


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet", "t.feather", "t.arrow"])
@pytest.mark.parametrize("most", [1, 64, 1000])
def test_lists(tmp_path, name, most):
    with scan_predictions(write(tmp_path, LISTS, name), batch_rows=most) as scan:
        batches = list(scan)
    np.testing.assert_array_equal(np.concatenate([batch.scores for batch in batches]), Q)
    assert np.concatenate([batch.labels for batch in batches]).tolist() == Y.tolist()
    assert scan.classes == ("0", "1", "2")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, order, save):
    save(tmp_path / "t.npz", y=Y, probs=np.asarray(Q, order=order), classes=np.array(["a", "b", "c"]))
    with scan_predictions(tmp_path / "t.npz", batch_rows=77) as scan:
        batches = list(scan)
    np.testing.assert_array_equal(np.concatenate([batch.scores for batch in batches]), Q)
    assert np.concatenate([batch.labels for batch in batches]).tolist() == Y.tolist()
    assert scan.classes == ("a", "b", "c")


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path, order):
    np.save(tmp_path / "q.npy", np.asarray(Q, order=order))
    np.save(tmp_path / "y.npy", Y)
    with scan_predictions(tmp_path / "q.npy", label=str(tmp_path / "y.npy"), batch_rows=77) as scan:
        np.testing.assert_array_equal(np.concatenate([batch.scores for batch in scan]), Q)
    np.save(tmp_path / "y.npy", Y[:-1])
    with pytest.raises(ValueError, match=r"array 1,000, labels 999"):
        read_predictions(tmp_path / "q.npy", label=str(tmp_path / "y.npy"))


def safetensors(path: Path, tensors: dict[str, tuple[str, np.ndarray]], **metadata: str) -> Path:
    header: dict[str, object] = {"__metadata__": metadata}
    at, data = 0, b""
    for name, (kind, array) in tensors.items():
        raw = array.tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + len(raw)]}
        at, data = at + len(raw), data + raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.mark.parametrize("kind", ["F16", "BF16", "F32", "F64"])
def test_safetensors(tmp_path, kind):
    z = np.log(Q)
    if kind == "BF16":
        narrow = (z.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        expected = (narrow.astype(np.uint32) << 16).view(np.float32)
    else:
        narrow = expected = z.astype(f"<f{int(kind[1:]) // 8}")
    tensors = {"logits": (kind, narrow), "labels": ("I64", Y)}
    path = safetensors(tmp_path / "t.safetensors", tensors, classes='["a", "b", "c"]')
    found = read_predictions(path, logits=True, label="labels")
    np.testing.assert_array_equal(found.scores, expected)
    assert found.labels.tolist() == Y.tolist()
    assert found.classes == ("a", "b", "c")


OBJECTS = {
    "pandas": lambda table: table.to_pandas(),
    "polars": pl.from_arrow,
    "pyarrow": lambda table: table,
    "reader": lambda table: table.to_reader(max_chunksize=300),
    "duckdb": lambda table: duckdb.connect().from_arrow(table),
    "dictionaries": lambda table: table.set_column(1, "label", table.column("label").dictionary_encode()),
    "views": lambda table: table.set_column(1, "label", table.column("label").cast(pa.string_view())),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_objects(tmp_path, kind):
    whole = read_predictions(write(tmp_path, WIDE, "t.parquet"), **OPTIONS)
    same(read_predictions(OBJECTS[kind](WIDE), **OPTIONS), whole)
    with scan_predictions(OBJECTS[kind](WIDE), batch_rows=64) as scan:
        assert sum(len(batch) for batch in scan) == ROWS
    shown = "the DataFrame" if kind in ("pandas", "polars") else "the table"
    assert scan.facts.file == shown
    if kind not in ("pandas", "views"):
        lists = read_predictions(OBJECTS[kind](LISTS) if kind != "dictionaries" else LISTS)
        np.testing.assert_array_equal(lists.scores, Q)
    with pytest.raises(ValueError, match=rf"{shown}: no column 'lable' for --label; did you mean 'label'"):
        read_predictions(OBJECTS[kind](WIDE), label="lable")


@pytest.mark.parametrize("given", [3, None, {"y": [1]}, np.zeros((3, 2)), object()])
def test_what_is_no_table(given):
    with pytest.raises(ValueError, match=r"the table: cannot be read as columns"):
        read_predictions(given)


def test_several_files_are_one(tmp_path):
    files = [write(tmp_path, WIDE.slice(start, 250), f"{start}.parquet") for start in range(0, ROWS, 250)]
    whole = read_predictions(write(tmp_path, WIDE, "t.parquet"), **OPTIONS)
    found = read_predictions(files, **OPTIONS)
    same(found, whole)
    assert found.facts.file == ", ".join(map(str, files))
    assert found.facts.rows == ROWS
    with scan_predictions(files) as scan:
        assert scan.rows_total == ROWS
    mixed = [files[0], write(tmp_path, WIDE.slice(250), "rest.csv")]
    same(read_predictions(mixed, **OPTIONS), whole)
    with scan_predictions(mixed) as scan:
        assert scan.rows_total is None
    same(read_predictions([WIDE.slice(0, 10), WIDE.slice(10)], **OPTIONS), whole)


def test_several_files_have_one_layout(tmp_path):
    first = write(tmp_path, WIDE, "a.parquet")
    other = write(tmp_path, WIDE.rename_columns([*WIDE.column_names[:4], "p_d", "w", "who", "site"]), "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet: the scores are in p_a, p_b, p_d .*a\.parquet"):
        read_predictions([first, other])
    with pytest.raises(ValueError, match="no file is named"):
        read_predictions([])


def test_an_error_names_the_file_and_the_row_in_it(tmp_path):
    good = write(tmp_path, LISTS, "a.parquet")
    labels = pa.array([*Y[:700], 9, *Y[701:]])
    bad = write(tmp_path, LISTS.set_column(0, "label", labels), "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet: 'label' row 700 is '9'"):
        read_predictions([good, bad])
    with scan_predictions([good, bad], batch_rows=100) as scan, pytest.raises(ValueError, match="row 700"):
        list(scan)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("column", ["label", "p_b", "w"])
def test_rows_in_errors_count_from_the_first_batch_on(tmp_path, name, column):
    frame = WIDE.to_pandas()
    frame.loc[900, column] = {"label": "z", "p_b": 7.0, "w": -1.0}[column]
    path = write(tmp_path, pa.Table.from_pandas(frame, preserve_index=False), name)
    with pytest.raises(ValueError, match="row 900"), scan_predictions(path, batch_rows=90, weight="w") as scan:
        list(scan)


def test_what_the_first_rows_decide_holds(tmp_path):
    uneven = pa.table({"label": Y, "probs": [[0.5, 0.5, 0.0]] * 900 + [[0.5, 0.5]] * 100})
    with (
        pytest.raises(ValueError, match=r"row 900 holds 2 numbers, row 0 holds 3"),
        scan_predictions(uneven, batch_rows=90) as scan,
    ):
        list(scan)
    names = pa.table({"label": ["0"] * 90 + ["2", "1"], "probs": [[0.5, 0.5, 0.0]] * 92})
    with (
        pytest.raises(ValueError, match=r"row 90 is '2', a name of a class, and those before it are places"),
        scan_predictions(names, batch_rows=90, classes=["5", "6", "2"]) as scan,
    ):
        list(scan)


def test_rows_without_a_label_may_come_first(tmp_path):
    table = pa.table({"label": [None] * 500 + ["b"] + [None] * 20, "p_a": [0.25] * 521, "p_b": [0.75] * 521})
    with scan_predictions(table, batch_rows=10) as scan:
        (batch,) = list(scan)
    assert (batch.rows.tolist(), scan.facts.rows, scan.facts.dropped) == ([500], 521, 520)
    with pytest.raises(ValueError, match="the table: no row has a label in 'label'"):
        scan_predictions(table.slice(0, 100), batch_rows=10)
    with pytest.raises(ValueError, match="the table: no rows"):
        scan_predictions(table.slice(0, 0))


def test_ids_and_clusters_are_spelled_one_way(tmp_path):
    """Whole numbers in one batch and text in another: together they are what they would be in one."""
    ids = [*map(str, range(10)), "007", "", "x"]
    table = pa.table({"id": ids, "c": [*map(str, range(10)), "03", "3", "x"], "y": [1] * 13, "p": [0.5] * 13})
    found = [
        read_predictions(path, cluster="c")
        for path in (write(tmp_path, table, "t.csv"), write(tmp_path, table, "t.parquet"))
    ]
    with scan_predictions(table, cluster="c", batch_rows=4) as scan:
        parts_of_it = list(scan)
    assert parts_of_it[0].cluster.tolist() == [0, 1, 2, 3]
    assert parts_of_it[2].cluster.tolist() == [8, 9, "03", 3]
    for one in found:
        assert one.id.tolist() == [*map(str, range(10)), "007", 11, "x"]
        assert one.unnamed.tolist() == [False] * 11 + [True, False]
        assert one.cluster.tolist() == [*map(str, range(10)), "03", "3", "x"]


def test_copies_of_ids_are_counted_over_all_batches():
    table = pa.table({"id": [1, 2, 3, 1, 2, 5], "y": [1] * 6, "p": [0.5] * 6})
    with scan_predictions(table, batch_rows=2) as scan:
        assert scan.facts.doubts == ()
        list(scan)
    assert scan.facts.doubts == ("column 'id' names 2 of 6 rows as another row before them",)


def test_slices_have_a_limit():
    table = pa.table({"s": np.arange(2000), "y": [1] * 2000, "p": [0.5] * 2000})
    assert len(set(read_predictions(table.slice(0, 1000), slices=["s"]).slices["s"])) == 1000
    with pytest.raises(ValueError, match=r"column 's' has more than 1,000 values .*\(limit slices = 1,000\)"):
        read_predictions(table, slices=["s"])
    with pytest.raises(ValueError, match="no column 'x' for --slice"):
        read_predictions(table, slices=["x"])
    with pytest.raises(ValueError, match="limit slices = 3"):
        read_predictions(table, slices="s", limits=Limits(slices=3))


@pytest.mark.parametrize("names", [["t.parquet"], ["a.parquet", "b.csv", "c.feather"]])
def test_parts_are_the_whole(tmp_path, names):
    share = ROWS // len(names)
    files = [
        write(tmp_path, WIDE.slice(share * place, share if place + 1 < len(names) else ROWS), name)
        for place, name in enumerate(names)
    ]
    whole = read_predictions(files, **OPTIONS)
    found = [pickle.loads(pickle.dumps(part)) for part in parts(files, **OPTIONS)]
    batches = []
    for part in found:
        with scan_part(part) as scan:
            assert isinstance(scan, Scan)
            batches += list(scan)
        assert scan.facts.rows == (part.rows or share)
    assert all(batch.classes == whole.classes for batch in batches)
    for name in ("labels", "id", "weight", "cluster"):
        together = np.concatenate([getattr(batch, name) for batch in batches])
        assert together.tolist() == getattr(whole, name).tolist()
    if len(names) == 1:
        assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(ROWS))
    with pytest.raises(ValueError, match="only files can be read in parts"):
        parts(WIDE)


def test_a_part_may_hold_no_row_that_counts(tmp_path):
    table = pa.table({"y": [1, 0, None, None], "p": [0.5] * 4})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    assert [sum(map(len, scan_part(part))) for part in parts(tmp_path / "t.parquet")] == [2, 0]


def test_closing_early_leaves_nothing_open(tmp_path):
    path = write(tmp_path, WIDE, "t.parquet")
    before = len(os.listdir("/proc/self/fd"))
    scan = scan_predictions(path, batch_rows=10)
    next(scan)
    scan.close()
    assert list(scan) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_changes_meanwhile(tmp_path):
    path = write(tmp_path, WIDE, "t.csv")
    with scan_predictions(path, batch_rows=10) as scan:
        next(scan)
        with path.open("a") as file:
            file.write("x\n")
        with pytest.raises(ValueError, match=r"t\.csv: .*(was changed while it was read|row 1000)"):
            list(scan)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.parquet", "l.parquet", "t.feather", "l.arrow", "t.csv", "t.jsonl", "f.npz"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    """Two million rows of ten numbers, 160 MB as float64, in one row group or batch, in little more than the start."""
    rows, k = (2_000_000, 10) if name[-4:] not in (".csv", "onl") else (300_000, 10)
    q = np.full((rows, k), 1 / k) * (1 + 0.001 * np.random.default_rng(0).standard_normal((rows, 1)))
    y = np.arange(rows) % k
    path = tmp_path / name
    wide = pa.table({"label": y, **{f"p_{i}": q[:, i] for i in range(k)}})
    lists = pa.table(
        {"label": y, "probs": pa.FixedSizeListArray.from_arrays(q.ravel(), k).cast(pa.list_(pa.float64()))}
    )
    table = wide if name[0] == "t" else lists
    if name.endswith(".npz"):
        np.savez(path, label=y, probs=np.asfortranarray(q))
    elif name.endswith(".parquet"):
        pq.write_table(table, path, row_group_size=rows)
    elif name.endswith((".feather", ".arrow")):
        pyarrow.feather.write_feather(table, path, chunksize=rows, compression="uncompressed")
    else:
        write(tmp_path, table, name)
    code = (
        "import sys\nfrom xent.io import scan_predictions\n"
        "with scan_predictions(sys.argv[1]) as scan:\n    n = sum(len(batch) for batch in scan)\n"
        "print(n, open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": source},
    )
    n, peak = map(int, done.stdout.split())
    assert n == rows
    assert peak < 450 * 1024  # kilobytes, the program and its libraries included
