"""The messages of an Arrow file, walked without reading what they carry: only so are its claims known beforehand."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from xent._errors import UnsafeFile
from xent.io._limits import Limits
from xent.io._source import Source

_DICTIONARIES, _ROWS = 2, 3
_EVEN_IF_EMPTY = 8  # a compressed buffer begins with its length


@dataclass(frozen=True, slots=True)
class Batch:
    """What a message says it holds: rows, the values of all columns together, and bytes once they are unpacked."""

    rows: int
    values: int
    unpacked: int
    packed: bool


def batches_in(source: Source, start: int, limits: Limits) -> list[Batch]:
    """The record batches from byte `start` on, once every claim has been held against the file and the limits."""
    found: list[Batch] = []
    values = 0
    try:
        for kind, batch in _walk(source, start, limits):
            values += batch.values
            if kind == _ROWS:
                found.append(batch)
            _check(source, batch, values, limits)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{source.shown}: cannot be read as Arrow, perhaps cut short: {error}") from None
    return found


def _check(source: Source, batch: Batch, values: int, limits: Limits) -> None:
    most = max(limits.unpacked_bytes, limits.expansion * source.size)
    if values > limits.numbers or values * 8 > most:
        raise UnsafeFile(
            f"{source.shown}: {source.size:,} bytes claim to hold {values:,} values ({limits.shown('expansion')})"
        )
    if batch.packed and batch.unpacked > limits.unpacked_bytes:
        raise UnsafeFile(
            f"{source.shown}: a record batch unpacks to {batch.unpacked:,} bytes ({limits.shown('unpacked_bytes')}); "
            "write it with fewer rows in a batch"
        )


def _walk(source: Source, start: int, limits: Limits) -> Iterator[tuple[int, Batch]]:
    file = source.file
    at = start
    while at + 8 <= source.size:
        file.seek(at)
        mark, length = struct.unpack("<iI", file.read(8))
        if mark != -1 or length == 0:
            return  # the end, or the footer of a file
        if length > min(limits.row_bytes, source.size - at - 8):
            raise ValueError(
                f"{source.shown}: a message claims {length:,} bytes of header ({limits.shown('row_bytes')})"
            )
        message = _Record.root(file.read(length))
        body = message.number(3, "<q")
        at += 8 + length
        if not 0 <= body <= source.size - at:
            raise UnsafeFile(f"{source.shown}: a message claims {body:,} bytes, but {source.size - at:,} follow")
        kind = message.number(1, "<B")
        if kind in (_DICTIONARIES, _ROWS):
            record = message.record(2)
            yield kind, _batch(source, at, record if kind == _ROWS else record.record(1))
        at += body


def _batch(source: Source, at: int, record: _Record) -> Batch:
    values = sum(length for length, _ in record.pairs(1))
    buffers = record.pairs(2)
    packed = record.there(3)
    rows = record.number(0, "<q")
    if rows < 0 or any(length < 0 or offset < 0 for offset, length in buffers) or values < 0:
        raise ValueError(f"{source.shown}: a record batch claims fewer than no values")
    unpacked = sum(length for _, length in buffers)
    if packed:
        for offset, length in buffers:
            if length >= _EVEN_IF_EMPTY:
                source.file.seek(at + offset)
                unpacked += max(0, struct.unpack("<q", source.file.read(8))[0])
    return Batch(rows, max(values, rows), unpacked, packed)


class _Record:
    """A table of the FlatBuffers encoding. What points outside is a struct.error."""

    def __init__(self, data: bytes, at: int) -> None:
        """The record that begins at byte `at`."""
        self._data = data
        self._at = at
        self._slots = at - self._read("<i", at)

    @classmethod
    def root(cls, data: bytes) -> _Record:
        """The record that the data begins with."""
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _read(self, form: str, at: int) -> int:
        if at < 0:
            raise struct.error("an offset points before the data")
        return struct.unpack_from(form, self._data, at)[0]

    def _field(self, number: int) -> int:
        """Where a field stands, or 0."""
        slot = 4 + 2 * number
        offset = self._read("<H", self._slots + slot) if slot < self._read("<H", self._slots) else 0
        return offset and self._at + offset

    def there(self, number: int) -> bool:
        """Whether the field is given."""
        return self._field(number) != 0

    def number(self, number: int, form: str) -> int:
        """A number, 0 unless given."""
        at = self._field(number)
        return self._read(form, at) if at else 0

    def record(self, number: int) -> _Record:
        """A record within this one."""
        at = self._field(number)
        if not at:
            raise struct.error("a record is missing")
        return _Record(self._data, at + self._read("<I", at))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """A vector of pairs of 64-bit numbers."""
        at = self._field(number)
        if not at:
            return []
        at += self._read("<I", at)
        count = self._read("<I", at)
        if count * 16 > len(self._data) - at:
            raise struct.error("a vector is longer than the data")
        return [struct.unpack_from("<qq", self._data, at + 4 + 16 * place) for place in range(count)]
