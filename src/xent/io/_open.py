"""From what the call named to an open table: a file of some format, standard input, or an object in memory."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from xent.io._layout import Asked
from xent.io._limits import Limits
from xent.io._source import Source, open_source
from xent.io._table import Table
from xent.io._text import message, printable

Input = str | os.PathLike[str] | Any
"""A path, `-` for standard input, or an object with columns."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A table that can be read now, and what is asked of it."""

    table: Table
    asked: Asked
    format: str
    source: Source | None

    def check_unchanged(self) -> None:
        """ValueError if the file was written to meanwhile."""
        if self.source is not None:
            self.source.check_unchanged()


@contextmanager
def open_input(
    given: Input, asked: Asked, file_format: str | None, limits: Limits, groups: Sequence[int] | None = None
) -> Generator[Opened]:
    """Open one input for reading; `groups` are the row groups to read of a Parquet file."""
    if not isinstance(given, str | os.PathLike):
        yield Opened(_object_table(given, limits), asked, "table", None)
        return
    with ExitStack() as stack:
        source = stack.enter_context(open_source(given, file_format, limits))
        stack.enter_context(readable_text(source.shown))
        if source.format != "npy":
            yield Opened(open_table(source, limits, groups), asked, source.format, source)
            return
        if asked.label is None:
            raise ValueError(message(f"{source.shown}: holds one array and no labels", "add --label LABELS.npy"))
        from xent.io._arrays import ArrayTable
        from xent.io._numpy import lone_array

        array = lone_array(source, limits)
        labels = lone_array(stack.enter_context(_labels(asked.label, source.shown, limits)), limits)
        table = ArrayTable(source.shown, {"array": array, "labels": labels}, limits)
        asked = replace(asked, label="labels", scores="array" if asked.scores is None else asked.scores)
        yield Opened(table, asked, source.format, source)


def _labels(path: str, shown: str, limits: Limits) -> Source:
    """The file of labels beside an array."""
    source = open_source(path, None, limits)
    if source.format != "npy":
        source.file.close()
        raise ValueError(
            message(
                f"{source.shown}: is {source.format}; the labels of {shown} are an array in an NPY file",
                "save them with numpy.save, or labels and scores together with numpy.savez",
            )
        )
    return source


@contextmanager
def readable_text(shown: str) -> Generator[None]:
    """Names that are not UTF-8 come to light wherever they are first looked at."""
    try:
        yield
    except UnicodeDecodeError:
        raise ValueError(f"{shown}: holds text that is not UTF-8") from None


def shown_input(given: Input) -> str:
    """What an input is called in errors."""
    if isinstance(given, str | os.PathLike):
        name = os.fsdecode(given)
        return "standard input" if name == "-" else printable(name)
    return "the DataFrame" if type(given).__name__ == "DataFrame" else "the table"


def _object_table(given: Any, limits: Limits) -> Table:
    try:
        from xent.io._objects import ObjectTable
    except ModuleNotFoundError as error:
        what = f"{shown_input(given)}: reading it needs {error.name}: pip install 'xent[report]'"
        raise ModuleNotFoundError(what, name=error.name) from None
    return ObjectTable(shown_input(given), given, limits)


def open_table(source: Source, limits: Limits, groups: Sequence[int] | None = None) -> Table:
    """The reader of the format; what it needs is imported only now."""
    if source.format == "npz":
        from xent.io._numpy import npz_table

        return npz_table(source, limits)
    if source.format == "safetensors":
        from xent.io._safetensors import safetensors_table

        return safetensors_table(source, limits)
    try:
        if source.format == "parquet":
            from xent.io._parquet import ParquetTable

            return ParquetTable(source, limits, groups)
        if source.format == "arrow":
            from xent.io._ipc import IpcTable

            return IpcTable(source, limits)
        if source.format == "jsonl":
            from xent.io._jsonl import JsonLinesTable

            return JsonLinesTable(source, limits)
        from xent.io._csv import CsvTable
    except ModuleNotFoundError as error:
        what = f"{source.shown}: reading {source.format} needs {error.name}: pip install 'xent[report]'"
        raise ModuleNotFoundError(what, name=error.name) from None
    return CsvTable(source, limits)
