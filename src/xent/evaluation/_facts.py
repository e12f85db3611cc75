"""What every row says about itself: its loss, its likeliest class, and whether that happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._row_facts import row_facts
from xent.evaluation._rows import Floats, Ints, Rows


@dataclass(frozen=True, slots=True)
class Seen:
    """One number a row: `losses` in nats, 0 where they are infinite (not `finite`).

    `said` is the likeliest class, `top` its probability, `right` how much of the row is of that class (0 or 1 without
    soft labels). `brier` is (q - y)² for two classes, the sum of it over the classes for more.
    """

    losses: Floats
    finite: NDArray[np.bool_]
    said: Ints
    top: Floats
    right: Floats
    brier: Floats

    @staticmethod
    def at(rows: Rows, losses: Floats) -> Seen:
        """What is seen in `rows`, whose losses may be infinite."""
        finite = np.isfinite(losses)
        said, top, brier = _seen(rows)
        held = losses if finite.all() else np.where(finite, losses, 0.0)
        return Seen(held, finite, said, top, rows.column_of(said), brier)


@dataclass(frozen=True, slots=True)
class Facts(Seen):
    """The same, and `forecast`: of class 1 for two classes, else `top`; `happened` goes with it."""

    forecast: Floats
    happened: Floats

    @staticmethod
    def of(rows: Rows, losses: Floats) -> Facts:
        """The facts of `rows`, whose losses may be infinite."""
        seen = Seen.at(rows, losses)
        binary = rows.k == 2
        return Facts(
            losses=seen.losses,
            finite=seen.finite,
            said=seen.said,
            top=seen.top,
            right=seen.right,
            brier=seen.brier,
            forecast=rows.probs[:, 1] if binary else seen.top,
            happened=rows.column(1) if binary else seen.right,
        )


def _seen(rows: Rows) -> tuple[Ints, Floats, Floats]:
    """The likeliest class, its probability, and the Brier score."""
    forecasts = rows.forecasts
    if forecasts.one_column:
        said = rows.probs.argmax(axis=1)
        return said, rows.probs[np.arange(rows.n), said], np.square(rows.probs[:, 1] - rows.column(1))
    facts = forecasts.facts
    if facts is None:
        facts = row_facts(forecasts.kind, forecasts.content, rows.labels)
    if rows.soft is None:
        return facts.said, facts.top, facts.brier
    if rows.k == 2:
        return facts.said, facts.top, np.square(rows.probs[:, 1] - rows.column(1))
    return facts.said, facts.top, np.square(rows.probs - rows.soft).sum(axis=1)
