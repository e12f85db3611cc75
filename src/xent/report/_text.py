"""Lines of a terminal, 80 columns wide: paragraphs that break between words, tables whose names give way."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from xent.io import printable
from xent.report._tables import Table

WIDTH = 80
_INDENT, _GAP = 4, 2
_LEAST = 6  # columns that a name keeps
# A number stays with its unit, and a p-value with its letter.
_BREAKS = re.compile(r"(?<!\bp)(?<!\bp [=<]) (?!(?:nats|bits|bans)\b)")


def to_text(lines: Iterable[Text], *, color: bool) -> str:
    """Lines as they go to the terminal: nothing wraps, nothing is highlighted by itself."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=WIDTH,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,  # decided by who calls: --color always goes before NO_COLOR
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line, soft_wrap=True, end="\n")
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def paragraph(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """`text` broken between words to fit, `indent` columns in, later lines `hanging`; what is too long is cut."""
    out: list[str] = []
    current = " " * indent
    for word in _BREAKS.split(printable(text)):
        longer = f"{current} {word}" if current.strip() else current + word
        if cell_len(longer.rstrip()) > WIDTH and current.strip():
            out.append(current.rstrip())
            longer = " " * (indent if hanging is None else hanging) + word
        current = longer
    return [_cut(line) for line in [*out, current.rstrip()]]


def _cut(line: str) -> str:
    return line if cell_len(line) <= WIDTH else set_cell_size(line, WIDTH - 1) + "…"


def fit(name: object, width: int) -> str:
    """A name in exactly `width` columns of the terminal; one too long keeps its beginning and its end."""
    text = printable(name)
    if cell_len(text[: 2 * WIDTH]) <= width:
        return set_cell_size(text, width)
    end = max((width - 1) // 3, 0)
    tail = next(text[-n:] if n else "" for n in range(end, -1, -1) if cell_len(text[-n:] if n else "") <= end)
    return f"{set_cell_size(text, width - 1 - cell_len(tail))}…{tail}"


def table_lines(table: Table, most: int) -> list[Text]:
    """A table of at most `most` rows: a head, the rows two columns further in, and how many there are more."""
    rows = table.rows[:most]
    widths = _widths(table, rows)
    lines = [Text("  " + _line(table, [column.head for column in table.columns], widths, 2), "bold")]
    lines += [Text(" " * _INDENT + _line(table, row, widths, 0)) for row in rows]
    more = table.more(len(rows))
    return [*lines, Text(f"{'':<{_INDENT}}{more} (all are in --json)", "dim")] if more else lines


def _line(table: Table, cells: Sequence[str], widths: Sequence[int], wider: int) -> str:
    """Cells side by side; the first is `wider` than its column by what the line stands further out."""
    parts: list[str] = []
    for place, (column, cell, width) in enumerate(zip(table.columns, cells, widths, strict=True)):
        own = width if place else width + wider
        parts.append(fit(cell, own) if column.name else f"{cell:>{own}}")
    return (" " * _GAP).join(parts).rstrip()


def _widths(table: Table, rows: Sequence[Sequence[str]]) -> list[int]:
    """As wide as their contents; where that is too much, the widest names give way."""
    natural = [
        max([_natural(column.head) - (0 if place else 2), *(_natural(row[place]) for row in rows)])
        for place, column in enumerate(table.columns)
    ]
    room = WIDTH - _INDENT - _GAP * (len(natural) - 1)
    room -= sum(width for column, width in zip(table.columns, natural, strict=True) if not column.name)
    widest = max(natural)
    while widest > _LEAST and _names(table, natural, widest) > room:
        widest -= 1
    return [min(width, widest) if column.name else width for column, width in zip(table.columns, natural, strict=True)]


def _natural(name: str) -> int:
    return cell_len(printable(name, 2 * WIDTH))


def _names(table: Table, natural: Sequence[int], widest: int) -> int:
    return sum(min(width, widest) for column, width in zip(table.columns, natural, strict=True) if column.name)
