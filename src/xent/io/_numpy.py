"""NPZ and NPY: headers are held against sizes before anything is read, and pickles are never loaded."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
from numpy.lib import format as npy

from xent._errors import UnsafeFile
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._table import Coded, Codes, Floats, as_float
from xent.io._text import did_you_mean, message, printable, quoted

_READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class Header:
    """What an array says of itself, after its claims were checked."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def read_header(file: IO[bytes], size: int, shown: str, limits: Limits) -> Header:
    """The header of an array that takes `size` bytes with it; nothing is allocated for what it claims."""
    try:
        version = npy.read_magic(file)
        reader = _READ_HEADER.get(version)
        if reader is None:
            raise ValueError(f"version {version[0]}.{version[1]}")
        shape, fortran, dtype = reader(file, max_header_size=limits.header_bytes)
    # The header is a Python literal: a hostile one can fail in any way that a tokenizer, a parser or a dtype can.
    except Exception as error:
        reason = printable(str(error).split("\n")[0], 80)
        raise ValueError(f"{shown}: is not a NumPy array: {reason} ({limits.shown('header_bytes')})") from None
    _check_claim(Header(tuple(shape), fortran, dtype), size - file.tell(), shown, limits)
    return Header(tuple(shape), fortran, dtype)


def _check_claim(header: Header, left: int, shown: str, limits: Limits) -> None:
    if header.dtype.hasobject:
        raise UnsafeFile(
            message(
                f"{shown}: holds Python objects, which are pickles and are never loaded",
                "save numbers or text (dtype str)",
            )
        )
    if header.dtype.kind not in "fiubUS":
        raise ValueError(f"{shown}: holds {printable(header.dtype, 40)}, neither numbers nor text")
    if any(side < 0 for side in header.shape):
        raise ValueError(f"{shown}: has the shape {printable(header.shape, 60)}")
    count = math.prod(header.shape)
    claimed = count * header.dtype.itemsize
    if claimed != left:
        raise UnsafeFile(
            f"{shown}: claims shape {printable(header.shape, 60)}, {claimed:,} bytes, but {left:,} follow its header"
        )
    if count > limits.numbers:
        raise UnsafeFile(f"{shown}: claims {count:,} numbers ({limits.shown('numbers')})")


def read_array(file: IO[bytes], header: Header, shown: str) -> np.ndarray[Any, Any]:
    """The array that `header` describes, from where `file` stands."""
    flat = np.empty(math.prod(header.shape), header.dtype)
    view = memoryview(cast(Any, flat.view(np.uint8))) if flat.nbytes else memoryview(b"")
    done = 0
    while done < len(view):
        piece = file.read(min(len(view) - done, 2**20))
        if not piece:
            raise ValueError(f"{shown}: ends before its {len(view):,} bytes are there")
        view[done : done + len(piece)] = piece
        done += len(piece)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


