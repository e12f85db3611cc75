"""The inverse gamma distribution, of the reciprocal of a gamma variable: concentration, scale, loc."""

from __future__ import annotations

from typing import Any

from xent.distributions._bregman import gamma_entropy, log_minus_digamma, log_ratio
from xent.distributions._special import digamma, lgamma
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.distributions.families.gamma import divergence, jensen

Array = Any


def _good(xp: Any, p: Parameters) -> Array:
    return _support.is_positive(xp, p["concentration"], p["scale"]) & _support.is_finite(xp, p["loc"])


def _safe(xp: Any, p: Parameters, q: Parameters) -> tuple[Array, ...]:
    """Where both are valid, and both concentrations and scales with ones elsewhere."""
    good = _good(xp, p) & _good(xp, q)
    values = (p["concentration"], p["scale"], q["concentration"], q["scale"])
    return good, *_support.ones_elsewhere(xp, good, *values)


def _entropy_terms(xp: Any, a: Array, scale: Array) -> tuple[Array, ...]:
    """The entropy of the gamma variable, and the mean of 2 log x; the logarithms are one."""
    return xp.log(scale / a / xp.sqrt(a)), gamma_entropy(xp, a), 2.0 * log_minus_digamma(xp, a)


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p)
    a, scale = _support.ones_elsewhere(xp, good, p["concentration"], p["scale"])
    size, standard, mean = _entropy_terms(xp, a, scale)
    return _support.where_valid(xp, good, size + (standard + mean))


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    good, a, scale, b, other = _safe(xp, p, q)
    value = _support.where_valid(xp, good, divergence(xp, a, b, other, scale))
    starts = p["loc"] - q["loc"]
    return _support.where_inside(xp, starts, xp.zeros_like(starts), value)


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    good, a, scale, b, other = _safe(xp, p, q)
    log_mean = digamma(xp, a) + log_ratio(xp, other, scale)
    direct = (lgamma(xp, b), -(1.0 + b) * log_mean, a * (other / scale), xp.log(other))
    parts = (*_entropy_terms(xp, a, scale), divergence(xp, a, b, other, scale))
    value = _support.where_valid(xp, good, _support.steadier(xp, parts, direct))
    starts = p["loc"] - q["loc"]
    return _support.where_inside(xp, starts, xp.zeros_like(starts), value)


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    if bool(xp.any(p["loc"] != q["loc"])):
        return None
    good, a, scale, b, other = _safe(xp, p, q)
    return _support.where_valid(xp, good, jensen(xp, a, b, other, scale, alpha))


FORMULAS = Formulas(entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy, renyi=_renyi)
