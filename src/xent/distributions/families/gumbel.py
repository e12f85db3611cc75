"""The Gumbel distributions of maxima and of minima: loc, scale. Logarithms of Weibull variables."""

from __future__ import annotations

from typing import Any

from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.distributions.families.weibull import EULER, extreme_value_kl

Array = Any


def _good(xp: Any, p: Parameters) -> Array:
    return _support.is_positive(xp, p["scale"]) & _support.is_finite(xp, p["loc"])


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p)
    (scale,) = _support.ones_elsewhere(xp, good, p["scale"])
    return _support.where_valid(xp, good, xp.log(scale) + (1.0 + EULER))


def _kl_towards(sign: float) -> Any:
    """KL of maxima for 1, of minima for -1."""

    @silent
    def kl(xp: Any, p: Parameters, q: Parameters) -> Array:
        good = _good(xp, p) & _good(xp, q)
        scale, other = _support.ones_elsewhere(xp, good, p["scale"], q["scale"])
        shift = sign * ((q["loc"] - p["loc"]) / other)
        return _support.where_valid(xp, good, extreme_value_kl(xp, shift, scale / other, (scale - other) / other))

    return kl


FORMULAS = Formulas(entropy=_entropy, kl=_kl_towards(1.0))
FORMULAS_OF_MINIMA = Formulas(entropy=_entropy, kl=_kl_towards(-1.0))
