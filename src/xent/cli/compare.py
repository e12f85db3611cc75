"""`xent compare`: two files of predictions of the same things, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xent.cli import _manners as manners
from xent.cli import _outcome as outcome
from xent.cli import _reading as reading
from xent.cli._gates import Gate, parse_gate, value_of
from xent.cli._help import Command
from xent.cli._progress import progress
from xent.cli._words import UNITS, Word
from xent.cli.report import FORMATS

if TYPE_CHECKING:
    from xent.io import Predictions
    from xent.report import Contest

EXAMPLES = """
xent compare old.parquet new.parquet
xent compare old.csv new.csv --id row --names old,new -o comparison.html
xent compare a.npz b.npz --logits --unit bits --json
xent compare old.parquet new.parquet --fail-if 'difference.low<0'
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file_a", type=click.Path(), metavar="A")
@click.argument("file_b", type=click.Path(), metavar="B")
@click.option("-o", "output", type=click.Path(), metavar="PAGE.html", help="Also write it as one offline page.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, in place of the text.")
@click.option("--names", metavar="A,B", help="What to call the two; without it, their file names.")
@click.option("--label", metavar="C", help="The column of what happened (for NPY: the file of the labels).")
@click.option("--probs", metavar="C", help="The scores: a list column, one column, A,B,C, or 'p_*'.")
@click.option("--logits", is_flag=True, help="The scores are logits.")
@click.option("--logprobs", is_flag=True, help="The scores are natural logarithms of probabilities.")
@click.option("--classes", metavar="A,B,C", help="Names of the classes in the order of the scores.")
@click.option("--id", "identity", metavar="C", help="The column that names the rows: they are joined by it.")
@click.option("--weight", metavar="C", help="The column of the rows' weights.")
@click.option("--cluster", metavar="C", help="The column that says which rows belong together.")
@click.option("--unit", type=Word(UNITS), default="nats", metavar="U", help="nats (default), bits or bans.")
@click.option("--fail-if", "tests", multiple=True, metavar="TEST", help="Exit with 1 if this holds: 'difference>0'.")
@click.option("--renormalize", is_flag=True, help="Divide each row of probabilities by its sum.")
@click.option("--seed", type=int, default=0, metavar="N", help="Chooses folds and resamples (default 0).")
@click.option("--engine", type=Word(("local", "dask")), default="local", metavar="E", help="local alone: see below.")
@click.option(
    "--format",
    "file_format",
    type=Word(FORMATS),
    metavar="F",
    help="In place of the suffix: csv, tsv, jsonl, parquet, arrow, feather, npz, npy or safetensors.",
)
@click.pass_context
def compare(
    ctx: click.Context,
    file_a: str,
    file_b: str,
    output: str | None,
    as_json: bool,
    names: str | None,
    unit: str,
    tests: tuple[str, ...],
    seed: int,
    engine: str,
    **columns: Any,
) -> None:
    """Whether the predictions in A or those in B are better, on the rows they share.

    Rows are joined by --id (or the column id, if both have it), else one by one. Each file is read as xent report reads
    it, with the same options for both, and held in memory while they are joined. The difference is A's loss less B's:
    below 0 A is better.

    Exit code 0: done. 1: a --fail-if test held. 2: something is wrong with the call or the data.
    """
    gates = [parse_gate(text) for text in tests]
    called = None if names is None else _names(ctx, names)
    if engine == "dask":
        raise click.UsageError("files are joined in memory: --engine dask is for xent report, leave it out", ctx)
    if output is not None:
        outcome.check_suffix(ctx, output)
    if file_a == file_b == "-":
        raise click.UsageError("standard input (-) is named twice; it can be read once", ctx)
    outcome.check_page(output, [file_a, file_b])
    contest = _contest((file_a, file_b), columns, called, unit=unit, seed=seed)
    failures = _failures(contest, gates)
    text = (
        _document(contest, {"unit": unit, **reading.given({"names": names, **columns})})
        if as_json
        else _text(ctx, contest)
    )
    if output is not None:
        _write_page(contest, output, _inputs(contest, (file_a, file_b), columns["label"]))
    manners.write_result(text)
    _remark(contest)
    for failure in failures:
        manners.say(failure)
    if failures:
        ctx.exit(manners.GATE_FAILED)


