"""From a table and every column's job to `Predictions`: the arrays, checked, of the rows that have a label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent.io._labels import match_labels
from xent.io._layout import Asked, Kind, Layout, LooksLikeError, Scores, choose, columns_of
from xent.io._predictions import Facts, Predictions
from xent.io._source import Source
from xent.io._table import Coded, Codes, Floats, Table, text_of
from xent.io._text import listed, message, printable, quoted, span
from xent.io._validate import check_scores, renormalize

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """What the call wants beside the columns: labels from another file, names of the classes, rows rescaled."""

    labels: Coded | None = None
    classes: Sequence[str] | None = None
    renormalize: bool = False


def assemble(source: Source, table: Table, asked: Asked, wishes: Wishes) -> Predictions:
    """Choose the columns, read them and check them."""
    layout = _layout(table, asked)
    if not table.load(layout.columns()):
        raise ValueError(f"{table.shown}: no rows")
    values = score_values(table, layout.scores)
    classes, classes_from = _class_names(table, layout.scores, values, wishes.classes)
    labels = _labels(table, layout, wishes, len(values), classes, classes_from)
    rows = np.flatnonzero(labels >= 0)
    keep = slice(None) if rows.size == labels.size else rows
    scores, rescaled = _checked(table.shown, layout.scores, asked.kind, values[keep], rows, wishes.renormalize)
    return Predictions(
        labels=labels[keep],
        scores=scores,
        form=asked.kind,
        classes=classes,
        rows=rows,
        id=None if layout.id is None else _names(table, layout.id, keep),
        weight=None if layout.weight is None else _weights(table, layout.weight)[keep],
        cluster=None if layout.cluster is None else _clusters(table, layout.cluster, keep),
        facts=Facts(
            file=source.shown,
            format=source.format,
            rows=labels.size,
            dropped=labels.size - rows.size,
            renormalized=rescaled,
            label=_label_name(layout),
            columns=layout.scores.columns,
            classes_from=classes_from,
            guesses=layout.guesses,
        ),
    )


def _layout(table: Table, asked: Asked) -> Layout:
    try:
        return choose(table, asked)
    except LooksLikeError as looks:
        # Columns named as logits: their values say it better than their names, if they are no probabilities.
        if table.load(list(looks.scores.columns)):
            values = score_values(table, looks.scores)
            check_scores(table.shown, looks.scores, "probs", values, np.arange(len(values)))
        raise


def score_values(table: Table, scores: Scores) -> Floats:
    """The numbers of the score columns, (n, K), or (n,) for a single one."""
    if scores.shape == "wide":
        return np.ascontiguousarray(np.stack([table.numbers(name) for name in scores.columns]).T)
    if scores.shape == "single":
        return table.numbers(scores.columns[0])
    matrix = table.matrix(scores.columns[0])
    if matrix.shape[1] == 0:
        raise ValueError(f"{table.shown}: column {quoted(scores.columns[0])} holds empty lists")
    return matrix[:, 0] if matrix.shape[1] == 1 else matrix


def _class_names(
    table: Table, scores: Scores, values: Floats, given: Sequence[str] | None
) -> tuple[tuple[str, ...], str]:
    """The classes in the order of the columns and where that order came from; never from which labels occur."""
    count = 2 if values.ndim == 1 else values.shape[1]
    if given is not None:
        names, origin = tuple(given), "--classes"
    elif scores.classes is not None:
        names, origin = scores.classes, f"the columns {span(scores.columns)}"
    elif (carried := table.class_names(scores.columns[0])) is not None:
        names, origin = carried, "the file's metadata"
    else:
        names = tuple(str(place) for place in range(count))
        origin = f"the order within {printable(scores.columns[0], 40)}" if values.ndim == 2 else "a single column"
    if len(names) != count:
        raise ValueError(
            f"{table.shown}: {len(names):,} class names from {origin} ({listed(names)}), but {columns_of(scores)} "
            f"of {count:,} classes"
        )
    twice = (
        next((name for place, name in enumerate(names) if name in names[:place]), None)
        if len(set(names)) < count
        else None
    )
    if twice is not None:
        raise ValueError(f"{table.shown}: the class {quoted(twice)} is named twice in {origin}")
    return names, origin


def _label_name(layout: Layout) -> str:
    return "labels" if layout.label is None else layout.label


def _labels(
    table: Table, layout: Layout, wishes: Wishes, count: int, classes: tuple[str, ...], classes_from: str
) -> Codes:
    name = _label_name(layout)
    coded = table.coded(name) if wishes.labels is None else wishes.labels
    if len(coded.codes) != count:
        raise ValueError(f"{table.shown}: {count:,} rows of scores, but {len(coded.codes):,} labels")
    # Names that are not the columns' own may go with labels that are places.
    indices = layout.scores.shape != "wide"
    labels = match_labels(table.shown, name, coded, classes, classes_from, indices=indices)
    if not (labels >= 0).any():
        raise ValueError(f"{table.shown}: no row has a label in {quoted(name)}")
    return labels


def _checked(
    shown: str, scores: Scores, kind: Kind, values: Floats, rows: NDArray[np.int64], rescale: bool
) -> tuple[Floats, int]:
    rescaled = 0
    if rescale and kind != "probs":
        raise ValueError(f"{shown}: --renormalize is for probabilities; {kind} are used as given")
    if rescale and bool((values >= 0).all()):
        values, rescaled = renormalize(shown, values, rows)
    check_scores(shown, scores, kind, values, rows)
    return values, rescaled


def _weights(table: Table, name: str) -> Floats:
    weights = table.numbers(name)
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{table.shown}: column {quoted(name)} row {row} is {weights[row]:g}; a weight is finite and at least 0"
        )
    if not weights.any():
        raise ValueError(f"{table.shown}: column {quoted(name)} is 0 in every row")
    return weights


def _clusters(table: Table, name: str, keep: Any) -> NDArray[Any]:
    coded = table.coded(name)
    missing = np.flatnonzero(coded.codes[keep] < 0)
    if missing.size:
        row = int(np.arange(len(coded.codes))[keep][missing[0]])
        raise ValueError(
            message(f"{table.shown}: column {quoted(name)} row {row} names no cluster", "give every row one")
        )
    return _spelled(coded)[keep]


def _names(table: Table, name: str, keep: Any) -> NDArray[Any]:
    """What the rows are called; a row without a name keeps its number."""
    coded = table.coded(name)
    names = _spelled(coded)
    if (coded.codes < 0).any():
        names = np.where(coded.codes < 0, np.arange(len(names)), names.astype(object))
    return names[keep]


def _spelled(coded: Coded) -> NDArray[Any]:
    """Whole numbers if all are, else text: so that the same names are the same from every format."""
    if all(type(value) is int and abs(value) < 2**63 for value in coded.values):
        return np.array([*coded.values, 0], dtype=np.int64)[coded.codes]
    texts = ["" if _is_missing(value) else value if type(value) is str else text_of(value) for value in coded.values]
    if all(not text or _WHOLE.fullmatch(text) for text in texts):
        return np.array([*(int(text or 0) for text in texts), 0], dtype=np.int64)[coded.codes]
    return np.array([*texts, ""], dtype=object)[coded.codes]


def _is_missing(value: Any) -> bool:
    return value is None or value != value
