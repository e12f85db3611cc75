"""Columns held by Arrow: the table behind CSV and Parquet."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from xent.io._table import Coded, Codes, Floats, as_float, no_number, parse_number, uneven
from xent.io._text import did_you_mean, message, printable, quoted

# Its functions are made when it is imported, out of a type checker's sight.
pc: Any = pyarrow.compute


def is_list_type(kind: Any) -> bool:
    """Whether a type holds several numbers a row."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


class ArrowTable:
    """Named Arrow columns, with the checks that turn them into plain arrays."""

    def __init__(self, shown: str, schema: Any) -> None:
        """`shown` names the file in errors; the columns come with `load`."""
        self.shown = shown
        self.names: tuple[str, ...] = tuple(schema.names)
        self._schema = schema
        self._table: Any = None

    def is_list(self, name: str) -> bool:
        """Whether each row of the column holds several numbers."""
        return is_list_type(self._schema.field(self._place(name)).type)

    def load(self, names: list[str]) -> int:
        """Read these columns; the number of rows."""
        self._table = self._read(names)
        return self._table.num_rows

    def _read(self, names: list[str]) -> Any:
        raise NotImplementedError

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """The JSON list under the key `classes` of the column's, else of the table's, metadata."""
        for metadata in (self._schema.field(self._place(name)).metadata, self._schema.metadata):
            raw = (metadata or {}).get(b"classes")
            if raw is not None:
                return self._names_in(raw)
        return None

    def _names_in(self, raw: bytes) -> tuple[str, ...]:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(item, str | int) for item in found):
            raise ValueError(f"{self.shown}: its metadata `classes` is not a JSON list of names")
        return tuple(str(item) for item in found)

    def _place(self, name: str) -> int:
        places = self._schema.get_all_field_indices(name)
        if len(places) > 1:
            raise ValueError(
                message(f"{self.shown}: {len(places)} columns are named {quoted(name)}", "give each its own name")
            )
        if not places:
            raise ValueError(f"{self.shown}: no column {quoted(name)}{did_you_mean(name, self.names)}")
        return places[0]

    def _column(self, name: str) -> Any:
        self._place(name)
        column = self._table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)

    def numbers(self, name: str, rows: Codes) -> Floats:
        """Numbers of these rows, (n,); text is parsed where the format has nothing else."""
        column = _only(self._column(name), rows)
        if _is_text(column.type) and self._text_holds_numbers:
            return self._parsed(name, column, rows)
        return self._plain_numbers(name, column, rows)

    _text_holds_numbers = False

    def _plain_numbers(self, name: str, column: Any, rows: Codes, width: int = 1) -> Floats:
        """Numbers as floats; `width` of them are a row."""
        kind = column.type
        if pa.types.is_decimal(kind):
            column = column.cast(pa.float64())
        elif pa.types.is_null(kind) and len(column):
            raise no_number(self.shown, name, int(rows[0]), "")
        elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
            raise ValueError(f"{self.shown}: column {quoted(name)} holds {printable(kind, 40)}, not numbers")
        if column.null_count:
            raise no_number(self.shown, name, int(rows[_first(pc.is_null(column)) // width]), "")
        return as_float(column.to_numpy(zero_copy_only=False)) if len(column) else np.empty(0)

    def _parsed(self, name: str, column: Any, rows: Codes) -> Floats:
        try:
            return pc.cast(pc.utf8_trim_whitespace(column), pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            # Slow, and only for a column with a cell that Arrow does not read: find it, or read it as Python does.
            cells = zip(rows.tolist(), column.to_pylist(), strict=True)
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
            raise no_number(self.shown, name, int(rows[_first(pc.is_null(column))]), "")
        lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        if not len(lengths):
            return np.empty((0, 2))
        odd = np.flatnonzero(lengths != lengths[0])
        if odd.size:
            place = int(odd[0])
            raise uneven(self.shown, name, (int(rows[place]), int(lengths[place])), (int(rows[0]), int(lengths[0])))
        width = int(lengths[0])
        flat = self._plain_numbers(name, column.flatten(), rows, max(width, 1))
        return flat.reshape(len(lengths), width)

    def coded(self, name: str) -> Coded:
        """A column of labels or names: its distinct values, and which of them each row holds."""
        column = self._column(name)
        if is_list_type(column.type) or pa.types.is_nested(column.type):
            raise ValueError(
                f"{self.shown}: column {quoted(name)} holds {printable(column.type, 40)}, not one value a row"
            )
        encoded = pc.dictionary_encode(column)
        # Places with nulls among them come as floats with NaN. (`fill_null` would import pandas, if that is there.)
        codes = np.nan_to_num(encoded.indices.to_numpy(zero_copy_only=False), nan=-1).astype(np.int64)
        return self._without_empties(codes, tuple(encoded.dictionary.to_pylist()))

    @staticmethod
    def _without_empties(codes: Any, values: tuple[Any, ...]) -> Coded:
        """Empty text and NaN are no values."""
        for place, value in enumerate(values):
            if value in ("", None) or value != value:
                codes = np.where(codes == place, -1, codes)
        return Coded(codes, values)


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _only(column: Any, rows: Codes) -> Any:
    return column if len(rows) == len(column) else column.take(pa.array(rows))


def _first(mask: Any) -> int:
    return int(np.flatnonzero(mask.to_numpy(zero_copy_only=False))[0])
