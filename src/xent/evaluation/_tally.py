"""All of an evaluation that is sums: the state of a chunk of rows, which merges in any order and shape to the bit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xent.evaluation._bins import Bins
from xent.evaluation._confusions import Confusions
from xent.evaluation._facts import Facts, Seen
from xent.evaluation._losses import CLIPS, clipped_losses
from xent.evaluation._rows import Floats, Rows
from xent.evaluation._slices import Columns, Slices
from xent.evaluation._sums import Sums, loss_sums_by, sums_by
from xent.evaluation._weighing import Weighing
from xent.evaluation._worst import Costly, Naming, costliest, merged


@dataclass(slots=True)
class Clip:
    """Rows whose loss a clip changes: Σ w l where it is finite, and Σ w l clipped."""

    before: int = 0
    after: int = 0


@dataclass(slots=True)
class Tally:
    """Rows that were looked at: counts, and exact sums (units as in `Sums`).

    `probability` is Σ w q of each class, `brier` Σ w (q - y)².
    """

    given: int
    unnormalized: int
    sums: Sums
    probability: list[int]
    brier: int
    clips: list[Clip]
    bins: Bins
    confusions: Confusions
    slices: Slices
    worst: list[Costly]

    @staticmethod
    def of(rows: Rows, losses: Floats, naming: Naming, columns: Columns) -> Tally:
        """The tally of one chunk; `columns` are the slice columns."""
        facts, weighing = Facts.of(rows, losses), Weighing.of(rows)
        return Tally(
            given=rows.given,
            unnormalized=rows.unnormalized,
            sums=sums_by(rows, facts, None, 1)[0],
            probability=weighing.columns(rows.probs),
            brier=weighing.total([facts.brier]),
            clips=[_clip(rows, losses, eps) for eps in CLIPS],
            bins=Bins.of(facts, weighing),
            confusions=Confusions.of(rows, facts),
            slices=Slices.of(columns, rows, facts),
            worst=costliest(rows, facts, losses, naming),
        )

    @staticmethod
    def of_loss(rows: Rows, losses: Floats, naming: Naming) -> Tally:
        """The same of the loss alone: without classes' probabilities, bins, confusions and slices.

        Rows of infinite loss are named, for they are why the loss is.
        """
        facts, weighing = Seen.at(rows, losses), Weighing.of(rows)
        impossible = [] if facts.finite.all() else costliest(rows, facts, losses, naming)
        return Tally(
            given=rows.given,
            unnormalized=rows.unnormalized,
            sums=loss_sums_by(rows, facts, None, 1)[0],
            probability=[0] * rows.k,
            brier=weighing.total([facts.brier]),
            clips=[_clip(rows, losses, eps) for eps in CLIPS],
            bins=Bins.none(),
            confusions=Confusions(),
            slices=Slices({}),
            worst=[row for row in impossible if math.isinf(row.gain)],
        )

    def check(self, other: Tally) -> None:
        """Refuse what cannot be merged."""
        clustered = self.sums.clusters is not None
        if clustered != (other.sums.clusters is not None):
            raise ValueError(
                f"`cluster` is {'missing' if clustered else 'given'}, and before it was "
                f"{'given' if clustered else 'missing'}; pass it with all rows or with none."
            )
        self.slices.check(other.slices)

    def add(self, other: Tally) -> None:
        """Merge; `other` stays as it is."""
        self.given += other.given
        self.unnormalized += other.unnormalized
        self.sums.add(other.sums)
        self.probability = [a + b for a, b in zip(self.probability, other.probability, strict=True)]
        self.brier += other.brier
        for clip, more in zip(self.clips, other.clips, strict=True):
            clip.before += more.before
            clip.after += more.after
        self.bins.add(other.bins)
        self.confusions.add(other.confusions)
        self.slices.add(other.slices)
        self.worst = merged(self.worst, other.worst)


def _clip(rows: Rows, losses: Floats, eps: float) -> Clip:
    if rows.soft is None and not (losses > -math.log(eps)).any():
        return Clip()
    clipped = clipped_losses(rows, losses, eps)
    changed = clipped != losses
    if not changed.any():
        return Clip()
    before, finite = losses[changed], np.isfinite(losses[changed])
    weighing = Weighing.of(rows, changed)
    return Clip(weighing.total([np.where(finite, before, 0.0)]), weighing.total([clipped[changed]]))
