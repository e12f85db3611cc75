"""Sums over fixed bins: of the likeliest class's probability, and of the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._exact import ratio
from xent.evaluation._facts import Facts
from xent.evaluation._weighing import Weighing, up
from xent.evaluation.results import LossBin

_CONFIDENCES = 15

_EDGES = np.array([0.0, *(10.0 ** (exponent / 4) for exponent in range(-24, 13))])
"""Lower ends of the bins of the loss in nats: 0, then four a decade from a millionth to a thousand."""


@dataclass(slots=True)
class Bins:
    """Σ w f and Σ w y of the likeliest class in 15 bins of its probability; Σ w and Σ w l in bins of the loss."""

    top: list[int]
    right: list[int]
    weight: list[int]
    loss: list[int]

    @staticmethod
    def none() -> Bins:
        """The bins of no row."""
        return Bins([0] * _CONFIDENCES, [0] * _CONFIDENCES, [0] * len(_EDGES), [0] * len(_EDGES))

    @staticmethod
    def of(facts: Facts, weighing: Weighing) -> Bins:
        """The bins of some rows."""
        confidence = np.minimum((facts.top * _CONFIDENCES).astype(np.int64), _CONFIDENCES - 1)
        size = np.searchsorted(_EDGES, facts.losses, side="right").astype(np.int64) - 1
        size = np.where(facts.finite, size, len(_EDGES) - 1)
        return Bins(
            top=weighing.totals([facts.top], 1, confidence, _CONFIDENCES),
            right=weighing.totals([facts.right], 1, confidence, _CONFIDENCES),
            weight=weighing.totals([], 1, size, len(_EDGES)),
            loss=weighing.totals([facts.losses], 1, size, len(_EDGES)),
        )

    def add(self, other: Bins) -> None:
        """Merge."""
        self.top = _added(self.top, other.top)
        self.right = _added(self.right, other.right)
        self.weight = _added(self.weight, other.weight)
        self.loss = _added(self.loss, other.loss)

    def ece(self) -> float:
        """The mean gap of probability and frequency."""
        gaps = sum(abs(top - right) for top, right in zip(self.top, self.right, strict=True))
        return ratio(gaps, up(sum(self.weight)))

    def histogram(self, scale: float) -> tuple[LossBin, ...]:
        """The bins of the loss from the first that holds a row to the last; none where no row was put into one."""
        held = [i for i, weight in enumerate(self.weight) if weight] or [0, -1]
        ends = [*(float(edge) * scale for edge in _EDGES), math.inf]
        rows, loss = sum(self.weight), sum(self.loss)
        return tuple(
            LossBin(
                low=ends[i],
                high=ends[i + 1],
                rows=ratio(self.weight[i], rows),
                loss=ratio(self.loss[i], loss) if loss else math.nan,
            )
            for i in range(held[0], held[-1] + 1)
        )


def _added(a: list[int], b: list[int]) -> list[int]:
    return [x + y for x, y in zip(a, b, strict=True)]
