"""From the options of `xent report` to what the report is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from xent.cli._progress import progress

if TYPE_CHECKING:
    from xent.report import Subject


def paths_of(ctx: click.Context, files: Sequence[str], example: str | None) -> list[str]:
    """The files to read; a UsageError where there is none, or an example beside them."""
    if bool(files) == (example is not None):
        what = "FILE or --example, not both" if files else "a FILE of predictions, or --example NAME"
        raise click.UsageError(f"give {what}", ctx)
    if example is None:
        if files.count("-") > 1:
            raise click.UsageError("standard input (-) is named twice; it can be read once", ctx)
        return list(files)
    from xent import examples

    return [str(examples.path(example))]


def check_engine(engine: str) -> None:
    """Refuse an engine that is not there, and say how to get it."""
    import importlib.util

    if engine != "dask":
        return
    if importlib.util.find_spec("dask") is None or importlib.util.find_spec("distributed") is None:
        raise ModuleNotFoundError("--engine dask needs dask: pip install 'xent[report,dask]'", name="dask")


def examined(paths: list[str], columns: dict[str, Any], example: str | None, engine: str, **settings: Any) -> Subject:
    """Read and evaluate. An example goes by its name: its path differs from machine to machine."""
    from dataclasses import replace

    from xent.io import printable

    name = None if example is None else f"example {example}"
    data = paths if len(paths) > 1 else paths[0]
    try:
        with progress("reading") as advance:
            run = _by_workers if engine == "dask" else _here
            found = run(data, _options(columns), {**settings, "advance": advance})
    except ValueError as error:
        if name is not None:
            error.args = (str(error).replace(printable(paths[0]), name),)
        raise
    if name is None or found.facts is None:
        return found
    return replace(found, facts=replace(found.facts, file=name))


def _options(columns: dict[str, Any]) -> dict[str, Any]:
    """The options as the reading of files takes them."""
    classes = columns["classes"]
    return {
        "label": columns["label"],
        "probs": columns["probs"],
        "logits": columns["logits"] or None,
        "logprobs": columns["logprobs"] or None,
        "id": columns["identity"],
        "weight": columns["weight"],
        "cluster": columns["cluster"],
        "slices": columns["slices"],
        "classes": None if classes is None else [word.strip() for word in classes.split(",")],
        "renormalize": columns["renormalize"],
        "format": columns["file_format"],
    }


def _here(data: Any, options: dict[str, Any], settings: dict[str, Any]) -> Subject:
    from xent.io import scan_predictions
    from xent.report import examine

    with scan_predictions(data, **options) as scan:
        return examine(scan, **settings)


def _by_workers(data: Any, options: dict[str, Any], settings: dict[str, Any]) -> Subject:
    from xent.io import parts, shown_together
    from xent.report import examine_parts

    return examine_parts(parts(data, **options), shown=shown_together(data), **settings)


def given(columns: dict[str, Any]) -> dict[str, Any]:
    """The options that were used, by the names they have in the call."""
    from xent.io import printable

    names = {"identity": "id", "file_format": "format", "slices": "slice"}
    used = {names.get(name, name): value for name, value in columns.items() if value not in (None, False, ())}
    return {name: _plain(value, printable) for name, value in used.items()}


def _plain(value: Any, printable: Any) -> Any:
    if value is True:
        return True
    return [printable(word) for word in value] if isinstance(value, tuple) else printable(value)
