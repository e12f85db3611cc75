"""The costliest rows: a short list that merges."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xent._errors import ShapeError
from xent.evaluation._arrays import boxed, to_numpy
from xent.evaluation._facts import Seen
from xent.evaluation._rows import Floats, Rows
from xent.evaluation.results import WorstRow

WORST = 20
"""How many of the costliest rows are named."""


class Costly(NamedTuple):
    """A row in the order of the list: costliest first, ties by class, probability and what was said, then by name.

    Numbers go before texts. What a list of 20 shows does not depend on the order of the rows then, except for the names
    of rows that are equal in all else.
    """

    gain: float
    label: int
    probability: float
    said: int
    said_probability: float
    kind: int
    number: int
    text: str

    def shown(self, classes: tuple[str, ...], scale: float) -> WorstRow:
        """The row as a result names it."""
        return WorstRow(
            row=(None, self.number, self.text)[self.kind],
            label=classes[self.label],
            probability=self.probability,
            loss=-self.gain * scale,
            said=classes[self.said],
            said_probability=self.said_probability,
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """What rows are called: by `names`, one a row as given; else by their number if `numbered`, or nothing."""

    names: NDArray[Any] | None
    numbered: bool

    def of(self, i: int) -> int | str | None:
        """The name of row `i` as given."""
        if self.names is None:
            return i if self.numbered else None
        name = self.names[i]
        return int(name) if isinstance(name, numbers.Integral) else str(name)


def read_naming(id: Any, rows: int, numbered: bool) -> Naming:
    """Look at the shape of `id`."""
    if id is None:
        return Naming(None, numbered)
    names = to_numpy("id", id) if hasattr(id, "dtype") else boxed("id", id, "name")
    if names.shape != (rows,):
        raise ShapeError(f"`id` has shape {names.shape} and there are {rows} rows; it is one name a row.")
    return Naming(names, numbered)


def costliest(rows: Rows, facts: Seen, losses: Floats, naming: Naming) -> list[Costly]:
    """Return up to 20 of `rows`."""
    if rows.n == 0:
        return []
    label = rows.main_label()
    count = min(WORST, rows.n)
    least = np.partition(losses, rows.n - count)[rows.n - count]
    candidates = np.flatnonzero(losses >= least)
    given = rows.probs[candidates, label[candidates]]
    keys = (facts.top[candidates], facts.said[candidates], given, label[candidates], -losses[candidates])
    order = np.lexsort(keys)
    if naming.names is not None and len(order) > count:
        # Names come last: of rows that are equal otherwise all are looked at.
        last = order[count - 1]
        count = int(np.flatnonzero(np.logical_and.reduce([key[order] == key[last] for key in keys]))[-1]) + 1
    found = (_costly(rows, facts, losses, i, naming) for i in candidates[order[:count]].tolist())
    return sorted(found)[:WORST]


def merged(a: list[Costly], b: list[Costly]) -> list[Costly]:
    """The costliest of both."""
    return sorted([*a, *b])[:WORST]


def _costly(rows: Rows, facts: Seen, losses: Floats, i: int, naming: Naming) -> Costly:
    name = naming.of(int(rows.position[i]))
    label = int(rows.main_label()[i])
    return Costly(
        gain=-float(losses[i]),
        label=label,
        probability=float(rows.probs[i, label]),
        said=int(facts.said[i]),
        said_probability=float(facts.top[i]),
        kind=0 if name is None else 2 if isinstance(name, str) else 1,
        number=name if isinstance(name, int) else 0,
        text=name if isinstance(name, str) else "",
    )
