"""Tables in memory, and whatever hands its rows over as an Arrow stream: pandas, Polars, PyArrow, DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from xent.io._arrow import ArrowTable
from xent.io._limits import Limits
from xent.io._text import message, printable


class ObjectTable(ArrowTable):
    """A table in memory or a stream of record batches; a stream can be read once."""

    def __init__(self, shown: str, given: Any, limits: Limits) -> None:
        """Ask for the stream, and take nothing from it yet."""
        try:
            self._reader: Any = _reader(given)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise self._broken(shown, error) from None
        schema = self._reader.schema
        if len(schema.names) > limits.columns:
            raise ValueError(f"{shown}: {len(schema.names):,} columns ({limits.shown('columns')})")
        # Asking anything else for its length may compute it.
        rows = getattr(given, "num_rows", None)
        if type(given).__module__.split(".")[0] in ("pandas", "polars") and hasattr(given, "__len__"):
            rows = len(given)
        super().__init__(shown, schema, rows if isinstance(rows, int) else None)

    def _batches(self, names: list[str], most: int) -> Iterator[Any]:
        reader: Iterator[Any] = iter(self._reader)
        while True:
            try:
                batch = next(reader, None)
            except (pa.ArrowException, OSError) as error:
                raise self._broken(self.shown, error) from None
            if batch is None:
                return
            yield batch

    @staticmethod
    def _broken(shown: str, error: BaseException) -> ValueError:
        reason = printable(str(error).split("\n")[0], 160)
        return ValueError(message(f"{shown}: cannot be read as columns: {reason}"))


def _reader(given: Any) -> Any:
    if hasattr(given, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(given)
    if type(given).__module__.split(".")[0] != "pandas":
        raise TypeError("it is no path, and has no columns to take")
    # Before 2.2 pandas has no stream of its own.
    return pa.Table.from_pandas(given, preserve_index=False).to_reader()
