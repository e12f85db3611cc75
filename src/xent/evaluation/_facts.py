"""What every row says about itself: its loss, its likeliest class, and whether that happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._rows import Floats, Ints, Rows


@dataclass(frozen=True, slots=True)
class Facts:
    """One number a row.

    `losses` in nats, 0 where they are infinite (not `finite`). `said` is the likeliest class, `top` its probability,
    `right` how much of the row is of that class (0 or 1 without soft labels). `brier` is (q - y)² for two classes, the
    sum of it over the classes for more. `forecast` is of class 1 for two classes, else `top`; `happened` goes with it.
    """

    losses: Floats
    finite: NDArray[np.bool_]
    said: Ints
    top: Floats
    right: Floats
    brier: Floats
    forecast: Floats
    happened: Floats

    @staticmethod
    def of(rows: Rows, losses: Floats) -> Facts:
        """The facts of `rows`, whose losses may be infinite."""
        place = np.arange(rows.n)
        finite = np.isfinite(losses)
        said = rows.probs.argmax(axis=1)
        top = rows.probs[place, said]
        right = rows.column_of(said)
        binary = rows.k == 2
        return Facts(
            losses=losses if finite.all() else np.where(finite, losses, 0.0),
            finite=finite,
            said=said,
            top=top,
            right=right,
            brier=_brier(rows),
            forecast=rows.probs[:, 1] if binary else top,
            happened=rows.column(1) if binary else right,
        )


def _brier(rows: Rows) -> Floats:
    if rows.k == 2:
        return np.square(rows.probs[:, 1] - rows.column(1))
    if rows.soft is not None:
        return np.square(rows.probs - rows.soft).sum(axis=1)
    squares = np.square(rows.probs)
    place, label = np.arange(rows.n), rows.main_label()
    squares[place, label] = np.square(1.0 - rows.probs[place, label])
    return squares.sum(axis=1)
