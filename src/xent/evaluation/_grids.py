"""Calibration in constant memory: what replaces the rows themselves where there are too many to keep.

Every part of the state is sums of whole numbers, or a grid or sample that is a function of all that was added: so the
order of the rows, batches and the shape of merges change no bit.
"""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._calibration import Calibration
from xent.evaluation._class_reliability import class_reliability, class_slopes
from xent.evaluation._exact import Floats
from xent.evaluation._folds import FOLDS, Keys, row_keys
from xent.evaluation._grid_affine import affine, affine_curve
from xent.evaluation._grid_binary import BinaryGrid
from xent.evaluation._grid_classes import ManyClasses
from xent.evaluation._grid_clusters import ClusterSums, fold_of
from xent.evaluation._grid_mended import Whole, undefined
from xent.evaluation._grid_scores import affine_scores, temperature_scores
from xent.evaluation._grid_tail import TailGrid
from xent.evaluation._grid_temperature import TemperatureGrid
from xent.evaluation._grid_tempered import temperature, tempered_curve
from xent.evaluation._isotonic import line_of, miscalibration_of
from xent.evaluation._reliability import isotonic_of, reliability_of
from xent.evaluation._rows import Rows
from xent.evaluation._table_fit import auc_of
from xent.evaluation._windows import Windows
from xent.evaluation.results import Isotonic


