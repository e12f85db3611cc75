"""How much of the loss the costliest rows carry."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._exact import Floats, copies_total, ratio, total
from xent.evaluation._rows import Rows


def tail_share(rows: Rows, losses: Floats) -> float:
    """Return the share of the loss on the costliest 1 % of rows, rounded up; NaN if the total is 0 or infinite."""
    if not np.isfinite(losses).all():
        return math.nan
    part = losses * rows.weights()
    if rows.count is not None:
        return _of_copies(rows, losses, part)
    count = -(-rows.n // 100)
    least = np.partition(losses, rows.n - count)[rows.n - count]
    above = losses > least
    # Of rows that tie at the border the heavier count first: which of them does not depend on their order then.
    ties = np.sort(part[losses == least])[::-1][: count - int(above.sum())]
    return ratio(total(part[above]) + total(ties), total(part))


def _of_copies(rows: Rows, losses: Floats, part: Floats) -> float:
    copies = rows.copies()
    order = np.lexsort((-part, -losses))
    left = -(-int(copies.sum()) // 100)
    # What is left of the 1 % when a row's turn comes, and how many of its copies that takes.
    taken = np.clip(left - (np.cumsum(copies[order]) - copies[order]), 0, copies[order])
    return ratio(copies_total(part[order], taken), copies_total(part, copies))
