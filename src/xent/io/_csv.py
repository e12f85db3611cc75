"""CSV and TSV, read as text and turned into numbers column by column, so that every error knows its row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from xent.io._arrow import ArrowTable, arrow_file
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._text import message, quoted

_DELIMITERS = {"csv": ",", "tsv": "\t"}

_QUOTED = re.compile(rb'"[^"]*"')


class CsvTable(ArrowTable):
    """Delimited text with a header line: UTF-8, quotes doubled inside quotes."""

    _text_holds_numbers = True

    def __init__(self, source: Source, limits: Limits) -> None:
        """Read the header, and nothing else yet."""
        self._source = source
        self._limits = limits
        self._check_head()
        super().__init__(source.shown, self._header())
        self._check_delimiter()

    def _check_head(self) -> None:
        """Encoding and number of columns: the reader takes ten kilobytes for each, so they are counted before it."""
        head = self._source.file.read(self._limits.row_bytes)
        self._source.file.seek(0)
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ValueError(message(f"{self._source.shown}: is UTF-16 text", "save it as UTF-8"))
        # What stands between quotes is one name, whatever it holds.
        header = _QUOTED.sub(b"", head).lstrip(b"\r\n").partition(b"\n")[0]
        columns = header.count(_DELIMITERS[self._source.format].encode()) + 1
        if columns > self._limits.columns:
            raise ValueError(
                message(
                    f"{self._source.shown}: {columns:,} columns ({self._limits.shown('columns')})",
                    "so many classes go in a list column of a Parquet file, or in an array of an NPZ file",
                )
            )

    def _check_delimiter(self) -> None:
        """A header that is one cell and holds what often stands between cells."""
        own = _DELIMITERS[self._source.format]
        found = next((mark for mark in ("\t", ";", "|", ",") if len(self.names) == 1 and mark in self.names[0]), own)
        if found != own:
            other = next((name for name, mark in _DELIMITERS.items() if mark == found), None)
            between = "tabs" if found == "\t" else quoted(found)
            raise ValueError(
                message(
                    f"{self._source.shown}: the header is one cell, {quoted(self.names[0])}; between its names seem to "
                    f"stand {between}, not {'tabs' if own == chr(9) else 'commas'}",
                    f"add --format {other}" if other else "save it with commas between the cells",
                )
            )

    def _header(self) -> Any:
        try:
            with arrow_file(self._source) as stream:
                return self._reader(stream, None).schema
        except pa.ArrowInvalid as error:
            raise self._worded(str(error)) from None

    def _batches(self, names: list[str], most: int) -> Iterator[Any]:
        try:
            with arrow_file(self._source) as stream:
                yield from self._reader(stream, names)
        except pa.ArrowInvalid as error:
            raise self._worded(str(error)) from None

    def _reader(self, stream: Any, names: list[str] | None) -> Any:
        block = self._limits.row_bytes
        convert = pc.ConvertOptions(strings_can_be_null=False, check_utf8=True)
        if names is not None:
            convert.include_columns = names
            convert.column_types = dict.fromkeys(names, pa.large_string())
        return pc.open_csv(
            stream,
            # One thread: only then does a ragged row know its number.
            read_options=pc.ReadOptions(use_threads=False, block_size=block),
            parse_options=pc.ParseOptions(delimiter=_DELIMITERS[self._source.format], newlines_in_values=True),
            convert_options=convert,
        )

    def _worded(self, text: str) -> ValueError:
        shown = self._source.shown
        ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text)
        if ragged:
            return ValueError(f"{shown}: row {int(ragged[1]) - 2} has {ragged[3]} cells, the header {ragged[2]}")
        if "straddling" in text:
            return ValueError(f"{shown}: a line is too long to be a row ({self._limits.shown('row_bytes')})")
        if "UTF8" in text:
            found = re.search(r"Row #(\d+)", text)
            where = f"row {int(found[1]) - 2}" if found else "the header"
            return ValueError(message(f"{shown}: {where} is not UTF-8 text", "save it as UTF-8"))
        return ValueError(f"{shown}: is not {self._source.format} text with a header line and rows below it")
