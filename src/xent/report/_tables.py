"""The tables of a report, the same in the terminal and on the page: what stands in them, not how it looks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xent.evaluation import ClassRow, Confusion, Evaluation, Reliability, Slice, WorstRow
from xent.report import _numbers as numbers

LISTED = 20
"""Rows of a table at most; the terminal shows fewer."""


@dataclass(frozen=True, slots=True)
class Column:
    """A head and how its cells stand: names to the left, numbers to the right; a share may be drawn as a bar too."""

    head: str
    name: bool = False
    bar: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text, names as they are in the file. `bars` are lengths, 0 to 1, a row; `whole` counts all there is."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    whole: int
    of_what: tuple[str, str]
    bars: tuple[float, ...] = ()

    def more(self, shown: int) -> str:
        """How many are not shown, or nothing."""
        left = self.whole - shown
        return f"and {left:,} more {self.of_what[left != 1]}" if left > 0 else ""


def cost(row: ClassRow) -> tuple[float, float, int]:
    """The order of the table of classes: by share of the loss, then by mean loss, then by rows."""
    share = -1.0 if math.isnan(row.share) else row.share
    return share, -1.0 if math.isnan(row.loss) else row.loss, row.n


def costliest(evaluation: Evaluation) -> list[ClassRow]:
    """The classes, those with most of the loss first."""
    return sorted(evaluation.per_class, key=cost, reverse=True)


def classes(evaluation: Evaluation) -> Table:
    """A row a class: its rows, loss and share of it, how often it happened and was forecast, and its slope."""
    order = costliest(evaluation)
    digits = _digits(evaluation, 6)
    return Table(
        "costliest class",
        (
            Column("costliest class", name=True),
            Column("rows"),
            Column(f"loss ({evaluation.unit})"),
            Column("share of loss", bar=True),
            Column("frequency"),
            Column("mean p"),
            Column("slope"),
        ),
        tuple(_class_row(row, digits) for row in order[:LISTED]),
        len(order),
        ("class", "classes"),
        _lengths(row.share for row in order[:LISTED]),
    )


def _class_row(row: ClassRow, digits: int) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.n:,}",
        _cell(numbers.amount(row.loss, digits)),
        _cell(numbers.share(row.share)),
        numbers.share(row.frequency),
        numbers.share(row.mean_probability),
        _slope(row.slope),
    )


def _slope(value: float) -> str:
    return f"{value:.2f}" if 0.1 <= abs(value) < 100 else _cell(numbers.number(value))


def confusions(evaluation: Evaluation) -> Table:
    """What happened beside what was said instead, by the loss on those rows."""
    digits = _digits(evaluation, 4)
    return Table(
        "costliest confusion",
        (
            Column("costliest confusion", name=True),
            Column("said instead", name=True),
            Column("rows"),
            Column(f"loss ({evaluation.unit})"),
            Column("share of loss", bar=True),
        ),
        tuple(_confusion(row, digits) for row in evaluation.confusions),
        len(evaluation.confusions),
        ("pair", "pairs"),
        _lengths(row.share for row in evaluation.confusions),
    )


def _confusion(row: Confusion, digits: int) -> tuple[str, ...]:
    return row.label, row.said, f"{row.n:,}", _cell(numbers.amount(row.loss, digits)), _cell(numbers.share(row.share))


def worst_rows(evaluation: Evaluation) -> Table:
    """The costliest rows: what happened, what that was given, and what was said instead."""
    digits = _digits(evaluation, 4)
    return Table(
        "costliest row",
        (
            Column("costliest row", name=True),
            Column("label", name=True),
            Column("p"),
            Column(f"loss ({evaluation.unit})"),
            Column("said", name=True),
            Column("its p"),
        ),
        tuple(_worst_row(row, digits) for row in evaluation.worst_rows),
        len(evaluation.worst_rows),
        ("row", "rows"),
    )


def _worst_row(row: WorstRow, digits: int) -> tuple[str, ...]:
    return (
        "-" if row.row is None else str(row.row),
        row.label,
        numbers.probability(row.probability, row.loss),
        _cell(numbers.amount(row.loss, digits)),
        row.said,
        numbers.probability(row.said_probability),
    )


def slices(evaluation: Evaluation) -> list[Table]:
    """One table a slice column, its values by their share of the loss."""
    return [
        _slice_table(evaluation, column, [part for part in evaluation.slices if part.column == column])
        for column in dict.fromkeys(part.column for part in evaluation.slices)
    ]


def _slice_table(evaluation: Evaluation, column: str, parts: Sequence[Slice]) -> Table:
    digits = _digits(evaluation, 4)
    return Table(
        f"slices by {column}",
        (
            Column(f"by {column}", name=True),
            Column("rows"),
            Column(f"loss ({evaluation.unit})"),
            Column("95% CI"),
            Column("share of loss", bar=True),
            Column("skill"),
            Column("gap"),
        ),
        tuple(_slice(part, digits) for part in parts[:LISTED]),
        len(parts),
        ("value", "values"),
        _lengths(part.share for part in parts[:LISTED]),
    )


def _slice(part: Slice, digits: int) -> tuple[str, ...]:
    value = part.cross_entropy
    gap = part.mean_gap
    return (
        part.value,
        f"{part.n:,}",
        numbers.amount(value.value, digits),
        "-" if math.isnan(value.low) else numbers.interval(value, digits),
        _cell(numbers.share(part.share)),
        _cell(numbers.share(part.skill.value)),
        "-" if math.isnan(gap) else f"{'+' if gap >= 5e-4 else ''}{numbers.share(gap)}",
    )


def reliabilities(evaluation: Evaluation) -> Table:
    """Isotonic miscalibration of the top label and of each class against the rest, beside what chance gives."""
    found = evaluation.reliability[: LISTED + 1]
    digits = _digits(evaluation, 6)
    return Table(
        "reliability",
        (
            Column("forecasts of", name=True),
            Column(f"miscalibration ({evaluation.unit})"),
            Column("by chance"),
            Column("p"),
        ),
        tuple(_reliability(row, digits) for row in found),
        len(evaluation.reliability),
        ("class", "classes"),
    )


def _reliability(row: Reliability, digits: int) -> tuple[str, ...]:
    return (
        "the likeliest class" if row.kind == "top_label" else row.name,
        _cell(numbers.amount(row.miscalibration, digits)),
        _cell(numbers.amount(row.null_mean, digits)),
        "-" if math.isnan(row.p_value) else numbers.p_value(row.p_value).removeprefix("p ").removeprefix("= "),
    )


def clips(evaluation: Evaluation) -> Table | None:
    """What a clipped loss would read, where clipping changes it."""
    value, digits = evaluation.cross_entropy.value, numbers.digits_of(evaluation)
    if all(clip.cross_entropy == value for clip in evaluation.clipped):
        return None
    return Table(
        "what others would print",
        (Column("probabilities raised to at least", name=True), Column(f"loss ({evaluation.unit})")),
        tuple((f"{clip.eps:.2g}", numbers.loss(clip.cross_entropy, digits)) for clip in evaluation.clipped),
        len(evaluation.clipped),
        ("clip", "clips"),
    )


def also(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Numbers that others print, those that are defined."""
    found = evaluation.also
    shown = [
        ("accuracy", numbers.share(found.accuracy), found.accuracy),
        ("Brier", f"{found.brier:.4f}", found.brier),
        ("AUC", f"{found.auc:.4f}", found.auc),
        ("ECE", f"{found.ece:.4f}", found.ece),
    ]
    return [(name, text) for name, text, value in shown if not math.isnan(value)]


def _cell(text: str) -> str:
    """A number in a table, where there is no room for a word."""
    return "-" if text == "undefined" else text


def _digits(evaluation: Evaluation, most: int) -> int:
    return min(numbers.digits_of(evaluation), most)


def _lengths(shares: Iterable[float]) -> tuple[float, ...]:
    """Lengths of bars beside the largest; none where nothing is known."""
    known = [share if math.isfinite(share) and share > 0 else 0.0 for share in shares]
    largest = max(known, default=0.0)
    return tuple(share / largest if largest else 0.0 for share in known)
