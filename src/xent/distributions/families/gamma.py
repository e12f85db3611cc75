"""The gamma distribution: concentration, scale, loc."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions._bregman import cross_difference, excess, gamma_entropy, kl_term, log_ratio
from xent.distributions._special import digamma, lgamma
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent

Array = Any


def _good(xp: Any, *members: Parameters) -> Array:
    good = [
        _support.is_positive(xp, m["concentration"], m["scale"]) & _support.is_finite(xp, m["loc"]) for m in members
    ]
    return good[0] if len(good) == 1 else good[0] & good[1]


def _safe(xp: Any, p: Parameters, q: Parameters) -> tuple[Array, ...]:
    """Where both are valid, and both concentrations and scales with ones elsewhere."""
    good = _good(xp, p, q)
    values = (p["concentration"], p["scale"], q["concentration"], q["scale"])
    return good, *_support.ones_elsewhere(xp, good, *values)


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p)
    a, scale = _support.ones_elsewhere(xp, good, p["concentration"], p["scale"])
    return _support.where_valid(xp, good, xp.log(scale * xp.sqrt(a)) + gamma_entropy(xp, a))


def divergence(xp: Any, a: Array, b: Array, scale: Array, other: Array) -> Array:
    """KL of Gamma(a, scale) under Gamma(b, other): b log(b/(a r)) - b + a r and the excess, r = scale/other."""
    off = cross_difference(xp, b, other, a, scale) / other
    return kl_term(xp, b, a * (scale / other), off) + excess(xp, a, b, b - a)


def jensen(xp: Any, a: Array, b: Array, scale: Array, other: Array, alpha: float) -> Array:
    """The Rényi divergence of Gamma(a, scale) under Gamma(b, other), over alpha.

    With m the member whose natural parameters are the mean of theirs with weights alpha and 1 - alpha it is
    KL(m || p)/(1 - alpha) + KL(m || q)/alpha; every difference between m and them is a multiple of that of p and q.
    """
    if alpha == 1.0:
        return divergence(xp, a, b, scale, other)
    if alpha == 0.0:
        return divergence(xp, b, a, other, scale)
    rest, ratio = 1.0 - alpha, scale / other
    mean, rate = alpha * a + rest * b, alpha + rest * ratio
    exists = (mean > 0) & (rate > 0)
    mean, rate = _support.ones_elsewhere(xp, exists, mean, rate)
    off = cross_difference(xp, a, scale, b, other) / other / rate
    to_p = kl_term(xp, a, mean / rate, rest * off) + excess(xp, mean, a, rest * (a - b))
    to_q = kl_term(xp, b, mean * (ratio / rate), -alpha * off) + excess(xp, mean, b, alpha * (b - a))
    value = to_p / rest + to_q / alpha
    return xp.where(exists, value, xp.full_like(value, math.inf))


@silent
def kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    """KL of one gamma distribution under another."""
    good, a, scale, b, other = _safe(xp, p, q)
    value = _support.where_valid(xp, good, divergence(xp, a, b, scale, other))
    starts = p["loc"] - q["loc"]
    return _support.where_inside(xp, starts, xp.zeros_like(starts), value)


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    good, a, scale, b, other = _safe(xp, p, q)
    log_mean = digamma(xp, a) + log_ratio(xp, scale, other)
    direct = (lgamma(xp, b), (1.0 - b) * log_mean, a * (scale / other), xp.log(other))
    parts = (xp.log(scale * xp.sqrt(a)), gamma_entropy(xp, a), divergence(xp, a, b, scale, other))
    value = _support.where_valid(xp, good, _support.steadier(xp, parts, direct))
    starts = p["loc"] - q["loc"]
    return _support.where_inside(xp, starts, xp.zeros_like(starts), value)


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    if bool(xp.any(p["loc"] != q["loc"])):
        return None
    good, a, scale, b, other = _safe(xp, p, q)
    return _support.where_valid(xp, good, jensen(xp, a, b, scale, other, alpha))


def of_exponential(xp: Any, p: Parameters) -> Parameters:
    """The exponential distribution as a gamma distribution, and as a Weibull one."""
    return {"concentration": xp.ones_like(p["scale"]), **p}


FORMULAS = Formulas(entropy=_entropy, kl=kl, cross_entropy=_cross_entropy, renyi=_renyi)
PAIRS = {
    ("exponential", "gamma"): lambda xp, p, q: kl(xp, of_exponential(xp, p), q),
    ("gamma", "exponential"): lambda xp, p, q: kl(xp, p, of_exponential(xp, q)),
}