class Grids:
    """Sums over rows from which a `Calibration` is computed; rows themselves are not kept.

    `binary` is there for two classes, `tempered` and `many` for more, `clusters` where rows are in clusters.
    """

    def __init__(self, k: int, seed: int, clustered: bool) -> None:
        self.k, self.seed = k, seed
        self.classes = tuple(str(j) for j in range(k))
        self.rows, self.infinite, self.soft = 0, False, False
        self.least, self.most = math.inf, 0.0
        self.sums = Windows(3)
        self.tail = TailGrid()
        self.binary = BinaryGrid() if k == 2 else None
        self.tempered = TemperatureGrid()
        self.many = ManyClasses.empty(k, clustered) if k > 2 else None
        self.clusters = ClusterSums(2 if k == 2 else 1) if clustered else None

    @staticmethod
    def empty(k: int, seed: int, clustered: bool) -> Grids:
        """No rows of `k` classes; `seed` chooses the folds."""
        return Grids(k, seed, clustered)

    def add(self, rows: Rows, losses: Floats, clusters: Keys | None = None) -> None:
        """Add rows and their losses in nats; `clusters` has a key for each of the rows' clusters, by their number.

        Weights are on one scale in all calls, None for 1.
        """
        self.classes = rows.classes
        with np.errstate(all="ignore"):
            self._count(rows, losses)
            of_cluster = None if clusters is None or rows.cluster is None else clusters[rows.cluster]
            keys = row_keys(rows, self.seed)
            by_row = (keys % np.uint64(FOLDS)).astype(np.int64)
            fold = by_row if of_cluster is None else fold_of(of_cluster, self.seed)
            if self.binary is not None:
                self.binary.add(rows, fold)
            if self.many is not None:
                self.many.add(rows, keys, of_cluster)
            # After an infinite loss no map is best, whatever else comes.
            if not self.infinite:
                self.tail.add(losses, rows.weight, rows.count)
                if self.k > 2:
                    self.tempered.add(rows, losses, fold)
                self._add_scores(rows, losses, of_cluster)

    def _count(self, rows: Rows, losses: Floats) -> None:
        weight = rows.weights()
        self.rows += int(rows.copies().sum())
        self.infinite = self.infinite or not bool(np.isfinite(losses).all())
        self.soft = self.soft or rows.soft is not None
        self.least, self.most = min(self.least, float(weight.min())), max(self.most, float(weight.max()))
        for place, values in enumerate((weight, weight * weight)):
            self.sums.add(np.full(rows.n, place), values, rows.count)

    def _add_scores(self, rows: Rows, losses: Floats, keys: Keys | None) -> None:
        """What the tests under weights and clusters need of the forecasts as given."""
        if self.clusters is None and (rows.weight is None or self.k == 2):
            return
        scores, curvatures = affine_scores(rows) if self.k == 2 else temperature_scores(rows, losses)
        weight = rows.weights()
        if self.clusters is not None and keys is not None:
            self.clusters.add(keys, rows.weight, [weight * s for s in scores], [weight * c for c in curvatures])
        elif self.k > 2:
            self.sums.add(np.full(rows.n, 2), weight * weight * curvatures[0], rows.count)

    def merge(self, other: Grids) -> None:
        """Add all of `other`, of the same classes and seed."""
        if other.rows:
            self.classes = other.classes
        self.rows += other.rows
        self.infinite, self.soft = self.infinite or other.infinite, self.soft or other.soft
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.sums.merge(other.sums)
        self.tail.merge(other.tail)
        self.tempered.merge(other.tempered)
        if self.binary is not None and other.binary is not None:
            self.binary.merge(other.binary)
        if self.many is not None and other.many is not None:
            self.many.merge(other.many)
        if self.clusters is not None and other.clusters is not None:
            self.clusters.merge(other.clusters)

    def calibrate(self, loss: float) -> Calibration:
        """Return the calibration of all rows, whose mean loss is `loss`."""
        loss = math.inf if self.infinite else loss
        with np.errstate(all="ignore"):
            if self.binary is not None:
                return self._binary(self.binary, loss)
            if self.many is not None:
                return self._many(self.many, loss)
        raise ValueError(f"grids are for two classes or more, and there are {self.k}.")

    def _whole(self) -> Whole:
        weight, square, spread = self.sums.floats().tolist()
        even = self.least == self.most and self.clusters is None
        return Whole(self.rows, weight, square, spread, even, self.seed)

    def _many(self, many: ManyClasses, loss: float) -> Calibration:
        known = math.isfinite(loss)
        whole = self._whole()
        mended = undefined("temperature", "infinite")
        if known:
            mended = temperature(self.tempered, loss, whole, self.clusters)
        clustered = self.clusters is not None
        return Calibration(
            mended=mended,
            isotonic=None,
            classwise=many.classwise(),
            slopes=class_slopes(many.grids),
            auc=math.nan,
            reliability=class_reliability(many.grids, self.classes, self.seed, clustered=clustered),
            temperature_curve=tempered_curve(self.tempered, loss, whole, mended),
            tail_share=self.tail.share() if known else math.nan,
        )

    def _binary(self, grid: BinaryGrid, loss: float) -> Calibration:
        known = math.isfinite(loss)
        whole = self._whole()
        mended = affine(grid, loss, whole, self.clusters) if known else undefined("affine", "infinite")
        table = grid.table(self.soft or not self.least == self.most == 1.0, whole.weight)
        slope, intercept = mended.parameters["slope"], mended.parameters["intercept"]
        other = 0.0 - intercept if math.isfinite(intercept) else math.nan
        name = self.classes[1]
        if self.clusters is None:
            isotonic, null = isotonic_of(table, loss, self.seed)
            diagram = reliability_of(table, loss, "class", name, self.seed, null=null)
        else:
            # A grid does not know its clusters: no labels are drawn.
            isotonic = Isotonic(miscalibration_of(line_of(table), loss), math.nan, math.nan, math.nan, math.nan)
            diagram = reliability_of(table, loss, "class", name, self.seed, groups=0)
        return Calibration(
            mended=mended,
            isotonic=isotonic,
            classwise=None,
            slopes=((slope, other), (slope, intercept)),
            auc=auc_of(table),
            reliability=(diagram,),
            temperature_curve=affine_curve(grid, loss, whole),
            tail_share=self.tail.share() if known else math.nan,
        )
