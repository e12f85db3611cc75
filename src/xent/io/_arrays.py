"""Arrays as columns, read some rows at a time: the table behind NPY, NPZ and safetensors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

import numpy as np

from xent._errors import UnsafeFile
from xent.io._limits import Limits
from xent.io._table import Chunk, Coded, Codes, Floats, as_float, coded_numbers, rows_at_once
from xent.io._text import did_you_mean, message, printable, quoted

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Header:
    """What an array says of itself. `bfloat` marks 16-bit words that are the upper halves of float32."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    bfloat: bool = False


def check_claim(header: Header, left: int, shown: str, limits: Limits) -> None:
    """Hold what an array claims against the `left` bytes that are there; nothing is allocated before."""
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


class Stored(Protocol):
    """An array in a file."""

    header: Header

    def rows(self, start: int, stop: int) -> Array:
        """These rows; calls go from the first row on, each where the last one ended, or begin again at 0."""
        ...


class Plain:
    """An array that lies in the file as it is in memory, from `offset` on."""

    def __init__(self, file: IO[bytes], offset: int, header: Header, shown: str) -> None:
        """`shown` names the array in errors."""
        self.header = header
        self._file = file
        self._offset = offset
        self._shown = shown

    def rows(self, start: int, stop: int) -> Array:
        """These rows."""
        header = self.header
        size = header.dtype.itemsize
        if not header.fortran or len(header.shape) < 2:
            width = math.prod(header.shape[1:])
            self._file.seek(self._offset + start * width * size)
            return fill(self._file, (stop - start, *header.shape[1:]), header.dtype, self._shown)
        values = np.empty((stop - start, header.shape[1]), header.dtype)
        for column in range(header.shape[1]):
            self._file.seek(self._offset + (column * header.shape[0] + start) * size)
            values[:, column] = fill(self._file, (stop - start,), header.dtype, self._shown)
        return values


def fill(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], shown: str) -> Array:
    """An array of the bytes from where `file` stands."""
    flat = np.empty(math.prod(shape), dtype)
    view = memoryview(cast(Any, flat.view(np.uint8))) if flat.nbytes else memoryview(b"")
    done = 0
    while done < len(view):
        piece = file.read(min(len(view) - done, 2**20))
        if not piece:
            raise ValueError(f"{shown}: ends before its {len(view):,} bytes are there")
        view[done : done + len(piece)] = piece
        done += len(piece)
    return flat.reshape(shape)


class ArrayTable:
    """Arrays of one length as columns; two-dimensional ones are list columns."""

    def __init__(
        self, shown: str, arrays: Mapping[str, Stored], limits: Limits, classes: tuple[str, ...] | None = None
    ) -> None:
        """Nothing is read yet but the array `classes`, if it is there and names are not given."""
        self.shown = shown
        self.names: tuple[str, ...] = tuple(arrays)
        self.total: int | None = None
        self._arrays = arrays
        self._classes = classes
        if classes is None and "classes" in arrays:
            self._classes = self._read_classes(arrays["classes"], limits)

    def _read_classes(self, array: Stored, limits: Limits) -> tuple[str, ...]:
        shape = array.header.shape
        if not shape or math.prod(shape) > limits.classes:
            raise ValueError(f"{self.shown}: array 'classes' has the shape {shape} ({limits.shown('classes')})")
        names = array.rows(0, shape[0]).reshape(-1).tolist()
        return tuple(item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in names)

    def is_list(self, name: str) -> bool:
        """Whether the array has two dimensions."""
        return len(self._header(name).shape) == 2

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """The array `classes`, if the file holds one."""
        return None if name == "classes" else self._classes

    def _header(self, name: str) -> Header:
        if name not in self._arrays:
            raise ValueError(f"{self.shown}: no array {quoted(name)}{did_you_mean(name, self.names)}")
        header = self._arrays[name].header
        if len(header.shape) not in (1, 2):
            raise ValueError(
                f"{self.shown}: array {quoted(name)} has the shape {header.shape}, not rows or rows x classes"
            )
        return header

    def chunks(self, names: list[str], most: int) -> Iterator[Chunk]:
        """These arrays from the first row to the last, once it is known that they have one length."""
        lengths = {name: self._header(name).shape[0] for name in names}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{printable(name, 30)} {length:,}" for name, length in lengths.items())
            raise ValueError(f"{self.shown}: arrays of different lengths: {found}")
        self.total = next(iter(lengths.values()), 0)
        most = rows_at_once(most, sum(self._width(name) for name in names))
        for start in range(0, self.total, most):
            stop = min(start + most, self.total)
            yield ArrayChunk(self.shown, {name: self._rows(name, start, stop) for name in names}, start, stop - start)

    def _width(self, name: str) -> int:
        """How many numbers a row takes; a text as many as fit in its place."""
        header = self._header(name)
        return max(1, math.prod(header.shape[1:]) * header.dtype.itemsize // 8)

    def _rows(self, name: str, start: int, stop: int) -> Array:
        array = self._arrays[name]
        values = array.rows(start, stop)
        return (values.astype(np.uint32) << 16).view(np.float32) if array.header.bfloat else values


class ArrayChunk:
    """Rows of several arrays."""

    def __init__(self, shown: str, arrays: dict[str, Array], start: int, count: int) -> None:
        """`arrays` hold these rows only."""
        self.shown = shown
        self.start = start
        self.count = count
        self._arrays = arrays

    def numbers(self, name: str, rows: Codes) -> Floats:
        """Numbers of a one-dimensional array in these rows."""
        if self._arrays[name].ndim != 1:
            raise ValueError(
                f"{self.shown}: array {quoted(name)} has the shape {self._shape(name)}, not one number a row"
            )
        return self._floats(name, rows)

    def matrix(self, name: str, rows: Codes) -> Floats:
        """These rows of a two-dimensional array of numbers."""
        return self._floats(name, rows)

    def _floats(self, name: str, rows: Codes) -> Floats:
        array = self._arrays[name]
        if array.dtype.kind not in "fiu":
            raise ValueError(f"{self.shown}: array {quoted(name)} holds {printable(array.dtype, 40)}, not numbers")
        values = as_float(array)
        return values if len(rows) == len(values) else values[rows]

    def coded(self, name: str) -> Coded:
        """The distinct values of a one-dimensional array, and which of them each row holds."""
        array = self._arrays[name]
        if array.ndim != 1 and array.shape[1] != 1:
            raise ValueError(
                f"{self.shown}: array {quoted(name)} has the shape {self._shape(name)}, not one value a row"
            )
        array = array.reshape(-1)
        counted = coded_numbers(array)
        if counted is not None:
            return counted
        values, codes = np.unique(array, return_inverse=True)
        codes = codes.astype(np.int64)
        missing = np.isnan(values) if values.dtype.kind == "f" else values == values.dtype.type()
        if values.dtype.kind in "fUS" and missing.any():
            codes = np.where(missing[codes], -1, codes)
        return Coded(codes, tuple(values.tolist()))

    def _shape(self, name: str) -> str:
        return f"({self.count}, {self._arrays[name].shape[1]})"