def _names(ctx: click.Context, text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts) or parts[0] == parts[1]:
        raise click.UsageError(f"--names {text!r} is not two names; write them as --names old,new", ctx)
    return parts[0], parts[1]


def _contest(
    files: tuple[str, str], columns: dict[str, Any], names: tuple[str, str] | None, *, unit: str, seed: int
) -> Contest:
    from xent.report import contend

    with progress("reading"):
        a, b = (_read(file, columns) for file in files)
    with progress("comparing"):
        return contend(a, b, names=names or _file_names(files), unit=unit, seed=seed)


def _file_names(files: tuple[str, str]) -> tuple[str, str]:
    """Without their folders, where that tells them apart."""
    import os

    short = tuple(os.path.basename(file) for file in files)
    return (short[0], short[1]) if short[0] != short[1] and all(short) else files


def _read(file: str, columns: dict[str, Any]) -> Predictions:
    from xent.io import read_predictions

    classes = columns["classes"]
    return read_predictions(
        file,
        label=columns["label"],
        probs=columns["probs"],
        logits=columns["logits"] or None,
        logprobs=columns["logprobs"] or None,
        id=columns["identity"],
        weight=columns["weight"],
        cluster=columns["cluster"],
        classes=None if classes is None else [name.strip() for name in classes.split(",")],
        renormalize=columns["renormalize"],
        format=columns["file_format"],
    )


def _failures(contest: Contest, gates: list[Gate]) -> list[str]:
    document = contest.comparison.to_dict()
    # `loss` means one thing in a report; here there are two.
    for gate in gates:
        if gate.field == "loss":
            raise ValueError("--fail-if 'loss' is of one model; did you mean 'a.cross_entropy' or 'b.cross_entropy'?")
    found = [gate.failure(value_of(document, gate.field)) for gate in gates]
    return [words for words in found if words is not None]


def _text(ctx: click.Context, contest: Contest) -> str:
    import sys

    from xent.report import render_comparison

    return render_comparison(contest, color=manners.wants_color(ctx.obj.color, sys.stdout))


def _document(contest: Contest, options: dict[str, Any]) -> str:
    import json
    import platform
    import sys

    import numpy

    from xent import __version__
    from xent.io import printable

    document = json.loads(contest.comparison.to_json())
    document["provenance"] = {
        "xent": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "engine": "local",
        "files": [facts.file for facts in contest.facts or ()],
        "seed": contest.seed,
        "options": options,
        "command": [printable(word) for word in sys.argv[1:]],
    }
    return json.dumps(document, allow_nan=False) + "\n"


def _inputs(contest: Contest, files: tuple[str, str], label: str | None) -> list[str | int]:
    """All that was read: the files or what stands behind standard input, and the file of an array's labels."""
    read: list[str | int] = [0 if file == "-" else file for file in files]
    labelled = label is not None and any(facts.format == "npy" for facts in contest.facts or ())
    return [*read, label] if labelled and label is not None else read


def _write_page(contest: Contest, output: str, inputs: list[str | int]) -> None:
    from xent.io import atomic_write
    from xent.report import comparison_to_html

    page = comparison_to_html(contest)
    with atomic_write(output, inputs=inputs) as stream:
        stream.write(page)
    outcome.say_written(output)


def _remark(contest: Contest) -> None:
    """Warnings: what was left out, or used though it is not quite right."""
    for side in contest.sides():
        outcome.remark(side)
    audit = contest.comparison.audit
    for facts, alone in zip(contest.facts or (), (audit.only_a, audit.only_b), strict=False):
        if alone:
            rows = "1 row has" if alone == 1 else f"{alone:,} rows have"
            manners.warn(f"{facts.file}: {rows} no partner in the other file; left out")
