"""Safetensors: a length, a JSON header and raw numbers, all held against the file's size before anything is read."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from xent._errors import UnsafeFile
from xent.io._arrays import ArrayTable, Header, Plain, Stored, check_claim
from xent.io._limits import Limits
from xent.io._source import Source
from xent.io._text import names_in, printable, quoted

_TYPES = {
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "BF16": "<u2",
    "BOOL": "|b1",
}


def safetensors_table(source: Source, limits: Limits) -> ArrayTable:
    """The tensors of the file; `classes` in its metadata is a JSON list of names."""
    header = _header(source, limits)
    start = source.file.tell()
    metadata = header.pop("__metadata__", {})
    if len(header) > limits.columns:
        raise ValueError(f"{source.shown}: {len(header):,} tensors ({limits.shown('columns')})")
    arrays: dict[str, Stored] = {
        name: _tensor(source, name, entry, start, limits) for name, entry in header.items() if _is_array(entry)
    }
    if not arrays:
        raise ValueError(f"{source.shown}: holds no tensors of numbers")
    raw = metadata.get("classes") if isinstance(metadata, dict) else None
    return ArrayTable(source.shown, arrays, limits, None if raw is None else names_in(source.shown, str(raw)))


def _header(source: Source, limits: Limits) -> dict[str, Any]:
    head = source.file.read(8)
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
    if length > min(limits.tensor_header_bytes, source.size - 8):
        raise UnsafeFile(
            f"{source.shown}: is no safetensors file: its first bytes claim a header of {length:,} bytes in a file of "
            f"{source.size:,} ({limits.shown('tensor_header_bytes')})"
        )
    try:
        header = json.loads(source.file.read(length))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ValueError(f"{source.shown}: is no safetensors file: its header is not a JSON object")
    return header


def _is_array(entry: Any) -> bool:
    """Whether a tensor can be a column at all; a file may hold others, of narrower numbers or more dimensions."""
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
        return False
    return entry["dtype"] in _TYPES and isinstance(entry.get("shape"), list)


def _tensor(source: Source, name: str, entry: dict[str, Any], start: int, limits: Limits) -> Plain:
    shown = f"{source.shown}: tensor {quoted(name)}"
    offsets = entry.get("data_offsets")
    numbers: list[Any] = [*entry["shape"], *(offsets if isinstance(offsets, list) and len(offsets) == 2 else [None])]
    if not all(type(number) is int and 0 <= number < 2**62 for number in numbers) or len(entry["shape"]) > 32:
        raise ValueError(
            f"{shown}: its shape {printable(entry['shape'], 60)} and place {printable(offsets, 60)} are none"
        )
    begin, end = numbers[-2:]
    if not begin <= end <= source.size - start:
        raise UnsafeFile(f"{shown}: claims the bytes {begin:,} to {end:,} of {source.size - start:,}")
    kind = entry["dtype"]
    header = Header(tuple(entry["shape"]), False, np.dtype(_TYPES[kind]), kind == "BF16")
    check_claim(header, end - begin, shown, limits)
    return Plain(source.file, start + begin, header, shown)
