"""The exponential distribution, and the Pareto one, whose logarithm is exponential."""

from __future__ import annotations

from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import everywhere, infinite_where, log_gap, log_quotient, positives, silent

Array = Any


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    return 1.0 + xp.log(p["scale"]) + 0.0 * p["loc"]


def _shifted(xp: Any, r: Array, s: Array, log_r: Array, late: Array, early: Array, alpha: float) -> Array:
    """The gap of the rates, r = scale(q) / scale(p), and what it costs that one starts later than the other.

    `late` is by how much p starts later, in scales of q; `early` by how much q does, in scales of p; 0 if it does not.
    """
    value = log_gap(xp, r, s, log_r, alpha)
    value = value + (late / alpha if alpha != 0.0 else xp.zeros_like(late))
    value = value + (early / (1.0 - alpha) if alpha != 1.0 else xp.zeros_like(early))
    ruled_out = (early > 0.0) if alpha >= 1.0 else (late > 0.0) if alpha <= 0.0 else early < 0.0
    return infinite_where(xp, ruled_out, value)


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array:
    r, s, log_r = positives(xp, q["scale"], p["scale"])
    lag = p["loc"] - q["loc"]
    none = xp.zeros_like(lag)
    late, early = xp.where(lag > 0.0, lag, none) / q["scale"], xp.where(lag < 0.0, -lag, none) / p["scale"]
    return _shifted(xp, r, s, log_r, late, early, alpha)


def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    return _renyi(xp, p, q, 1.0)


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array:
    lag = p["loc"] - q["loc"]
    value = xp.log(q["scale"]) + (p["scale"] + lag) / q["scale"]
    return infinite_where(xp, lag < 0.0, value)


EXPONENTIAL = Formulas(_entropy, _kl, _cross_entropy, _renyi)


# -- Pareto: log((X - loc)/scale) is exponential of rate alpha ---------------------------------------------------------


@silent
def _pareto_entropy(xp: Any, p: Parameters) -> Array:
    return 1.0 + 1.0 / p["alpha"] + log_quotient(xp, p["scale"], p["alpha"]) + 0.0 * p["loc"]


@silent
def _pareto_renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    if not everywhere(xp, p["loc"] == q["loc"]):
        return None
    r, s, log_r = positives(xp, p["alpha"], q["alpha"])
    lag = log_quotient(xp, p["scale"], q["scale"])
    none = xp.zeros_like(lag)
    late, early = xp.where(lag > 0.0, lag, none) * q["alpha"], xp.where(lag < 0.0, -lag, none) * p["alpha"]
    return _shifted(xp, r, s, log_r, late, early, alpha) + 0.0 * p["loc"]


def _pareto_kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _pareto_renyi(xp, p, q, 1.0)


PARETO = Formulas(_pareto_entropy, _pareto_kl, None, _pareto_renyi)


# -- others under an exponential model, whose surprisal is that of their mean ------------------------------------------


@silent
def uniform_under_exponential(xp: Any, p: Parameters, q: Parameters) -> Array:
    """KL of a uniform distribution under an exponential one."""
    mean = (p["low"] - q["loc"]) + 0.5 * p["width"]
    value = log_quotient(xp, q["scale"], p["width"]) + mean / q["scale"]
    return infinite_where(xp, p["low"] < q["loc"], value)
