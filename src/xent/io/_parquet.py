"""Parquet: the columns that are asked for, once the footer's claims have been held against the file's size."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xent._errors import UnsafeFile
from xent.io._arrow import ArrowTable
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._text import message, printable

_ROWS = 4096


class ParquetTable(ArrowTable):
    """A Parquet file whose columns are read when asked for."""

    def __init__(self, source: Source, limits: Limits) -> None:
        """Read the footer, and nothing else yet."""
        self._source = source
        self._limits = limits
        try:
            self._file: Any = pq.ParquetFile(source.file)
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None
        if len(schema.names) > limits.columns:
            raise ValueError(f"{source.shown}: {len(schema.names):,} columns ({limits.shown('columns')})")
        super().__init__(source.shown, schema)

    def _read(self, names: list[str]) -> Any:
        for name in names:
            self._place(name)
        self._check_claim(int(self._file.metadata.num_rows) * len(names))
        # Only totals: asking a damaged footer for one column's metadata can end the process.
        for group in range(self._file.metadata.num_row_groups):
            self._check_claim(int(self._file.metadata.row_group(group).num_rows))
        try:
            if any(self.is_list(name) for name in names):
                return self._read_lists(names)
            return self._file.read(columns=names, use_threads=True)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None

    def _read_lists(self, names: list[str]) -> Any:
        """A few rows at a time: how many numbers lists hold is known only once they are there."""
        batches: list[Any] = []
        count = 0
        for batch in self._file.iter_batches(batch_size=_ROWS, columns=names):
            count += sum(len(batch.column(name).flatten()) for name in names if self.is_list(name))
            self._check_claim(count)
            batches.append(batch)
        schema = pa.schema([self._schema.field(self._place(name)) for name in names])
        return pa.Table.from_batches(batches) if batches else schema.empty_table()

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
