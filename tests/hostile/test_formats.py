"""Every format cut short at any byte, or with bytes changed: a file, or one line of error, and nothing else."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import xent as package
from xent import UnsafeFile
from xent.io import Limits, read_predictions

SOURCE = Path(package.__file__).parents[1]
Q = np.random.default_rng(0).dirichlet(np.ones(3), 40)
Y = np.random.default_rng(1).integers(0, 3, 40)
IDS = [f"r{i}" for i in range(40)]
LISTS = pa.table({"id": IDS, "label": Y, "probs": pa.array(Q.tolist(), pa.list_(pa.float32()))})
WIDE = pa.table({"id": IDS, "label": ["abc"[y] for y in Y], **{f"p_{c}": Q[:, i] for i, c in enumerate("abc")}})


def tensors(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def whole_tensors(path: Path) -> None:
    header = {
        "__metadata__": {"classes": '["a", "b", "c"]'},
        "label": {"dtype": "I64", "shape": [40], "data_offsets": [0, 320]},
        "probs": {"dtype": "F64", "shape": [40, 3], "data_offsets": [320, 1280]},
    }
    tensors(path, header, Y.astype("<i8").tobytes() + Q.tobytes())


def stream(path: Path) -> None:
    with pa.ipc.new_stream(path, LISTS.schema) as writer:
        writer.write_table(LISTS)


def text(path: Path) -> None:
    rows = [",".join(map(str, row.values())) for row in WIDE.to_pylist()]
    path.write_text("\n".join([",".join(WIDE.column_names), *rows]) + "\n")


MAKE = {
    "lists.parquet": lambda path: pq.write_table(LISTS, path, row_group_size=15),
    "wide.parquet": lambda path: pq.write_table(WIDE, path, compression="zstd"),
    "lists.feather": lambda path: pyarrow.feather.write_feather(LISTS, path, chunksize=15),
    "words.feather": lambda path: pyarrow.feather.write_feather(
        WIDE.set_column(1, "label", WIDE["label"].dictionary_encode()), path, compression="zstd"
    ),
    "plain.feather": lambda path: pyarrow.feather.write_feather(WIDE, path, compression="uncompressed"),
    "stream.arrow": stream,
    "t.safetensors": whole_tensors,
    "packed.npz": lambda path: np.savez_compressed(path, label=Y, probs=Q, id=np.array(IDS)),
    "stored.npz": lambda path: np.savez(path, label=Y, probs=np.asfortranarray(Q), classes=np.array(["a", "b", "c"])),
    "t.csv": text,
    "t.jsonl": lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in LISTS.to_pylist())),
}


def damaged(data: bytes, rng: np.random.Generator, how: int) -> bytes:
    if how == 0:
        return data[: int(rng.integers(1, len(data)))]
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(data)))
        changed[place] = int(rng.integers(256)) if how == 1 else changed[place] ^ 1 << int(rng.integers(8))
    return bytes(changed)


def error_of(path: Path) -> str | None:
    """What reading says, if it is a clean error."""
    try:
        read_predictions(path)
    except UnicodeDecodeError:
        raise
    except (ValueError, OSError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("seed", range(3))
def test_any_damage_is_an_error_or_a_file(tmp_path, name, seed):
    rng = np.random.default_rng(seed)
    MAKE[name](tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert len(read_predictions(tmp_path / name)) == 40
    path = tmp_path / f"x{name}"
    found = 0
    for turn in range(60):
        path.write_bytes(damaged(data, rng, turn % 3))
        error = error_of(path)
        if error is not None:
            found += 1
            assert path.name in error
            assert len(error) < 2000
            assert all(c.isprintable() or c == "\n" for c in error)
    assert found


@pytest.mark.parametrize("name", MAKE)
def test_cut_at_the_ends_of_its_pieces(tmp_path, name):
    """A file that lacks its first or its last bytes is no shorter file."""
    MAKE[name](tmp_path / name)
    data = (tmp_path / name).read_bytes()
    path = tmp_path / f"x{name}"
    text_or_stream = name in ("t.csv", "t.jsonl", "stream.arrow")
    for piece in (data[1:], data[:-1], data[:8], data[4:], data[: len(data) // 2]):
        path.write_bytes(piece)
        try:
            rows = len(read_predictions(path))
        except ValueError:
            continue
        assert text_or_stream, piece[:20]
        assert rows <= 40


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("other", MAKE)
def test_one_format_under_the_name_of_another(tmp_path, name, other):
    MAKE[name](tmp_path / name)
    path = tmp_path / f"x{Path(other).suffix}"
    path.write_bytes((tmp_path / name).read_bytes())
    kinds = {".feather": "arrow", ".csv": "text", ".jsonl": "text"}
    one, two = (kinds.get(Path(n).suffix, Path(n).suffix[1:]) for n in (name, other))
    if one == two:
        return
    with pytest.raises(ValueError, match=r"(its name says|not the \w+ file its name says)") as caught:
        read_predictions(path)
    if one != "text":
        assert f"add --format {one}" in str(caught.value)
        assert len(read_predictions(path, format=one)) == 40


@pytest.mark.parametrize(
    ("magic", "words"),
    [(b"\x1f\x8b\x08", "packed by gzip"), (b"FEA1", "Feather file of version 1"), (b"\x89HDF", "an HDF5 file")],
)
def test_other_formats_are_named(tmp_path, magic, words):
    for suffix in ("csv", "feather", "npz"):
        (tmp_path / f"t.{suffix}").write_bytes(magic + bytes(100))
        with pytest.raises(ValueError, match=words):
            read_predictions(tmp_path / f"t.{suffix}")


ONE = {"dtype": "F64", "shape": [1, 2], "data_offsets": [0, 16]}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"[1]", "not the safetensors file its name says"),
        (b"{" * 5000, "not a JSON object"),
        (b'{"a":' * 100_000, "not a JSON object"),
        (b'{"a": 1}', "holds no tensors"),
        ({}, "holds no tensors"),
        ({"probs": {**ONE, "shape": [2**40, 2**40]}}, "claims shape"),
        ({"probs": {**ONE, "shape": [2**61, 8]}}, "claims shape"),
        ({"probs": {**ONE, "shape": [-1, 2]}}, "are none"),
        ({"probs": {**ONE, "shape": [1.0, 2]}}, "are none"),
        ({"probs": {**ONE, "shape": [1] * 100}}, "are none"),
        ({"probs": {**ONE, "shape": [True, 2]}}, "are none"),
        ({"probs": {**ONE, "data_offsets": [0, 2**60]}}, "claims the bytes"),
        ({"probs": {**ONE, "data_offsets": [16, 0]}}, "claims the bytes"),
        ({"probs": {**ONE, "data_offsets": [0]}}, "are none"),
        ({"probs": {**ONE, "data_offsets": None}}, "are none"),
        ({"probs": {**ONE, "dtype": "F8_E4M3"}}, "holds no tensors"),
        ({"probs": {**ONE, "dtype": ["F64"]}}, "holds no tensors"),
        ({"probs": ONE, "__metadata__": {"classes": "x"}}, "its metadata `classes`"),
        ({"probs": ONE, "__metadata__": []}, "no label column"),
    ],
    ids=range(19),
)
def test_tensor_headers_that_lie(tmp_path, header, words):
    with pytest.raises(ValueError, match=words):
        read_predictions(tensors(tmp_path / "t.safetensors", header, bytes(16)))


@pytest.mark.parametrize("length", [2**60, 2**63, 2**32 - 1, 2**31, 100])
def test_a_tensor_header_that_claims_the_world(tmp_path, length):
    path = tmp_path / "t.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b'{"a":{}}')
    with pytest.raises(ValueError, match=r"t\.safetensors: is (no|not the) safetensors file"):
        read_predictions(path)


def peak_of(path: Path) -> tuple[str, int]:
    """The error, and the most memory in MB that reading took, the program's own included."""
    code = (
        "import sys\nfrom xent.io import scan_predictions\ntry:\n    list(scan_predictions(sys.argv[1]))\n"
        "except ValueError as error:\n    print(str(error).splitlines()[0])\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    *error, peak = done.stdout.splitlines()
    return " ".join(error), int(peak) // 1024


def test_lists_that_are_short_at_first(tmp_path):
    lengths = np.array([2] * 100 + [500_000] * 200)
    ends = pa.array(np.concatenate([[0], np.cumsum(lengths)]))
    lists = pa.LargeListArray.from_arrays(ends, pa.array(np.zeros(int(lengths.sum()), np.int8)))
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"y": np.zeros(300, int), "probs": lists}), path)
    assert path.stat().st_size < 10_000
    error, peak = peak_of(path)
    assert "limit expansion = 100" in error
    assert peak < 300


