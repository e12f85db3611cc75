"""What a file of predictions holds, and the facts about how it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._forms import Form, Logits, LogProbs, Probs
from xent.io._layout import Guess, Kind

_FORMS: dict[Kind, type[Form]] = {"probs": Probs, "logits": Logits, "logprobs": LogProbs}


@dataclass(frozen=True, slots=True)
class Facts:
    """Where predictions came from. `rows` were read; left out are `dropped`, without a label, and
    `weightless`, of weight 0. `doubts` are warnings about what is used as it was named.
    """

    file: str
    format: str
    rows: int
    dropped: int
    renormalized: int
    label: str
    columns: tuple[str, ...]
    classes_from: str
    guesses: tuple[Guess, ...]
    weightless: int = 0
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Labels and what was predicted for them, a row each.

    `labels` are class indices, (n,) int64. `scores` are (n, K) in the order of `classes`, or (n,) for class 1 of
    two; `form` says what they hold. `rows` are the rows' numbers in the file, from 0. `id`, `weight` and `cluster`
    are (n,) arrays, or None where the file has none; `unnamed` marks rows whose id is empty, which go by their number.
    `slices` are the columns that were asked for by that name, (n,) arrays of text.
    """

    labels: NDArray[np.int64]
    scores: NDArray[Any]
    form: Kind
    classes: tuple[str, ...]
    rows: NDArray[np.int64]
    id: NDArray[Any] | None
    weight: NDArray[Any] | None
    cluster: NDArray[Any] | None
    facts: Facts
    unnamed: NDArray[np.bool_] | None = None
    slices: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])

    @property
    def q(self) -> Form:
        """The scores in the form they are in, as `xent.evaluate` takes them."""
        return _FORMS[self.form](self.scores)

    def row_name(self, place: int) -> int | str:
        """What the row at `place` is called: its id, else its number in the file."""
        name = (self.rows if self.id is None else self.id)[place]
        return name if isinstance(name, str) else int(name)

    def __len__(self) -> int:
        """The number of rows that are used."""
        return len(self.labels)
