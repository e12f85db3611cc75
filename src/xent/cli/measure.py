"""`xent measure`: a measure of numbers given in the call, or of the rows of a file."""

from __future__ import annotations

import json
from typing import Any

import click

from xent.cli import _manners as manners
from xent.cli._help import Command
from xent.cli._measures import MEASURES, Answer
from xent.cli._numbers import MINUS, shield
from xent.cli._words import UNITS, Word

EXAMPLES = """
xent measure entropy 0.5,0.25,0.25 --unit bits
xent measure kl 0.5,0.5 0.9,0.1 --unit bits
xent measure cross-entropy 1/3,1/3,1/3 --logits 2.1,0.3,-1
xent measure renyi 0.5,0.5 0.9,0.1 --alpha 2
xent measure cross-entropy --label 2 0.1,0.2,0.7
xent measure entropy --file predictions.parquet 'p_*'
xent measure bce --file predictions.csv y p
"""


class _Measure(Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Negative numbers are numbers, not options."""
        return super().parse_args(ctx, shield(args))


def _order(text: str) -> float:
    """A number, whose minus sign is shielded as those of NUMBERS are."""
    try:
        return float(text.replace(MINUS, "-"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a number") from None


@click.command(cls=_Measure, examples=EXAMPLES)
@click.argument("measure", type=Word(tuple(MEASURES)), metavar="MEASURE")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBERS...")
@click.option("--unit", type=Word(UNITS), default="nats", metavar="UNIT", help="nats (default), bits or bans.")
@click.option("--alpha", type=_order, metavar="A", help="The order of renyi, tsallis and alpha.")
@click.option("--logits", "model", flag_value="logits", help="The model's numbers (the last NUMBERS) are logits.")
@click.option("--logprobs", "model", flag_value="logprobs", help="They are natural logarithms of probabilities.")
@click.option("--counts", "truth", flag_value="counts", help="The first NUMBERS are counts or weights.")
@click.option("--label", "truth", flag_value="label", help="The first NUMBERS is the index of what happened, from 0.")
@click.option(
    "--file", "path", metavar="FILE", help="Take each NUMBERS as columns of this file: a name, A,B,C or 'p_*'."
)
@click.option(
    "--format", "file_format", metavar="F", help="csv, tsv, jsonl, parquet, npz or npy; without it, the suffix."
)
@click.option("--rows", is_flag=True, help="With --file: a line for every row, not their mean.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def measure(
    measure: str,
    numbers: tuple[str, ...],
    unit: str,
    alpha: float | None,
    model: str | None,
    truth: str | None,
    path: str | None,
    file_format: str | None,
    rows: bool,
    as_json: bool,
) -> None:
    """MEASURE of NUMBERS, or of the columns of a file.

    MEASURE is one of entropy, cross-entropy, kl, js, bce, perplexity, surprisal, renyi, tsallis, alpha, hellinger, tv,
    chi2. Truth first, model second.

    NUMBERS are separated by commas; fractions such as 1/3 are numbers. They are probabilities unless an option says
    otherwise, or a word before them: logits:1,2 logprobs:-0.1,-2.4 counts:8,1,1 label:2. surprisal and bce go number by
    number; the others take each NUMBERS as one distribution.

    With --file each NUMBERS names columns, every row is one distribution, and the mean over the rows is printed.
    """
    from xent.cli._measures import from_call, from_file

    if path is None:
        if rows or file_format:
            raise click.UsageError("--rows and --format go with --file", click.get_current_context())
        answer = from_call(measure, numbers, unit, truth, model, alpha)
    else:
        answer = from_file(measure, numbers, unit, truth, model, path, file_format, alpha)
    manners.write_result(_as_json(answer) if as_json else _as_text(answer, rows))


def _as_text(answer: Answer, rows: bool) -> str:
    if answer.where is not None:
        if rows:
            return "".join(f"{_quantity(value, answer.unit)}   row {row}\n" for row, value in enumerate(answer.values))
        count = f"{len(answer.values):,} row{'' if len(answer.values) == 1 else 's'}"
        return f"{_quantity(answer.mean, answer.unit)}   mean {answer.name} of {count}, {manners.clean(answer.where)}\n"
    pairs = zip(answer.values, answer.texts, strict=True)
    lines = [f"{_quantity(value, answer.unit)}   {answer.name}, {text}" for value, text in pairs]
    if len(lines) > 1:
        lines.append(f"{_quantity(answer.mean, answer.unit)}   mean of the {len(lines)}")
    elif answer.reverse is not None:
        lines[0] += f"        reverse {answer.reverse:.6g}"
    return manners.clean("\n".join(lines)) + "\n"


def _quantity(value: float, unit: str) -> str:
    """`0.5 bits`, `1 bit`."""
    text = f"{value:.6g}"
    if not unit:
        return text
    return f"{text} {unit[:-1] if text == '1' else unit}"


def _as_json(answer: Answer) -> str:
    from xent.evaluation import json_ready

    fields: dict[str, Any] = {"measure": answer.measure, "unit": answer.unit, "mean": answer.mean}
    fields["values"] = list(answer.values)
    if answer.reverse is not None:
        fields["reverse"] = answer.reverse
    return json.dumps(json_ready(fields), allow_nan=False) + "\n"
