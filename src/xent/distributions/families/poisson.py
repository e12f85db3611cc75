"""The Poisson distribution: rate, loc."""

from __future__ import annotations

from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._summed import poisson_entropy
from xent.distributions.families._terms import everywhere, log_quotient, psi, silent
from xent.measures._primitives import Pair, contrast, kl_terms

Array = Any


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    return poisson_entropy(xp, p["rate"]) + 0.0 * p["loc"]


def _divergence(xp: Any, mine: Array, theirs: Array) -> Array:
    """rate(p) log(rate(p)/rate(q)) - rate(p) + rate(q)."""
    one = xp.ones_like(mine)
    both = (mine > 0.0) & (theirs > 0.0)
    ratio = log_quotient(xp, xp.where(both, mine, one), xp.where(both, theirs, one))
    absent = mine == 0.0
    ratio = xp.where(both, ratio, xp.where(absent, 0.0 * one, xp.inf * one))
    s = contrast(xp, mine, theirs, mine - theirs)
    return kl_terms(xp, Pair(mine, theirs, s, ratio, xp.abs(s) < 0.5, absent))


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _renyi(xp, p, q, 1.0)


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    """The gap of the weighted means, arithmetic less geometric, over alpha (1 - alpha)."""
    if not everywhere(xp, p["loc"] == q["loc"]):
        return None
    mine, theirs = xp.broadcast_arrays(p["rate"], q["rate"])
    if alpha == 1.0:
        return _divergence(xp, mine, theirs) + 0.0 * p["loc"]
    if alpha == 0.0:
        return _divergence(xp, theirs, mine) + 0.0 * p["loc"]
    if not everywhere(xp, (mine > 0.0) & (theirs > 0.0)):
        return None
    log_r = log_quotient(xp, mine, theirs)
    rest = 1.0 - alpha
    if alpha < 0.5:  # of the other two with the other weight it is the same
        mine, theirs, log_r, alpha, rest = theirs, mine, -log_r, rest, alpha
    near = xp.abs(log_r) < 3.0
    x = xp.where(near, log_r, 0.0 * log_r)
    close = theirs * xp.exp(alpha * x) * (psi(xp, rest * x) / rest + psi(xp, -alpha * x) / alpha)
    far = (theirs - mine * (1.0 + xp.expm1(-rest * log_r) / rest)) / alpha
    return xp.where(near, close, far) + 0.0 * p["loc"]


FORMULAS = Formulas(_entropy, _kl, None, _renyi)
