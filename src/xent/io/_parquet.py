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
        self._check_size(set(names))
        try:
            return self._file.read(columns=names, use_threads=True)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None

    def _check_size(self, names: set[str]) -> None:
        """Numbers the footer claims for these columns: within the limits, and no more than such a file can hold."""
        metadata = self._file.metadata
        claimed = 0
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group)
            for place in range(metadata.num_columns):
                column = rows.column(place)
                if column.path_in_schema.split(".")[0] in names or column.path_in_schema in names:
                    claimed += max(int(column.num_values), int(column.total_uncompressed_size) // 8)
        claimed = max(claimed, int(metadata.num_rows))
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
