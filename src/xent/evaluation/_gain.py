"""What mending would really give: each fold is mapped by a fit to the others."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from xent.evaluation._estimates import UNDEFINED, Sampling, estimate, mean
from xent.evaluation._exact import ONE, Floats, Ints, dot, ratio, root
from xent.evaluation._folds import copies_in_folds, folds
from xent.evaluation._maps import Map, Mass, Terms, slope_at, some
from xent.evaluation._rows import Rows
from xent.evaluation.results import Estimate

_CLOSE = 1e-3
"""Length of the last Newton step of the fits on four fifths: only their loss on other rows is used, which is flat
there, so that an error of 1e-6 in the parameters is one of about 1e-12 in the loss. With many rows one step from the
fit on all rows is enough."""


def as_given(rows: Rows, map_: Map, terms: Terms) -> Floats:
    """Losses of the map's rows after it; soft labels that do not sum to 1 count by their sum."""
    return terms.loss if rows.soft is None else terms.loss * rows.soft[map_.rows].sum(axis=1)


def cross_fit(
    rows: Rows, map_: Map, theta: Floats, fitted: Terms, losses: Floats, seed: int
) -> tuple[Estimate, Floats | None]:
    """Return the mean fall of the losses and that of each row; undefined if one of the fits has no best map.

    A row that stands for several has no fall of its own: its copies lie in several folds.
    """
    if rows.count is not None:
        return _of_copies(rows, map_, theta, fitted, losses, seed), None
    if rows.clusters < 2:
        return UNDEFINED, None
    fold = folds(rows, seed)
    of_map = fold[map_.rows]
    fall = np.zeros(rows.n)
    for k in range(int(fold.max()) + 1):
        here = of_map == k
        if not here.any():
            continue
        part = _mended(rows, map_.subset(~here), map_.subset(here), theta, some(fitted, ~here), losses)
        if part is None:
            return UNDEFINED, None
        fall[map_.rows[here]] = part
    return mean(fall, Sampling.of(rows)), fall


def _mended(rows: Rows, others: Map, part: Map, theta: Floats, terms: Terms, losses: Floats) -> Floats | None:
    """The fall on `part` by a fit to the others, begun at `theta`, where their terms are known."""
    best = others.fit(theta, _CLOSE, slope_at(terms, others.mass))
    return None if best is None else losses[part.rows] - as_given(rows, part, part.terms(best))


def _of_copies(rows: Rows, map_: Map, theta: Floats, fitted: Terms, losses: Floats, seed: int) -> Estimate:
    copies = rows.copies()
    if int(copies.sum()) < 2:
        return UNDEFINED
    dealt = copies_in_folds(rows, seed)
    falls = np.zeros(dealt.shape)
    for fall, count in zip(falls, dealt, strict=True):
        inside = count[map_.rows]
        here, left = inside > 0, copies[map_.rows] - inside
        if not here.any():
            continue
        others = map_.subset(left > 0, left[left > 0])
        part = _mended(rows, others, map_.subset(here, inside[here]), theta, some(fitted, left > 0), losses)
        if part is None:
            return UNDEFINED
        fall[map_.rows[here]] = part
    weight = None if rows.weight is None else np.tile(rows.weight, len(dealt))
    return mean_of_copies(falls.reshape(-1), Mass(weight, dealt.reshape(-1)), int(copies.sum()))


def mean_of_copies(values: Floats, mass: Mass, rows: int) -> Estimate:
    """Return the mean of what counts for `rows` rows, as `_estimates.mean` has it of rows side by side."""
    ones = np.ones(values.size)
    part, weight = mass.weigh(values), mass.weigh(ones)
    whole, top = mass.total(ones), mass.total(values)
    value = ratio(top, whole)
    if not math.isfinite(value) or mass.count is None:
        return Estimate(value, math.nan, math.nan, math.nan)
    slope = Fraction(top, whole)
    square = (
        _dot(part, part, mass.count)
        - 2 * slope * _dot(part, weight, mass.count)
        + slope * slope * _dot(weight, weight, mass.count)
    )
    scale = Fraction(whole, ONE)
    return estimate(value, root(max(square, Fraction(0)) * rows / (rows - 1) / (scale * scale)), rows)


def _dot(a: Floats, b: Floats, copies: Ints) -> Fraction:
    """The exact sum of products, each as often as it has copies: as the copies' binary digits say."""
    whole, place, left = Fraction(0), 0, copies
    while left.any():
        odd = (left & 1).astype(bool)
        whole += dot(a[odd], b[odd]) * (1 << place)
        left, place = left >> 1, place + 1
    return whole
