"""Files that lie, bite or break: refused in one line, in little memory, and never passed on raw."""

import contextlib
import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import xent as package
from xent import UnsafeFile
from xent.cli._app import run
from xent.io import Limits, read_predictions

SOURCE = Path(package.__file__).parents[1]


def npy_header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npz(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def refused_in_little_memory(path: Path, *args: str) -> str:
    """Run the report; its one line of error, once it is known that it took half a minute and a gigabyte at most."""
    # Of this program alone: what `getrusage` says begins with the size of the process that started it.
    code = (
        "import sys\nfrom xent.cli._app import run\ncode = run(['report', *sys.argv[1:]])\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), *args],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert done.returncode == 2
    assert int(done.stdout) < 2**20  # kilobytes
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 2000
    return done.stderr


@pytest.mark.parametrize("shape", [(10**18,), (10**9, 10**9), (2**63, 2**63), (5, 10**12), (-1, 2), (2**31, 3)])
def test_a_header_that_claims_the_world(tmp_path, shape):
    data = npy_header(shape) + bytes(80)
    (tmp_path / "t.npy").write_bytes(data)
    with pytest.raises(ValueError, match="shape"):
        read_predictions(tmp_path / "t.npy", label="y.npy")
    with pytest.raises(ValueError, match="shape"):
        read_predictions(npz(tmp_path / "t.npz", probs=data, label=npy_header((5,), "<i8") + bytes(40)))


def test_a_header_of_four_gigabytes_that_are_there(tmp_path):
    path = tmp_path / "t.npy"
    with path.open("wb") as file:
        file.write(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1))
        file.truncate(2**32 + 100)  # sparse: it takes no room on the disk
    error = refused_in_little_memory(path, "--label", str(path))
    assert "its header claims 4,294,967,295 bytes (limit header_bytes = 10,000)" in error


def test_the_labels_of_an_array_are_an_array(tmp_path):
    np.save(tmp_path / "t.npy", np.full((2, 2), 0.5))
    (tmp_path / "y.csv").write_text("y\n0\n1\n")
    with pytest.raises(ValueError, match=r"y\.csv: is csv; the labels of .*t\.npy are an array in an NPY file"):
        read_predictions(tmp_path / "t.npy", label=str(tmp_path / "y.csv"))


def test_a_header_that_claims_too_little(tmp_path):
    (tmp_path / "t.npy").write_bytes(npy_header((5,)) + bytes(80))
    with pytest.raises(UnsafeFile, match="40 bytes, but 80 follow"):
        read_predictions(tmp_path / "t.npy", label="y.npy")


@pytest.mark.parametrize(
    "data",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16,
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{",
        b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').system('false')",
        b"\x93NUMPY\x01\x00\x08\x00" + b"{1:2}   ",
        npy_header((1,), "<M8[s]") + bytes(8),
    ],
    ids=range(8),
)
def test_headers_that_are_none(tmp_path, data):
    (tmp_path / "t.npy").write_bytes(data)
    with pytest.raises(ValueError, match=r"t\.npy: "):
        read_predictions(tmp_path / "t.npy", label="y.npy")
    with pytest.raises(ValueError, match="'probs'"):
        read_predictions(npz(tmp_path / "t.npz", probs=data))


def test_a_zip_bomb(tmp_path):
    rows = 36 * 2**20
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("probs.npy", "w", force_zip64=True) as member,
    ):
        member.write(npy_header((rows,)))
        for _ in range(rows * 8 // 2**24):
            member.write(bytes(2**24))
    assert path.stat().st_size < 2**20
    assert "limit expansion = 100" in refused_in_little_memory(path)


def test_a_member_that_unpacks_to_more_or_less_than_it_says(tmp_path):
    honest = npy_header((1000,)) + bytes(8000)
    path = npz(tmp_path / "t.npz", y=npy_header((1000,), "<i8") + bytes(8000), p=honest)
    data = bytearray(path.read_bytes())
    for size in (100, len(honest) + 8, 2**31):
        forged = bytearray(data)
        place = forged.rfind(b"PK\x01\x02")
        forged[place + 24 : place + 28] = struct.pack("<I", size)
        path.write_bytes(forged)
        with pytest.raises(ValueError, match=r"t\.npz"):
            read_predictions(path)


@pytest.mark.parametrize("cut", [4, 10, 60, 200, 400, -30, -1])
def test_cut_short(tmp_path, cut):
    np.savez(tmp_path / "t.npz", y=np.arange(50) % 2, p=np.full(50, 0.5))
    pq.write_table(pa.table({"y": [0, 1] * 25, "p": [0.5] * 50}), tmp_path / "t.parquet")
    for name in ("t.npz", "t.parquet"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(ValueError, match=name):
            read_predictions(path)


def test_any_byte_flipped_is_an_error_or_the_file_it_was(tmp_path):
    """A flip in the numbers themselves may read as other numbers; it must never crash or hang."""
    rng = np.random.default_rng(0)
    np.savez_compressed(tmp_path / "t.npz", y=np.arange(50) % 2, p=rng.random(50))
    pq.write_table(pa.table({"y": [0, 1] * 25, "p": rng.random(50)}), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("y,p\n" + "".join(f"{i % 2},{x}\n" for i, x in enumerate(rng.random(50))))
    for name in ("t.npz", "t.parquet", "t.csv"):
        data = (tmp_path / name).read_bytes()
        for place in rng.integers(0, len(data), 80):
            flipped = bytearray(data)
            flipped[place] ^= 1 << int(rng.integers(0, 8))
            (tmp_path / f"x{name}").write_bytes(flipped)
            try:
                found = read_predictions(tmp_path / f"x{name}").labels.tolist()
            except ValueError as error:
                found = str(error)
            assert f"x{name}" in found if isinstance(found, str) else set(found) <= {0, 1}


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickles_are_never_loaded(tmp_path):
    proof = tmp_path / "executed"
    array = np.array([Bomb(proof)], dtype=object)
    np.save(tmp_path / "t.npy", array, allow_pickle=True)
    np.savez(tmp_path / "t.npz", probs=array, y=array)
    for protocol in (0, 2, 4):
        for name in ("t.pkl", "t.csv", "t.npz.parquet"):
            (tmp_path / name).write_bytes(pickle.dumps(Bomb(proof), protocol=protocol))
    for name in ("t.npy", "t.npz", "t.pkl", "t.csv", "t.npz.parquet"):
        with pytest.raises(ValueError, match=name.split(".")[0]):
            read_predictions(tmp_path / name, label=str(tmp_path / "t.npy") if name == "t.npy" else None)
    for name in ("t.npy", "t.npz", "t.pkl"):
        with pytest.raises(UnsafeFile, match="pickle"):
            read_predictions(tmp_path / name, label="y.npy" if name == "t.npy" else None)
    assert not proof.exists()


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        old = os.getcwd()
        os.chdir(tmp_path)
        try:
            listener.bind("socket.csv")
        finally:
            os.chdir(old)
        for name in ("pipe.csv", "folder.csv", "device.csv"):
            with pytest.raises(UnsafeFile, match="only regular files are opened"):
                read_predictions(tmp_path / name)
        with pytest.raises((UnsafeFile, OSError)):
            read_predictions(tmp_path / "socket.csv")


def test_a_wrong_suffix_is_named(tmp_path):
    pq.write_table(pa.table({"y": [0, 1], "p": [0.5, 0.5]}), tmp_path / "t.csv")
    with pytest.raises(ValueError, match=r"(?s)its name says csv, but it holds parquet.*--format parquet"):
        read_predictions(tmp_path / "t.csv")
    assert len(read_predictions(tmp_path / "t.csv", format="parquet")) == 2
    (tmp_path / "t.parquet").write_text("y,p\n1,.5\n")
    with pytest.raises(ValueError, match="is not the parquet file its name says"):
        read_predictions(tmp_path / "t.parquet")
    np.save(tmp_path / "a.npy", np.zeros(3))
    os.rename(tmp_path / "a.npy", tmp_path / "a.npz")
    with pytest.raises(ValueError, match="holds npy"):
        read_predictions(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "doc.npz", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(ValueError, match="zip file without arrays"):
        read_predictions(tmp_path / "doc.npz")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("y,p\n1,.5\n0,é\n".encode("latin-1"), "row 1 is not UTF-8"),
        ("y,p\n1,.5\n".encode("utf-16"), "UTF-16"),
        (b"y,p\n1,\x00.5\n", "row 0"),
        (b"\x00" * 1000, r"t\.csv"),
        (b'y,p\n1,".5\n' + b"0,.5\n" * 100, r"t\.csv"),
        (b"y,p\n" + b"1" * 100_000 + b",.5\n", "row 0 is '1111"),
        (b"," * 100_000 + b"\n", r"t\.csv"),
        (b"y,p\n\n\n\n", "no rows"),
        (b"y,p", "rows below it"),
        (b"y,p\n1,.5\n\xac0\n", "row 1 has 1 cells"),
        (b"y,p\xac\n1,.5\n", "not UTF-8"),
        (b"y;p\n1;.5\n", "between its names seem to stand ';'"),
        (b"<html><body>404</body></html>\n", "no label column"),
    ],
    ids=range(13),
)
def test_text_that_is_none(tmp_path, data, words):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(ValueError, match=words) as caught:
        read_predictions(tmp_path / "t.csv")
    assert len(str(caught.value)) < 2000


def test_limits_are_printed(tmp_path):
    (tmp_path / "t.csv").write_text("y,p\n" + "1," + "5" * 2000 + "\n0,.5\n")
    with pytest.raises(ValueError, match=r"too long to be a row \(limit row_bytes = 1,000\)"):
        read_predictions(tmp_path / "t.csv", limits=Limits(row_bytes=1000))
    (tmp_path / "t.csv").write_text(",".join(f"p_{i}" for i in range(20)) + "\n")
    with pytest.raises(ValueError, match=r"20 columns \(limit columns = 10\)"):
        read_predictions(tmp_path / "t.csv", limits=Limits(columns=10))
    np.savez(tmp_path / "t.npz", y=[0], probs=[[0.5, 0.5]], classes=["a", "b"])
    with pytest.raises(ValueError, match=r"'classes' has the shape \(2,\) \(limit classes = 1\)"):
        read_predictions(tmp_path / "t.npz", limits=Limits(classes=1))
    pq.write_table(pa.table({"y": [0, 1] * 50, "p": [0.5] * 100}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="limit numbers = 10"):
        read_predictions(tmp_path / "t.parquet", limits=Limits(numbers=10))
    np.savez(tmp_path / "t.npz", y=np.zeros(100, int), p=np.zeros(100))
    with pytest.raises(ValueError, match="limit numbers = 10"):
        read_predictions(tmp_path / "t.npz", limits=Limits(numbers=10))


def test_lists_that_swell(tmp_path):
    path = tmp_path / "t.parquet"
    schema = pa.schema([("y", pa.int64()), ("probs", pa.list_(pa.float64()))])
    zeros = pa.array([np.zeros(2**20)] * 2, schema.field("probs").type)
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(18):
            writer.write_table(pa.table({"y": [0, 0], "probs": zeros}, schema=schema))
    assert path.stat().st_size < 2**20
    with pytest.raises(UnsafeFile, match="limit expansion = 100"):
        read_predictions(path)


def test_a_parquet_file_that_swells(tmp_path):
    path = tmp_path / "t.parquet"
    zeros = pa.array(np.zeros(2**22))
    with pq.ParquetWriter(path, pa.schema([("y", pa.float64()), ("p", pa.float64())])) as writer:
        for _ in range(5):
            writer.write_table(pa.table({"y": zeros, "p": zeros}))
    assert path.stat().st_size < 2**20
    assert "limit expansion = 100" in refused_in_little_memory(path)


def test_a_header_of_many_columns_is_refused_in_little_memory(tmp_path):
    (tmp_path / "t.csv").write_text("label," + ",".join(f"p_{i}" for i in range(200_000)) + "\n")
    assert "200,001 columns (limit columns = 50,000)" in refused_in_little_memory(tmp_path / "t.csv")


def test_an_endless_field_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.write(b'y,p\n1,"')
        for _ in range(200):
            file.write(b"x" * 2**20)
    assert "limit row_bytes" in refused_in_little_memory(path)


def call(*args: str) -> tuple[int, str, str]:
    """Run `xent` within this process: its exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(args))
    return code, out.getvalue(), err.getvalue()


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\rb",
    "\u202egnp.exe",
    "line\nbreak",
    "nul\x00",
    "\x9b31m",
    "é\u0301\u200b",
]


def test_names_never_reach_the_terminal_raw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    q = np.random.default_rng(0).dirichlet(np.ones(len(HOSTILE)), 50)
    columns = {f"p_{name}": q[:, place] for place, name in enumerate(HOSTILE)}
    labels = [HOSTILE[i % len(HOSTILE)] for i in range(50)]
    folder = tmp_path / "\x1b[31mfolder"
    folder.mkdir()
    path = folder / "t\x1b]0;x\x07.parquet"
    pq.write_table(pa.table({"label": labels, "id": [name * 3 for name in labels], **columns}), path)
    for args in (
        [],
        ["-o", "page\x1b[1m.html"],
        ["--json"],
        ["--label", "\x1b[31mno"],
        ["--probs", "\x1b[31m*"],
        ["--weight", "id"],
    ):
        _, out, err = call("report", str(path), *args)
        assert all(c.isprintable() or c == "\n" for c in out + err), args
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "args",
    [
        ["\x1b[31m"],
        ["report", "\x1b[31m.csv"],
        ["report", "x.csv", "--\x1b[31m"],
        ["measure", "\x1b[31m", "1"],
        ["measure", "entropy", "\x1b[31m"],
        ["report", "x.csv", "--fail-if", "\x1b[31m"],
        ["report", "--example", "\x1b[31m"],
        ["report", "x.csv", "--format", "\x1b[31m" * 1000],
        ["report", "x" * 5000 + ".csv"],
        ["measure", "entropy", "9" * 100_000],
        ["measure", "entropy", "1e999999999/3"],
    ],
    ids=range(11),
)
def test_nor_do_the_words_of_the_call(tmp_path, monkeypatch, args):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert all(c.isprintable() or c == "\n" for c in err)
    assert len(err) < 2000


def test_a_path_that_is_no_text(tmp_path):
    name = os.fsdecode(b"\xff\xfe.csv")
    (tmp_path / name).write_text("y,p\n1,.5\n0,.25\n")
    done = subprocess.run(
        [sys.executable, "-m", "xent", "report", name, "--json"],
        capture_output=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert done.returncode == 0
    done.stdout.decode("ascii")


def test_standard_input_that_is_no_text(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(ValueError, match="standard input: is empty"):
        read_predictions("-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 100)))
    with pytest.raises(UnsafeFile, match="limit stdin_bytes = 10"):
        read_predictions("-", limits=Limits(stdin_bytes=10))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[1, 2]\n", "not an object a line"),
        (b'{"y": 1, "p": 0.5}\n{"y": 1, "p": "x"}\n', "row 1"),
        (b'{"y": 1, "p": 0.5\n', "not an object a line"),
        (b'{"y": 1, "p": {"a": 1}}\n', "not numbers"),
        (b'{"y": 1, "p": 0.5}\n{"y": 1}\n', "'p' row 1 is empty"),
        (b"[" * 100_000, r"t\.jsonl"),
        (b'{"y": 1, "p": .5}\n{"y": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "row 1 has 100,001 lists or objects"),
        (b'{"y": 1, "p": ' + b'{"a":[]}, "b": {"a":' * 9999 + b"1" + b"}" * 9999 + b"}\n", "limit nesting = 64"),
        (b'{"a":' * 100_000, r"t\.jsonl"),
        (b'{"y": 1, "p": NaN}\n', r"t\.jsonl"),
        (b"\x80abc", r"t\.jsonl"),
        (b'{"y": 1, "y": 0, "p": 0.5}\n', "one of its names is there twice"),
        (b'{"y": 1, "p": 1e999}\n', "one of its numbers is too large"),
    ],
    ids=range(13),
)
def test_json_lines_that_are_none(tmp_path, data, words):
    (tmp_path / "t.jsonl").write_bytes(data)
    with pytest.raises(ValueError, match=words) as caught:
        read_predictions(tmp_path / "t.jsonl")
    assert len(str(caught.value)) < 2000


def test_brackets_in_text_are_not_within_each_other(tmp_path):
    text = "[{" * 5000 + '\\"'
    (tmp_path / "t.jsonl").write_text(json.dumps({"y": 1, "p": 0.5, "note": text}) + "\n" + '{"y": 0, "p": 0.5}\n')
    assert len(read_predictions(tmp_path / "t.jsonl").labels) == 2
