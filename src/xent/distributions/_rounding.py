"""How far a closed form may be from the truth: rounding, and what ill-conditioned parameters make of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.distributions._libraries import to_numpy
from xent.distributions._view import Family

Array = Any

# Units in the last place of the larger of the value and 1 (entropies, cross-entropies, and divergences between two
# families are differences that may vanish) or of the value (divergences within a family). Tests hold every one to it.
_ULP = 64
_SIGNED = ("entropy", "cross_entropy", "perplexity", "renyi_entropy", "tsallis_entropy")
_GROWING = ("gumbel", "gumbel_min", "weibull")  # whose divergences are e^t: of them the error of t counts t-fold


def bound(measure: str, value: Array, dtype: str, members: tuple[Family, ...]) -> Any:
    """How far the value of a formula for these members may be from the truth; 0 of an infinite one."""
    size = np.abs(to_numpy(value))
    finite = np.isfinite(size)
    size = np.where(finite, size, 0.0)
    eps = float(np.finfo(dtype).eps)
    signed = measure in _SIGNED or len({member.name for member in members}) > 1
    scale = np.maximum(size, 1.0) if signed else size
    with np.errstate(all="ignore"):
        strain = _largest(*(_strain(member) for member in members))
        if any(member.name in _GROWING for member in members):
            strain = strain * np.maximum(1.0, np.log(np.maximum(size, 1.0)))
        found = _ULP * eps * scale * strain + _of_factors(members, scale, eps)
    return np.where(finite, found, 0.0)[()]


def _largest(*several: Array) -> Array:
    found: Array = 1.0
    for each in several:
        found = np.maximum(found, each)
    return found


def _strain(member: Family) -> Array:
    """How many times as far rounding goes: 1/c of a concentration c below 1, and the condition of a covariance."""
    values = member.parameters
    if member.name == "product":
        return float(_largest(*(np.max(_strain(part), initial=1.0) for part in values["parts"])))
    if member.name == "beta":
        return 1.0 / np.minimum(to_numpy(values["a"]), to_numpy(values["b"]))
    if member.name == "dirichlet":
        return 1.0 / np.min(to_numpy(values["concentration"]), axis=-1)
    return _condition(values["scale_tril"]) if "scale_tril" in values else 1.0


def _condition(factor: Array) -> Array:
    """The condition number of L Lᵀ times its size."""
    told = to_numpy(factor)
    known = np.where(np.isfinite(told), told, np.eye(told.shape[-1]))
    return told.shape[-1] * np.linalg.cond(known) ** 2


def _of_factors(members: tuple[Family, ...], size: Array, eps: float) -> Array:
    """Of Wishart divergences: a Cholesky factor off by d is a change of n (d² + d √(2 KL/n)), n degrees of freedom."""
    if any(member.name != "wishart" for member in members):
        return 0.0
    n = _largest(*(to_numpy(member.parameters["df"]) for member in members))
    off = eps * _largest(*(_condition(member.parameters["scale_tril"]) for member in members))
    return n * (off * off + off * np.sqrt(2.0 * size / n))
