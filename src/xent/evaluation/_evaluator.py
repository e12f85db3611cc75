"""`Evaluator`: an evaluation of rows that come in batches, on one machine or on many."""

from __future__ import annotations

import copy
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xent._errors import ShapeError
from xent._units import per_nat
from xent.evaluation._assemble import assemble
from xent.evaluation._held import Held
from xent.evaluation._labels import class_names, named_classes
from xent.evaluation._losses import row_losses
from xent.evaluation._rows import Floats, Rows, read_rows
from xent.evaluation._slices import Columns, read_slices
from xent.evaluation._spread import cross_entropy
from xent.evaluation._tally import Tally
from xent.evaluation._worst import Naming, read_naming
from xent.evaluation.results import Evaluation


class Evaluator:
    """An `Evaluation` of rows that come in batches: constant memory, and the same digits however they came.

        e = Evaluator().update(y_1, q_1).update(y_2, q_2)
        Evaluator().update(y_1, q_1).merge(Evaluator().update(y_2, q_2))    # the same

    Neither the order of the rows, the batches, the order and shape of merges nor pickling in between changes a bit of
    the result. An empty evaluator is neutral in `merge`.

    Parameters
    ----------
    classes : sequence of K names, optional
        In the order of the columns of `q`.
    unit : {"nats", "bits", "bans"}
        Of all losses in the result.
    seed : int
        Chooses folds, the label sets of the isotonic null and the rows of the class-wise map.

    Raises
    ------
    ValueError
        For an unknown unit or names that are there twice.

    Edge cases
    ----------
    a batch that is refused    changes nothing
    rows in clusters           memory grows with the clusters: a few numbers each
    no row at all              `result` is a ValueError

    Accuracy
    --------
    Sums are exact always. Up to 131,072 rows (fewer if rows times classes exceed 2**23), or as many different ones
    without clusters, everything is as `xent.evaluate` has it. Beyond that what is not a sum (recalibration, isotonic
    line and what is drawn of them) comes from a grid: within 1e-5 nats, the isotonic line within 1e-4.

    Examples
    --------
    >>> import xent
    >>> a = xent.Evaluator().update([1, 0, 1], [0.9, 0.2, 0.6])
    >>> b = xent.Evaluator().update([1, 0, 0], [0.4, 0.3, 0.5])
    >>> round(a.merge(b).result().cross_entropy.value, 4)
    0.4676
    """

    def __init__(self, *, classes: Sequence[Any] | None = None, unit: str = "nats", seed: int = 0) -> None:
        self._scale = per_nat(unit)
        self._unit = unit
        self._seed = operator.index(seed)
        self._given = named_classes(classes)
        self._classes = None if self._given is None else class_names(self._given, len(self._given))
        self._tally: Tally | None = None
        self._held: Held | None = None

    def update(
        self,
        y: Any,
        q: Any,
        *,
        weight: Any = None,
        cluster: Any = None,
        slices: Mapping[str, Any] | None = None,
        id: Any = None,
    ) -> Evaluator:
        """Take in a batch of rows; the arguments are those of `xent.evaluate`.

        Parameters
        ----------
        y, q : array
            What happened, and the predictions.
        weight : array (N,), optional
            Relative weights, on one scale in all batches; without them a batch has weights of 1.
        cluster : sequence of N hashable labels, optional
            With every batch or with none; rows of one label are one cluster in whichever batches they come.
        slices : mapping of column name to sequence of N values, optional
            The same columns with every batch.
        id : sequence of N names, optional
            What `worst_rows` calls the rows; without it nothing, as a row has no number of its own.

        Returns
        -------
        Evaluator
            This one.

        Raises
        ------
        ValueError
            As `xent.evaluate`, with rows numbered from 0 in this batch; and for another number of classes, another form
            of `q`, or clusters or slices that are there in some batches only. Nothing has changed then.
        """
        rows = read_rows(y, q, self._given, weight, cluster, may_weigh_nothing=True)
        naming = read_naming(id, rows.given, numbered=False)
        columns = read_slices(slices, rows.given)
        losses = row_losses(rows)
        with np.errstate(all="ignore"):
            tally = self._tallied(rows, losses, naming, columns)
            self._check(rows.classes, rows.forecasts.says, tally)
            held = self._holding(rows.classes, rows.forecasts.says)
            held.add(rows, losses)
        self._take(rows.classes, held, tally)
        return self

    def merge(self, other: Evaluator) -> Evaluator:
        """Take in all rows of another evaluator, which stays as it is.

        Parameters
        ----------
        other : Evaluator
            Of the same classes, unit and seed.

        Returns
        -------
        Evaluator
            This one.

        Raises
        ------
        ValueError
            If classes, unit, seed or form of `q` differ, or if only one of them has clusters or slices. Nothing has
            changed then.
        """
        self._check_settings(other)
        if other._tally is None or other._held is None or other._classes is None:
            if self._classes is None:
                self._given, self._classes = other._given, other._classes
            return self
        self._check(other._classes, other._held.says, other._tally)
        held = self._holding(other._classes, other._held.says)
        with np.errstate(all="ignore"):
            held.merge(other._held)
        if self._classes is None:
            self._given = other._given
        self._take(other._classes, held, copy.deepcopy(other._tally) if self._tally is None else other._tally)
        return self

    def result(self) -> Evaluation:
        """Evaluate all rows so far; more may follow.

        Returns
        -------
        Evaluation
            As from `xent.evaluate`, save that `worst_rows` have no number.

        Raises
        ------
        ValueError
            If there is no row, or none of positive weight.
        """
        if self._tally is None or self._held is None or self._classes is None:
            raise ShapeError("there is no row to evaluate; pass some to `update` first.")
        if self._tally.sums.n == 0:
            raise ValueError("`weight` is 0 in every row so far; at least one must be positive.")
        with np.errstate(all="ignore"):
            calibration = self._held.calibrate(cross_entropy(self._tally.sums).value)
            return assemble(self._tally, calibration, self._classes, self._unit, self._scale)

    def _check_settings(self, other: Evaluator) -> None:
        if not isinstance(other, Evaluator):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
            raise ValueError(f"`other` is {type(other).__name__}; only an Evaluator can be merged.")
        if self._unit != other._unit:
            raise ValueError(f"one evaluator has the unit {self._unit!r}, the other {other._unit!r}; use the same.")
        if self._seed != other._seed:
            raise ValueError(f"one evaluator has the seed {self._seed}, the other {other._seed}; use the same.")
        if other._classes is not None and self._classes is not None:
            _require_same_classes(self._classes, other._classes)

    def _check(self, classes: tuple[str, ...], says: str, tally: Tally) -> None:
        """Refuse a batch that does not go with the rows so far."""
        if self._classes is not None:
            _require_same_classes(self._classes, classes)
        if self._held is not None and self._held.says != says:
            raise ValueError(f"`q` holds {says}, and before it held {self._held.says}; pass one form in all batches.")
        if self._tally is not None:
            self._tally.check(tally)

    def _tallied(self, rows: Rows, losses: Floats, naming: Naming, columns: Columns) -> Tally:
        return Tally.of(rows, losses, naming, columns)

    def _holding(self, classes: tuple[str, ...], says: str) -> Held:
        return Held(classes, says, self._seed) if self._held is None else self._held

    def _take(self, classes: tuple[str, ...], held: Held, tally: Tally) -> None:
        self._classes = classes
        self._held = held
        if self._tally is None:
            self._tally = tally
        else:
            self._tally.add(tally)


def _require_same_classes(mine: tuple[str, ...], others: tuple[str, ...]) -> None:
    if len(mine) != len(others):
        raise ShapeError(f"there are {len(others)} classes, and before there were {len(mine)}; they must be the same.")
    for k, (a, b) in enumerate(zip(mine, others, strict=True)):
        if a != b:
            raise ValueError(f"class {k} is {b!r}, and before it was {a!r}; classes must be the same, in one order.")
