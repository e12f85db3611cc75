"""The normal distribution, and the lognormal one: mu, sigma, loc, and its median e^mu where that is what was told."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import everywhere, infinite_where, log_gap, log_quotient, positives, silent

Array = Any
HALF_LOG_2PI = 0.9189385332046728


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    return 0.5 + HALF_LOG_2PI + xp.log(p["scale"]) + 0.0 * p["loc"]


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array:
    """Half of the gap of log variances, and half of the squared difference over alpha var(q) + (1 - alpha) var(p)."""
    r, s, log_r = positives(xp, q["scale"], p["scale"])
    # of the squares: tanh of twice the artanh
    gap = log_gap(xp, r * r, 2.0 * s / (1.0 + s * s), 2.0 * log_r, alpha)
    wide = r >= 1.0
    one = xp.ones_like(r)
    larger = xp.where(wide, q["scale"] * one, p["scale"] * one)
    ours, theirs = xp.where(wide, 1.0 / r, one), xp.where(wide, one, r)
    mean = alpha * theirs * theirs + (1.0 - alpha) * ours * ours
    proper = mean > 0.0
    shift = (p["loc"] - q["loc"]) / larger / xp.sqrt(xp.where(proper, mean, one))
    return infinite_where(xp, ~proper, 0.5 * gap + 0.5 * shift * shift)


def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    return _renyi(xp, p, q, 1.0)


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array:
    r, shift = p["scale"] / q["scale"], (p["loc"] - q["loc"]) / q["scale"]
    return HALF_LOG_2PI + xp.log(q["scale"]) + 0.5 * (r * r + shift * shift)


NORMAL = Formulas(_entropy, _kl, _cross_entropy, _renyi)


# -- lognormal: the logarithm is normal --------------------------------------------------------------------------------


def _of_log(p: Parameters) -> Parameters:
    return {"loc": p["mu"], "scale": p["sigma"]}


@silent
def _log_entropy(xp: Any, p: Parameters) -> Array:
    return _entropy(xp, _of_log(p)) + p["mu"] + 0.0 * p["loc"]


@silent
def _log_renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    """That of the logarithms; where medians were told, whose logarithms are rounded, by the quotient of those."""
    if not everywhere(xp, p["loc"] == q["loc"]):
        return None
    first, second = _of_log(p), _of_log(q)
    if "median" in p and "median" in q:
        apart = log_quotient(xp, p["median"], q["median"])
        first, second = {**first, "loc": apart}, {**second, "loc": xp.zeros_like(apart)}
    return _renyi(xp, first, second, alpha) + 0.0 * p["loc"]


def _log_kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _log_renyi(xp, p, q, 1.0)


@silent
def _log_cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    if not everywhere(xp, p["loc"] == q["loc"]):
        return None
    return _cross_entropy(xp, _of_log(p), _of_log(q)) + p["mu"] + 0.0 * p["loc"]


LOGNORMAL = Formulas(_log_entropy, _log_kl, _log_cross_entropy, _log_renyi)


# -- others under a normal model, whose surprisal is that of their mean and variance -----------------------------------


@silent
def under_normal(xp: Any, entropy: Array, offset: Array, deviation: Array, q: Parameters) -> Array:
    """KL of a distribution with this entropy and standard deviation under a normal one, its mean so far from that."""
    shape_only = HALF_LOG_2PI + 0.5 - entropy  # with the entropy in units of the deviation: >= 0
    moments, model = {"loc": offset, "scale": deviation}, {"loc": 0.0 * offset, "scale": q["scale"]}
    return shape_only + _kl(xp, moments, model)


@silent
def uniform_under_normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    """KL of a uniform distribution under a normal one."""
    deviation = p["width"] / math.sqrt(12.0)
    entropy = xp.zeros_like(deviation) + 0.5 * math.log(12.0)
    return under_normal(xp, entropy, (p["low"] - q["loc"]) + 0.5 * p["width"], deviation, q)


@silent
def laplace_under_normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    """KL of a Laplace distribution under a normal one."""
    deviation = p["scale"] * math.sqrt(2.0)
    entropy = xp.zeros_like(deviation) + 1.0 + 0.5 * math.log(2.0)
    return under_normal(xp, entropy, p["loc"] - q["loc"], deviation, q)
