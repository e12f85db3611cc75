"""Reading predictions: all of them at once, batch by batch, or in parts that workers take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np

from xent.io._assemble import Wishes, label_indices, score_values
from xent.io._layout import Asked, Kind, named_scores, require
from xent.io._limits import DEFAULT_LIMITS, Limits
from xent.io._names import one_spelling
from xent.io._open import Input, open_table, readable_text
from xent.io._parts import Part, parts_of
from xent.io._predictions import Predictions
from xent.io._scan import BATCH_ROWS, Options, Scan, names_of
from xent.io._source import open_source
from xent.io._table import Floats

Columns = str | Sequence[str]
Data = Input | Sequence[Input]


class ReadOptions(TypedDict, total=False):
    """The options of `read_predictions`."""

    label: str | None
    probs: Columns | None
    logits: Columns | bool | None
    logprobs: Columns | bool | None
    id: str | None
    weight: str | None
    cluster: str | None
    slices: Sequence[str]
    classes: Sequence[str] | None
    renormalize: bool
    format: str | None
    limits: Limits


def read_predictions(data: Data, **options: Unpack[ReadOptions]) -> Predictions:
    """Read what was predicted and what happened from files, or from a table in memory.

    Columns that are not named are looked for: the label under `label`, `target`, `y`, `y_true`, `ground_truth`; the
    probabilities in a column a class, `p_`, `prob_`, `proba_` or `y_pred_proba_` and the class, or in a list column
    `probs` or `predictions`, or, for two classes, in one column `p`, `prob` or `probs`. What was found without being
    named is in `Predictions.facts.guesses`.

    Parameters
    ----------
    data : path, table, or sequence of these
        A regular file, CSV, TSV, JSON lines, Parquet, Arrow (Feather), NPZ, NPY or safetensors; `-` is standard input,
        CSV unless `format` says otherwise. Or a table of pandas, Polars, PyArrow or DuckDB, or anything else with
        `__arrow_c_stream__`. Several are read as one, in their order.
    label : str
        The column of labels; for an NPY file, the NPY file that holds them. Labels match class names as text.
    probs : str or sequence of str
        A list column, a single column of class 1, columns one a class, or a pattern such as `score_*`, whose star is
        the class.
    logits, logprobs : str, sequence of str or bool
        The same for columns that hold logits or log-probabilities; True where the columns are to be looked for, or are
        those that `probs` names.
    id, weight, cluster : str
        Columns that name the rows, weigh them, and say which belong together.
    slices : sequence of str
        Columns whose values, as text, come with the rows; at most 1,000 values each.
    classes : sequence of str
        Names of the classes in the order of the columns, in place of those in the file.
    renormalize : bool
        Divide each row of probabilities by its sum.
    format : str
        One of `csv`, `tsv`, `jsonl`, `parquet`, `arrow`, `npz`, `npy`, `safetensors`, in place of the suffix.
    limits : Limits
        What a file may ask of the machine.

    Returns
    -------
    Predictions
        Arrays of the rows that have a label, and the facts about the file.

    Raises
    ------
    ValueError
        A column is missing, or does not hold what it should; the message names the file, the column and the row.
    UnsafeFile
        The path is no regular file, or the file is a pickle or claims more than its size can hold.
    OSError
        The file cannot be opened.

    Examples
    --------
    >>> from xent import examples, read_predictions
    >>> found = read_predictions(examples.path("cancer"))
    >>> len(found), found.classes, found.facts.label
    (569, ('malignant', 'benign'), 'label')
    """
    with scan_predictions(data, **options) as scan:
        return _joined(list(scan), scan)


def scan_predictions(data: Data, *, batch_rows: int = BATCH_ROWS, **options: Unpack[ReadOptions]) -> Scan:
    """Read what `read_predictions` reads, in batches and in memory that does not grow with the input.

    What the first rows decide holds for all: the columns of a JSON lines file, the length of lists, whether labels are
    names of classes or their places. Later rows that disagree are errors.

    Parameters
    ----------
    data, **options
        As of `read_predictions`.
    batch_rows : int
        The most rows of a batch; there are fewer where rows are wide.

    Returns
    -------
    Scan
        An iterator of `Predictions`, with `classes`, `facts` (complete at the end) and `rows_total` (None where the
        format does not say); a context manager, and closed by `close()`.

    Raises
    ------
    ValueError, UnsafeFile, OSError
        As `read_predictions`; about later rows when they are reached.

    Examples
    --------
    >>> from xent import examples
    >>> from xent.io import scan_predictions
    >>> with scan_predictions(examples.path("cancer"), batch_rows=200) as scan:
    ...     [len(batch) for batch in scan]
    [200, 200, 169]
    """
    return Scan(_inputs(data), _options(batch_rows, **options))


def parts(data: Data, *, batch_rows: int = BATCH_ROWS, **options: Unpack[ReadOptions]) -> tuple[Part, ...]:
    """Cut files into parts that workers read on their own with `scan_part`: row groups of Parquet, else whole files.

    Parts pickle. Together they hold the rows of `scan_predictions`, in its order and with its classes; only the rows
    of a file behind one whose length is unknown beforehand (CSV, JSON lines) have numbers that begin at 0 again.
    """
    return parts_of(_inputs(data), _options(batch_rows, **options))


def shown_together(data: Data) -> str:
    """The names of all files, or of the first few, as they may be shown."""
    return names_of(_inputs(data))


def _inputs(data: Data) -> tuple[Input, ...]:
    if isinstance(data, list | tuple):
        if not data:
            raise ValueError("no file is named")
        return tuple(data)
    return (data,)


def _options(batch_rows: int, **given: Unpack[ReadOptions]) -> Options:
    kind, scores = _kind_and_columns(given.get("probs"), given.get("logits"), given.get("logprobs"))
    slices = given.get("slices", ())
    named = (slices,) if isinstance(slices, str) else tuple(dict.fromkeys(slices))
    names = (given.get(name) for name in ("label", "id", "weight", "cluster"))
    label, identity, weight, cluster = names
    classes = given.get("classes")
    if batch_rows < 1:
        raise ValueError(f"`batch_rows` is {batch_rows}; a batch has at least one row")
    return Options(
        Asked(kind, label, scores, identity, weight, cluster, named),
        Wishes(None if classes is None else tuple(classes), given.get("renormalize", False)),
        given.get("format"),
        given.get("limits", DEFAULT_LIMITS),
        batch_rows,
    )


def _joined(batches: list[Predictions], scan: Scan) -> Predictions:
    """All batches as one."""
    first = batches[0]
    if len(batches) == 1:
        return replace(first, facts=scan.facts, **_names([first]))
    return Predictions(
        labels=np.concatenate([batch.labels for batch in batches]),
        scores=np.concatenate([batch.scores for batch in batches]),
        form=first.form,
        classes=first.classes,
        rows=np.concatenate([batch.rows for batch in batches]),
        weight=np.concatenate([batch.weight for batch in batches if batch.weight is not None])
        if first.weight is not None
        else None,
        facts=scan.facts,
        slices={name: np.concatenate([batch.slices[name] for batch in batches]) for name in first.slices},
        **_names(batches),
    )


def _names(batches: list[Predictions]) -> dict[str, Any]:
    """Ids and clusters, each spelled one way in all batches."""
    unnamed = [batch.unnamed for batch in batches if batch.unnamed is not None]
    ids = [batch.id for batch in batches if batch.id is not None]
    clusters = [batch.cluster for batch in batches if batch.cluster is not None]
    return {
        "id": one_spelling(ids, unnamed) if ids else None,
        "unnamed": np.concatenate(unnamed) if unnamed else None,
        "cluster": one_spelling(clusters) if clusters else None,
    }


def read_columns(
    path: str | os.PathLike[str],
    specs: Sequence[str],
    *,
    label_first: bool = False,
    format: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[tuple[Floats, tuple[str, ...]]]:
    """The numbers each of `specs` names (a column, several, or a pattern), (n,) or (n, K), and the columns' names."""
    with open_source(path, format, limits) as source, readable_text(source.shown):
        table = open_table(source, limits)
        labels = [require(table, spec, "") for spec in specs[:1] if label_first]
        found = [named_scores(table, spec, "", set(labels)) for spec in specs[len(labels) :]]
        wanted = list(dict.fromkeys([*labels, *(name for scores in found for name in scores.columns)]))
        pieces: list[list[Floats]] = []
        for chunk in table.chunks(wanted, BATCH_ROWS):
            read = [score_values(chunk, scores, np.arange(chunk.count)) for scores in found]
            pieces.append([*(label_indices(table, chunk, name, found[-1], read[-1]) for name in labels), *read])
        source.check_unchanged()
        if not pieces:
            raise ValueError(f"{table.shown}: no rows")
        names = [*((name,) for name in labels), *(scores.columns for scores in found)]
        if any(
            piece.shape[1:] != first.shape[1:] for pair in pieces for piece, first in zip(pair, pieces[0], strict=True)
        ):
            raise ValueError(f"{table.shown}: lists of different lengths; every row needs one number for each class")
        return [(np.concatenate(column), name) for column, name in zip(zip(*pieces, strict=True), names, strict=True)]


def _kind_and_columns(
    probs: Columns | None, logits: Columns | bool | None, logprobs: Columns | bool | None
) -> tuple[Kind, Columns | None]:
    if logits and logprobs:
        raise ValueError("the columns hold logits or log-probabilities, not both")
    others: tuple[tuple[Kind, Columns | bool | None], ...] = (("logits", logits), ("logprobs", logprobs))
    for kind, given in others:
        if given is True:
            return kind, probs
        if given:
            if probs is not None:
                raise ValueError(f"`probs` and `{kind}` both name columns; name them once")
            return kind, given
    return "probs", probs
