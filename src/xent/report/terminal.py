"""A report for the terminal: the same text with colour and without, 80 columns wide."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from xent._units import per_nat
from xent.evaluation import Evaluation
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report import _wording as wording
from xent.report._subject import Subject

WIDTH = 80
_BAR = 30
_CLASSES, _ROWS = 10, 5
_STYLES = {"uncertainty": "blue", "explained": "", "miscalibration": "green", "loss": "bold yellow"}


def render(subject: Subject, *, color: bool = False) -> str:
    """The report as text that ends with a line end."""
    return to_text(_lines(subject), color=color)


def to_text(lines: Iterable[Text], *, color: bool) -> str:
    """Lines as they go to the terminal: nothing wraps, nothing is highlighted by itself."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=WIDTH,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line, soft_wrap=True, end="\n")
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def _lines(subject: Subject) -> list[Text]:
    evaluation = subject.evaluation
    blank = Text()
    head, *more = wording.origin(subject)
    lines = [Text(line, "bold") for line in _paragraph(head)]
    lines += [Text(part, "dim") for line in more for part in _paragraph(line, 0, 2)]
    lines += [blank, *(Text(line, "bold") for line in _paragraph(wording.verdict(subject), 2)), blank]
    lines += [*_loss(subject), blank, *_identity(evaluation), blank, *_mending(subject), blank]
    lines += [*_classes(evaluation), blank, *_costliest(subject), blank]
    return [*lines, *(Text(line, "dim") for line in _paragraph(wording.audit(subject), 2, 4))]


def _paragraph(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """`text` broken between words to fit, `indent` columns in, later lines `hanging`; what is too long is cut."""
    out: list[str] = []
    current = " " * indent
    for word in text.split(" "):
        longer = f"{current} {word}" if current.strip() else current + word
        if cell_len(longer.rstrip()) > WIDTH and current.strip():
            out.append(current.rstrip())
            longer = " " * (indent if hanging is None else hanging) + word
        current = longer
    return [_cut(line) for line in [*out, current.rstrip()]]


def _cut(line: str, width: int = WIDTH) -> str:
    return line if cell_len(line) <= width else set_cell_size(line, width - 1) + "…"


def _loss(subject: Subject) -> list[Text]:
    evaluation = subject.evaluation
    value, digits, unit = evaluation.cross_entropy, numbers.digits_of(evaluation), evaluation.unit
    line = Text("  Cross-entropy   ").append(f"{numbers.amount(value.value, digits)} {unit}", "bold yellow")
    if math.isinf(value.value):
        return [line, *(Text(part) for text in wording.infinite(subject) for part in _paragraph(text, 18))]
    if not math.isnan(value.low):
        line.append(f"   95% CI {numbers.interval(value, digits)} {unit}")
    lines = [line, Text(f"                  {wording.other_units(evaluation)}", "dim")]
    return lines + [Text(text) for text in _skill(subject)]


def _skill(subject: Subject) -> list[str]:
    evaluation = subject.evaluation
    skill = evaluation.skill
    if math.isnan(skill.value):
        return []
    interval = "" if math.isnan(skill.low) else f" ({numbers.percent_interval(skill)})"
    lines = _paragraph(f"Skill           {numbers.share(skill.value)} over the label frequencies{interval}", 2, 18)
    if len(evaluation.classes) > 2:
        uniform = math.log(len(evaluation.classes)) * per_nat(evaluation.unit)
        above = numbers.share(1 - evaluation.cross_entropy.value / uniform)
        lines.append(f"                  {above} over equal probabilities (log K)")
    return [*lines, f"  Accuracy        {numbers.share(subject.accuracy)}"]


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
    return [
        _bar(f"  {title:<17}{text:>9}", value, whole, _STYLES[name], notes.get(name, ""), evaluation.unit)
        for (name, title, value), text in zip(parts, texts, strict=True)
    ]


def _bar(head: str, value: float, whole: float, style: str, note: str, unit: str) -> Text:
    length = round(_BAR * value / whole) if whole > 0 and math.isfinite(value) else 0
    bar = "#" * max(length, 0)
    line = Text(f"{head} {'' if math.isnan(value) else unit}  ").append(bar, style)
    # Notes stand in one column beyond the longest bar; one too long for that, right after its own, or below it.
    room = WIDTH - line.cell_len - cell_len(note)
    if note:
        gap = " " * min(_BAR - len(bar) + 2, room) if room > 1 else f"\n{'':<33}"
        line.append(gap).append(note, "dim")
    return line


def _mending(subject: Subject) -> list[Text]:
    first, *more = wording.remedy(subject)
    lines = [*_paragraph(first, 2, 4), *(part for line in more for part in _paragraph(line, 4))]
    return [Text(line) for line in lines]


def _classes(evaluation: Evaluation) -> list[Text]:
    """The table of classes, costliest first."""
    order = sorted(evaluation.per_class, key=wording.cost, reverse=True)
    digits = min(numbers.digits_of(evaluation), 6)
    loss_in_unit = f"loss ({evaluation.unit})"
    head = f"  {'costliest class':<22}{'rows':>9}{loss_in_unit:>14}{'share of loss':>14}{'frequency':>11}{'mean p':>8}"
    lines = [Text(head, "bold")]
    for row in order[:_CLASSES]:
        name = _fit(row.name, 20)
        line = f"    {name}{row.n:>9,}{numbers.amount(row.loss, digits):>14}{numbers.share(row.share):>14}"
        lines.append(Text(f"{line}{numbers.share(row.frequency):>11}{numbers.share(row.mean_probability):>8}"))
    if len(order) > _CLASSES:
        lines.append(Text(f"    and {len(order) - _CLASSES:,} more classes (all are in --json)", "dim"))
    return lines


def _fit(name: object, width: int) -> str:
    """A name in exactly `width` columns of the terminal, whatever its characters."""
    text = printable(name)
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _costliest(subject: Subject) -> list[Text]:
    evaluation = subject.evaluation
    digits = min(numbers.digits_of(evaluation), 4)
    loss_in_unit = f"loss ({evaluation.unit})"
    lines = [Text(f"  {'costliest row':<16} {'label':<15}{'p':>8}{loss_in_unit:>14}   said", "bold")]
    for row, said in list(zip(evaluation.worst_rows, subject.said, strict=True))[:_ROWS]:
        line = f"    {_fit(row.row, 14)} {_fit(row.label, 14)} {numbers.probability(row.probability, row.loss):>8}"
        text = Text(f"{line}{numbers.amount(row.loss, digits):>14}   ")
        forecast = f" {numbers.probability(said.probability)}"
        name = _fit(said.name, WIDTH - text.cell_len - len(forecast)).rstrip()
        lines.append(text.append(name + forecast, "dim"))
    return [*lines, *(Text(line, "dim") for line in _paragraph(wording.tail(evaluation), 4) if line)]
