"""Student's t distribution: df, loc, scale."""

from __future__ import annotations

from typing import Any

from xent.distributions._bregman import digamma_step, lgamma_divergence, log_minus_digamma
from xent.distributions._special import HALF_LOG_2PI
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters

Array = Any


@_support.quietly
def _entropy(xp: Any, p: Parameters) -> Array:
    """(x + ½)(ψ(x + ½) - ψ(x)) + log B(x, ½) + ½ log 2x for x = df/2, and the log of the scale.

    log B is the divergence of log Γ and ½ ψ(x): what is large then is the difference of log x and ψ(x).
    """
    good = _support.is_positive(xp, p["df"], p["scale"]) & _support.is_finite(xp, p["loc"])
    df, scale = _support.ones_elsewhere(xp, good, p["df"], p["scale"])
    x = 0.5 * df
    half = xp.full_like(x, 0.5)
    step = (x + 0.5) * digamma_step(xp, x, half) + 0.5 * log_minus_digamma(xp, x)
    beta = HALF_LOG_2PI - lgamma_divergence(xp, x, x + 0.5, half)
    return _support.where_valid(xp, good, xp.log(scale) + (step + beta))


FORMULAS = Formulas(entropy=_entropy)
