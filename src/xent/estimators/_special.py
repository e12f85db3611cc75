"""The special functions and quantiles that estimates from samples need."""

from __future__ import annotations

import math
from typing import Any

from xent.estimators._gamma import special


def digamma(a: Any) -> Any:
    """psi(a)."""
    return special().psi(a)


def trigamma(a: float) -> float:
    """The slope of psi at `a`."""
    return float(special().zeta(2.0, a))


def log_ball(d: int) -> float:
    """The log of the volume of the Euclidean ball of radius 1 in d dimensions."""
    return d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)


def normal_quantile(p: float) -> float:
    """Where the normal distribution reaches `p`."""
    return float(special().ndtri(p))


def student_quantile(p: float, df: int) -> float:
    """Where Student's t with `df` degrees of freedom reaches `p`."""
    return float(special().stdtrit(df, p))
