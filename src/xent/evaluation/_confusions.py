"""What happened beside what was said, where they differ: rows and loss of each pair of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from xent.evaluation._estimates import times
from xent.evaluation._exact import ratio
from xent.evaluation._facts import Facts
from xent.evaluation._rows import Rows
from xent.evaluation._weighing import Weighing, up
from xent.evaluation.results import Confusion

SHOWN = 20
"""How many pairs a result names."""

MOST = 2**18
"""Where more pairs than this occur none is kept: with so many classes each is rare, and memory has an end."""


@dataclass(slots=True)
class Pair:
    """Rows of one pair: how many, how many with infinite loss, Σ w and Σ w l of finite losses."""

    n: int = 0
    ruled_out: int = 0
    weight: int = 0
    loss: int = 0


@dataclass(slots=True)
class Confusions:
    """Pairs (label, said) that differ; None once there were too many, which depends on the data alone."""

    pairs: dict[tuple[int, int], Pair] | None = field(default_factory=dict[tuple[int, int], Pair])

    @staticmethod
    def of(rows: Rows, facts: Facts) -> Confusions:
        """The confusions of `rows`."""
        label = rows.main_label()
        wrong = label != facts.said
        found, place = np.unique(label[wrong] * rows.k + facts.said[wrong], return_inverse=True)
        if len(found) > MOST:
            return Confusions(None)
        weighing, place, count = Weighing.of(rows, wrong), place.reshape(-1), len(found)
        n = np.bincount(place, minlength=count).tolist()
        ruled_out = np.bincount(place[~facts.finite[wrong]], minlength=count).tolist()
        weight = weighing.totals([], 1, place, count)
        loss = weighing.totals([facts.losses[wrong]], 1, place, count)
        pairs = [Pair(*numbers) for numbers in zip(n, ruled_out, weight, loss, strict=True)]
        return Confusions({divmod(code, rows.k): pair for code, pair in zip(found.tolist(), pairs, strict=True)})

    def add(self, other: Confusions) -> None:
        """Merge."""
        if self.pairs is None or other.pairs is None:
            self.pairs = None
            return
        for names, more in other.pairs.items():
            pair = self.pairs.setdefault(names, Pair())
            pair.n += more.n
            pair.ruled_out += more.ruled_out
            pair.weight += more.weight
            pair.loss += more.loss
        if len(self.pairs) > MOST:
            self.pairs = None

    def costliest(self, classes: tuple[str, ...], whole: int | None, scale: float) -> tuple[Confusion, ...]:
        """The pairs with most loss first, ties by rows and classes; `whole` is the total loss, None if infinite."""
        ordered = sorted(
            (self.pairs or {}).items(), key=lambda item: (-item[1].ruled_out, -item[1].loss, -item[1].n, item[0])
        )
        return tuple(
            Confusion(
                label=classes[label],
                said=classes[said],
                n=pair.n,
                loss=math.inf if pair.ruled_out else times(ratio(pair.loss, up(pair.weight)), scale),
                share=math.nan if not whole or pair.ruled_out else ratio(pair.loss, whole),
            )
            for (label, said), pair in ordered[:SHOWN]
        )
