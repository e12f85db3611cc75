"""Counts as the estimators see them: distinct counts and how many outcomes have each, one row a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from xent import _check
from xent._errors import DistributionError, ShapeError
from xent._forms import Counts
from xent.measures._namespace import detach, library, to_host
from xent.measures._operands import take

Array = np.ndarray[Any, Any]

# No count, prior or number of outcomes is larger, nor is a weight or prior smaller than 1/LARGEST: products of three
# of them are still far from overflow.
LARGEST = 1e50


@dataclass(frozen=True)
class Multiplicities:
    """A batch of B histograms by how many outcomes have each count: what most estimators need.

    Attributes
    ----------
    counts : numpy.ndarray, shape (B, D)
        Distinct counts, whole or not, all positive; 1 where a histogram has fewer than D.
    multiplicity : numpy.ndarray, shape (B, D)
        How many outcomes have that count; 0 where there are fewer than D.
    outcomes : numpy.ndarray, shape (B,)
        How many outcomes are possible.
    """

    counts: Array
    multiplicity: Array
    outcomes: Array

    @cached_property
    def total(self) -> Array:
        """Observations of each histogram, (B,)."""
        return (self.counts * self.multiplicity).sum(axis=1)

    @cached_property
    def seen(self) -> Array:
        """Outcomes that were seen, (B,)."""
        return self.multiplicity.sum(axis=1)

    def having(self, count: float) -> Array:
        """How many outcomes were seen just so often, (B,)."""
        return (self.multiplicity * (self.counts == count)).sum(axis=1)

    def rows(self, which: Any) -> Multiplicities:
        """Some of the histograms."""
        return Multiplicities(self.counts[which], self.multiplicity[which], self.outcomes[which])


@dataclass(frozen=True)
class Histograms(Multiplicities):
    """The same, and each outcome's count: `dense`, shape (B, K)."""

    dense: Array


def histograms(dense: Array, outcomes: Array | None = None) -> Histograms:
    """The histograms in the rows of an array, with as many possible outcomes as columns unless it is said."""
    known = np.full(len(dense), float(dense.shape[1])) if outcomes is None else outcomes
    return Histograms(*_distinct(dense), known, dense)


def _distinct(dense: Array) -> tuple[Array, Array]:
    """The distinct counts of each row in increasing order, and how many columns hold each."""
    if len(dense) == 1:
        return _distinct_of_one(dense[0])
    ordered = np.sort(dense, axis=1)
    positive = ordered > 0
    first = positive.copy()
    first[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    row, column = np.nonzero(first)
    width = int(np.count_nonzero(first, axis=1).max(initial=0))
    at = (np.cumsum(first, axis=1) - 1)[row, column]
    # each run ends where the next begins, the last one at the end of its row
    following = np.where(np.append(row[1:] == row[:-1], False), np.append(column[1:], 0), dense.shape[1])
    counts, multiplicity = np.ones((len(dense), width)), np.zeros((len(dense), width))
    counts[row, at] = ordered[row, column]
    multiplicity[row, at] = following - column
    return counts, multiplicity


def _distinct_of_one(counts: Array) -> tuple[Array, Array]:
    """The same, of shape (1, D), in a fraction of the time that a batch of one would take."""
    ordered = counts[counts > 0]
    ordered.sort()
    differs = np.ones(len(ordered), dtype=bool)
    differs[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(differs)
    multiplicity = np.full(len(first), float(len(ordered)))
    multiplicity[:-1] = first[1:]
    return ordered[first][None], (multiplicity - first)[None]


def read(name: str, values: Any) -> Array:
    """The array of `xent.Counts(values)` as float64: finite, not negative."""
    array = take(name, Counts(values), ("counts",)).array
    if type(array) is not np.ndarray:
        array = to_host(detach(array))
        array = array.double() if library(array) == "torch" else array  # NumPy has no bfloat16
    array = np.asarray(array, dtype=np.float64)
    if array.size and not (array.min() >= 0 and array.max() < np.inf):  # NaN is neither
        with np.errstate(invalid="ignore"):
            first = np.unravel_index(int(np.argmin((array >= 0) & (array < np.inf))), array.shape)
        where = ", ".join(map(str, first))
        raise DistributionError(f"`{name}` is {array[first]} at [{where}]; a count is a finite number of at least 0.")
    return array


def along(name: str, array: Array, axis: Any) -> Array:
    """The array with its outcomes last."""
    place = _check.axis_from_end(axis, array.ndim)
    _check.outcome_axis(name, array.shape, place)
    return array if place == -1 else np.moveaxis(array, place, -1)


def flattened(name: str, array: Array, outcomes: Any = None, events: int = 1) -> Histograms:
    """The last `events` axes as one histogram, the others as the batch."""
    batch, shape = array.shape[: array.ndim - events], array.shape[array.ndim - events :]
    dense = np.ascontiguousarray(array.reshape(math.prod(batch), math.prod(shape)))
    found = histograms(dense)
    _require_range(name, found)
    if not found.seen.all():
        row = f" in row {_place(int(np.argmin(found.seen)), batch)}" if batch else ""
        raise DistributionError(f"`{name}` counts nothing{row}: all are 0. Without observations there is no estimate.")
    return found if outcomes is None else replace(found, outcomes=_possible(found, outcomes))


def _require_range(name: str, h: Histograms) -> None:
    """Refuse what would overflow when it is squared."""
    if not h.counts.size:
        return
    least, most = h.counts.min(), h.counts.max()
    if least < 1 / LARGEST or most > LARGEST / h.dense.shape[1]:
        found = least if least < 1 / LARGEST else most
        raise DistributionError(
            f"`{name}` holds {found:.6g}; estimates are for counts and weights between {1 / LARGEST:.0e} and "
            f"{LARGEST:.0e} together. Weights may be rescaled."
        )


def _possible(found: Histograms, outcomes: Any) -> Array:
    if isinstance(outcomes, (bool, np.bool_)) or not isinstance(outcomes, (int, float, np.integer, np.floating)):
        raise TypeError(f"`outcomes` is {outcomes!r}; it is one number, how many outcomes are possible.")
    most = float(found.seen.max(initial=1))
    if not (most <= outcomes <= LARGEST) or outcomes != math.floor(outcomes):
        shown = "too large" if outcomes > LARGEST else f"{float(outcomes):.15g}"
        raise ValueError(
            f"`outcomes` is {shown}; it is a whole number up to {LARGEST:.0e}, and {most:.0f} different ones were seen."
        )
    return np.full(len(found.dense), float(outcomes))


def _place(index: int, batch: Sequence[int]) -> str:
    where = [int(i) for i in np.unravel_index(index, tuple(batch))]
    return str(where[0] if len(where) == 1 else tuple(where))


def require_whole(name: str, dense: Array, what: str, instead: str) -> None:
    """Refuse counts that are not whole numbers, for what counts singletons or draws anew."""
    fractional = dense != np.floor(dense)
    if fractional.any():
        first = np.unravel_index(int(np.argmax(fractional)), dense.shape)
        raise DistributionError(
            f"`{name}` holds {dense[first]:.6g}, no whole number; {what} needs numbers of observations. "
            f"For weights pass {instead}."
        )


def require_table(name: str, array: Array) -> None:
    """Refuse what is no contingency table."""
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise ShapeError(f"`{name}` has shape {array.shape}; a contingency table has two axes, none of them empty.")
