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
        raise ModuleNotFoundError("--engine dask needs dask: pip install 'xent[dask]'", name="dask")
    raise ValueError("--engine dask is not there yet; --engine local reads files of any size")


def examined(
    paths: list[str], columns: dict[str, Any], example: str | None, *, unit: str, seed: int, loss_only: bool
) -> Subject:
    """Read and evaluate. An example goes by its name: its path differs from machine to machine."""
    from dataclasses import replace

    from xent.io import printable, scan_predictions
    from xent.report import examine

    classes = columns["classes"]
    name = None if example is None else f"example {example}"
    try:
        with (
            progress("reading") as advance,
            scan_predictions(
                paths if len(paths) > 1 else paths[0],
                label=columns["label"],
                probs=columns["probs"],
                logits=columns["logits"] or None,
                logprobs=columns["logprobs"] or None,
                id=columns["identity"],
                weight=columns["weight"],
                cluster=columns["cluster"],
                slices=columns["slices"],
                classes=None if classes is None else [word.strip() for word in classes.split(",")],
                renormalize=columns["renormalize"],
                format=columns["file_format"],
            ) as scan,
        ):
            found = examine(scan, unit=unit, seed=seed, loss_only=loss_only, advance=advance)
    except ValueError as error:
        if name is not None:
            error.args = (str(error).replace(printable(paths[0]), name),)
        raise
    if name is None or found.facts is None:
        return found
    return replace(found, facts=replace(found.facts, file=name))


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
