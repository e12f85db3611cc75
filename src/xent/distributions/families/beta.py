"""The beta distribution on [low, low + width]: a, b, low, width. A Dirichlet distribution of two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.distributions.families.dirichlet import cross_entropy_of, entropy_terms, kl_of, renyi_of

Array = Any


def _good(xp: Any, p: Parameters) -> Array:
    return _support.is_positive(xp, p["a"], p["b"], p["width"]) & _support.is_finite(xp, p["low"])


def _concentration(xp: Any, good: Array, p: Parameters) -> Array:
    """Both concentrations along a last axis, ones where the parameters are not valid."""
    a, b = xp.broadcast_arrays(*_support.ones_elsewhere(xp, good, p["a"], p["b"]))
    return xp.stack([a, b], axis=-1)


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p)
    (width,) = _support.ones_elsewhere(xp, good, p["width"])
    logs, each, rest = entropy_terms(xp, _concentration(xp, good, p))
    return _support.where_valid(xp, good, (logs + xp.log(width)) + (each + rest))


def _between(xp: Any, p: Parameters, q: Parameters, measure: Callable[[Any, Array, Array], Array]) -> Array | None:
    """`measure` of the concentrations where the ends of both are the same; as `where_inside` elsewhere."""
    good = _good(xp, p) & _good(xp, q)
    a, b = xp.broadcast_arrays(_concentration(xp, good, p), _concentration(xp, good, q))
    value = _support.where_valid(xp, good, measure(xp, a, b))
    starts = p["low"] - q["low"]
    same = (starts == 0) & (p["width"] == q["width"])
    ends = (p["low"] + p["width"]) - (q["low"] + q["width"])
    return _support.where_inside(xp, starts, xp.where(same, xp.zeros_like(ends), ends), value)


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _between(xp, p, q, kl_of)


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _between(xp, p, q, lambda xp, a, b: cross_entropy_of(xp, a, b) + xp.log(q["width"]))


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    if bool(xp.any((p["low"] != q["low"]) | (p["width"] != q["width"]))):
        return None
    return _between(xp, p, q, lambda xp, a, b: renyi_of(xp, a, b, alpha))


FORMULAS = Formulas(entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy, renyi=_renyi)
