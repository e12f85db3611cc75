"""A comparison for the terminal: the same text with colour and without, 80 columns wide."""

from __future__ import annotations

from rich.text import Text

from xent.evaluation import Comparison
from xent.report import _comparison_tables as tables
from xent.report import _comparison_wording as wording
from xent.report._comparison import Contest
from xent.report._text import paragraph, table_lines, to_text

_BAR = 36
_CLASSES, _ROWS = 10, 6
_STYLES = {"uncertainty": "blue", "explained": "", "miscalibration": "green", "loss": "bold yellow"}


def render(contest: Contest, *, color: bool = False) -> str:
    """The comparison as text that ends with a line end."""
    return to_text(_lines(contest), color=color)


def _lines(contest: Contest) -> list[Text]:
    comparison = contest.comparison
    one, two, *more = wording.origin(contest)
    lines = [Text(line, "bold") for head in (one, two) for line in paragraph(head, 0, 2)]
    lines += [Text(part, "dim") for line in more for part in paragraph(line, 0, 2)]
    lines += [Text(), *(Text(line, "bold") for line in paragraph(wording.verdict(comparison), 2))]
    blocks = [
        table_lines(tables.losses(comparison), 3),
        _said(
            *wording.infinite(comparison),
            wording.maps(comparison),
            wording.pairing(comparison),
            wording.wins(comparison),
        ),
        _identities(comparison),
        table_lines(tables.classes(comparison), _CLASSES),
        table_lines(tables.movers(comparison, _ROWS), _ROWS) if comparison.movers else [],
        _said(wording.averaging(comparison)),
    ]
    for block in blocks:
        lines += [Text(), *block] if block else []
    return [*lines, Text(), *(Text(line, "dim") for line in paragraph(wording.audit(contest), 2, 4))]


def _said(*sentences: str) -> list[Text]:
    return [Text(line) for sentence in sentences if sentence for line in paragraph(sentence, 2, 4)]


def _identities(comparison: Comparison) -> list[Text]:
    """Both identities, part by part, on one scale."""
    lines: list[Text] = []
    last = ""
    for bar in tables.identities(comparison):
        title = "" if bar.title == last else bar.title if bar.name != "uncertainty" else f"  {bar.title}"
        last = bar.title
        unit = "" if bar.text == "undefined" else comparison.unit
        line = Text(f"  {title:<17}{bar.model:<2}{bar.text:>9} {unit:<4}  ")
        lines.append(line.append("#" * round(_BAR * bar.length), _STYLES[bar.name]))
    return lines