def test_an_arrow_batch_that_swells(tmp_path):
    path = tmp_path / "t.feather"
    zeros = pa.array(np.zeros(2**24))
    pyarrow.feather.write_feather(
        pa.table({"y": zeros, "p": zeros, "q": zeros}), path, compression="zstd", chunksize=2**24
    )
    assert path.stat().st_size < 2**20
    error, peak = peak_of(path)
    assert "limit expansion = 100" in error
    assert peak < 300
    MAKE["lists.feather"](path)
    with pytest.raises(UnsafeFile, match=r"a record batch unpacks to .*limit unpacked_bytes = 1,000"):
        read_predictions(path, limits=Limits(unpacked_bytes=1000, expansion=10_000))


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_a_long_text_in_every_row_is_not_written_out(tmp_path, suffix):
    """Seven kilobytes of file, seven gigabytes of ids."""
    ids = pa.DictionaryArray.from_arrays(pa.array(np.zeros(70_000, np.int32)), pa.array(["x" * 100_000]))
    table = pa.table({"y": np.tile([0, 1], 35_000), "p": np.full(70_000, 0.5), "id": ids})
    path = tmp_path / f"t.{suffix}"
    write = pq.write_table if suffix == "parquet" else pyarrow.feather.write_feather
    write(table, path)
    assert path.stat().st_size < 20_000
    error, peak = peak_of(path)
    assert not error
    assert peak < 300


