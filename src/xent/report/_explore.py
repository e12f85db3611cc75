"""Three classes of an evaluation as the explorer shows them: links to a page that lies beside the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xent._units import per_nat
from xent.evaluation import ClassRow, Evaluation, WorstRow
from xent.explorer import PAGE, _state
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report import _tables as tables

_ROUNDING = 1e-6
"""Mean forecasts that sum to 1 within this do so but for rounding; others are not shown as a distribution."""

Shares = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Link:
    """Where it leads, its text, and what the three shares are."""

    href: str
    text: str
    remark: str


def links(evaluation: Evaluation) -> tuple[Link, ...]:
    """What of the evaluation is a truth and a model of three outcomes; nothing below three classes."""
    if len(evaluation.classes) < 3:
        return ()
    found = (_averages(evaluation), _row(evaluation))
    return tuple(link for link in found if link is not None)


def _averages(evaluation: Evaluation) -> Link | None:
    """How often classes happened, beside their mean forecast."""
    chosen = _chosen(evaluation)
    p = _slice([row.frequency for row in evaluation.per_class], chosen)
    q = _slice([row.mean_probability for row in evaluation.per_class], chosen)
    if p is None or q is None:
        return None
    names = [_name(evaluation.per_class[place]) for place in chosen]
    *first, last = names if len(names) == 3 else [*names, "all others"]
    return Link(
        _href(evaluation, p, q),
        f"{', '.join(first)} and {last}, on average",
        "p is how often each happened, q its mean forecast over all rows.",
    )


def _chosen(evaluation: Evaluation) -> list[int]:
    """All of three classes; of more, the pair whose confusion cost most, or the costliest two."""
    if len(evaluation.classes) == 3:
        return [0, 1, 2]
    pairs = [(one.label, one.said) for one in evaluation.confusions[:1]]
    pairs += [(first.name, second.name) for first, second in [tables.costliest(evaluation)[:2]]]
    place = {row.name: k for k, row in enumerate(evaluation.per_class)}
    return [place[name] for name in pairs[0]]


def _slice(values: Sequence[float], chosen: list[int]) -> Shares | None:
    """The values of the chosen classes, and all others as one where two are chosen; None if they are no shares."""
    others = [value for place, value in enumerate(values) if place not in chosen]
    a, b, c = [values[place] for place in chosen] + ([math.fsum(others)] if others else [])
    whole = math.fsum((a, b, c))
    if not (min(a, b, c) >= 0 and abs(whole - 1) <= _ROUNDING):
        return None
    return a / whole, b / whole, c / whole


def _row(evaluation: Evaluation) -> Link | None:
    """The costliest row where something else was said: all mass on what happened, beside its forecast."""
    if evaluation.audit.unnormalized_rows:
        return None
    scale = per_nat(evaluation.unit)
    for row in evaluation.worst_rows:
        q = _forecast(row, row.loss / scale)
        if q is not None:
            loss = numbers.amount(row.loss, numbers.digits_of(evaluation))
            named = "" if row.row is None else f" {printable(row.row, 40)}"
            return Link(
                _href(evaluation, (1.0, 0.0, 0.0), q),
                f"Row{named}: {printable(row.label, 40)} happened, {printable(row.said, 40)} was said",
                "p is 1 for what happened; q is its forecast, that of what was said, and what is left for all others. "
                f"The loss: {loss} {evaluation.unit}.",
            )
    return None


def _forecast(row: WorstRow, nats: float) -> Shares | None:
    """Of what happened, of what was said, of all others; None where the row does not hold them to the last digit."""
    given, said = row.probability, row.said_probability
    if row.label == row.said or not 0 <= given <= said <= 1:
        return None
    # With soft labels, or a probability too small for a double, the loss is not that of the forecast shown.
    cost = -math.log(given) if given > 0 else math.inf
    if cost != nats and not math.isclose(cost, nats, rel_tol=1e-9):
        return None
    rest = 1.0 - given - said
    return (given, said, max(rest, 0.0)) if rest >= -1e-15 else None


def _name(row: ClassRow) -> str:
    return printable(row.name, 40)


def _href(evaluation: Evaluation, p: Shares, q: Shares) -> str:
    return f"{PAGE}#{_state.link('simplex', evaluation.unit, p, q)}"
