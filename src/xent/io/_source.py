"""Opening what the user named: regular files and standard input only, and of the format it says."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xent._errors import UnsafeFile
from xent.io._limits import Limits
from xent.io._text import did_you_mean, listed, message, printable, quoted

FORMATS: tuple[str, ...] = ("csv", "tsv", "jsonl", "parquet", "arrow", "npz", "npy", "safetensors")
_OTHER_SUFFIXES = {".ndjson": "jsonl", ".pq": "parquet", ".feather": "arrow", ".ipc": "arrow"}
_SUFFIXES = {f".{name}": name for name in FORMATS} | _OTHER_SUFFIXES
_TEXT = ("csv", "tsv", "jsonl")
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill")
_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "npz"),
    (b"PK\x05\x06", "npz"),
    (b"\x93NUMPY", "npy"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
# Known, so that they can be named, and not read.
_OTHER_MAGIC = (
    (b"\x1f\x8b", "packed by gzip", "unpack it: gunzip"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it: unzstd"),
    (b"FEA1", "a Feather file of version 1", "write it again as version 2, or as Parquet"),
    (b"\x89HDF", "an HDF5 file", "write the columns as Parquet or CSV"),
)
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """An open input: its name as it may be shown, its format and size, and the bytes."""

    shown: str
    format: str
    size: int
    file: IO[bytes]
    stamp: tuple[int, int] | None = None

    def __enter__(self) -> Source:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.file.close()

    def check_unchanged(self) -> None:
        """ValueError if the file was written to since it was opened: what was read may be half old and half new."""
        if self.stamp is not None and _stamp(os.fstat(self.file.fileno())) != self.stamp:
            raise ValueError(message(f"{self.shown}: was changed while it was read", "read it again once it is whole"))


def open_source(path: str | os.PathLike[str], file_format: str | None, limits: Limits) -> Source:
    """Open `path` (`-` is standard input) for reading, once its kind and format are known to be what they should."""
    name = os.fspath(path)
    file_format = "arrow" if file_format == "feather" else file_format  # a Feather file is an Arrow file
    if file_format is not None and file_format not in FORMATS:
        near = did_you_mean(file_format, FORMATS)
        raise ValueError(f"--format {quoted(file_format)} is not known{near or '; it is one of ' + ', '.join(FORMATS)}")
    if name == "-":
        data = _read_stdin(limits)
        source = Source("standard input", file_format or "csv", len(data), io.BytesIO(data))
    else:
        shown = printable(name)
        there, file = _open_regular(name, shown)
        with _closed_on_error(file):
            source = Source(shown, file_format or _by_suffix(name, shown), there.st_size, file, _stamp(there))
    with _closed_on_error(source.file):
        _check_magic(source, named=file_format is not None)
    return source


@contextmanager
def _closed_on_error(file: IO[bytes]) -> Generator[None]:
    try:
        yield
    except BaseException:
        file.close()
        raise


def _by_suffix(name: str, shown: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix in _PICKLES:
        raise UnsafeFile(
            message(
                f"{shown}: pickles are refused, since reading one can run any code",
                "save the arrays with numpy.savez, or the table as Parquet or CSV",
            )
        )
    if suffix not in _SUFFIXES:
        raise ValueError(
            message(
                f"{shown}: the format is not known from the suffix {quoted(suffix) if suffix else '(none)'}",
                f"say which it is: --format {'|'.join(FORMATS)}",
            )
        )
    return _SUFFIXES[suffix]


def _stamp(there: os.stat_result) -> tuple[int, int]:
    return there.st_size, there.st_mtime_ns


def _open_regular(name: str, shown: str) -> tuple[os.stat_result, IO[bytes]]:
    # Looked at after it is open and without blocking, so that what was checked is what is read, and a pipe cannot hang.
    descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    there = os.fstat(descriptor)
    if not stat.S_ISREG(there.st_mode):
        os.close(descriptor)
        kind = next((words for test, words in _KINDS if test(there.st_mode)), "not a regular file")
        more = "to read a stream, pipe it in and name the file -" if kind in ("a pipe", "a device") else ""
        raise UnsafeFile(message(f"{shown}: is {kind}; only regular files are opened", more))
    return there, os.fdopen(descriptor, "rb")


def _read_stdin(limits: Limits) -> bytes:
    data = sys.stdin.buffer.read(limits.stdin_bytes + 1)
    if len(data) > limits.stdin_bytes:
        raise UnsafeFile(f"standard input: more bytes than are read from a stream ({limits.shown('stdin_bytes')})")
    return data


def _check_magic(source: Source, *, named: bool) -> None:
    """The first bytes must be those of the format; a wrong suffix is named, a pickle refused."""
    head = source.file.read(9)
    source.file.seek(0)
    if not head:
        raise ValueError(f"{source.shown}: is empty: no header, no row")
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), "text")
    if head[4:] == b"\0\0\0\0{":
        found = "safetensors"  # a length that fits four of eight bytes, and a JSON object
    wanted = "text" if source.format in _TEXT else source.format
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise UnsafeFile(f"{source.shown}: is a pickle, whatever its name; reading one can run any code")
    said = "--format" if named else "name"
    for magic, what, advice in _OTHER_MAGIC:
        if head.startswith(magic):
            raise ValueError(message(f"{source.shown}: its {said} says {source.format}, but it is {what}", advice))
    if found == wanted:
        return
    if found == "text":
        raise ValueError(
            f"{source.shown}: is not the {source.format} file its {said} says: its first bytes are not those of one"
        )
    raise ValueError(
        message(f"{source.shown}: its {said} says {source.format}, but it holds {found}", f"add --format {found}")
    )


def columns_line(names: tuple[str, ...]) -> str:
    """The line of help that lists what a file holds."""
    return f"columns: {listed(names, 12)}" if names else "it holds no columns"
