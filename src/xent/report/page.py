"""A report as one offline page: finished HTML, no script that runs, no address, the same size whatever the rows."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import jinja2

from xent._units import per_nat
from xent.evaluation import ClassRow, Evaluation
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report import _wording as wording
from xent.report._bars import waterfall
from xent.report._subject import Subject

_LISTED = 20
_LONGEST = 2_000  # characters of a name
_DATA = 150_000  # bytes of JSON; beyond that it holds the listed classes only


def to_html(subject: Subject) -> str:
    """The page. Text goes in as text: the template escapes everything."""
    evaluation = subject.evaluation
    digits = numbers.digits_of(evaluation)
    order = sorted(evaluation.per_class, key=wording.cost, reverse=True)
    head, *more = wording.origin(subject)
    return _template().render(
        title=printable(subject.facts.file, 200),
        head=head,
        origin=more,
        verdict=wording.verdict(subject),
        unit=evaluation.unit,
        hero=_hero(subject, digits),
        infinite=wording.infinite(subject) if math.isinf(evaluation.cross_entropy.value) else [],
        bars=waterfall(evaluation, digits),
        remedy=wording.remedy(subject),
        clips=_clips(evaluation, digits),
        classes=[_class_row(row, digits, order[0].share) for row in order[:_LISTED]],
        more_classes=max(len(order) - _LISTED, 0),
        rows=_rows(subject),
        tail=_sentence(wording.tail(evaluation)),
        audit=wording.audit(subject),
        data=_data(evaluation, order[:_LISTED]),
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
    )
    return environment.get_template("page.html.j2")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _hero(subject: Subject, digits: int) -> dict[str, Any]:
    """The loss, large, and the numbers beside it."""
    evaluation = subject.evaluation
    value = evaluation.cross_entropy
    facts: list[tuple[str, str, str]] = []
    if not math.isnan(evaluation.skill.value) and math.isfinite(value.value):
        skill = evaluation.skill
        interval = numbers.percent_interval(skill)
        facts.append(("skill over the label frequencies", numbers.share(skill.value), interval))
    facts.append(("accuracy", numbers.share(subject.accuracy), "the likeliest class happened"))
    facts.append(_mean_probability(evaluation))
    return {
        "loss": numbers.amount(value.value, digits),
        "interval": "" if math.isnan(value.low) else numbers.interval(value, digits),
        "other": wording.other_units(evaluation).split(",")[0],
        "facts": facts,
    }


def _mean_probability(evaluation: Evaluation) -> tuple[str, str, str]:
    nats = evaluation.cross_entropy.value / per_nat(evaluation.unit)
    if len(evaluation.classes) == 2:
        mean = numbers.probability(evaluation.geometric_mean_probability, nats)
        return ("geometric-mean probability", mean, "given to what happened")
    return ("perplexity", numbers.perplexity(nats), f"of {len(evaluation.classes):,} outcomes")


def _clips(evaluation: Evaluation, digits: int) -> list[tuple[str, str]]:
    """What a clipped loss would read, where clipping changes it."""
    value = evaluation.cross_entropy.value
    shown = [(f"{clip.eps:.2g}", numbers.loss(clip.cross_entropy, digits)) for clip in evaluation.clipped]
    return shown if any(clip.cross_entropy != value for clip in evaluation.clipped) else []


def _class_row(row: ClassRow, digits: int, largest: float) -> dict[str, Any]:
    known = math.isfinite(row.share) and math.isfinite(largest) and largest > 0
    return {
        "name": printable(row.name, _LONGEST),
        "n": f"{row.n:,}",
        "loss": numbers.amount(row.loss, min(digits, 6)),
        "share": numbers.share(row.share),
        "length": round(100 * row.share / largest, 1) if known else 0,
        "frequency": numbers.share(row.frequency),
        "forecast": numbers.share(row.mean_probability),
    }


def _rows(subject: Subject) -> list[dict[str, str]]:
    digits = min(numbers.digits_of(subject.evaluation), 4)
    return [
        {
            "row": printable(row.row, _LONGEST),
            "label": printable(row.label, _LONGEST),
            "p": numbers.probability(row.probability, row.loss),
            "loss": numbers.amount(row.loss, digits),
            "forecast": f"{printable(said.name, _LONGEST)} ({numbers.probability(said.probability)})",
        }
        for row, said in zip(subject.evaluation.worst_rows, subject.said, strict=True)
    ]


def _data(evaluation: Evaluation, listed: list[ClassRow]) -> str:
    """The JSON of the evaluation, with nothing in it that could end the element it stands in."""
    document = json.loads(evaluation.to_json())
    if len(json.dumps(document)) > _DATA:
        names = {row.name for row in listed}
        document["per_class"] = [row for row in document["per_class"] if row["name"] in names]
        document["classes"] = [name for name in document["classes"] if name in names]
        document["left_out"] = "classes that the page does not list"
    text = json.dumps(document, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
