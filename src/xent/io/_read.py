"""Reading predictions: open, choose the columns, take them, and check that they are what they are said to be."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from xent.io._assemble import Wishes, assemble, label_indices, score_values
from xent.io._layout import Asked, Kind, named_scores, require
from xent.io._limits import DEFAULT_LIMITS, Limits
from xent.io._predictions import Predictions
from xent.io._source import Source, open_source
from xent.io._table import Coded, Floats, Table
from xent.io._text import message

Columns = str | Sequence[str]


def read_predictions(
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    probs: Columns | None = None,
    logits: Columns | bool | None = None,
    logprobs: Columns | bool | None = None,
    id: str | None = None,
    weight: str | None = None,
    cluster: str | None = None,
    classes: Sequence[str] | None = None,
    renormalize: bool = False,
    format: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Predictions:
    """Read what was predicted and what happened from a CSV, TSV, JSON lines, Parquet, NPZ or NPY file.

    Columns that are not named are looked for: the label under `label`, `target`, `y`, `y_true`, `ground_truth`; the
    probabilities in a column a class, `p_`, `prob_`, `proba_` or `y_pred_proba_` and the class, or in a list column
    `probs` or `predictions`, or, for two classes, in one column `p`, `prob` or `probs`. What was found without being
    named is in `Predictions.facts.guesses`.

    Parameters
    ----------
    path : path
        A regular file; `-` is standard input, CSV unless `format` says otherwise.
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
    classes : sequence of str
        Names of the classes in the order of the columns, in place of those in the file.
    renormalize : bool
        Divide each row of probabilities by its sum.
    format : str
        One of `csv`, `tsv`, `jsonl`, `parquet`, `npz`, `npy`, in place of the suffix.
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
    kind, scores = _kind_and_columns(probs, logits, logprobs)
    asked = Asked(kind, label, scores, id, weight, cluster)
    with open_source(path, format, limits) as source, _readable_text(source.shown):
        table, asked, elsewhere = _table_and_labels(source, asked, limits)
        return assemble(source, table, asked, Wishes(elsewhere, classes, renormalize))


def read_columns(
    path: str | os.PathLike[str],
    specs: Sequence[str],
    *,
    label_first: bool = False,
    format: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[tuple[Floats, tuple[str, ...]]]:
    """The numbers each of `specs` names (a column, several, or a pattern), (n,) or (n, K), and the columns' names."""
    with open_source(path, format, limits) as source, _readable_text(source.shown):
        table = _open_table(source, limits)
        labels = [require(table, spec, "") for spec in specs[:1] if label_first]
        found = [named_scores(table, spec, "", set(labels)) for spec in specs[len(labels) :]]
        count = table.load(list(dict.fromkeys([*labels, *(name for scores in found for name in scores.columns)])))
        if not count:
            raise ValueError(f"{table.shown}: no rows")
        read = [(score_values(table, scores, np.arange(count)), scores.columns) for scores in found]
        return [(label_indices(table, name, found[-1], read[-1][0]), (name,)) for name in labels] + read


@contextmanager
def _readable_text(shown: str) -> Generator[None]:
    """Names that are not UTF-8 come to light wherever they are first looked at."""
    try:
        yield
    except UnicodeDecodeError:
        raise ValueError(f"{shown}: holds text that is not UTF-8") from None


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


def _open_table(source: Source, limits: Limits) -> Table:
    """The reader of the format; what it needs is imported only now."""
    if source.format in ("npz", "npy"):
        from xent.io._numpy import ArrayTable

        return ArrayTable(source, limits)
    try:
        if source.format == "parquet":
            from xent.io._parquet import ParquetTable

            return ParquetTable(source, limits)
        if source.format == "jsonl":
            from xent.io._jsonl import JsonLinesTable

            return JsonLinesTable(source, limits)
        from xent.io._csv import CsvTable
    except ModuleNotFoundError as error:
        what = f"{source.shown}: reading {source.format} needs {error.name}: pip install 'xent[report]'"
        raise ModuleNotFoundError(what, name=error.name) from None
    return CsvTable(source, limits)


def _table_and_labels(source: Source, asked: Asked, limits: Limits) -> tuple[Table, Asked, Coded | None]:
    """The table; for a lone array, also the labels, which are in a file of their own."""
    table = _open_table(source, limits)
    if source.format != "npy":
        return table, asked, None
    if asked.label is None:
        raise ValueError(message(f"{source.shown}: holds one array and no labels", "add --label LABELS.npy"))
    with open_source(asked.label, "npy", limits) as other:
        labels = _open_table(other, limits)
        labels.load(["array"])
        coded = labels.coded("array")
    scores = asked.scores if asked.scores is not None else "array"
    return table, replace(asked, label=None, scores=scores, labels_elsewhere=True), coded
