"""How many numbers the lists of a Parquet file hold, read from its footer without the library.

Lists can hold far more numbers than the file has bytes, and the library unpacks rows whole. It says how many there are,
but on a damaged footer asking it can end the process; so the footer is walked here, where a wrong byte is an error.
"""

from __future__ import annotations

import struct
from typing import IO, Any

_LONGEST = 8 * 2**20
_DEEPEST = 16
_TAIL = 8  # the footer's length and the magic bytes
_ROW_GROUPS, _COLUMNS, _CHUNK, _PATH, _VALUES = 4, 1, 3, 3, 5
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12


def numbers_in_lists(file: IO[bytes], size: int, names: list[str]) -> int:
    """The numbers these columns claim in all row groups together; 0 where the footer is too long to be walked here."""
    file.seek(size - _TAIL)
    length = struct.unpack("<I", file.read(_TAIL)[:4])[0]
    if not 0 < length <= min(_LONGEST, size - _TAIL):
        return 0
    file.seek(size - _TAIL - length)
    try:
        footer = _Compact(file.read(length)).struct(0)
        return sum(
            chunk[_VALUES]
            for group in footer.get(_ROW_GROUPS, [])
            for column in group[_COLUMNS]
            for chunk in [column[_CHUNK]]
            if chunk[_PATH][0].decode() in names and chunk[_VALUES] > 0
        )
    except (struct.error, IndexError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"its footer is damaged: {type(error).__name__}") from None


class _Compact:
    """Values of Thrift's compact protocol, one after the other."""

    def __init__(self, data: bytes) -> None:
        """From the first byte on."""
        self._data = data
        self._at = 0

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _unsigned(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number
            if shift > 63:
                raise struct.error("a number is too long")

    def _signed(self) -> int:
        number = self._unsigned()
        return number >> 1 ^ -(number & 1)

    def _binary(self) -> bytes:
        length = self._unsigned()
        if length > len(self._data) - self._at:
            raise struct.error("a text is longer than the footer")
        self._at += length
        return self._data[self._at - length : self._at]

    def struct(self, depth: int) -> dict[int, Any]:
        """The fields of a struct by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while True:
            head = self._byte()
            kind = head & 15
            if kind == _STOP:
                return fields
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth + 1)

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise struct.error("it is nested too deeply")
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind < _DOUBLE:
            return self._signed()
        if kind == _DOUBLE:
            self._at += 8
            return 0.0
        if kind == _BINARY:
            return self._binary()
        if kind == _STRUCT:
            return self.struct(depth)
        if kind in (_LIST, _SET):
            return self._list(depth)
        raise struct.error("a field of no kind that a footer holds")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        if count > len(self._data) - self._at:
            raise struct.error("a list is longer than the footer")
        return [self._value(head & 15, depth) for _ in range(count)]
