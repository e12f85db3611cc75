"""Means, ratios and their standard errors, from the sums of a set of rows.

With G rows or clusters, deviations d_i and weights w_i,

    se² = G/(G-1) · sum_g (sum_{i in g} w_i d_i)² / (sum_i w_i)².

The squares are never formed from rounded deviations: the sum is expanded into moments of the data, and those are exact.
So rows of equal loss have a standard error of exactly 0, and a common factor of the weights changes nothing.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from xent.evaluation._estimates import UNDEFINED, estimate
from xent.evaluation._exact import ONE, as_units, ratio, root
from xent.evaluation._sums import Sums
from xent.evaluation._weighing import up
from xent.evaluation.results import Estimate
from xent.measures import surprisal as surprisal_of


def units(sums: Sums) -> int:
    """How many independent rows or clusters of finite loss there are."""
    return sums.finite if sums.clusters is None else sum(1 for one in sums.clusters.sums.values() if one.n)


def cross_entropy(sums: Sums) -> Estimate:
    """The weighted mean loss of all rows; inf if one is."""
    if sums.finite < sums.n:
        return Estimate(math.inf, math.nan, math.nan, math.nan)
    return finite_cross_entropy(sums)


def finite_cross_entropy(sums: Sums) -> Estimate:
    """The same over the rows of finite loss; NaN without one."""
    if sums.finite == 0:
        return UNDEFINED
    value = ratio(sums.loss, up(sums.finite_weight))
    groups = units(sums)
    if not math.isfinite(value) or groups < 2:
        return Estimate(value, math.nan, math.nan, math.nan)
    ll, lw, ww = _moments(sums)
    w, loss = sums.finite_weight, sums.loss
    # The sum of w² (l - m)², m = loss / w, times w².
    square = Fraction(ll * w * w - 2 * loss * lw * w + loss * loss * ww, ONE**2 * w**4)
    return estimate(value, root(max(square, Fraction(0)) * groups / (groups - 1)), groups)


def frequencies(sums: Sums) -> dict[int, float]:
    """The weighted share of each class that there is any of; they sum to 1."""
    whole = sum(one.mass for one in sums.classes.values())
    return {k: ratio(sums.classes[k].mass, whole) for k in sorted(sums.classes)}


def priors(sums: Sums) -> dict[int, float]:
    """-log of the share of each class, 0 where it is too small to be one."""
    shares = np.array(list(frequencies(sums).values()))
    surprisal = np.where(shares > 0.0, surprisal_of(shares, check=False), 0.0)
    return dict(zip(sorted(sums.classes), surprisal.tolist(), strict=True))


def uncertainty(sums: Sums) -> float:
    """The entropy of the label frequencies, in nats."""
    prior = priors(sums)
    return math.fsum(share * prior[k] for k, share in frequencies(sums).items())


def skill(sums: Sums, entropy: float) -> Estimate:
    """Return 1 - L / H(Y), H(Y) = `entropy`, with the frequencies estimated from the same rows (delta method).

    With r = L / H and h_i = -log f of what happened, the influence of row i on the skill is -(l_i - r h_i) / H:
    the error of the entropy counts, and is usually correlated with that of the loss.
    """
    if entropy <= 0.0:
        return UNDEFINED
    if sums.finite < sums.n:
        return Estimate(-math.inf, math.nan, math.nan, math.nan)
    r = ratio(sums.loss, up(sums.weight)) / entropy
    groups = units(sums)
    if not math.isfinite(r) or groups < 2:
        return Estimate(1.0 - r, math.nan, math.nan, math.nan)
    square = _squared_influence(sums, Fraction(r))
    if square is None:
        return Estimate(1.0 - r, math.nan, math.nan, math.nan)
    variance = max(square, Fraction(0)) * groups / (groups - 1) / Fraction(sums.weight, ONE) ** 2
    return estimate(1.0 - r, root(variance) / entropy, groups)


def _moments(sums: Sums) -> tuple[int, int, int]:
    """Sums of squared w l, of the product of w l and w, and of squared w: over rows, or over clusters."""
    if sums.clusters is None:
        return sums.loss_loss, sums.loss_weight, sums.weight_weight
    each = list(sums.clusters.sums.values())
    of_weight, of_loss, _ = sums.clusters.zeros
    return (
        sum(one.loss * one.loss for one in each) << 2 * of_loss,
        sum(one.loss * one.weight for one in each) << of_loss + of_weight,
        sum(one.weight * one.weight for one in each) << 2 * of_weight,
    )


def _squared_influence(sums: Sums, r: Fraction) -> Fraction | None:
    """The sum of squared w (l - r h) over rows or clusters; None where the sums for it were not kept."""
    prior = {k: as_units(h) for k, h in priors(sums).items()}
    if sums.clusters is None:
        if sums.gram is None:
            return None
        lh = sum(prior[k] * one.cross for k, one in sums.classes.items())
        hh = sum(prior[j] * prior[k] * mass * (1 if j == k else 2) for (j, k), mass in sums.gram.items())
        return Fraction(sums.loss_loss, ONE**4) - 2 * r * Fraction(lh, ONE**4) + r * r * Fraction(hh, ONE**5)
    ll = lh = hh = 0
    for one in sums.clusters.sums.values():
        expected = sum(prior[k] * mass for k, mass in one.masses.items())
        ll, lh, hh = ll + one.loss * one.loss, lh + one.loss * expected, hh + expected * expected
    _, of_loss, of_mass = sums.clusters.zeros
    ll, lh, hh = ll << 2 * of_loss, lh << of_loss + of_mass, hh << 2 * of_mass
    return Fraction(ll, ONE**4) - 2 * r * Fraction(lh, ONE**5) + r * r * Fraction(hh, ONE**6)
