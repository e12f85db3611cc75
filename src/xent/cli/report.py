"""`xent report`: an honest account of a file of predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xent.cli import _manners as manners
from xent.cli._gates import Gate, parse_gate, value_of
from xent.cli._help import Command
from xent.cli._words import UNITS, Word

if TYPE_CHECKING:
    from xent.report import Subject

EXAMPLES = """
xent report predictions.parquet
xent report predictions.csv --label outcome --probs 'score_*' -o report.html
xent report logits.npz --logits --unit bits
xent report predictions.parquet --json --fail-if 'loss>0.25'
xent report --example digits
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file", required=False, type=click.Path(), metavar="FILE")
@click.option("-o", "output", type=click.Path(), metavar="PAGE.html", help="Also write the report as one offline page.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, in place of the text.")
@click.option("--label", metavar="C", help="The column of what happened (for NPY: the file of the labels).")
@click.option("--probs", metavar="C", help="The scores: a list column, one column, A,B,C, or 'p_*'.")
@click.option("--logits", is_flag=True, help="The scores are logits.")
@click.option("--logprobs", is_flag=True, help="The scores are natural logarithms of probabilities.")
@click.option("--classes", metavar="A,B,C", help="Names of the classes in the order of the scores.")
@click.option("--id", "identity", metavar="C", help="The column that names the rows.")
@click.option("--weight", metavar="C", help="The column of the rows' weights.")
@click.option("--cluster", metavar="C", help="The column that says which rows belong together.")
@click.option("--unit", type=Word(UNITS), default="nats", metavar="U", help="nats (default), bits or bans.")
@click.option("--fail-if", "tests", multiple=True, metavar="TEST", help="Exit with 1 if this holds: 'loss>0.25'.")
@click.option("--renormalize", is_flag=True, help="Divide each row of probabilities by its sum.")
@click.option(
    "--format", "file_format", metavar="F", help="csv, tsv, jsonl, parquet, npz or npy; without it, the suffix."
)
@click.option("--example", metavar="NAME", help="Report on predictions that come with xent, such as digits.")
@click.pass_context
def report(
    ctx: click.Context,
    file: str | None,
    output: str | None,
    as_json: bool,
    unit: str,
    tests: tuple[str, ...],
    example: str | None,
    **columns: Any,
) -> None:
    """How good the predictions in FILE are, and why they are not better.

    FILE is CSV, TSV, JSON lines, Parquet, NPZ or NPY; - is CSV on standard input. The label column and the probability
    columns are found by their names, or named with --label and --probs (in 'p_*' the star is the class).

    Exit code 0: done. 1: a --fail-if test held. 2: something is wrong with the call or the data.
    """
    gates = [parse_gate(text) for text in tests]
    if output is not None:
        _check_output(ctx, output)
    path = _path(ctx, file, example)
    subject = _examined(path, unit, columns, None if example is None else f"example {example}")
    failures = _failures(subject, gates)
    text = _document(subject, {"unit": unit, **_given(columns)}) if as_json else _text(ctx, subject)
    if output is not None:
        _write_page(subject, output, _inputs(subject, path, columns["label"]))
    manners.write_result(text)
    _remark(subject)
    for failure in failures:
        manners.say(failure)
    if failures:
        ctx.exit(manners.GATE_FAILED)


def _path(ctx: click.Context, file: str | None, example: str | None) -> str:
    if (file is None) == (example is None):
        what = "a FILE of predictions, or --example NAME" if file is None else "FILE or --example, not both"
        raise click.UsageError(f"give {what}", ctx)
    if example is None:
        return str(file)
    from xent import examples

    return str(examples.path(example))


def _examined(path: str, unit: str, columns: dict[str, Any], name: str | None) -> Subject:
    """Read and evaluate; `name` stands for the path of an example, which differs from machine to machine."""
    from dataclasses import replace

    from xent.io import printable, read_predictions
    from xent.report import examine

    classes = columns["classes"]
    try:
        predictions = read_predictions(
            path,
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
    except ValueError as error:
        if name is not None:
            error.args = (str(error).replace(printable(path), name),)
        raise
    if name is not None:
        predictions = replace(predictions, facts=replace(predictions.facts, file=name))
    return examine(predictions, unit=unit)


def _failures(subject: Subject, gates: list[Gate]) -> list[str]:
    document = subject.evaluation.to_dict()
    found = [gate.failure(value_of(document, gate.field)) for gate in gates]
    return [words for words in found if words is not None]


def _text(ctx: click.Context, subject: Subject) -> str:
    import sys

    from xent.report import render

    return render(subject, color=manners.wants_color(ctx.obj.color, sys.stdout))


def _document(subject: Subject, options: dict[str, Any]) -> str:
    import json
    import platform
    import sys

    import numpy

    from xent import __version__
    from xent.io import printable

    document = json.loads(subject.evaluation.to_json())
    document["provenance"] = {
        "xent": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "engine": "local",
        "file": subject.facts.file,
        "seed": subject.seed,
        "options": options,
        "command": [printable(word) for word in sys.argv[1:]],
    }
    return json.dumps(document, allow_nan=False) + "\n"


def _given(columns: dict[str, Any]) -> dict[str, Any]:
    """The options that were used, by the names they have in the call."""
    from xent.io import printable

    names = {"identity": "id", "file_format": "format"}
    given = {names.get(name, name): value for name, value in columns.items() if value not in (None, False)}
    return {name: value if value is True else printable(value) for name, value in given.items()}


def _check_output(ctx: click.Context, output: str) -> None:
    """The page is HTML; another suffix is a slip, and may well be that of the data."""
    if not output.lower().endswith((".html", ".htm")):
        what = "standard output" if output == "-" else repr(output)
        raise click.UsageError(f"-o writes a page: give it a name that ends in .html or .htm, not {what}", ctx)


def _inputs(subject: Subject, path: str, label: str | None) -> list[str | int]:
    """All that was read: the file or what stands behind standard input, and the file of an array's labels."""
    read: list[str | int] = [0 if path == "-" else path]
    return [*read, label] if subject.facts.format == "npy" and label is not None else read


def _write_page(subject: Subject, output: str, inputs: list[str | int]) -> None:
    import os

    from xent.io import atomic_write
    from xent.report.page import to_html

    page = to_html(subject)
    with atomic_write(output, inputs=inputs) as stream:
        stream.write(page)
    manners.say(f"wrote {output} ({os.stat(output).st_size / 1000:,.0f} kB, opens offline)")


def _remark(subject: Subject) -> None:
    """Warnings: what was left out, or used though it is not quite right."""
    audit, facts, clusters = subject.evaluation.audit, subject.facts, subject.evaluation.clusters
    if facts.dropped:
        manners.warn(f"{facts.file}: {facts.dropped:,} of {facts.rows:,} rows have no label and are left out")
    if facts.weightless:
        manners.warn(f"{facts.file}: {facts.weightless:,} of {facts.rows:,} rows have weight 0 and are left out")
    for doubt in facts.doubts:
        manners.warn(f"{facts.file}: {doubt}")
    if audit.unnormalized_rows:
        manners.warn(
            f"{facts.file}: {audit.unnormalized_rows:,} rows are off 1 by more than rounding and are used as given "
            "(--renormalize rescales them)"
        )
    if audit.renormalized_rows:
        manners.warn(f"{facts.file}: {audit.renormalized_rows:,} rows were rescaled to sum to 1")
    if clusters == 1:
        manners.warn(f"{facts.file}: 1 cluster: no standard errors")
    elif clusters is not None and clusters < 30:
        manners.warn(f"{facts.file}: {clusters} clusters; intervals from fewer than 30 are rough")
