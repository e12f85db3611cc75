"""The von Mises distribution on a circle: loc, concentration."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions._bessel import log_i0_divergence, log_i0_less, mean_cosine
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent

Array = Any


def _good(xp: Any, p: Parameters) -> Array:
    k = p["concentration"]
    return (k >= 0) & _support.is_finite(xp, k, p["loc"])


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p)
    (k,) = _support.ones_elsewhere(xp, good, p["concentration"])
    return _support.where_valid(xp, good, math.log(2.0 * math.pi) + log_i0_less(xp, k))


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    """The divergence of log I0, and κ_q A(κ_p) (1 - cos Δ)."""
    good = _good(xp, p) & _good(xp, q)
    k, other = _support.ones_elsewhere(xp, good, p["concentration"], q["concentration"])
    k, other = xp.broadcast_arrays(k, other)
    half = xp.sin(0.5 * (p["loc"] - q["loc"]))
    turn = 2.0 * other * mean_cosine(xp, k) * half * half
    return _support.where_valid(xp, good, log_i0_divergence(xp, k, other) + turn)


FORMULAS = Formulas(entropy=_entropy, kl=_kl)
