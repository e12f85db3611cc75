"""A comparison as one offline page: finished HTML, no script that runs, the same size whatever the rows."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import jinja2

from xent.evaluation import Comparison
from xent.io import printable
from xent.report import _comparison_tables as tables
from xent.report import _comparison_wording as wording
from xent.report import _numbers as numbers
from xent.report._comparison import Contest
from xent.report._pictures import Picture
from xent.report._sections import Section
from xent.report._tables import Table

_LONGEST, _LONG = 1_500, 200  # characters of a class's name where classes are listed, and of other names
_DATA = 120_000  # bytes of JSON; beyond that some lists are left out of it


def to_html(contest: Contest) -> str:
    """The page. Text goes in as text: the template escapes everything."""
    comparison = contest.comparison
    one, two, *more = wording.origin(contest)
    return _template().render(
        title=" and ".join(printable(name, 100) for name in comparison.names),
        names=(one, two),
        origin=more,
        verdict=wording.verdict(comparison),
        heroes=_heroes(comparison),
        infinite=wording.infinite(comparison),
        sections=_sections(comparison),
        audit=wording.audit(contest),
        data=_data(comparison),
        cell=_cell,
        length=_length,
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
    return environment.get_template("comparison.html.j2")


def _heroes(comparison: Comparison) -> list[tuple[str, str, str, str]]:
    """The two differences, large: head, number, unit, interval."""
    digits, unit = wording.digits_of(comparison), comparison.unit
    parts = (("as shipped", comparison.difference), ("once both are recalibrated", comparison.recalibrated_difference))
    return [
        (
            f"A − B {head}",
            numbers.signed(part.value, digits),
            "" if math.isnan(part.value) else unit,
            "" if math.isnan(part.low) else f"95% CI {numbers.interval(part, digits)} {unit}",
        )
        for head, part in parts
    ]


def _sections(comparison: Comparison) -> list[Section]:
    """The parts of the page in the order in which they are read."""
    sentences = (wording.maps(comparison), wording.pairing(comparison), wording.wins(comparison))
    said = tuple(f"{text}." for text in sentences if text)
    found = [
        Section("Both losses", tables=(tables.losses(comparison),), pictures=(_picture(comparison),), notes=said),
        Section("Where each loss comes from", tables=(tables.identity_table(comparison),)),
        Section(
            "Where the difference comes from",
            words=(
                "What a class adds is its difference times its share of the rows; they sum to the whole difference.",
            ),
            tables=(tables.classes(comparison),),
        ),
    ]
    if comparison.movers:
        found.append(Section("Rows that differ most", tables=(tables.movers(comparison),)))
    return [*found, Section("Both together", words=(f"{wording.averaging(comparison)}.",))]


def _picture(comparison: Comparison) -> Picture:
    from xent import plots

    axes = plots.comparison(comparison)
    return Picture(plots.svg(axes, prefix="comparison"), plots.describe(axes))


def _cell(table: Table, place: int, text: str) -> str:
    """A cell's text; a class where the classes are listed is there to the letter."""
    if not table.columns[place].name:
        return text
    return printable(text, _LONGEST if place == 0 and table.title == "where it comes from" else _LONG)


def _length(table: Table, row: int) -> str:
    """The width of a bar, in the unit of the page's style."""
    return f"{5 * table.bars[row]:.2f}rem" if row < len(table.bars) else "0"


def _data(comparison: Comparison) -> str:
    """The JSON of the comparison, with nothing in it that could end the element it stands in.

    Where it is too long, lists go that the page does not show, or shows in part, the least needed first.
    """
    document = json.loads(comparison.to_json())
    sides: list[dict[str, Any]] = [document["a"], document["b"]]
    for name in ("reliability", "slices", "confusions", "classes", "per_class", "worst_rows", "classwise"):
        if len(json.dumps(document)) <= _DATA:
            break
        for side in sides:
            side[name] = None if name == "classwise" else []
        document["left_out"] = [*document.get("left_out", []), name]
    if len(json.dumps(document)) > _DATA:
        document["per_class"] = document["per_class"][: tables.LISTED]
        document["left_out"] = [*document.get("left_out", []), "classes that the page does not list"]
    text = json.dumps(document, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