def test_rows_that_take_no_bytes(tmp_path):
    """Columns of nothing but nulls have no buffers, however many rows they claim."""
    batch = pa.record_batch({"y": pa.nulls(2**26), "p": pa.nulls(2**26)})
    with pa.ipc.new_file(tmp_path / "t.arrow", batch.schema) as writer:
        writer.write_batch(batch)
    error, peak = peak_of(tmp_path / "t.arrow")
    assert "limit expansion" in error
    assert peak < 300


def test_a_line_of_json_that_never_ends(tmp_path):
    path = tmp_path / "t.jsonl"
    with path.open("wb") as file:
        file.write(b'{"y": 1, "p": "')
        for _ in range(64):
            file.write(b"x" * 2**20)
    error, peak = peak_of(path)
    assert "limit row_bytes" in error
    assert peak < 300


def test_a_file_without_permission(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,p\n1,.5\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("whoever runs this may read everything")
    with pytest.raises(PermissionError):
        read_predictions(path)


@pytest.mark.parametrize("name", ["wide.parquet", "plain.feather", "stored.npz", "t.safetensors", "t.csv", "t.jsonl"])
def test_a_file_that_vanishes_or_shrinks_while_it_is_read(tmp_path, name):
    from xent.io import scan_predictions

    path = tmp_path / name
    MAKE[name](path)
    with scan_predictions(path, batch_rows=5) as scan:
        first = next(scan)
        path.unlink()
        assert len(first) + sum(map(len, scan)) == 40
    MAKE[name](path)
    with scan_predictions(path, batch_rows=5) as scan:
        next(scan)
        os.truncate(path, 100)
        with pytest.raises(ValueError, match=name):
            list(scan)
