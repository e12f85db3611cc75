"""Columns held by Arrow: the tables behind CSV, JSON lines, Parquet, Arrow files and objects."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from xent.io._source import Source
from xent.io._table import (
    Chunk,
    Coded,
    Codes,
    Floats,
    as_float,
    coded_numbers,
    no_number,
    parse_number,
    rows_at_once,
    uneven,
)
from xent.io._text import did_you_mean, message, names_in, printable, quoted

# Its functions are made when it is imported, out of a type checker's sight.
pc: Any = pyarrow.compute

_DTYPES = {
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
}
"""What Arrow and NumPy call numbers of one layout."""


_ONE_AT_A_TIME = threading.Lock()


def is_list_type(kind: Any) -> bool:
    """Whether a type holds several numbers a row."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def arrow_file(source: Source) -> Any:
    """The input from its beginning, through a handle of its own: readers close what they were given.

    Arrow reads ahead in threads that may outlive an error. A handle of its own needs nothing from Python there;
    a Python file would, and at the interpreter's exit such a thread ends the process.
    """
    if isinstance(source.file, io.BytesIO):  # standard input: several readers share these bytes, and no place in them
        return pa.BufferReader(source.file.getvalue())
    try:
        return pa.OSFile(f"/dev/fd/{source.file.fileno()}")
    except OSError:  # no such folder
        with _ONE_AT_A_TIME:
            source.file.seek(0)
            return pa.BufferReader(source.file.read())


class ArrowTable:
    """Named Arrow columns, some rows at a time."""

    _text_holds_numbers = False

    def __init__(self, shown: str, schema: Any, total: int | None = None) -> None:
        """`shown` names the file in errors; the rows come with `chunks`."""
        self.shown = shown
        self.names: tuple[str, ...] = tuple(schema.names)
        self.total = total
        self._schema = schema

    def is_list(self, name: str) -> bool:
        """Whether each row of the column holds several numbers."""
        return is_list_type(self._schema.field(self._place(name)).type)

    def chunks(self, names: list[str], most: int) -> Iterator[Chunk]:
        """These columns from the first row to the last, at most `most` rows at a time."""
        for name in names:
            self._place(name)
        most = rows_at_once(most, len(names))
        start = self._start()
        for batch in self._batches(names, most):
            for place in range(0, batch.num_rows, most):
                piece = batch.slice(place, most)
                yield ArrowChunk(self.shown, piece, start, text_holds_numbers=self._text_holds_numbers)
                start += piece.num_rows

    def _start(self) -> int:
        return 0

    def _batches(self, names: list[str], most: int) -> Iterator[Any]:
        """Record batches that hold at least these columns; `most` is a wish."""
        raise NotImplementedError

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """The JSON list under the key `classes` of the column's, else of the table's, metadata."""
        for metadata in (self._schema.field(self._place(name)).metadata, self._schema.metadata):
            raw = (metadata or {}).get(b"classes")
            if raw is not None:
                return names_in(self.shown, raw)
        return None

    def _place(self, name: str) -> int:
        places = self._schema.get_all_field_indices(name)
        if len(places) > 1:
            raise ValueError(
                message(f"{self.shown}: {len(places)} columns are named {quoted(name)}", "give each its own name")
            )
        if not places:
            raise ValueError(f"{self.shown}: no column {quoted(name)}{did_you_mean(name, self.names)}")
        return places[0]


