"""The tables of a comparison, the same in the terminal and on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xent.evaluation import Comparison, Estimate, Evaluation
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report._comparison_wording import digits_of
from xent.report._tables import LISTED, Column, Table


def losses(comparison: Comparison) -> Table:
    """Each loss and the difference, as shipped and recalibrated, with intervals."""
    digits = digits_of(comparison)
    a, b = (printable(name, 60) for name in comparison.names)
    return Table(
        "loss",
        (
            Column("loss", name=True),
            Column("as shipped"),
            Column("95% CI"),
            Column("recalibrated"),
            Column("95% CI"),
        ),
        (
            (f"A {a}".removesuffix(" A"), *_own(comparison.a, digits)),
            (f"B {b}".removesuffix(" B"), *_own(comparison.b, digits)),
            (
                "A - B",
                *_with_interval(comparison.difference, digits, comparison.unit),
                *_with_interval(comparison.recalibrated_difference, digits, comparison.unit),
            ),
        ),
        3,
        ("row", "rows"),
    )


def _own(evaluation: Evaluation, digits: int) -> tuple[str, str, str, str]:
    loss, gain, unit = evaluation.cross_entropy, evaluation.recalibration.gain.value, evaluation.unit
    interval = "" if math.isnan(loss.low) else numbers.interval(loss, digits)
    mended = loss.value - gain
    # What recalibration would leave has no interval of its own: the difference below has.
    return _united(numbers.amount(loss.value, digits), unit), interval, _united(numbers.loss(mended, digits), unit), ""


def _with_interval(estimate: Estimate, digits: int, unit: str) -> tuple[str, str]:
    interval = "" if math.isnan(estimate.low) else numbers.interval(estimate, digits)
    return _united(numbers.signed(estimate.value, digits), unit), interval


def _united(text: str, unit: str) -> str:
    return text if text == "undefined" else f"{text} {unit}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the two identities: its name, the model (A, B or both), its text, and its length from 0 to 1."""

    name: str
    title: str
    model: str
    text: str
    length: float


def identities(comparison: Comparison) -> list[Bar]:
    """The parts of both losses, all on one scale."""
    sides = (("A", comparison.a), ("B", comparison.b))
    values = [v for _, e in sides for v in (e.uncertainty, e.cross_entropy.value, e.discrimination, e.miscalibration)]
    whole = max((v for v in values if math.isfinite(v)), default=0.0)
    digits = digits_of(comparison)

    def bar(name: str, title: str, model: str, text: str, value: float) -> Bar:
        length = min(max(value / whole, 0.0), 1.0) if whole > 0 and not math.isnan(value) else 0.0
        return Bar(name, title, model, text, length)

    texts = {model: numbers.identity(e, digits) for model, e in sides}
    bars = [bar("uncertainty", "label entropy", "", texts["A"][0], comparison.a.uncertainty)]
    bars += [bar("explained", "- explained", m, texts[m][1], e.discrimination) for m, e in sides]
    bars += [bar("miscalibration", "+ miscalibration", m, texts[m][2], e.miscalibration) for m, e in sides]
    return bars + [bar("loss", "= cross-entropy", m, texts[m][3], e.cross_entropy.value) for m, e in sides]


def identity_table(comparison: Comparison) -> Table:
    """The same as a table whose bars the page draws."""
    bars = identities(comparison)
    return Table(
        "where each loss comes from",
        (Column("part", name=True), Column("model", name=True), Column(f"{comparison.unit}", bar=True)),
        tuple((bar.title, bar.model or "both", bar.text) for bar in bars),
        len(bars),
        ("row", "rows"),
        tuple(bar.length for bar in bars),
    )


def classes(comparison: Comparison) -> Table:
    """A row a class: its rows, both losses, their difference, and what that adds to the whole."""
    digits = digits_of(comparison)
    own = {row.name: row.loss for row in comparison.a.per_class}
    other = {row.name: row.loss for row in comparison.b.per_class}
    listed = comparison.per_class[:LISTED]
    largest = max((abs(row.share) for row in listed if math.isfinite(row.share)), default=0.0)
    return Table(
        "where it comes from",
        (
            Column("where it comes from", name=True),
            Column("rows"),
            Column("loss A"),
            Column("loss B"),
            Column("A - B"),
            Column("adds", bar=True),
        ),
        tuple(
            (
                row.name,
                f"{row.n:,}",
                _cell(numbers.amount(own[row.name], digits)),
                _cell(numbers.amount(other[row.name], digits)),
                _cell(numbers.signed(row.difference, digits)),
                _cell(numbers.signed(row.share, digits)),
            )
            for row in listed
        ),
        len(comparison.per_class),
        ("class", "classes"),
        tuple(abs(row.share) / largest if math.isfinite(row.share) and largest > 0 else 0.0 for row in listed),
    )


def movers(comparison: Comparison, most: int = LISTED) -> Table:
    """The rows on which the two differ most, up to `most` / 2 either way."""
    digits = min(digits_of(comparison), 4)
    worse_a = [row for row in comparison.movers if row.loss_a > row.loss_b]
    worse_b = [row for row in comparison.movers if row.loss_b > row.loss_a]
    shown = [*worse_a[: most // 2], *worse_b[: most // 2]]
    return Table(
        "rows that differ most",
        (
            Column("rows that differ most", name=True),
            Column("label", name=True),
            Column("loss A"),
            Column("loss B"),
            Column("A - B"),
        ),
        tuple(
            (
                "" if row.row is None else str(row.row),
                row.label,
                numbers.amount(row.loss_a, digits),
                numbers.amount(row.loss_b, digits),
                numbers.signed(row.loss_a - row.loss_b, digits),
            )
            for row in shown
        ),
        len(shown),
        ("row", "rows"),
    )


def _cell(text: str) -> str:
    return "-" if text == "undefined" else text
