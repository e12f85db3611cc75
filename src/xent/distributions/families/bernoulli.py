"""The integer families made of a chance of success: Bernoulli, binomial, geometric and negative binomial.

The chance is told as `log_odds`, and as `success` or `failure` too where that was given as a probability: the log-odds
of 1e-300 have lost three of its digits.
"""

from __future__ import annotations

from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._summed import binomial_entropy, negative_binomial_entropy
from xent.distributions.families._terms import everywhere, excess, infinite_where, positives, silent
from xent.measures._elementwise import binary_cross_entropy, binary_entropy, binary_kl_divergence
from xent.measures._primitives import sigmoid

Array = Any

_TINY = 2.0**-100  # of chances below, what the chance of failure adds is far below the last digit


def _chance(p: Parameters) -> tuple[str, Array]:
    """The chance of one of the outcomes as the binary measures take it: its kind and number."""
    for key in ("success", "failure"):
        if key in p:
            return "probs", p[key]
    return "logits", p["log_odds"]


def _chances(p: Parameters, q: Parameters) -> tuple[str, Array, str, Array]:
    """Two chances of the same outcome."""
    if "failure" in p and "failure" in q:
        return "probs", p["failure"], "probs", q["failure"]
    told = [("probs", m["success"]) if "success" in m else ("logits", m["log_odds"]) for m in (p, q)]
    return *told[0], *told[1]


def success(xp: Any, p: Parameters) -> Array:
    """The chance of success."""
    if "success" in p:
        return p["success"]
    return 1.0 - p["failure"] if "failure" in p else sigmoid(xp, p["log_odds"])


def failure(xp: Any, p: Parameters) -> Array:
    """The chance of failure."""
    if "failure" in p:
        return p["failure"]
    return 1.0 - p["success"] if "success" in p else sigmoid(xp, -p["log_odds"])


def _one_entropy(xp: Any, p: Parameters) -> Array:
    return binary_entropy(xp, *_chance(p))


def _one_kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    return binary_kl_divergence(xp, *_chances(p, q))


def _one_cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array:
    return binary_cross_entropy(xp, *_chances(p, q))


def _same(xp: Any, p: Parameters, q: Parameters, *keys: str) -> bool:
    return all(everywhere(xp, p[key] == q[key]) for key in ("loc", *keys))


# -- one trial ---------------------------------------------------------------------------------------------------------


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    return _one_entropy(xp, p) + 0.0 * p["loc"]


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _one_kl(xp, p, q) + 0.0 * p["loc"] if _same(xp, p, q) else None


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _one_cross_entropy(xp, p, q) + 0.0 * p["loc"] if _same(xp, p, q) else None


BERNOULLI = Formulas(_entropy, _kl, _cross_entropy)


# -- n trials ----------------------------------------------------------------------------------------------------------


@silent
def _binomial_entropy(xp: Any, p: Parameters) -> Array:
    return binomial_entropy(xp, p["n"], success(xp, p), failure(xp, p)) + 0.0 * p["loc"]


@silent
def _binomial_kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    """n times that of one trial; inf where p reaches beyond the trials of q. With fewer trials than q: no formula."""
    if not _same(xp, p, q) or not everywhere(xp, p["n"] >= q["n"]):
        return None
    value = q["n"] * _one_kl(xp, p, q) + 0.0 * p["loc"]
    value = xp.where(q["n"] == 0, xp.zeros_like(value), value)
    return infinite_where(xp, (p["n"] > q["n"]) & (success(xp, p) > 0.0), value)


BINOMIAL = Formulas(_binomial_entropy, _binomial_kl)


# -- trials until one succeeds, or until n do --------------------------------------------------------------------------


def _per_success(xp: Any, value: Array, p: Parameters) -> Array:
    """What one trial gives, for as many trials as a success takes on average."""
    return value / success(xp, p) + 0.0 * p["loc"]


def _kl_per_success(xp: Any, p: Parameters, q: Parameters) -> Array:
    """Of two chances so small that the divergence of one trial may underflow: r - 1 - log r, r = q/p."""
    mine, theirs = xp.broadcast_arrays(success(xp, p), success(xp, q))
    tiny = (mine > 0.0) & (mine < _TINY) & (theirs > 0.0) & (theirs < _TINY)
    one = xp.ones_like(mine)
    of_tiny = excess(xp, *positives(xp, xp.where(tiny, theirs, one), xp.where(tiny, mine, one)))
    return xp.where(tiny, of_tiny, _per_success(xp, _one_kl(xp, p, q), p)) + 0.0 * p["loc"]


@silent
def _geometric_entropy(xp: Any, p: Parameters) -> Array:
    return _per_success(xp, _one_entropy(xp, p), p)


@silent
def _geometric_kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _kl_per_success(xp, p, q) if _same(xp, p, q) else None


@silent
def _geometric_cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _per_success(xp, _one_cross_entropy(xp, p, q), p) if _same(xp, p, q) else None


GEOMETRIC = Formulas(_geometric_entropy, _geometric_kl, _geometric_cross_entropy)


@silent
def _negative_binomial_entropy(xp: Any, p: Parameters) -> Array | None:
    if everywhere(xp, p["n"] == 1.0):
        return _per_success(xp, _one_entropy(xp, p), p)
    value = negative_binomial_entropy(xp, p["n"], success(xp, p), failure(xp, p))
    return None if value is None else value + 0.0 * p["loc"]


@silent
def _negative_binomial_kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return p["n"] * _kl_per_success(xp, p, q) if _same(xp, p, q, "n") else None


NEGATIVE_BINOMIAL = Formulas(_negative_binomial_entropy, _negative_binomial_kl)
