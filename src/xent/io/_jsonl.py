"""JSON lines: an object a line, whose keys are the columns."""

from __future__ import annotations

import io
import re
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from xent.io._arrow import ArrowTable
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._text import message, quoted

_KINDS = {"number": "a number", "string": "text", "boolean": "true or false", "array": "a list", "object": "an object"}
_REASONS = (
    ("Missing a comma or '}'", "a comma or a closing } is missing"),
    ("Missing a comma or ']'", "a comma or a closing ] is missing"),
    ("Missing a colon", "a colon is missing after a name"),
    ("Missing a name", "a name in double quotes is missing"),
    ("Invalid encoding", "a closing double quote is missing, or its text is not UTF-8"),
    ("Invalid value", "one of its values is none of JSON's (NaN is null there)"),
)


class JsonLinesTable(ArrowTable):
    """An object a line. Keys may come in any order and are missing where a line does not have them."""

    def __init__(self, source: Source, limits: Limits) -> None:
        """Read all of it: only then are all keys known."""
        self._limits = limits
        try:
            self._all: Any = pj.read_json(
                pa.PythonFile(_Kept(source.file), "r"),
                # One thread: only then does an error know its row.
                read_options=pj.ReadOptions(use_threads=False, block_size=limits.row_bytes),
                parse_options=pj.ParseOptions(newlines_in_values=False),
            )
        except pa.ArrowException as error:
            raise self._worded(source.shown, str(error)) from None
        if self._all.num_columns > limits.columns:
            raise ValueError(f"{source.shown}: {self._all.num_columns:,} columns ({limits.shown('columns')})")
        super().__init__(source.shown, self._all.schema)

    def _read(self, names: list[str]) -> Any:
        return self._all.select(names)

    def _worded(self, shown: str, text: str) -> ValueError:
        if "straddling" in text:
            return ValueError(f"{shown}: a line is too long to be a row ({self._limits.shown('row_bytes')})")
        found = re.search(r"in row (\d+)", text)
        where = f"row {found[1]}" if found else "a line"
        changed = re.search(r"Column\(/?(.*?)\) changed from (\w+) to (\w+)", text)
        if changed and not changed[1]:
            return ValueError(f"{shown}: {where} is not an object a line: it is {_KINDS.get(changed[3], changed[3])}")
        if changed:
            before, now = (_KINDS.get(kind, kind) for kind in changed.groups()[1:])
            column = quoted(changed[1].removesuffix("/[]"))
            return ValueError(f"{shown}: column {column} {where} holds {now}, the rows before it {before}")
        reason = next((words for mark, words in _REASONS if mark in text), "it is not valid JSON")
        return ValueError(
            message(f"{shown}: {where} is not an object a line: {reason}", "write one object on each line")
        )


class _Kept(io.RawIOBase):
    """The file for a reader that closes what it was given."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        return self._file.read(size)
