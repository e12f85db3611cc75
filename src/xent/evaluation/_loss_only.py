"""Sums alone: an evaluation that never looks at calibration, for files where only the loss is wanted."""

from __future__ import annotations

import math
from dataclasses import replace

from xent.evaluation._calibration import Calibration
from xent.evaluation._estimates import UNDEFINED
from xent.evaluation._evaluator import Evaluator
from xent.evaluation._held import Held
from xent.evaluation._recalibration import Mended
from xent.evaluation._rows import Floats, Rows
from xent.evaluation._slices import Columns
from xent.evaluation._tally import Tally
from xent.evaluation._worst import Naming
from xent.evaluation.results import Evaluation


class _Nothing(Held):
    """Keeps no row."""

    def add(self, rows: Rows, losses: Floats) -> None:
        """Let them go."""

    def merge(self, other: Held) -> None:
        """Nothing to take in."""

    def calibrate(self, loss: float) -> Calibration:
        """Return nothing but undefined numbers."""
        binary = len(self.classes) == 2
        names = ("slope", "intercept") if binary else ("temperature",)
        kind = "affine" if binary else "temperature"
        mended = Mended(kind, dict.fromkeys(names, math.nan), math.nan, UNDEFINED, math.nan, "undefined", None)
        undefined = ((math.nan, math.nan),) * len(self.classes)
        return Calibration(mended, None, None, undefined, math.nan, (), (), math.nan)


class LossOnly(Evaluator):
    """An `Evaluator` of the loss, the label entropy, the skill, accuracy and Brier score, and the audit.

    All else in its result is undefined or empty, save that `worst_rows` names rows of infinite loss.
    """

    def result(self) -> Evaluation:
        """Evaluate all rows so far."""
        found = super().result()
        also = replace(found.also, ece=math.nan)
        return replace(found, also=also, per_class=(), confusions=(), slices=(), loss_histogram=())

    def _tallied(self, rows: Rows, losses: Floats, naming: Naming, columns: Columns) -> Tally:
        return Tally.of_loss(rows, losses, naming)

    def _holding(self, classes: tuple[str, ...], says: str) -> Held:
        return _Nothing(classes, says, self._seed) if self._held is None else self._held
