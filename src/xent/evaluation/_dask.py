"""Evaluating what Dask holds: an `Evaluator` a partition, merged. Only the small states travel.

Dask is imported by whoever made the collections; where they are computed is Dask's affair too: the scheduler in force,
be it threads, processes or the cluster a `distributed.Client` is connected to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from xent._errors import ShapeError
from xent._forms import Form
from xent.evaluation._evaluator import Evaluator
from xent.evaluation.results import Evaluation

_PART = 1 << 40
"""Rows go by part · 2**40 + row within it until all lengths are known: that order is the order of the rows."""

_TOGETHER = 8
"""States merged by one task."""

Given = Mapping[str, Any]


def is_dask(*values: Any) -> bool:
    """Whether one of them, or what a form wraps, is a Dask collection."""
    return any(hasattr(_inside(value), "__dask_graph__") for value in values)


def evaluate_dask(given: Given, slices: Mapping[str, Any] | None, settings: Given) -> Evaluation:
    """Evaluate `given` (y, q, weight, cluster, id: collections, or None) with an Evaluator of `settings`."""
    from dask.base import compute

    forms = {name: type(value) for name, value in given.items() if isinstance(value, Form)}
    columns = {name: _inside(value) for name, value in given.items() if value is not None}
    columns |= {f"slices.{name}": values for name, values in (slices or {}).items()}
    parts = _partitions(columns)
    part = _delayed(_evaluate_part)
    rows = [part(number, dict(zip(columns, cells, strict=True)), forms, settings) for number, cells in enumerate(parts)]
    merged = merge_all([row[0] for row in rows], settings)
    evaluator, counts = compute(merged, [row[1] for row in rows])
    found = evaluator.result()
    return found if "id" in columns else _with_row_numbers(found, counts)


def merge_all(states: Sequence[Any], settings: Given) -> Any:
    """One delayed Evaluator from many, by a tree of merges: any shape of it gives the same digits."""
    merge = _delayed(_merge)
    level = list(states)
    while len(level) > 1:
        level = [merge(level[i : i + _TOGETHER], settings) for i in range(0, len(level), _TOGETHER)]
    return level[0]


def _delayed(function: Any) -> Any:
    from dask.delayed import delayed

    return delayed(function, pure=False)


def _merge(states: Sequence[Evaluator], settings: Given) -> Evaluator:
    # Into a new one: a scheduler of threads may still hold what it handed out.
    whole = Evaluator(**settings)
    for state in states:
        whole.merge(state)
    return whole


def _evaluate_part(
    number: int, cells: dict[str, Any], forms: dict[str, type[Form]], settings: Given
) -> tuple[Evaluator, int]:
    q, y = cells["q"], cells["y"]
    found = Evaluator(**settings)
    count = len(q)
    if count == 0:
        return found, 0
    slices = {name.removeprefix("slices."): values for name, values in cells.items() if name.startswith("slices.")}
    try:
        found.update(
            forms["y"](np.asarray(y)) if "y" in forms else np.asarray(y),
            forms["q"](np.asarray(q)) if "q" in forms else np.asarray(q),
            weight=cells.get("weight"),
            cluster=cells.get("cluster"),
            slices=slices or None,
            id=cells["id"] if "id" in cells else np.arange(number * _PART, number * _PART + count),
        )
    except ValueError as error:
        raise type(error)(f"partition {number}: {error}") from None
    return found, count


def _inside(value: Any) -> Any:
    return value.values if isinstance(value, Form) else value


@dataclass(frozen=True, slots=True)
class _Column:
    """One argument as delayed partitions; `lengths` of them where the collection knows them."""

    parts: list[Any]
    lengths: tuple[int, ...] | None


def _partitions(columns: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The partitions of all columns side by side, those of `q` as they are."""
    lead = _column("q", columns["q"], None)
    found = {name: _column(name, values, lead.lengths) for name, values in columns.items() if name != "q"}
    found["q"] = lead
    for name, column in found.items():
        if len(column.parts) != len(lead.parts) or (column.lengths and lead.lengths and column.lengths != lead.lengths):
            raise ShapeError(
                f"`{name}` comes in {len(column.parts)} partitions of other lengths than the {len(lead.parts)} of `q`; "
                "repartition them alike."
            )
    return list(zip(*(found[name].parts for name in columns), strict=True))


def _column(name: str, values: Any, lengths: tuple[int, ...] | None) -> _Column:
    if hasattr(values, "chunks") and hasattr(values, "rechunk"):
        return _of_array(values, lengths)
    if hasattr(values, "to_delayed"):
        return _Column(list(values.to_delayed()), None)
    if lengths is None:
        raise ShapeError(f"`{name}` is no Dask collection, and the lengths of the partitions of `q` are not known.")
    if len(values) != sum(lengths):
        raise ShapeError(f"`{name}` has {len(values)} rows and `q` has {sum(lengths)}; they must be as many.")
    ends = np.cumsum((0, *lengths)).tolist()
    return _Column([values[a:b] for a, b in pairwise(ends)], lengths)


def _of_array(values: Any, lengths: tuple[int, ...] | None) -> _Column:
    """A Dask array, its rows whole; cut as `q` is, where both know how long they are."""
    if values.ndim == 2:
        values = values.rechunk({1: -1})
    known = not any(np.isnan(values.chunks[0]))
    if known and lengths is not None and values.chunks[0] != lengths and values.shape[0] == sum(lengths):
        values = values.rechunk({0: lengths})
    return _Column(list(values.to_delayed().ravel()), tuple(values.chunks[0]) if known else None)


def _with_row_numbers(found: Evaluation, lengths: Sequence[int]) -> Evaluation:
    """The costliest rows by their numbers over all partitions."""
    starts = np.cumsum([0, *lengths]).tolist()

    def number(key: int | str | None) -> int | str | None:
        return starts[key // _PART] + key % _PART if isinstance(key, int) else key

    return replace(found, worst_rows=tuple(replace(row, row=number(row.row)) for row in found.worst_rows))
