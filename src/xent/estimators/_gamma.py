r"""The gamma function and its derivatives less their leading terms, so that their differences keep their digits.

    stirling(x)   = log Gamma(x) - [(x - 1/2) log x - x + log(2 pi)/2]  ~ 1/(12x) - ...
    log_excess(x) = log x - psi(x)                                     ~ 1/(2x) + 1/(12x^2) - ...
    excess(x)     = x psi'(x) - 1                                      ~ 1/(2x) + 1/(6x^2) - ...

From 16 on they are asymptotic series in Bernoulli numbers (DLMF 5.11.1, 5.11.2, 5.15.8); the first term left out is
below 1e-17. Below 16 their leading terms are no larger than a few units, and SciPy's functions lose nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_FROM = 16.0
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # B_2, B_4, ...
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

_STIRLING = [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1)]
_LOG_EXCESS = [b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)]
# psi(x + 1/2) - log x: B_2k(1/2) = -(1 - 2^(1-2k)) B_2k
_HALFWAY = [(1 - 2.0 ** (1 - 2 * k)) * b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)]


@functools.cache
def special() -> Any:
    """SciPy's special functions, imported when first needed: the plug-in without an interval needs none."""
    try:
        from scipy import special  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:  # pragma: no cover
        raise ImportError("Estimates need SciPy: pip install 'xent[scipy]'") from error
    return special


def _series(coefficients: Sequence[float], z: Any) -> Any:
    """Sum of c_k z^k, k from 0."""
    total = coefficients[-1] * z + coefficients[-2]
    for c in coefficients[-3::-1]:
        total *= z
        total += c
    return total


def _patched(x: Any, large: Callable[[Any], Any], small: Callable[[Any], Any]) -> Any:
    """`large` from 16 on, `small` below."""
    x = np.asarray(x, dtype=np.float64)
    below = x < _FROM
    if not below.any():
        return large(x)
    result = large(np.where(below, _FROM, x))
    result[below] = small(x[below])
    return result


def stirling(x: Any) -> Any:
    """What Stirling's formula lacks of log Gamma(x), x > 0."""
    gammaln = special().gammaln

    def large(x: Any) -> Any:
        return _series(_STIRLING, 1 / (x * x)) / x

    def small(x: Any) -> Any:
        return gammaln(x) - ((x - 0.5) * np.log(x) - x + _HALF_LOG_2PI)

    return _patched(np.atleast_1d(x), large, small)


def log_excess(x: Any) -> Any:
    """log x - psi(x) > 0, x > 0."""
    digamma = special().digamma

    def large(x: Any) -> Any:
        z = 1 / (x * x)
        return 0.5 / x + z * _series(_LOG_EXCESS, z)

    return _patched(np.atleast_1d(x), large, lambda x: np.log(x) - digamma(x))


def excess(x: Any) -> Any:
    """x psi'(x) - 1 > 0, x > 0."""
    return _patched(np.atleast_1d(x), _excess_beyond, lambda x: x * trigamma(x) - 1)


def _excess_beyond(x: Any) -> Any:
    """The same from 16 on."""
    z = 1 / (x * x)
    return 0.5 / x + z * _series(_BERNOULLI, z)


def excesses(x: Any) -> tuple[Any, Any]:
    """`log_excess` and `excess` together."""
    below = x < _FROM
    large = np.where(below, _FROM, x)
    z, half = 1 / (large * large), 0.5 / large
    first, second = half + z * _series(_LOG_EXCESS, z), half + z * _series(_BERNOULLI, z)
    if below.any():
        small = x[below]
        first[below] = np.log(small) - special().digamma(small)
        second[below] = small * trigamma(small) - 1
    return first, second


def rise(x: Any) -> tuple[Any, Any]:
    """x psi'(x + 1), from 0 (x = 0) to 1 (~ 1 - 1/(2x)), and what it lacks of 1: both right where they are small."""
    below = x < _FROM
    safe = np.where(below, _FROM, x)
    z = 1 / (safe * safe)
    lacking = 0.5 / safe - z * _series(_BERNOULLI, z)
    risen = 1 - lacking
    if below.any():
        small = x[below]
        risen[below] = small * trigamma(small + 1)
        lacking[below] = 1 - risen[below]
    return risen, lacking


_SHIFTS = np.arange(16.0)


def trigamma(x: Any) -> Any:
    """psi'(x), 0 < x < 17: 1/x^2 + ... + 1/(x+15)^2 + psi'(x+16); several times as fast as SciPy's zeta(2, x)."""
    inverse, beyond = 1 / (np.asarray(x)[..., None] + _SHIFTS), x + 16
    return np.einsum("...k,...k->...", inverse, inverse) + (1 + _excess_beyond(beyond)) / beyond


def halfway_excess(x: Any) -> Any:
    """log x - psi(x + 1/2) < 0, x > 0; about -1/(24 x^2)."""
    digamma = special().digamma

    def large(x: Any) -> Any:
        z = 1 / (x * x)
        return -z * _series(_HALFWAY, z)

    return _patched(np.atleast_1d(x), large, lambda x: np.log(x) - digamma(x + 0.5))


def digamma_gap(x: Any, more: Any) -> Any:
    """psi(x + more) - psi(x) for x > 0, more >= 0."""
    beyond = np.asarray(x + more)
    both = np.empty((2, *beyond.shape))
    both[0], both[1] = x, beyond
    less, of_sum = log_excess(both)
    return np.log1p(more / x) + less - of_sum
