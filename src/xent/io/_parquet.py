"""Parquet: the columns that are asked for, once the footer's claims have been held against the file's size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from xent._errors import UnsafeFile
from xent.io._arrow import ArrowTable, arrow_file
from xent.io._footer import numbers_in_lists
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._spans import in_turn
from xent.io._table import rows_at_once
from xent.io._text import message, printable

# Its functions are made when it is imported, out of a type checker's sight.
pc: Any = pyarrow.compute

_BUFFER = 2**20
_PROBE = 64


class ParquetTable(ArrowTable):
    """A Parquet file whose columns are read when asked for."""

    def __init__(self, source: Source, limits: Limits, groups: Sequence[int] | None = None) -> None:
        """Read the footer, and nothing else yet; `groups` are consecutive row groups, all unless given."""
        self._source = source
        self._limits = limits
        try:
            self._file = self._open([])
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None
        if len(schema.names) > limits.columns:
            raise ValueError(f"{source.shown}: {len(schema.names):,} columns ({limits.shown('columns')})")
        metadata = self._file.metadata
        if groups is not None and groups and groups[-1] >= metadata.num_row_groups:
            raise ValueError(f"{source.shown}: has {metadata.num_row_groups:,} row groups now; it was changed")
        self._groups = list(range(metadata.num_row_groups) if groups is None else groups)
        total = sum(int(metadata.row_group(group).num_rows) for group in self._groups)
        super().__init__(source.shown, schema, total)

    def _open(self, texts: list[str]) -> Any:
        """The file; `texts` are columns to be read as a dictionary and places in it."""
        # Buffered, so that a column chunk of any size is read piece by piece.
        return pq.ParquetFile(
            arrow_file(self._source), buffer_size=_BUFFER, pre_buffer=False, read_dictionary=texts or None
        )

    @property
    def group_rows(self) -> list[int]:
        """How many rows each row group holds."""
        return [
            int(self._file.metadata.row_group(group).num_rows) for group in range(self._file.metadata.num_row_groups)
        ]

    def _start(self) -> int:
        first = self._groups[0] if self._groups else 0
        return sum(int(self._file.metadata.row_group(group).num_rows) for group in range(first))

    def _batches(self, names: list[str], most: int) -> Iterator[Any]:
        self._check_claim(int(self._file.metadata.num_rows) * len(names))
        # Only totals: asking a damaged footer for one column's metadata can end the process.
        for group in range(self._file.metadata.num_row_groups):
            self._check_claim(int(self._file.metadata.row_group(group).num_rows))
        lists = [name for name in names if self.is_list(name)]
        if lists:
            self._check_lists(lists)
        try:
            most = rows_at_once(most, self._width(lists)) if lists else most
            # Written out, a long text that comes in every row could be gigabytes.
            texts = [name for name in names if _is_text(self._schema.field(name).type)]
            if texts:
                self._file = self._open(texts)
            count = 0
            for batch in self._iterate(names, most):
                # How many numbers lists hold is known only once they are there.
                count += sum(len(batch.column(name).flatten()) for name in lists)
                self._check_claim(count)
                yield batch
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None

    def _check_lists(self, lists: list[str]) -> None:
        try:
            claimed = numbers_in_lists(self._source.file, self._source.size, lists)
        except ValueError as error:
            raise self._broken(error) from None
        self._check_claim(claimed)

    def _iterate(self, names: list[str], most: int) -> Iterator[Any]:
        return in_turn([partial(self._read, groups, names, most) for groups in self._spans(2 * most)])

    def _read(self, groups: list[int], names: list[str], most: int) -> Iterator[Any]:
        """These row groups, by a reader of their own that knows the footer."""
        file = pq.ParquetFile(
            arrow_file(self._source), metadata=self._file.metadata, buffer_size=_BUFFER, pre_buffer=False
        )
        # One thread for all columns: lists, all in one column, would have no more anyway.
        return file.iter_batches(most, row_groups=groups, columns=names, use_threads=False)

    def _spans(self, least: int) -> list[list[int]]:
        """The row groups, as many together as have so many rows, so that no batch is cut short for long."""
        rows, count = self.group_rows, 0
        spans: list[list[int]] = [[]]
        for group in self._groups:
            spans[-1].append(group)
            count += rows[group]
            if count >= least:
                spans.append([])
                count = 0
        return [span for span in spans if span]

    def _width(self, lists: list[str]) -> int:
        """How many numbers the first lists hold in a row, at most."""
        first = next(self._read(self._groups, lists, _PROBE), None)
        if first is None or not first.num_rows:
            return 1
        self._check_claim(sum(len(first.column(name).flatten()) for name in lists))
        return sum(pc.max(pc.list_value_length(first.column(name))).as_py() or 0 for name in lists)

    def _check_claim(self, claimed: int) -> None:
        """Numbers claimed or found: within the limits, and no more than a file of this size can hold."""
        if claimed > self._limits.numbers:
            raise UnsafeFile(f"{self.shown}: claims {claimed:,} numbers ({self._limits.shown('numbers')})")
        most = max(self._limits.unpacked_bytes, self._limits.expansion * self._source.size)
        if claimed * 8 > most:
            raise UnsafeFile(
                f"{self.shown}: {self._source.size:,} bytes claim to hold {claimed:,} numbers "
                f"({self._limits.shown('expansion')})"
            )

    def _broken(self, error: BaseException) -> ValueError:
        reason = printable(str(error).split("\n")[0].split(". ")[0], 160)
        return ValueError(message(f"{self._source.shown}: cannot be read as Parquet, perhaps cut short: {reason}"))


def _is_text(kind: Any) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))
