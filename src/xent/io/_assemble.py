"""From a table and every column's job to `Predictions`: the arrays, checked, of the rows that have a label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent.io._labels import match_labels
from xent.io._layout import Asked, Kind, Layout, LooksLikeError, Scores, choose, columns_of
from xent.io._predictions import Facts, Predictions
from xent.io._source import Source
from xent.io._table import Coded, Codes, Floats, Table, text_of
from xent.io._text import listed, message, printable, quoted, span
from xent.io._validate import check_scores, doubtful, renormalize

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
    count = table.load(layout.columns())
    if not count:
        raise ValueError(f"{table.shown}: no rows")
    happened = _happened(table, layout, wishes, count)
    labelled = np.flatnonzero(happened.codes >= 0)
    # Only now is it known which rows count: what the others hold is never looked at.
    rows, weight = labelled, None
    if layout.weight is not None:
        rows, weight = _weighted_rows(table, layout.weight, labelled)
    values = score_values(table, layout.scores, rows)
    own = _own_names(layout.scores, happened)
    classes, classes_from = _class_names(table, replace(layout.scores, classes=own), values, wishes.classes)
    labels = _labels(table, layout, happened, rows, classes, classes_from)
    scores, rescaled = _checked(table.shown, layout.scores, asked.kind, values, rows, wishes.renormalize)
    identity = None if layout.id is None else table.coded(layout.id)
    doubts = (doubtful(layout.scores, asked.kind, scores), _doubtful_names(layout.id, identity, rows))
    return Predictions(
        labels=labels,
        scores=scores,
        form=asked.kind,
        classes=classes,
        rows=rows,
        id=None if identity is None else _names(identity, rows),
        weight=weight,
        cluster=None if layout.cluster is None else _clusters(table, layout.cluster, rows),
        facts=Facts(
            file=source.shown,
            format=source.format,
            rows=count,
            dropped=count - labelled.size,
            weightless=labelled.size - rows.size,
            doubts=tuple(doubt for doubt in doubts if doubt is not None),
            renormalized=rescaled,
            label=_label_name(layout),
            columns=layout.scores.columns,
            classes_from=classes_from,
            guesses=layout.guesses,
        ),
        unnamed=None if identity is None else identity.codes[rows] < 0,
    )


def _layout(table: Table, asked: Asked) -> Layout:
    try:
        return choose(table, asked)
    except LooksLikeError as looks:
        # Columns named as logits: their values say it better than their names, if they are no probabilities.
        if count := table.load(list(looks.scores.columns)):
            rows = np.arange(count)
            check_scores(table.shown, looks.scores, "probs", score_values(table, looks.scores, rows), rows)
        raise


def score_values(table: Table, scores: Scores, rows: Codes) -> Floats:
    """The numbers of the score columns in these rows, (n, K), or (n,) for a single one."""
    if scores.shape == "wide":
        return np.ascontiguousarray(np.stack([table.numbers(name, rows) for name in scores.columns]).T)
    if scores.shape == "single":
        return table.numbers(scores.columns[0], rows)
    matrix = table.matrix(scores.columns[0], rows)
    if matrix.shape[1] == 0:
        raise ValueError(f"{table.shown}: column {quoted(scores.columns[0])} holds empty lists")
    return matrix[:, 0] if matrix.shape[1] == 1 else matrix


def label_indices(table: Table, name: str, scores: Scores, values: Floats) -> Codes:
    """The class index of every row, from labels that name the classes of these scores."""
    coded = table.coded(name)
    own = replace(scores, classes=_own_names(scores, coded))
    classes, origin = _class_names(table, own, values, None)
    labels = match_labels(table.shown, name, coded, classes, origin, indices=True)
    if (labels < 0).any():
        raise ValueError(f"{table.shown}: column {quoted(name)} row {int(np.argmin(labels))} is empty: it has no label")
    return labels


def _own_names(scores: Scores, happened: Coded) -> tuple[str, ...] | None:
    """The classes that the columns name: what follows their prefix, or all of the name if that is what labels say."""
    texts = {text_of(value) for value in happened.values if not _is_missing(value)} - {""}
    return scores.columns if scores.classes is not None and texts <= set(scores.columns) else scores.classes


def _class_names(
    table: Table, scores: Scores, values: Floats, given: Sequence[str] | None
) -> tuple[tuple[str, ...], str]:
    """The classes in the order of the columns and where that order came from; never from which labels occur."""
    count = 2 if values.ndim == 1 else values.shape[1]
    own = table.class_names(scores.columns[0]) if scores.classes is None else scores.classes
    if given is not None:
        _refuse_other_order(table.shown, tuple(given), own)
        names, origin = tuple(given), "--classes"
    elif scores.classes is not None:
        names, origin = scores.classes, f"the columns {span(scores.columns)}"
    elif own is not None:
        names, origin = own, "the file's metadata"
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


def _refuse_other_order(shown: str, given: tuple[str, ...], own: tuple[str, ...] | None) -> None:
    """The columns' own names in another order would swap the classes without a word."""
    if own is not None and given != own and sorted(given) == sorted(own):
        raise ValueError(
            message(
                f"{shown}: --classes {listed(given)} are the names that the columns have already, in another order",
                f"the columns are, in their order: {listed(own)}",
                "--classes gives columns other names and moves none: leave it out",
            )
        )


