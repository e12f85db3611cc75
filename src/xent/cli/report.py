"""`xent report`: an honest account of files of predictions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import click

from xent.cli import _manners as manners
from xent.cli import _outcome as outcome
from xent.cli import _reading as reading
from xent.cli._gates import Gate, parse_gate, value_of
from xent.cli._help import Command
from xent.cli._words import UNITS, Word

if TYPE_CHECKING:
    from xent.report import Subject

EXAMPLES = """
xent report predictions.parquet
xent report predictions.csv --label outcome --probs 'score_*' -o report.html
xent report january.parquet february.parquet --slice region --slice device
xent report logits.npz --logits --unit bits
xent report predictions.parquet --json --fail-if 'loss>0.25'
xent report --example digits
"""
_LARGE = 2**24
"""Bytes of input whose reading takes longer than loading what draws the page."""

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow", "feather", "npz", "npy", "safetensors")


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("files", nargs=-1, type=click.Path(), metavar="FILE...")
@click.option("-o", "output", type=click.Path(), metavar="PAGE.html", help="Also write the report as one offline page.")
@click.option("--open", "opens", is_flag=True, help="Open that page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, in place of the text.")
@click.option("--label", metavar="C", help="The column of what happened (for NPY: the file of the labels).")
@click.option("--probs", metavar="C", help="The scores: a list column, one column, A,B,C, or 'p_*'.")
@click.option("--logits", is_flag=True, help="The scores are logits.")
@click.option("--logprobs", is_flag=True, help="The scores are natural logarithms of probabilities.")
@click.option("--classes", metavar="A,B,C", help="Names of the classes in the order of the scores.")
@click.option("--id", "identity", metavar="C", help="The column that names the rows.")
@click.option("--weight", metavar="C", help="The column of the rows' weights.")
@click.option("--cluster", metavar="C", help="The column that says which rows belong together.")
@click.option("--slice", "slices", multiple=True, metavar="C", help="Also by the values of this column; repeatable.")
@click.option("--unit", type=Word(UNITS), default="nats", metavar="U", help="nats (default), bits or bans.")
@click.option("--loss-only", is_flag=True, help="The loss, its interval and skill alone; quicker on huge files.")
@click.option("--fail-if", "tests", multiple=True, metavar="TEST", help="Exit with 1 if this holds: 'loss>0.25'.")
@click.option("--renormalize", is_flag=True, help="Divide each row of probabilities by its sum.")
@click.option("--seed", type=int, default=0, metavar="N", help="Chooses folds and resamples (default 0).")
@click.option(
    "--engine", type=Word(("local", "dask")), default="local", metavar="E", help="local (default) or dask, a cluster."
)
@click.option(
    "--format",
    "file_format",
    type=Word(FORMATS),
    metavar="F",
    help="In place of the suffix: csv, tsv, jsonl, parquet, arrow, feather, npz, npy or safetensors.",
)
@click.option("--example", metavar="NAME", help="Report on predictions that come with xent, such as digits.")
@click.pass_context
def report(
    ctx: click.Context,
    files: tuple[str, ...],
    output: str | None,
    opens: bool,
    as_json: bool,
    unit: str,
    loss_only: bool,
    tests: tuple[str, ...],
    seed: int,
    engine: str,
    example: str | None,
    **columns: Any,
) -> None:
    """How good the predictions in FILE are, and why they are not better.

    FILE is CSV, TSV, JSON lines, Parquet, Arrow, Feather, NPZ, NPY or safetensors; - is CSV on standard input; several
    files are read as one. The label column and the probability columns are found by their names, or named with --label
    and --probs (in 'p_*' the star is the class).

    Exit code 0: done. 1: a --fail-if test held. 2: something is wrong with the call or the data.
    """
    gates = [parse_gate(text) for text in tests]
    _check_output(ctx, output, opens)
    if loss_only and columns["slices"]:
        raise click.UsageError("--loss-only leaves slices out: give --slice or --loss-only, not both", ctx)
    reading.check_engine(engine)
    paths = reading.paths_of(ctx, files, example)
    outcome.check_page(output, paths)
    ahead = _page_ahead(paths) if output is not None and engine != "dask" else None
    subject = reading.examined(paths, columns, example, engine, unit=unit, seed=seed, loss_only=loss_only)
    failures = _failures(subject, gates)
    options = {"unit": unit, **reading.given({**columns, "loss_only": loss_only})}
    text = outcome.document(subject, options, engine) if as_json else _text(ctx, subject)
    if output is not None:
        if ahead is not None:
            ahead.join()
        outcome.write_page(subject, output, _inputs(subject, paths, columns["label"]))
    manners.write_result(text)
    outcome.remark(subject)
    for failure in failures:
        manners.say(failure)
    if opens and output is not None:
        outcome.open_page(output)
    if failures:
        ctx.exit(manners.GATE_FAILED)


def _page_ahead(paths: list[str]) -> threading.Thread | None:
    """Load what draws the page while large files are read; what is missing is told when the page is written."""
    import os
    from contextlib import suppress
    from importlib import import_module

    with suppress(OSError):
        if sum(os.stat(path).st_size for path in paths) >= _LARGE:

            def load() -> None:
                with suppress(Exception):  # it comes again where it can be said
                    import_module("xent.report.page")
                    import_module("xent.plots")

            thread = threading.Thread(target=load, daemon=True)
            thread.start()
            return thread
    return None


def _check_output(ctx: click.Context, output: str | None, opens: bool) -> None:
    """What can be told of -o and --open before the work."""
    if output is not None:
        outcome.check_suffix(ctx, output)
    elif opens:
        raise click.UsageError("--open shows the page, and there is none: add -o PAGE.html", ctx)


def _failures(subject: Subject, gates: list[Gate]) -> list[str]:
    found = subject.fields()
    failures = [gate.failure(value_of(found, gate.field)) for gate in gates]
    return [words for words in failures if words is not None]


def _text(ctx: click.Context, subject: Subject) -> str:
    import sys

    from xent.report import render

    return render(subject, color=manners.wants_color(ctx.obj.color, sys.stdout))


def _inputs(subject: Subject, paths: list[str], label: str | None) -> list[str | int]:
    """All that was read: the files or what stands behind standard input, and the file of an array's labels."""
    read: list[str | int] = [0 if path == "-" else path for path in paths]
    return [*read, label] if subject.facts is not None and subject.facts.format == "npy" and label else read
