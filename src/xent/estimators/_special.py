"""The special functions and quantiles that estimates from samples need, from SciPy."""

from __future__ import annotations

from typing import Any

try:
    from scipy.special import gammaln, ndtri, psi, stdtrit, zeta
except ImportError as error:  # pragma: no cover
    raise ImportError("Estimates from samples need SciPy: pip install 'xent[scipy]'") from error


def digamma(a: Any) -> Any:
    """psi(a)."""
    return psi(a)


def trigamma(a: float) -> float:
    """The slope of psi at `a`."""
    return float(zeta(2.0, a))


def log_ball(d: int) -> float:
    """The log of the volume of the Euclidean ball of radius 1 in d dimensions."""
    return float(d / 2 * 1.1447298858494002 - gammaln(d / 2 + 1))  # log pi


def normal_quantile(p: float) -> float:
    """Where the normal distribution reaches `p`."""
    return float(ndtri(p))


def student_quantile(p: float, df: int) -> float:
    """Where Student's t with `df` degrees of freedom reaches `p`."""
    return float(stdtrit(df, p))