def _label_name(layout: Layout) -> str:
    return "labels" if layout.label is None else layout.label


def _happened(table: Table, layout: Layout, wishes: Wishes, count: int) -> Coded:
    """What each row's label says; at least one says something."""
    name = _label_name(layout)
    coded = table.coded(name) if wishes.labels is None else wishes.labels
    if len(coded.codes) != count:
        raise ValueError(f"{table.shown}: {count:,} rows of scores, but {len(coded.codes):,} labels")
    if not (coded.codes >= 0).any():
        raise ValueError(f"{table.shown}: no row has a label in {quoted(name)}")
    return coded


def _labels(
    table: Table, layout: Layout, happened: Coded, rows: Codes, classes: tuple[str, ...], classes_from: str
) -> Codes:
    counted = np.full(len(happened.codes), -1)
    counted[rows] = happened.codes[rows]
    name, coded = _label_name(layout), Coded(counted, happened.values)
    # Names that are not the columns' own may go with labels that are places.
    indices = layout.scores.shape != "wide"
    return match_labels(table.shown, name, coded, classes, classes_from, indices=indices)[rows]


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


def _weighted_rows(table: Table, name: str, labelled: Codes) -> tuple[Codes, Floats]:
    """Those of the rows with a label whose weight is not 0, and their weights."""
    weights = table.numbers(name, labelled)
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{table.shown}: column {quoted(name)} row {labelled[place]} is {weights[place]:g}; "
            "a weight is finite and at least 0"
        )
    if not weights.any():
        raise ValueError(f"{table.shown}: column {quoted(name)} is 0 in every row")
    return labelled[weights > 0], weights[weights > 0]


def _clusters(table: Table, name: str, rows: Codes) -> NDArray[Any]:
    coded = table.coded(name)
    missing = rows[coded.codes[rows] < 0]
    if missing.size:
        raise ValueError(
            message(f"{table.shown}: column {quoted(name)} row {missing[0]} names no cluster", "give every row one")
        )
    return _spelled(coded)[rows]


def _names(coded: Coded, rows: Codes) -> NDArray[Any]:
    """What the rows are called; a row without a name keeps its number."""
    names = _spelled(coded)
    if (coded.codes < 0).any():
        names = np.where(coded.codes < 0, np.arange(len(names)), names.astype(object))
    return names[rows]


def _doubtful_names(name: str | None, coded: Coded | None, rows: Codes) -> str | None:
    """What to warn of: rows that go by one name."""
    if coded is None:
        return None
    used = coded.codes[rows]
    used = used[used >= 0]
    again = used.size - np.unique(used).size
    return f"column {quoted(name)} names {again:,} of {rows.size:,} rows as another row before them" if again else None


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
