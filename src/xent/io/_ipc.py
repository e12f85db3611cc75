"""Arrow files and streams (Feather 2), a record batch at a time."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from xent.io._arrow import ArrowTable, arrow_file
from xent.io._limits import Limits
from xent.io._messages import batches_in
from xent.io._source import Source
from xent.io._text import message, printable

_MAGIC = b"ARROW1"


class IpcTable(ArrowTable):
    """An Arrow file, or the same as a stream, which has no footer."""

    def __init__(self, source: Source, limits: Limits) -> None:
        """Walk the messages and read the schema, and nothing else yet."""
        self._source = source
        source.file.seek(0)
        self._is_file = source.file.read(len(_MAGIC)) == _MAGIC
        if self._is_file:
            self._check_end()
        batches = batches_in(source, 8 if self._is_file else 0, limits)
        # A batch that is not packed is not copied as a whole, however large it is.
        self._mapped = source.stamp is not None and any(
            not batch.packed and batch.unpacked > limits.unpacked_bytes for batch in batches
        )
        schema = self._guarded(lambda: self._reader(None).schema)
        if len(schema.names) > limits.columns:
            raise ValueError(f"{source.shown}: {len(schema.names):,} columns ({limits.shown('columns')})")
        super().__init__(source.shown, schema, sum(batch.rows for batch in batches))

    def _check_end(self) -> None:
        self._source.file.seek(max(0, self._source.size - len(_MAGIC)))
        if self._source.file.read() != _MAGIC:
            raise ValueError(f"{self._source.shown}: cannot be read as Arrow: it was cut short, its end is missing")

    def _guarded(self, job: Any) -> Any:
        try:
            return job()
        except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
            raise self._broken(error) from None

    def _reader(self, names: list[str] | None, mapped: Any = None) -> Any:
        stream = arrow_file(self._source) if mapped is None else pa.BufferReader(pa.py_buffer(mapped))
        fields = None if names is None else [self._place(name) for name in names]
        options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=fields)
        open_it = pa.ipc.open_file if self._is_file else pa.ipc.open_stream
        return open_it(stream, options=options)

    def _batches(self, names: list[str], most: int) -> Iterator[Any]:
        if self._mapped:
            with mmap.mmap(self._source.file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                for batch in self._whole(names, mapped):
                    for place in range(0, batch.num_rows, most):
                        part = batch.slice(place, most)
                        # A copy, so that nobody holds on to the map, whose pages can then be given back.
                        yield part.take(pa.array(range(part.num_rows), pa.int64()))
                        with contextlib.suppress(AttributeError, OSError, ValueError):
                            mapped.madvise(mmap.MADV_DONTNEED)
                    del batch, part
        else:
            yield from self._whole(names, None)

    def _whole(self, names: list[str], mapped: Any) -> Iterator[Any]:
        reader = self._guarded(lambda: self._reader(names, mapped))
        count = reader.num_record_batches if self._is_file else None
        place = 0
        while count is None or place < count:
            try:
                batch = reader.get_batch(place) if self._is_file else reader.read_next_batch()
                batch.validate(full=True)
            except StopIteration:
                return
            except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
                raise self._broken(error) from None
            yield batch
            place += 1

    def _broken(self, error: BaseException) -> ValueError:
        reason = printable(str(error).split("\n")[0].split(". ")[0], 160)
        return ValueError(message(f"{self._source.shown}: cannot be read as Arrow, perhaps cut short: {reason}"))