class ArrowChunk:
    """Rows of an Arrow table, with the checks that turn them into plain arrays."""

    def __init__(self, shown: str, batch: Any, start: int, *, text_holds_numbers: bool) -> None:
        """`batch` is a record batch; with `text_holds_numbers`, text is parsed where numbers are asked for."""
        self.shown = shown
        self.start = start
        self.count: int = batch.num_rows
        self._batch = batch
        self._text_holds_numbers = text_holds_numbers

    def _stored(self, name: str) -> Any:
        place = self._batch.schema.get_field_index(name)
        return self._batch.column(place) if place >= 0 else pa.nulls(self.count)  # a key that no line of this block has

    def _column(self, name: str) -> Any:
        column = self._stored(name)
        if pa.types.is_dictionary(column.type):
            # Written out, one long text in a dictionary could be gigabytes; no number is in a text there.
            kind = column.type.value_type
            if not (pa.types.is_primitive(kind) or pa.types.is_decimal(kind)):
                raise ValueError(f"{self.shown}: column {quoted(name)} holds {printable(kind, 40)}, not numbers")
            column = column.cast(kind)
        return _viewless(column)

    def numbers(self, name: str, rows: Codes) -> Floats:
        """Numbers of these rows, (n,); text is parsed where the format has nothing else."""
        column = _only(self._column(name), rows)
        if _is_text(column.type) and self._text_holds_numbers:
            return self._parsed(name, column, rows)
        return self._plain_numbers(name, column, rows)

    def _plain_numbers(self, name: str, column: Any, rows: Codes, width: int = 1) -> Floats:
        """Numbers as floats; `width` of them are a row."""
        kind = column.type
        if pa.types.is_decimal(kind):
            column = column.cast(pa.float64())
        elif pa.types.is_null(kind) and len(column):
            raise no_number(self.shown, name, self._row(rows, 0), "")
        elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
            raise ValueError(f"{self.shown}: column {quoted(name)} holds {printable(kind, 40)}, not numbers")
        if column.null_count:
            raise no_number(self.shown, name, self._row(rows, _first(pc.is_null(column)) // width), "")
        return as_float(_plain(column)) if len(column) else np.empty(0)

    def _parsed(self, name: str, column: Any, rows: Codes) -> Floats:
        try:
            return pc.cast(pc.utf8_trim_whitespace(column), pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            # Slow, and only for a column with a cell that Arrow does not read: find it, or read it as Python does.
            cells = zip((self.start + rows).tolist(), column.to_pylist(), strict=True)
            return np.array([self._cell(name, row, cell) for row, cell in cells])

    def _cell(self, name: str, row: int, cell: str | None) -> float:
        try:
            return parse_number(cell or "")
        except ValueError:
            raise no_number(self.shown, name, row, cell or "") from None

    def matrix(self, name: str, rows: Codes) -> Floats:
        """Lists of these rows, all of one length, (n, K)."""
        column = _only(self._column(name), rows)
        if column.null_count:
            raise no_number(self.shown, name, self._row(rows, _first(pc.is_null(column))), "")
        lengths = _plain(pc.list_value_length(column))
        if not len(lengths):
            return np.empty((0, 2))
        odd = np.flatnonzero(lengths != lengths[0])
        if odd.size:
            place = int(odd[0])
            places = (self._row(rows, place), int(lengths[place])), (self._row(rows, 0), int(lengths[0]))
            raise uneven(self.shown, name, *places)
        width = int(lengths[0])
        flat = self._plain_numbers(name, column.flatten(), rows, max(width, 1))
        return flat.reshape(len(lengths), width)

    def _row(self, rows: Codes, place: int) -> int:
        """The number in the table of the row at `place` among `rows`."""
        return self.start + int(rows[place])

    def coded(self, name: str) -> Coded:
        """A column of labels or names: its distinct values, and which of them each row holds."""
        column = self._stored(name)
        if pa.types.is_nested(column.type) or pa.types.is_nested(getattr(column.type, "value_type", column.type)):
            raise ValueError(
                f"{self.shown}: column {quoted(name)} holds {printable(column.type, 40)}, not one value a row"
            )
        column = column if pa.types.is_dictionary(column.type) else _viewless(column)
        if pa.types.is_integer(column.type) and not column.null_count:
            counted = coded_numbers(_plain(column))
            if counted is not None:
                return counted
        try:
            encoded = _compact(column) if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
        except pa.ArrowException:  # a place that the dictionary has not
            raise ValueError(
                f"{self.shown}: column {quoted(name)} is damaged, perhaps the file was cut short"
            ) from None
        # Places with nulls among them come as floats with NaN.
        places = _plain(encoded.indices)
        codes = (np.nan_to_num(places, nan=-1) if places.dtype.kind == "f" else places).astype(np.int64)
        return self._without_empties(codes, tuple(encoded.dictionary.to_pylist()))

    @staticmethod
    def _without_empties(codes: Any, values: tuple[Any, ...]) -> Coded:
        """Empty text and NaN are no values."""
        for place, value in enumerate(values):
            if value in ("", None) or value != value:
                codes = np.where(codes == place, -1, codes)
        return Coded(codes, values)


def _compact(column: Any) -> Any:
    """A dictionary column with only those values of its dictionary that occur, in the order in which they do."""
    places = pc.dictionary_encode(column.indices)
    return pa.DictionaryArray.from_arrays(places.indices, _viewless(column.dictionary.take(places.dictionary)))


def _viewless(column: Any) -> Any:
    """Few kernels know texts that are views."""
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column


def _plain(column: Any) -> Any:
    """A column as a NumPy array; numbers without nulls as they lie there: `to_numpy` would import pandas."""
    dtype = _DTYPES.get(str(column.type))
    if dtype is None or column.null_count:
        return column.to_numpy(zero_copy_only=False)
    if len(column) == 0:
        return np.empty(0, dtype=dtype)
    start = column.offset * np.dtype(dtype).itemsize
    return np.frombuffer(column.buffers()[1], dtype=dtype, count=len(column), offset=start)


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _only(column: Any, rows: Codes) -> Any:
    return column if len(rows) == len(column) else column.take(pa.array(rows))


def _first(mask: Any) -> int:
    return int(np.flatnonzero(mask.to_numpy(zero_copy_only=False))[0])
