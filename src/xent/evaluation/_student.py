"""The two tail areas an evaluation needs: Student's t quantile for intervals, the chi-squared tail for tests."""

from __future__ import annotations

import math
from functools import lru_cache

_Z = 1.959963984540054  # the 97.5 % point of the normal: mpmath.sqrt(2) * mpmath.erfinv("0.95")

_MANY = 1000
"""Degrees of freedom from which the expansion in 1/df is exact to rounding (its first omitted term is below 1e-14)."""


@lru_cache(maxsize=1024)
def t_quantile(df: int) -> float:
    """Return the 97.5 % point of Student's t with `df` degrees of freedom: half the width of a 95 % interval.

    Edge cases
    ----------
    df < 1             NaN: one cluster has no spread

    Accuracy
    --------
    1e-13 relative, for every df.
    """
    if df < 1:
        return math.nan
    if df >= _MANY:
        return _expansion(df)
    # The central area is concave in t > 0, so Newton's steps from the left of the root stay on the left: no safeguard.
    t = _Z
    for _ in range(100):
        step = (0.95 - _central_area(t, df)) / (2.0 * _density(t, df))
        t += step
        if step <= 1e-15 * t:
            break
    return t


def chi2_tail(x: float, df: int) -> float:
    """Return P(chi-squared > x) with `df` >= 1 degrees of freedom.

    Accuracy
    --------
    1e-13 relative with 1 and 2 degrees, the sizes of the recalibration maps; a few rounding errors more a degree.
    """
    if math.isnan(x):
        return math.nan
    half = max(x, 0.0) / 2.0
    if math.isinf(half):
        return 0.0
    # A finite series of positive terms (Abramowitz and Stegun 26.4.4 and 26.4.5), each from its logarithm.
    tail = math.erfc(math.sqrt(half)) if df % 2 else math.exp(-half)
    if half == 0.0 or df <= 2:
        return tail
    log_half = math.log(half)
    orders = (j + df % 2 / 2 for j in range(1 - df % 2, (df + 1) // 2 - df % 2))
    terms = [math.exp(a * log_half - half - math.lgamma(a + 1.0)) for a in orders]
    return min(1.0, math.fsum([tail, *terms]))


def _expansion(df: int) -> float:
    """Cornish-Fisher expansion of the quantile (Abramowitz and Stegun 26.7.5)."""
    z = _Z
    z2 = z * z
    g1 = z * (z2 + 1) / 4
    g2 = z * ((5 * z2 + 16) * z2 + 3) / 96
    g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384
    g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160
    return z + (g1 + (g2 + (g3 + g4 / df) / df) / df) / df


def _density(t: float, df: int) -> float:
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    return math.exp(log_scale - (df + 1) / 2 * math.log1p(t * t / df))


def _central_area(t: float, df: int) -> float:
    """P(|T| < t) by a finite series of positive terms (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    theta = math.atan(t / math.sqrt(df))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = df % 2
    term = cosine if odd else 1.0
    terms = [term] if df > 1 else []
    for j in range(2 + odd, df - 1, 2):
        term *= cosine * cosine * (j - 1) / j
        terms.append(term)
    series = sine * math.fsum(terms)
    return 2.0 / math.pi * (theta + series) if odd else series
