"""The door to the compiled core for evaluation: NumPy arrays in, integers and arrays out.

Exact sums are integer counts of 2**-1074, of products 2**-2148. Numbers that are not finite are a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent import _native

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_core: Any = _native._core  # pyright: ignore[reportPrivateUsage]  # one extension, loaded once

_KNOWN = hasattr(_core, "exact_totals")  # a core built from older sources is none

_BYTES = 4 * 68
"""Of the integer that a total is (native/exact.hpp)."""


def available() -> bool:
    """Is the compiled core there, and does it know these calls?"""
    return _KNOWN


def totals(arrays: Sequence[Floats]) -> list[int]:
    """The exact sum of each array."""
    return _integers(_core.exact_totals([_floats(x) for x in arrays]))


def dot(a: Floats, b: Floats) -> int:
    """The exact sum of the products of `a` and `b`, in units of 2**-2148."""
    return int.from_bytes(_core.exact_dot(_floats(a), _floats(b)), "little", signed=True)


def group_totals(x: Floats, group: Ints, groups: int) -> list[int]:
    """The exact sum of `x` in each of the groups 0..groups-1."""
    return _integers(_core.exact_group_totals(_floats(x), _ints(group), groups))


def group_sums(x: Floats, group: Ints, groups: int) -> Floats:
    """The same, each rounded once."""
    sums = np.empty(groups)
    _core.exact_group_sums(_floats(x), _ints(group), sums)
    return sums


def column_totals(x: Floats, weight: Floats | None) -> list[int]:
    """The exact sum of each column of `x`, its rows times their weights; each product is rounded."""
    table = np.require(x, np.float64, ["A"])
    return _integers(_core.exact_column_totals(table, None if weight is None else _floats(weight)))


def _integers(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[i : i + _BYTES], "little", signed=True) for i in range(0, len(packed), _BYTES)]


def _floats(x: Floats) -> Floats:
    return np.require(x, np.float64, ["C", "A"])


def _ints(x: Ints) -> Ints:
    return np.require(x, np.int64, ["C", "A"])
