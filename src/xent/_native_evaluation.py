"""The door to the compiled core for evaluation: NumPy arrays in, integers and arrays out.

Exact sums are integer counts of 2**-1074, of products 2**-2148. Numbers that are not finite are a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xent import _native

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_core: Any = _native._core  # pyright: ignore[reportPrivateUsage]  # one extension, loaded once

_KNOWN = hasattr(_core, "exact_totals")  # a core built from older sources is none

# The numbers of native/api.hpp.
_KINDS = {"probs": 0, "logprobs": 1, "logits": 2}
_FLOATS: dict[Any, int] = {np.dtype(np.float64): 0, np.dtype(np.float32): 1}

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


class RowFacts(NamedTuple):
    """What rows say about them; `loss`, `given` and `brier` are of the label; `bad` is the first bad row or -1."""

    loss: Floats
    given: Floats
    said: Ints
    top: Floats
    brier: Floats
    off_one: Floats
    keys: NDArray[np.uint64] | None
    bad: int


def reads(values: NDArray[Any]) -> bool:
    """Whether `row_facts` reads such an array: float64 or float32 in two dimensions, whatever its strides."""
    return _KNOWN and values.ndim == 2 and values.dtype in _FLOATS and values.flags.aligned


def row_facts(
    kind: str,
    values: NDArray[Any],
    labels: Ints | None,
    limit: float,
    salts: NDArray[np.uint64] | None = None,
    probs: Floats | None = None,
) -> RowFacts:
    """The facts of forecasts (N, K) given as "probs", "logprobs" or "logits"; without labels some mean nothing.

    A value above `limit` makes a row bad, as does NaN, a negative probability, and a row whose logits are all -inf.
    With `salts`, one a class, a row gets a key: the sum of its mixed values. `probs` (N, K) is filled.
    """
    n = len(values)
    said, keys = np.empty(n, dtype=np.int64), None if salts is None else np.empty(n, dtype=np.uint64)
    loss, given, top, brier, off_one = (np.empty(n) for _ in range(5))
    where = None if labels is None else _ints(labels)
    bad = _core.row_facts(
        *(_KINDS[kind], _FLOATS[values.dtype], values, limit, where, salts),
        *(loss, given, top, brier, off_one, said, keys, probs),
    )
    return RowFacts(loss, given, said, top, brier, off_one, keys, bad)


def grids() -> bool:
    """Does the compiled core know `class_logits`, `class_counts` and `row_ranges`?"""
    return hasattr(_core, "row_ranges")


def class_logits(probs: Floats, surprisal: Floats) -> Floats:
    """Return log(q / (1 - q)) of forecasts, given as they are and as -log q, of any one shape."""
    logits = np.empty(probs.shape)
    _core.class_logits(_floats(probs).reshape(-1), _floats(surprisal).reshape(-1), logits.reshape(-1))
    return logits


def class_counts(
    probs: Floats,
    surprisal: Floats,
    labels: Ints,
    copies: Ints | None,
    bins: tuple[int, int, int, float],
    grids: tuple[Ints, Ints, Ints],
) -> None:
    """Add rows to grids (1 + K or 1, bins) of counts, places and hits: see `evaluation/_class_grids.py`.

    `bins` are how many an octave, how many octaves, binary digits of a place and the farthest logit.
    """
    times = None if copies is None else _ints(copies)
    _core.class_counts(_floats(probs), _floats(surprisal), _ints(labels), times, *bins, *grids)


def row_ranges(values: Floats) -> tuple[Floats, Floats, Ints]:
    """Of each row the least number, the largest below infinity, and how many are below infinity."""
    n = len(values)
    least, most, finite = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    _core.row_ranges(_floats(values), least, most, finite)
    return least, most, finite


def tempers() -> bool:
    """Does the compiled core know `temperature_sums`?"""
    return hasattr(_core, "temperature_sums")


def temperature_sums(
    surprisal: Floats, target: Floats, shrink: Floats, mantissa: Floats | None, row: Ints, base: Floats, sums: Ints
) -> None:
    """Fill `sums` (nodes, 8, 2) with what `evaluation/_grid_nodes.py` says, over surprisal[row]."""
    weight = None if mantissa is None else _floats(mantissa)
    _core.temperature_sums(
        _floats(surprisal), _floats(target), _floats(shrink), weight, _ints(row), _floats(base), sums
    )
