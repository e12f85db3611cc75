"""Predictions batch by batch: one pass over inputs of any size, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from xent.io._assemble import Agreed, Assembler, Wishes, score_values
from xent.io._layout import Asked, Layout, LooksLikeError, choose
from xent.io._limits import Limits
from xent.io._open import Input, Opened, open_input, shown_input
from xent.io._predictions import Facts, Predictions
from xent.io._table import Chunk
from xent.io._text import message, quoted, span
from xent.io._validate import check_scores

BATCH_ROWS = 65536


@dataclass(frozen=True, slots=True)
class Options:
    """What a call says about how to read."""

    asked: Asked
    wishes: Wishes
    format: str | None
    limits: Limits
    batch_rows: int = BATCH_ROWS


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several workers reads: row groups of a file, with what was decided for all."""

    agreed: Agreed
    groups: tuple[int, ...] | None
    offset: int


class Scan:
    """Predictions of one or several inputs, in batches; an iterator that can be gone through once.

    `facts` are complete once all batches were taken. `rows_total` is the number of rows, where it is known before they
    are read. Errors name the input, and the row from 0 in it; `Predictions.rows` go on from input to input.
    """

    def __init__(self, inputs: Sequence[Input], options: Options, share: Share | None = None) -> None:
        """Read the first batch: only then are the classes known."""
        self.rows_total: int | None = None
        self._inputs = tuple(inputs)
        self._options = options
        self._share = share
        self._done = False
        self._formats: list[str] = []
        self._made: Assembler | None = None
        self._batches = self._run()
        self._next: Predictions | None = next(self._batches, None)

    @property
    def agreed(self) -> Agreed:
        """What the first rows decided for all."""
        agreed = self._assembler.agreed
        if agreed is None:
            raise RuntimeError("no row was read")  # then the first batch was an error
        return agreed

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the columns."""
        return self.agreed.classes

    @property
    def facts(self) -> Facts:
        """Where the rows so far came from."""
        forms = ", ".join(dict.fromkeys(self._formats))
        return replace(self._assembler.facts(names_of(self._inputs), done=self._done), format=forms)

    @property
    def _assembler(self) -> Assembler:
        if self._made is None:
            raise RuntimeError("nothing was opened")  # then opening it was an error
        return self._made

    def __iter__(self) -> Iterator[Predictions]:
        """Itself."""
        return self

    def __next__(self) -> Predictions:
        """The next batch; one that is there is given before the one behind it is checked."""
        batch = self._next
        self._next = None
        if batch is None:
            return next(self._batches)
        return batch

    def __enter__(self) -> Scan:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self.close()

    def close(self) -> None:
        """Close what is open; no batch comes after that."""
        self._next = None
        self._batches.close()

    def _run(self) -> Generator[Predictions]:
        options = self._options
        if len(self._inputs) > 1:
            self.rows_total = rows_together(self._inputs, options)
        offset = 0 if self._share is None else self._share.offset
        groups = None if self._share is None else self._share.groups
        for given in self._inputs:
            with open_input(given, options.asked, options.format, options.limits, groups) as opened:
                assembler = self._ready(opened)
                end = 0
                for chunk in ahead(opened.table.chunks(assembler.layout.columns(), options.batch_rows)):
                    end = chunk.start + chunk.count
                    batch = assembler.add(opened.table, chunk, offset)
                    if batch is not None:
                        yield batch
                opened.check_unchanged()
                offset += end
        self._done = True
        if self._share is None:
            self._assembler.check_end(names_of(self._inputs))

    def _ready(self, opened: Opened) -> Assembler:
        """The assembler, once the layout of this input is that of those before it."""
        layout = layout_of(opened)
        self._formats.append(opened.format)
        if self._made is None:
            agreed = None if self._share is None else self._share.agreed
            options = self._options
            self._made = Assembler(opened.format, layout, opened.asked, options.wishes, options.limits, agreed)
            if len(self._inputs) == 1:
                self.rows_total = opened.table.total
        elif self._made.layout != layout:
            raise other_columns(opened.table.shown, layout, shown_input(self._inputs[0]), self._made.layout)
        else:
            self._check_classes(opened)
        return self._made

    def _check_classes(self, opened: Opened) -> None:
        """Lists are in the order that their file's metadata says: it must be one order."""
        scores = self._assembler.layout.scores
        own = opened.table.class_names(scores.columns[0]) if scores.classes is None else None
        agreed = self._assembler.agreed
        if own is not None and agreed is not None and self._options.wishes.classes is None and own != agreed.classes:
            raise ValueError(
                message(
                    f"{opened.table.shown}: its classes are {span(own)}, those of {shown_input(self._inputs[0])} are "
                    f"{span(agreed.classes)}",
                    "files that are read together have the same classes in the same order",
                )
            )


def rows_together(inputs: Sequence[Input], options: Options) -> int | None:
    """The rows of all inputs, where they are known; ValueError if the columns differ, before any row is read."""
    total: int | None = 0
    first: Layout | None = None
    for given in inputs:
        if not isinstance(given, str) and not hasattr(given, "__fspath__"):
            total = None  # a stream is opened once, when its turn comes
            continue
        if given == "-":
            raise ValueError("standard input cannot be one of several inputs; save it as a file")
        with open_input(given, options.asked, options.format, options.limits) as opened:
            if opened.format == "npy":
                raise ValueError(
                    message(f"{opened.table.shown}: arrays in NPY files are read one at a time", "save them as NPZ")
                )
            layout = layout_of(opened)
            if first is not None and layout != first:
                raise other_columns(opened.table.shown, layout, shown_input(inputs[0]), first)
            first = layout
            rows = opened.table.total
            total = None if total is None or rows is None else total + rows
    return total


def other_columns(shown: str, layout: Layout, first_shown: str, first: Layout) -> ValueError:
    """The error for an input whose columns are not those of the first one."""
    jobs = (
        ("labels", (layout.label,), (first.label,)),
        ("scores", layout.scores.columns, first.scores.columns),
        ("ids", (layout.id or "none",), (first.id or "none",)),
    )
    differs = next((job for job in jobs if job[1] != job[2]), None)
    what = (
        f"the {differs[0]} are in {span(differs[1])} ({len(differs[1])}), but in {first_shown} they are in "
        f"{span(differs[2])} ({len(differs[2])})"
        if differs
        else f"column {quoted(layout.scores.columns[0])} is not of the same kind as in {first_shown}"
    )
    return ValueError(message(f"{shown}: {what}", "files that are read together have the same columns"))


def names_of(inputs: Sequence[Input]) -> str:
    """The names of all inputs, or of the first few."""
    names = [shown_input(given) for given in inputs]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])}, ... ({len(names):,} in all)"


def layout_of(opened: Opened) -> Layout:
    """Every column's job."""
    table = opened.table
    try:
        return choose(table, opened.asked)
    except LooksLikeError as looks:
        # Columns named as logits: their values say it better than their names, if they are no probabilities.
        chunk = next(table.chunks(list(looks.scores.columns), BATCH_ROWS), None)
        if chunk is not None:
            rows = np.arange(chunk.count)
            check_scores(table.shown, looks.scores, "probs", score_values(chunk, looks.scores, rows), rows)
        raise


def ahead(chunks: Iterator[Chunk]) -> Generator[Chunk]:
    """The same chunks, the next one read while the last one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, chunks, None)
        while (chunk := following.result()) is not None:
            following = pool.submit(next, chunks, None)
            yield chunk
