"""A report for the terminal: the same text with colour and without, 80 columns wide."""

from __future__ import annotations

import math

from rich.text import Text

from xent.evaluation import Evaluation
from xent.report import _mending as mending
from xent.report import _numbers as numbers
from xent.report import _tables as tables
from xent.report import _wording as wording
from xent.report._subject import Subject
from xent.report._text import WIDTH as WIDTH
from xent.report._text import paragraph, table_lines
from xent.report._text import to_text as to_text

_BAR = 30
_CLASSES, _PAIRS, _ROWS, _VALUES = 10, 5, 5, 8
_STYLES = {"uncertainty": "blue", "explained": "", "miscalibration": "green", "loss": "bold yellow"}


def render(subject: Subject, *, color: bool = False) -> str:
    """The report as text that ends with a line end."""
    return to_text(_lines(subject), color=color)


def _lines(subject: Subject) -> list[Text]:
    head, *more = wording.origin(subject)
    lines = [Text(line, "bold") for line in paragraph(head)]
    lines += [Text(part, "dim") for line in more for part in paragraph(line, 0, 2)]
    lines += [Text(), *(Text(line, "bold") for line in paragraph(wording.verdict(subject), 2))]
    for block in _blocks(subject):
        lines += [Text(), *block] if block else []
    return [*lines, Text(), *(Text(line, "dim") for line in paragraph(wording.audit(subject), 2, 4))]


def _blocks(subject: Subject) -> list[list[Text]]:
    """The parts of the report, in their order; what is empty is left out."""
    evaluation = subject.evaluation
    loss = _loss(evaluation)
    if subject.loss_only:
        return [loss]
    classes = table_lines(tables.classes(evaluation), _CLASSES)
    confusions = table_lines(tables.confusions(evaluation), _PAIRS) if evaluation.confusions else []
    slices = [table_lines(table, _VALUES) for table in tables.slices(evaluation)]
    start = [loss, _identity(evaluation), _mending(evaluation)]
    if len(evaluation.classes) == 2:
        return [*start, _costliest(evaluation), *slices, classes, _also(evaluation)]
    return [*start, classes, confusions, _top_label(evaluation), _costliest(evaluation), *slices, _also(evaluation)]


def _loss(evaluation: Evaluation) -> list[Text]:
    value, digits, unit = evaluation.cross_entropy, numbers.digits_of(evaluation), evaluation.unit
    line = Text("  Cross-entropy   ").append(f"{numbers.amount(value.value, digits)} {unit}", "bold yellow")
    prior = Text(f"  Label entropy   {numbers.loss(evaluation.uncertainty, digits)} {unit}")
    prior.append("   the loss of forecasting the frequencies", "dim")
    if math.isinf(value.value):
        stands_behind = [Text(part) for text in wording.infinite(evaluation) for part in paragraph(text, 18)]
        return [line, *stands_behind, prior]
    if not math.isnan(value.low):
        line.append(f"   95% CI {numbers.interval(value, digits)} {unit}")
    others = [Text(f"{'':<18}{text}", "dim") for text in wording.other_units(evaluation)]
    return [line, *others, prior, *(Text(text) for text in _skill(evaluation))]


def _skill(evaluation: Evaluation) -> list[str]:
    skill = evaluation.skill
    if math.isnan(skill.value):
        return []
    interval = "" if math.isnan(skill.low) else f" ({numbers.percent_interval(skill)})"
    lines = paragraph(f"Skill           {numbers.share(skill.value)} over the label frequencies{interval}", 2, 18)
    uniform = wording.uniform_skill(evaluation)
    if uniform:
        lines.append(f"                  {uniform}")
        accuracy = evaluation.also.accuracy
        lines += [] if math.isnan(accuracy) else [f"  Accuracy        {numbers.share(accuracy)}"]
    return lines


def _identity(evaluation: Evaluation) -> list[Text]:
    digits = numbers.digits_of(evaluation)
    whole = max((v for v in (evaluation.uncertainty, evaluation.cross_entropy.value) if math.isfinite(v)), default=0.0)
    *texts, mended = numbers.identity(evaluation, digits)
    explained = evaluation.discrimination / evaluation.uncertainty if evaluation.uncertainty else math.nan
    notes = {
        "explained": "" if math.isnan(explained) else f"{numbers.share(explained)} of it",
        "miscalibration": "" if math.isnan(evaluation.miscalibration) else f"{mended} {evaluation.unit} without",
    }
    parts = (
        ("uncertainty", "  label entropy", evaluation.uncertainty),
        ("explained", "- explained", evaluation.discrimination),
        ("miscalibration", "+ miscalibration", evaluation.miscalibration),
        ("loss", "= cross-entropy", evaluation.cross_entropy.value),
    )
    bars = [
        _bar(f"  {title:<17}{text:>9}", value, whole, _STYLES[name], notes.get(name, ""), evaluation.unit)
        for (name, title, value), text in zip(parts, texts, strict=True)
    ]
    by_chance = mending.isotonic(evaluation)
    return [*bars, *(Text(line) for line in paragraph(by_chance, 2, 4))] if by_chance else bars


def _bar(head: str, value: float, whole: float, style: str, note: str, unit: str) -> Text:
    length = round(_BAR * value / whole) if whole > 0 and math.isfinite(value) else 0
    bar = "#" * max(length, 0)
    line = Text(f"{head} {'' if math.isnan(value) else unit}  ").append(bar, style)
    # Notes stand in one column beyond the longest bar; one too long for that, right after its own, or below it.
    room = WIDTH - line.cell_len - len(note)
    if note:
        gap = " " * min(_BAR - len(bar) + 2, room) if room > 1 else f"\n{'':<33}"
        line.append(gap).append(note, "dim")
    return line


def _mending(evaluation: Evaluation) -> list[Text]:
    first, *more = mending.remedy(evaluation)
    lines = [*paragraph(first, 2, 4), *(part for line in more for part in paragraph(line, 4))]
    finer = mending.classwise(evaluation)
    lines += paragraph(finer, 2, 4) if finer else []
    return [Text(line) for line in lines]


def _top_label(evaluation: Evaluation) -> list[Text]:
    text = mending.top_label(evaluation)
    return [Text(line) for line in paragraph(text, 2, 4)] if text else []


def _costliest(evaluation: Evaluation) -> list[Text]:
    shown = table_lines(tables.worst_rows(evaluation), _ROWS)
    return [*shown, *(Text(line, "dim") for line in paragraph(wording.tail(evaluation), 4) if line)]


def _also(evaluation: Evaluation) -> list[Text]:
    shown = ", ".join(f"{name} {text}" for name, text in tables.also(evaluation))
    return [Text(line) for line in paragraph(f"also: {shown}", 2, 4)] if shown else []
