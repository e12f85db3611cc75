"""From chunks of a table and every column's job to `Predictions`: arrays, checked, of the rows that have a label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent.io._classes import class_names, own_names
from xent.io._labels import LabelReader
from xent.io._layout import Asked, Kind, Layout, Scores
from xent.io._limits import Limits
from xent.io._names import Copies, Slicer, clusters_of, ids_of
from xent.io._predictions import Facts, Predictions
from xent.io._table import Chunk, Coded, Codes, Floats, Table, uneven
from xent.io._text import quoted
from xent.io._validate import check_scores, doubtful, renormalize


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the call wants beside the columns: names of the classes, rows rescaled."""

    classes: tuple[str, ...] | None = None
    renormalize: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the first rows decide for all that follow, whoever reads them.

    `width` is how many scores a row has, 0 for a single column; `places` says that labels are places of classes, None
    that it is open.
    """

    classes: tuple[str, ...]
    classes_from: str
    width: int
    places: bool | None


class Assembler:
    """Takes the chunks of one or several tables of one layout and keeps count of what it found."""

    def __init__(
        self, form: str, layout: Layout, asked: Asked, wishes: Wishes, limits: Limits, agreed: Agreed | None = None
    ) -> None:
        """`form` names the format; `agreed` is what was decided by whoever read the first rows, if that was another."""
        self.layout = layout
        self._format = form
        self._kind: Kind = asked.kind
        self._wishes = wishes
        self._rows = self._labelled = self._used = self._renormalized = 0
        self._doubts: list[str | None] = []
        self._copies = Copies(limits)
        self._slicers = {name: Slicer(name, limits) for name in layout.slices}
        self._agreed = agreed
        self._labels: LabelReader | None = None if agreed is None else self._label_reader(agreed)
        self._first_row: tuple[int, int] | None = None

    @property
    def agreed(self) -> Agreed | None:
        """What the rows so far have decided."""
        if self._agreed is None or self._labels is None:
            return None
        return replace(self._agreed, places=self._labels.places)

    def add(self, table: Table, chunk: Chunk, offset: int) -> Predictions | None:
        """Predictions of those rows of a chunk that count; `offset` rows were in the tables before this one."""
        happened = chunk.coded(self.layout.label)
        labelled = np.flatnonzero(happened.codes >= 0)
        self._rows += chunk.count
        self._labelled += labelled.size
        if not labelled.size:
            return None
        # Only now is it known which rows count: what the others hold is never looked at.
        rows, weight = labelled, None
        if self.layout.weight is not None:
            rows, weight = _weighted_rows(chunk, self.layout.weight, labelled)
        self._used += rows.size
        if not rows.size:
            return None
        values = score_values(chunk, self.layout.scores, rows)
        agreed, reader = self._agree(table, chunk, happened, rows, values)
        labels = reader.read(chunk.shown, chunk.start, _only(happened, rows))
        labels = labels if len(rows) == chunk.count else labels[rows]
        scores = self._checked(chunk, values, rows)
        names, unnamed = self._ids(chunk, rows, offset)
        return Predictions(
            labels=labels,
            scores=scores,
            form=self._kind,
            classes=agreed.classes,
            rows=rows + (offset + chunk.start),
            id=names,
            weight=weight,
            cluster=None if self.layout.cluster is None else clusters_of(chunk, self.layout.cluster, rows),
            facts=self.facts(chunk.shown, done=False),
            unnamed=unnamed,
            slices={name: slicer.read(chunk, rows) for name, slicer in self._slicers.items()},
        )

    def check_end(self, shown: str) -> None:
        """ValueError if no row counts, now that all have been read."""
        if not self._rows:
            raise ValueError(f"{shown}: no rows")
        if not self._labelled:
            raise ValueError(f"{shown}: no row has a label in {quoted(self.layout.label)}")
        if not self._used:
            raise ValueError(f"{shown}: column {quoted(self.layout.weight)} is 0 in every row")

    def facts(self, file: str, *, done: bool = True) -> Facts:
        """What the rows so far say about the input; what to doubt only once all are there."""
        agreed = self._agreed
        doubts = (*self._doubts, self._copies_doubt()) if done else ()
        return Facts(
            file=file,
            format=self._format,
            rows=self._rows,
            dropped=self._rows - self._labelled,
            weightless=self._labelled - self._used,
            doubts=tuple(doubt for doubt in doubts if doubt is not None),
            renormalized=self._renormalized,
            label=self.layout.label,
            columns=self.layout.scores.columns,
            classes_from="" if agreed is None else agreed.classes_from,
            guesses=self.layout.guesses,
        )

    def _copies_doubt(self) -> str | None:
        return None if self.layout.id is None else self._copies.doubt(self.layout.id, self._used)

    def _agree(
        self, table: Table, chunk: Chunk, happened: Coded, rows: Codes, values: Floats
    ) -> tuple[Agreed, LabelReader]:
        """What holds for all rows: decided by the first of them, and kept to by the others."""
        width = 0 if values.ndim == 1 else values.shape[1]
        if self._agreed is None or self._labels is None:
            scores = self.layout.scores
            own = replace(scores, classes=own_names(scores, happened))
            self._agreed = Agreed(*class_names(table, own, width, self._wishes.classes), width, None)
            self._labels = self._label_reader(self._agreed)
            self._first_row = (chunk.start + int(rows[0]), width)
        elif width != self._agreed.width:
            first = self._first_row or (0, self._agreed.width)
            odd = (chunk.start + int(rows[0]), width or 1)
            raise uneven(chunk.shown, self.layout.scores.columns[0], odd, (first[0], first[1] or 1))
        return self._agreed, self._labels

    def _label_reader(self, agreed: Agreed) -> LabelReader:
        # Names that are not the columns' own may go with labels that are places.
        indices = self.layout.scores.shape != "wide"
        return LabelReader(
            self.layout.label, agreed.classes, agreed.classes_from, indices=indices, places=agreed.places
        )

    def _checked(self, chunk: Chunk, values: Floats, rows: Codes) -> Floats:
        shown, scores, kind = chunk.shown, self.layout.scores, self._kind
        rescale = self._wishes.renormalize
        if rescale and kind != "probs":
            raise ValueError(f"{shown}: --renormalize is for probabilities; {kind} are used as given")
        numbers = rows + chunk.start
        if rescale and bool((values >= 0).all()):
            values, rescaled = renormalize(shown, values, numbers)
            self._renormalized += rescaled
        check_scores(shown, scores, kind, values, numbers)
        if None not in self._doubts:
            self._doubts = [doubtful(scores, kind, values)]
        return values

    def _ids(self, chunk: Chunk, rows: Codes, offset: int) -> tuple[NDArray[Any] | None, NDArray[np.bool_] | None]:
        if self.layout.id is None:
            return None, None
        names, unnamed = ids_of(chunk, self.layout.id, rows, offset + chunk.start)
        self._copies.add(names[~unnamed] if unnamed.any() else names)
        return names, unnamed


def score_values(chunk: Chunk, scores: Scores, rows: Codes) -> Floats:
    """The numbers of the score columns in these rows, (n, K), or (n,) for a single one."""
    if scores.shape == "wide":
        columns = [chunk.numbers(name, rows) for name in scores.columns]
        # A class after the other in memory, as they came: what reads them takes either order.
        values = np.empty((len(columns), len(rows)), dtype=np.result_type(*columns))
        for place, column in enumerate(columns):
            values[place] = column
        return values.T
    if scores.shape == "single":
        return chunk.numbers(scores.columns[0], rows)
    matrix = chunk.matrix(scores.columns[0], rows)
    if matrix.shape[1] == 0:
        raise ValueError(f"{chunk.shown}: column {quoted(scores.columns[0])} holds empty lists")
    return matrix[:, 0] if matrix.shape[1] == 1 else matrix


def label_indices(table: Table, chunk: Chunk, name: str, scores: Scores, values: Floats) -> Codes:
    """The class index of every row, from labels that name the classes of these scores."""
    coded = chunk.coded(name)
    own = replace(scores, classes=own_names(scores, coded))
    classes, origin = class_names(table, own, 0 if values.ndim == 1 else values.shape[1], None)
    labels = LabelReader(name, classes, origin, indices=True).read(chunk.shown, chunk.start, coded)
    if (labels < 0).any():
        row = chunk.start + int(np.argmin(labels))
        raise ValueError(f"{chunk.shown}: column {quoted(name)} row {row} is empty: it has no label")
    return labels


def _only(coded: Coded, rows: Codes) -> Coded:
    """What these rows hold; the others hold nothing."""
    if len(rows) == len(coded.codes):
        return coded
    counted = np.full(len(coded.codes), -1)
    counted[rows] = coded.codes[rows]
    return Coded(counted, coded.values)


def _weighted_rows(chunk: Chunk, name: str, labelled: Codes) -> tuple[Codes, Floats]:
    """Those of the rows with a label whose weight is not 0, and their weights."""
    weights = chunk.numbers(name, labelled)
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{chunk.shown}: column {quoted(name)} row {chunk.start + int(labelled[place])} is {weights[place]:g}; "
            "a weight is finite and at least 0"
        )
    return labelled[weights > 0], weights[weights > 0]
