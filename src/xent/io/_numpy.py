"""NPZ and NPY: headers are held against sizes before anything is read, and pickles are never loaded."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO

import numpy as np
from numpy.lib import format as npy

from xent._errors import UnsafeFile
from xent.io._arrays import Array, ArrayTable, Header, Plain, Stored, check_claim, fill
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._text import printable, quoted

# By version: NumPy's reader, and how the length of the header is written before it.
_READ_HEADER = {(1, 0): (npy.read_array_header_1_0, "<H"), (2, 0): (npy.read_array_header_2_0, "<I")}
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, struct.error)


def read_header(file: IO[bytes], size: int, shown: str, limits: Limits) -> Header:
    """The header of an array that takes `size` bytes with it; nothing is allocated for what it claims."""
    try:
        version = npy.read_magic(file)
        if version not in _READ_HEADER:
            raise ValueError(f"version {version[0]}.{version[1]}")
        reader, form = _READ_HEADER[version]
        _check_length(file, form, limits)
        shape, fortran, dtype = reader(file, max_header_size=limits.header_bytes)
    # The header is a Python literal: a hostile one can fail in any way that a tokenizer, a parser or a dtype can.
    except Exception as error:
        reason = printable(str(error).split("\n")[0], 80)
        raise ValueError(f"{shown}: is not a NumPy array: {reason} ({limits.shown('header_bytes')})") from None
    header = Header(tuple(shape), fortran, dtype)
    check_claim(header, size - file.tell(), shown, limits)
    return header


def _check_length(file: IO[bytes], form: str, limits: Limits) -> None:
    """NumPy reads a header whole before it looks how long it is, and one may claim four gigabytes."""
    start = file.tell()
    field = file.read(struct.calcsize(form))
    file.seek(start)
    length = struct.unpack(form, field)[0] if len(field) == struct.calcsize(form) else 0
    if length > limits.header_bytes:
        raise ValueError(f"its header claims {length:,} bytes")


def lone_array(source: Source, limits: Limits) -> Plain:
    """The array of an NPY file."""
    header = read_header(source.file, source.size, source.shown, limits)
    return Plain(source.file, source.file.tell(), header, source.shown)


def npz_table(source: Source, limits: Limits) -> ArrayTable:
    """The arrays of an NPZ file."""
    try:
        archive = zipfile.ZipFile(source.file)
        members = archive.infolist()
        if len(members) > limits.columns:
            raise ValueError(f"{source.shown}: {len(members):,} arrays ({limits.shown('columns')})")
        arrays: dict[str, Stored] = {}
        for member in members:
            if member.filename.endswith(".npy"):
                name = member.filename.removesuffix(".npy")
                if name in arrays:
                    raise ValueError(f"{source.shown}: array {quoted(name)} is there twice")
                arrays[name] = _member(source, archive, member, limits)
        if not arrays:
            raise ValueError(f"{source.shown}: is a zip file without arrays")
        return ArrayTable(source.shown, arrays, limits)
    except _BROKEN as error:
        raise _broken(source.shown, error) from None


def _broken(shown: str, error: BaseException) -> ValueError:
    return ValueError(f"{shown}: cannot be read as NPZ, perhaps cut short: {printable(error, 120)}")


def _member(source: Source, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> Stored:
    shown = f"{source.shown}: array {quoted(member.filename.removesuffix('.npy'))}"
    most = max(limits.unpacked_bytes, limits.expansion * member.compress_size)
    if member.file_size > most:
        raise UnsafeFile(
            f"{shown} unpacks from {member.compress_size:,} to {member.file_size:,} bytes ({limits.shown('expansion')})"
        )
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{shown}: is packed by method {member.compress_type}; NPZ files are stored or deflated")
    with archive.open(member) as file:
        header = read_header(file, member.file_size, shown, limits)
        start = file.tell()
    if header.fortran and len(header.shape) > 1:
        if member.compress_type == zipfile.ZIP_STORED:
            return Plain(source.file, _data_offset(source.file, member) + start, header, shown)
        if member.file_size > limits.unpacked_bytes:
            raise ValueError(
                f"{shown}: {member.file_size:,} packed bytes, column by column ({limits.shown('unpacked_bytes')}); "
                "save it row by row (numpy.ascontiguousarray), or unpacked (numpy.savez)"
            )
    return Packed(lambda: archive.open(member), start, header, shown, source.shown)


def _data_offset(file: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind its local header."""
    file.seek(member.header_offset)
    name, extra = struct.unpack("<26xHH", file.read(30))
    return member.header_offset + 30 + name + extra


class Packed:
    """An array that a zip file holds, unpacked as it is read."""

    def __init__(self, reopen: Callable[[], IO[bytes]], start: int, header: Header, shown: str, file: str) -> None:
        """`reopen` gives the member's bytes from the beginning; the numbers follow `start` bytes of header."""
        self.header = header
        self._reopen = reopen
        self._start = start
        self._shown = shown
        self._named = file
        self._stream: IO[bytes] | None = None
        self._at = 0
        self._whole: Array | None = None

    def rows(self, start: int, stop: int) -> Array:
        """These rows."""
        try:
            return self._rows(start, stop)
        except _BROKEN as error:
            raise _broken(self._named, error) from None

    def _rows(self, start: int, stop: int) -> Array:
        header = self.header
        if header.fortran and len(header.shape) > 1:
            if self._whole is None:
                self._whole = fill(self._begin(), header.shape[::-1], header.dtype, self._shown).T
            return np.ascontiguousarray(self._whole[start:stop])
        stream = self._stream
        if stream is None or start != self._at:
            stream = self._stream = self._begin()
            stream.read(start * math.prod(header.shape[1:]) * header.dtype.itemsize)
        self._at = stop
        values = fill(stream, (stop - start, *header.shape[1:]), header.dtype, self._shown)
        if header.shape[:1] == (stop,):
            stream.read(1)  # at the end the checksum is looked at
        return values

    def _begin(self) -> IO[bytes]:
        """The member's bytes, from behind the header on."""
        stream = self._reopen()
        stream.read(self._start)
        return stream
