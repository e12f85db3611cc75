"""Calibration in constant memory: what replaces the rows themselves where there are too many to keep.

Every part of the state is sums of whole numbers, or a grid that is a function of all that was added: so the order of
the rows, batches and the shape of merges change no bit.
"""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation import _grid_mended
from xent.evaluation._calibration import Calibration
from xent.evaluation._exact import Floats
from xent.evaluation._folds import FOLDS, Keys, row_keys
from xent.evaluation._grid_binary import BinaryGrid
from xent.evaluation._grid_clusters import ClusterSums, fold_of
from xent.evaluation._grid_mended import Whole
from xent.evaluation._grid_scores import affine_scores, temperature_scores
from xent.evaluation._grid_tail import TailGrid
from xent.evaluation._grid_temperature import TemperatureGrid
from xent.evaluation._recalibration import Mended
from xent.evaluation._rows import Rows
from xent.evaluation._windows import Windows


class Grids:
    """Sums over rows from which a `Calibration` is computed; rows themselves are not kept."""

    def __init__(self, k: int, seed: int, clustered: bool) -> None:
        self.k, self.seed = k, seed
        self.rows, self.infinite = 0, False
        self.least, self.most = math.inf, 0.0
        self.sums = Windows(3)
        self.tail = TailGrid()
        self.binary = BinaryGrid() if k == 2 else None
        self.temperature = TemperatureGrid() if k > 2 else None
        self.clusters = ClusterSums(2 if k == 2 else 1) if clustered else None

    @staticmethod
    def empty(k: int, seed: int, clustered: bool) -> Grids:
        """No rows of `k` classes; `seed` chooses the folds."""
        return Grids(k, seed, clustered)

    def add(self, rows: Rows, losses: Floats, clusters: Keys | None = None) -> None:
        """Add rows and their losses in nats; `clusters` has a key for each of the rows' clusters, by their number."""
        self._count(rows, losses)
        if self.infinite:
            return
        with np.errstate(all="ignore"):
            weight = rows.weight
            self.tail.add(losses, weight, rows.count)
            keys = None if clusters is None or rows.cluster is None else clusters[rows.cluster]
            if keys is None:
                fold = (row_keys(rows, self.seed) % np.uint64(FOLDS)).astype(np.int64)
            else:
                fold = fold_of(keys, self.seed)
            if self.binary is not None:
                self.binary.add(rows, fold)
            if self.temperature is not None:
                self.temperature.add(rows, losses, fold, weight)
            self._add_scores(rows, losses, keys)

    def _count(self, rows: Rows, losses: Floats) -> None:
        weight = rows.weights()
        self.rows += int(rows.copies().sum())
        self.infinite = self.infinite or not bool(np.isfinite(losses).all())
        self.least, self.most = min(self.least, float(weight.min())), max(self.most, float(weight.max()))
        for place, values in enumerate((weight, weight * weight)):
            self.sums.add(np.full(rows.n, place), values, rows.count)

    def _add_scores(self, rows: Rows, losses: Floats, keys: Keys | None) -> None:
        """What the tests under weights and clusters need of the forecasts as given."""
        if self.clusters is None and (rows.weight is None or self.k == 2):
            return
        scores, curvatures = (affine_scores if self.k == 2 else temperature_scores)(rows, losses)
        weight = rows.weights()
        if self.clusters is not None and keys is not None:
            self.clusters.add(keys, rows.weight, [weight * s for s in scores], [weight * c for c in curvatures])
        elif self.k > 2:
            self.sums.add(np.full(rows.n, 2), weight * weight * curvatures[0], rows.count)

    def merge(self, other: Grids) -> None:
        """Add all of `other`, of the same classes and seed."""
        self.rows += other.rows
        self.infinite = self.infinite or other.infinite
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.sums.merge(other.sums)
        self.tail.merge(other.tail)
        if self.binary is not None and other.binary is not None:
            self.binary.merge(other.binary)
        if self.temperature is not None and other.temperature is not None:
            self.temperature.merge(other.temperature)
        if self.clusters is not None and other.clusters is not None:
            self.clusters.merge(other.clusters)

    def calibrate(self, loss: float) -> Calibration:
        """Return the calibration of all rows, whose mean loss is `loss`."""
        with np.errstate(all="ignore"):
            return Calibration(
                mended=self._mended(loss),
                isotonic=None,
                classwise=None,
                slopes=((math.nan, math.nan),) * self.k,
                auc=math.nan,
                reliability=(),
                temperature_curve=(),
                tail_share=math.nan if self.infinite else self.tail.share(),
            )

    def _mended(self, loss: float) -> Mended:
        if self.infinite or not math.isfinite(loss):
            return _grid_mended.undefined("affine" if self.k == 2 else "temperature", "infinite")
        weight, square, spread = self.sums.floats().tolist()
        even = self.least == self.most and self.clusters is None
        whole = Whole(self.rows, weight, square, even, self.seed)
        if self.binary is not None:
            return _grid_mended.affine(self.binary, loss, whole, self.clusters)
        if self.temperature is not None:
            return _grid_mended.temperature(self.temperature, loss, whole, self.clusters, spread)
        raise AssertionError("there are two classes or more")
