"""The Weibull distribution: concentration, scale, loc."""

from __future__ import annotations

from typing import Any

from xent.distributions._bregman import lgamma_divergence, log_quotient, psi
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.distributions.families.gamma import of_exponential

Array = Any
EULER = 0.5772156649015329


def _good(xp: Any, p: Parameters) -> Array:
    return _support.is_positive(xp, p["concentration"], p["scale"]) & _support.is_finite(xp, p["loc"])


def extreme_value_kl(xp: Any, shift: Array, power: Array, growth: Array) -> Array:
    """KL of E, exponential with mean 1, under the law of which e^shift E^power is exponential; growth = power - 1.

    With t = shift + log Γ(1 + power) it is e^t - 1 - t and the divergence of log Γ from 1 to the power.
    """
    one = xp.ones_like(growth)
    turn = (1.0 - EULER) * growth + lgamma_divergence(xp, 2.0 * one, 1.0 + power, growth)
    return psi(xp, shift + turn) + lgamma_divergence(xp, one, power, growth)


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p)
    k, scale = _support.ones_elsewhere(xp, good, p["concentration"], p["scale"])
    return _support.where_valid(xp, good, xp.log(scale / k) + (1.0 + EULER - EULER / k))


@silent
def kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    """KL of one Weibull distribution under another."""
    good = _good(xp, p) & _good(xp, q)
    values = (p["concentration"], p["scale"], q["concentration"], q["scale"])
    k, scale, other_k, other = _support.ones_elsewhere(xp, good, *values)
    shift = other_k * log_quotient(xp, scale, other)
    value = _support.where_valid(xp, good, extreme_value_kl(xp, shift, other_k / k, (other_k - k) / k))
    starts = p["loc"] - q["loc"]
    return _support.where_inside(xp, starts, xp.zeros_like(starts), value)


FORMULAS = Formulas(entropy=_entropy, kl=kl)
PAIRS = {
    ("exponential", "weibull"): lambda xp, p, q: kl(xp, of_exponential(xp, p), q),
    ("weibull", "exponential"): lambda xp, p, q: kl(xp, p, of_exponential(xp, q)),
}