class ArrayTable:
    """The arrays of an NPZ file, or the one of an NPY file, as columns; two-dimensional ones are list columns."""

    def __init__(self, source: Source, limits: Limits) -> None:
        """Read the headers, and nothing else yet."""
        self.shown = source.shown
        self._limits = limits
        self._file = source.file
        self._headers: dict[str, Header] = {}
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._archive: zipfile.ZipFile | None = None
        if source.format == "npy":
            self._headers = {"array": read_header(source.file, source.size, self.shown, limits)}
            self._start = source.file.tell()
        else:
            self._open_archive(source)
        self.names: tuple[str, ...] = tuple(self._headers)

    def _open_archive(self, source: Source) -> None:
        try:
            self._archive = zipfile.ZipFile(source.file)
            members = self._archive.infolist()
            if len(members) > self._limits.columns:
                raise ValueError(f"{self.shown}: {len(members):,} arrays ({self._limits.shown('columns')})")
            for member in members:
                if member.filename.endswith(".npy"):
                    self._add_member(self._archive, member)
            if not self._headers:
                raise ValueError(f"{self.shown}: is a zip file without arrays")
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
            raise self._broken(error) from None

    def _add_member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        name = member.filename.removesuffix(".npy")
        shown = f"{self.shown}: array {quoted(name)}"
        if name in self._headers:
            raise ValueError(f"{shown} is there twice")
        most = max(self._limits.unpacked_bytes, self._limits.expansion * member.compress_size)
        if member.file_size > most:
            raise UnsafeFile(
                f"{shown} unpacks from {member.compress_size:,} to {member.file_size:,} bytes "
                f"({self._limits.shown('expansion')})"
            )
        with archive.open(member) as file:
            self._headers[name] = read_header(file, member.file_size, shown, self._limits)
        self._members[name] = member

    def _broken(self, error: BaseException) -> ValueError:
        return ValueError(f"{self.shown}: cannot be read as NPZ, perhaps cut short: {printable(error, 120)}")

    def is_list(self, name: str) -> bool:
        """Whether the array has two dimensions."""
        return len(self._header(name).shape) == 2

    def _header(self, name: str) -> Header:
        if name not in self._headers:
            raise ValueError(f"{self.shown}: no array {quoted(name)}{did_you_mean(name, self.names)}")
        header = self._headers[name]
        if len(header.shape) not in (1, 2):
            raise ValueError(
                f"{self.shown}: array {quoted(name)} has the shape {header.shape}, not rows or rows x classes"
            )
        return header

    def load(self, names: list[str]) -> int:
        """Check that these arrays have one length; that length."""
        lengths = {name: self._header(name).shape[0] for name in names}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{printable(name, 30)} {length:,}" for name, length in lengths.items())
            raise ValueError(f"{self.shown}: arrays of different lengths: {found}")
        return next(iter(lengths.values()), 0)

    def _array(self, name: str) -> np.ndarray[Any, Any]:
        header = self._header(name)
        shown = f"{self.shown}: array {quoted(name)}"
        if self._archive is None:
            self._file.seek(self._start)
            return read_array(self._file, header, shown)
        try:
            with self._archive.open(self._members[name]) as file:
                read_header(file, self._members[name].file_size, shown, self._limits)
                return read_array(file, header, shown)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            raise self._broken(error) from None

    def numbers(self, name: str, rows: Codes) -> Floats:
        """Numbers of a one-dimensional array in these rows."""
        if self.is_list(name):
            raise ValueError(
                f"{self.shown}: array {quoted(name)} has the shape {self._header(name).shape}, not one number a row"
            )
        return self._floats(name, rows)

    def matrix(self, name: str, rows: Codes) -> Floats:
        """These rows of a two-dimensional array of numbers."""
        return self._floats(name, rows)

    def _floats(self, name: str, rows: Codes) -> Floats:
        dtype = self._header(name).dtype
        if dtype.kind not in "fiu":
            raise ValueError(f"{self.shown}: array {quoted(name)} holds {printable(dtype, 40)}, not numbers")
        values = as_float(self._array(name))
        return values if len(rows) == len(values) else values[rows]

    def coded(self, name: str) -> Coded:
        """The distinct values of a one-dimensional array, and which of them each row holds."""
        if self.is_list(name) and self._header(name).shape[1] != 1:
            raise ValueError(
                f"{self.shown}: array {quoted(name)} has the shape {self._header(name).shape}, not one value a row"
            )
        array = self._array(name).reshape(-1)
        values, codes = np.unique(array, return_inverse=True)
        codes = codes.astype(np.int64)
        missing = np.isnan(values) if values.dtype.kind == "f" else values == values.dtype.type()
        if values.dtype.kind in "fUS" and missing.any():
            codes = np.where(missing[codes], -1, codes)
        return Coded(codes, tuple(values.tolist()))

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """The array `classes`, if the file holds one."""
        if "classes" not in self._headers or name == "classes":
            return None
        names = self._array("classes").reshape(-1).tolist()
        return tuple(item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in names)
