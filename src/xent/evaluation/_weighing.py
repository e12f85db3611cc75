"""Exact weighted sums of what a chunk holds, in the weights as they were given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._exact import ONE, Floats, Ints, as_units, column_totals
from xent.evaluation._products import column_product_totals, product_totals
from xent.evaluation._rows import Rows


@dataclass(frozen=True, slots=True)
class Weighing:
    """The weights of some rows: equal to `scale` (None), or `weight` times `scale`, a power of two."""

    n: int
    weight: Floats | None
    scale: float

    @staticmethod
    def of(rows: Rows, keep: NDArray[np.bool_] | None = None) -> Weighing:
        """The weights of `rows`, or of those to keep."""
        n = rows.n if keep is None else int(keep.sum())
        return Weighing(n, rows.weight if rows.weight is None or keep is None else rows.weight[keep], rows.scale)

    def totals(self, factors: Sequence[Floats], power: int, group: Ints | None, groups: int) -> list[int]:
        """Return the sum of w^power · product of `factors` in each group, in units of 2**(-1074 (power + factors))."""
        if self.weight is not None:
            return [self._as_given(t, power) for t in product_totals([self.weight] * power + [*factors], group, groups)]
        one = as_units(self.scale) ** power
        if not factors:
            counts = [self.n] if group is None else np.bincount(group, minlength=groups).tolist()
            return [one * count for count in counts]
        return [one * t for t in product_totals(factors, group, groups)]

    def of_counts(self, counts: list[int], power: int, group: Ints) -> list[int]:
        """`totals` of the weights alone in groups of so many rows: equal weights need no look at the rows."""
        if self.weight is not None:
            return self.totals([], power, group, len(counts))
        one = as_units(self.scale) ** power
        return [one * count for count in counts]

    def again(
        self, known: list[int], factors: Sequence[Floats], power: int, group: Ints | None, groups: int
    ) -> list[int]:
        """`totals`, from those of one power less, `known`: equal weights need no second look at the rows."""
        if self.weight is not None:
            return self.totals(factors, power, group, groups)
        one = as_units(self.scale)
        return [one * total for total in known]

    def total(self, factors: Sequence[Floats], power: int = 1) -> int:
        """The same of all rows together."""
        return self.totals(factors, power, None, 1)[0]

    def columns(self, table: Floats) -> list[int]:
        """Return the weighted sum of each column, in units of 2**-2148."""
        if self.weight is not None:
            return [self._as_given(t, 1) for t in column_product_totals(table, self.weight)]
        one = as_units(self.scale)
        return [one * t for t in column_totals(table, None)]

    def _as_given(self, total: int, power: int) -> int:
        """Undo the power of two. Weights as given are multiples of 2**-1074, so nothing is shifted out."""
        shift = (math.frexp(self.scale)[1] - 1) * power
        return total << shift if shift >= 0 else total >> -shift


def up(total: int, degrees: int = 1) -> int:
    """A total in units of `degrees` more factors."""
    return total * ONE**degrees if degrees != 1 else total << 1074
