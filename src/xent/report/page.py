"""A report as one offline page: finished HTML, no script that runs, no address, the same size whatever the rows."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import jinja2

from xent._units import per_nat
from xent.evaluation import Evaluation, json_ready
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report import _tables as tables
from xent.report import _wording as wording
from xent.report._sections import sections
from xent.report._subject import Subject
from xent.report._tables import Table

_LONGEST, _LONG = 1_000, 200  # characters of a class's name where classes are listed, and of other names
_DATA = 120_000  # bytes of JSON; beyond that some lists are left out of it


def to_html(subject: Subject, *, beside: bool = True) -> str:
    """The page. Text goes in as text: the template escapes everything.

    Links to the explorer are there when a file may lie beside this page, as none does in a notebook.
    """
    evaluation = subject.evaluation
    head, *more = wording.origin(subject)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=printable(wording.title(subject), 200),
            head=head,
            origin=more,
            verdict=wording.verdict(subject),
            unit=evaluation.unit,
            hero=_hero(evaluation),
            infinite=wording.infinite(evaluation) if math.isinf(evaluation.cross_entropy.value) else [],
            sections=[part for part in sections(subject) if beside or not part.links],
            audit=wording.audit(subject),
            data=_data(subject),
            cell=_cell,
            length=_length,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
    )


def _cell(table: Table, place: int, text: str) -> str:
    """A cell's text; a class where the classes are listed is there to the letter."""
    if not table.columns[place].name:
        return text
    return printable(text, _LONGEST if place == 0 and table.title == "costliest class" else _LONG)


def _length(table: Table, row: int) -> str:
    """The width of a bar, in the unit of the page's style."""
    return f"{5 * table.bars[row]:.2f}rem" if row < len(table.bars) else "0"


def _hero(evaluation: Evaluation) -> dict[str, Any]:
    """The loss, large, and the numbers beside it."""
    value, digits = evaluation.cross_entropy, numbers.digits_of(evaluation)
    return {
        "loss": numbers.amount(value.value, digits),
        "interval": "" if math.isnan(value.low) else numbers.interval(value, digits),
        "other": wording.other_units(evaluation)[0].split(",")[0],
        "facts": _facts(evaluation, digits),
    }


def _facts(evaluation: Evaluation, digits: int) -> list[tuple[str, str, str]]:
    """What the loss is measured against, and what it comes to: name, number, remark."""
    skill, infinite = evaluation.skill, math.isinf(evaluation.cross_entropy.value)
    found = [
        (
            "label entropy",
            f"{numbers.loss(evaluation.uncertainty, digits)} {evaluation.unit}",
            "the loss of forecasting the frequencies",
        )
    ]
    if not math.isnan(skill.value) and not infinite:
        more = ", ".join(filter(None, (numbers.percent_interval(skill), wording.uniform_skill(evaluation))))
        found.append(("skill over the frequencies", numbers.share(skill.value), more))
    perplexity = numbers.perplexity(evaluation.cross_entropy.value / per_nat(evaluation.unit))
    mean = wording.geometric_mean(evaluation)
    if len(evaluation.classes) == 2:
        return [*found, ("geometric-mean probability", mean, f"perplexity {perplexity}")]
    if not math.isnan(evaluation.also.accuracy):
        found.append(("accuracy", numbers.share(evaluation.also.accuracy), "the likeliest class happened"))
    return [*found, ("perplexity", perplexity, f"geometric-mean probability {mean}")]


def _data(subject: Subject) -> str:
    """The JSON of the evaluation, with nothing in it that could end the element it stands in.

    Where it is too long, lists go that the page shows in part anyway, the least needed first.
    """
    document = json_ready(subject.fields())
    for name, rest in () if subject.loss_only else _shorter(subject.evaluation, document):
        if len(_escaped(document)) <= _DATA:
            break
        document[name] = rest
        document["left_out"] = sorted({*document.get("left_out", ()), name})
    return _escaped(document)


def _escaped(document: dict[str, Any]) -> str:
    text = json.dumps(document, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _shorter(evaluation: Evaluation, document: dict[str, Any]) -> list[tuple[str, Any]]:
    """What each list may shrink to, in the order in which they do."""
    listed = {row.name for row in tables.costliest(evaluation)[: tables.LISTED]}
    return [
        ("reliability", document["reliability"][:1]),
        ("slices", document["slices"][: 2 * tables.LISTED]),
        ("per_class", [row for row in document["per_class"] if row["name"] in listed]),
        *((name, []) for name in ("classes", "slices", "confusions", "reliability", "worst_rows", "per_class")),
    ]
