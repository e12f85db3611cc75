"""What a file may ask of the machine before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_MISS = 0.01 + 1e-6
"""A row whose sum is off 1 by more than rounding is used as given up to here; further off it is an error.

A little more than 0.01, as the sum of 0.5 and 0.49 is off by more than that in floating point."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a file of predictions; an error that meets one prints its name and value."""

    # Readers of wide tables take ten kilobytes and more for each.
    columns: int = 50_000
    # Names of them, in an array beside the scores.
    classes: int = 2**20
    # Of text; the CSV reader reads up to 32 blocks of this length ahead.
    row_bytes: int = 4 * 2**20
    # Of JSON: its reader goes one step down the stack for each.
    nesting: int = 64
    # Of a NumPy header, which is read as a Python literal: a longer one could exhaust the parser's stack.
    header_bytes: int = 10_000
    stdin_bytes: int = 8 * 2**30
    # Of a safetensors header, which is JSON.
    tensor_header_bytes: int = 2**20
    numbers: int = 2**40
    # A compressed member may always grow to `unpacked_bytes`; beyond that, to `expansion` times its packed size.
    unpacked_bytes: int = 256 * 2**20
    expansion: int = 100
    # Distinct values of a column to slice by.
    slices: int = 1000
    # Rows whose ids are remembered, to tell how many come again.
    remembered_ids: int = 2**22

    def shown(self, name: str) -> str:
        """One limit in words: `limit numbers = 4,294,967,296`."""
        return f"limit {name} = {getattr(self, name):,}"


DEFAULT_LIMITS = Limits()
