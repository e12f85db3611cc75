"""The uniform distribution: low, high, and the width, which has digits that high - low has lost."""

from __future__ import annotations

from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import infinite_where, log_quotient, silent

Array = Any


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    return xp.log(_width(p))


def _width(p: Parameters) -> Array:
    return p["width"] if "width" in p else p["high"] - p["low"]


def _within(p: Parameters, q: Parameters) -> Array:
    """Whether p's support lies in q's."""
    return (p["low"] >= q["low"]) & (p["high"] <= q["high"])


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    return infinite_where(xp, ~_within(p, q), log_quotient(xp, _width(q), _width(p)))


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array:
    return infinite_where(xp, ~_within(p, q), xp.log(_width(q)))


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array:
    """log(width(p)/overlap)/(1 - alpha) + log(width(q)/overlap)/alpha."""
    inner, outer = _within(p, q), _within(q, p)
    if alpha >= 1.0:
        return infinite_where(xp, ~inner, log_quotient(xp, _width(q), _width(p)) / alpha)
    if alpha <= 0.0:
        return infinite_where(xp, ~outer, log_quotient(xp, _width(p), _width(q)) / (1.0 - alpha))
    high = xp.where(p["high"] < q["high"], p["high"], q["high"])
    low = xp.where(p["low"] > q["low"], p["low"], q["low"])
    overlap = xp.where(inner, _width(p), xp.where(outer, _width(q), high - low))
    apart = overlap <= 0.0
    overlap = xp.where(apart, xp.ones_like(overlap), overlap)
    ours, theirs = log_quotient(xp, _width(p), overlap), log_quotient(xp, _width(q), overlap)
    return infinite_where(xp, apart, ours / (1.0 - alpha) + theirs / alpha)


FORMULAS = Formulas(_entropy, _kl, _cross_entropy, _renyi)
