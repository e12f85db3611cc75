"""JSON lines: an object a line, whose keys are the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from xent.io._arrow import ArrowTable
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._text import message, quoted

_BLOCK = 4 * 2**20
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?')
_KINDS = {"number": "a number", "string": "text", "boolean": "true or false", "array": "a list", "object": "an object"}
_REASONS = (
    ("specified twice", "one of its names is there twice"),
    ("too big to be stored", "one of its numbers is too large"),
    ("Missing a comma or '}'", "a comma or a closing } is missing"),
    ("Missing a comma or ']'", "a comma or a closing ] is missing"),
    ("Missing a colon", "a colon is missing after a name"),
    ("Missing a name", "a name in double quotes is missing"),
    ("Invalid encoding", "a closing double quote is missing, or its text is not UTF-8"),
    ("Invalid value", "one of its values is none of JSON's (NaN is null there)"),
)


class JsonLinesTable(ArrowTable):
    """An object a line. Keys may come in any order and are missing where a line does not have them.

    The keys are those of the first few megabytes.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        """Read the first block, and nothing else yet."""
        self._limits = limits
        self._source = source
        self._file = source.file
        self._rest = b""
        self._read = 0
        first = self._block()
        self._first: Any = pa.table({}) if first is None else first
        if self._first.num_columns > limits.columns:
            raise ValueError(f"{source.shown}: {self._first.num_columns:,} columns ({limits.shown('columns')})")
        super().__init__(source.shown, self._first.schema)

    def _batches(self, names: list[str], most: int) -> Iterator[Any]:
        block: Any = self._first
        while block is not None:
            yield from block.combine_chunks().to_batches()
            block = self._block()

    def _block(self) -> Any:
        """The lines of the next block as a table, or None at the end."""
        lines = self._lines()
        while lines and not lines.strip():
            lines = self._lines()
        if not lines:
            return None
        self._check_nesting(lines)
        try:
            table = pj.read_json(
                pa.BufferReader(lines),
                # One thread and one block: only then does an error know its row.
                read_options=pj.ReadOptions(use_threads=False, block_size=len(lines) + 1),
                parse_options=pj.ParseOptions(newlines_in_values=False),
            )
        except pa.ArrowException as error:
            raise self._worded(self._source.shown, str(error)) from None
        self._read += table.num_rows
        return table

    def _lines(self) -> bytes:
        """Whole lines, as many as a block holds; at the end what is left."""
        pieces = [self._rest]
        held = len(self._rest)
        while True:
            piece = self._file.read(_BLOCK)
            cut = piece.rfind(b"\n") + 1
            if cut or not piece:
                break
            pieces.append(piece)
            held += len(piece)
            if held > self._limits.row_bytes:
                raise self._too_long(self._source.shown)
        self._rest = piece[cut:]
        return b"".join([*pieces, piece[:cut]])

    def _check_nesting(self, lines: bytes) -> None:
        """Arrow's reader ends the process where lists or objects stand too deep within each other."""
        for place in _with_many_brackets(lines, self._limits.nesting):
            line = lines[lines.rfind(b"\n", 0, place) + 1 : _line_end(lines, place)]
            depth = _depth(line)
            if depth > self._limits.nesting:
                row = self._read + lines.count(b"\n", 0, place)
                raise ValueError(
                    f"{self._source.shown}: row {row} has {depth:,} lists or objects within each other "
                    f"({self._limits.shown('nesting')})"
                )

    def _too_long(self, shown: str) -> ValueError:
        return ValueError(f"{shown}: a line is too long to be a row ({self._limits.shown('row_bytes')})")

    def _worded(self, shown: str, text: str) -> ValueError:
        if "straddling" in text:
            return self._too_long(shown)
        found = re.search(r"in row (\d+)", text)
        where = f"row {self._read + int(found[1])}" if found else "a line"
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


def _with_many_brackets(lines: bytes, few: int) -> list[int]:
    """A place in each line that has more than a few opening brackets; in the others they cannot stand too deep."""
    bytes_ = np.frombuffer(lines, np.uint8)
    places = np.flatnonzero((bytes_ | 0x20) == ord("{"))  # { and [ differ in this bit alone
    if len(places) <= few:
        return []
    ends = np.append(np.flatnonzero(bytes_ == ord("\n")), len(lines))
    line_of = np.searchsorted(ends, places)
    firsts = np.flatnonzero(line_of[few:] == line_of[:-few])
    return places[firsts[np.unique(line_of[firsts], return_index=True)[1]]].tolist()


def _line_end(lines: bytes, place: int) -> int:
    end = lines.find(b"\n", place)
    return len(lines) if end < 0 else end


def _depth(line: bytes) -> int:
    """How many lists and objects stand within each other, at most; brackets in texts are none."""
    kinds = np.frombuffer(_TEXT.sub(b"", line), np.uint8) | 0x20
    steps = (kinds == ord("{")).astype(np.int64) - (kinds == ord("}"))
    return int(steps.cumsum().max(initial=0))
