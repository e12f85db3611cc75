"""Closed forms: which formula of which family answers, if any does."""

from __future__ import annotations

from typing import Any

from xent.distributions import _alpha, families
from xent.distributions._libraries import namespace_of, same_library, wide
from xent.distributions._view import Family, View
from xent.measures import _namespace as ns

Array = Any


def value(measure: str, p: View, q: View | None, parameters: dict[str, Any]) -> Array | None:
    """The measure by a formula, in nats, float64 where there is float64; None where no formula is known."""
    found = (p,) if q is None else (p, q)
    members = tuple(v.family for v in found if v.family is not None)
    if len(members) < len(found):
        return None
    members = tuple(wide(f) for f in same_library(members))
    xp = namespace_of(*members)
    with ns.quiet(xp):
        if q is None:
            return _of_one(xp, measure, members[0], parameters)
        return _of_two(xp, measure, *members, parameters)


def _of_one(xp: Any, measure: str, p: Family, parameters: dict[str, Any]) -> Array | None:
    if measure not in ("entropy", "perplexity"):
        return None
    found = entropy(xp, p)
    return found if found is None or measure == "entropy" else xp.exp(found)


def _of_two(xp: Any, measure: str, p: Family, q: Family, parameters: dict[str, Any]) -> Array | None:
    if measure in ("cross_entropy", "perplexity"):
        found = cross_entropy(xp, p, q)
        return found if found is None or measure == "cross_entropy" else xp.exp(found)
    if measure == "kl_divergence":
        return kl_divergence(xp, p, q)
    order = _alpha.order(measure, parameters)
    if order is None:
        return None
    found = renyi(xp, p, q, order)
    return None if found is None else _alpha.from_renyi(xp, measure, found, parameters)


def entropy(xp: Any, p: Family) -> Array | None:
    """H(p) of a family that has a formula."""
    formula = families.FORMULAS[p.name].entropy
    return None if formula is None else formula(xp, p.parameters)


def kl_divergence(xp: Any, p: Family, q: Family) -> Array | None:
    """KL(p || q) of two members of one family, or of two families that know each other."""
    if (p.name, q.name) in families.PAIRS:
        return families.PAIRS[p.name, q.name](xp, p.parameters, q.parameters)
    formula = families.FORMULAS[p.name].kl
    if p.name != q.name or formula is None:
        return None
    return formula(xp, p.parameters, q.parameters)


def cross_entropy(xp: Any, p: Family, q: Family) -> Array | None:
    """H(p, q): by its own formula, or as H(p) + KL(p || q)."""
    own = families.FORMULAS[p.name].cross_entropy
    if p.name == q.name and own is not None:
        return own(xp, p.parameters, q.parameters)
    first = entropy(xp, p)
    second = None if first is None else kl_divergence(xp, p, q)
    return None if first is None or second is None else first + second


def renyi(xp: Any, p: Family, q: Family, alpha: float) -> Array | None:
    """The Rényi divergence over alpha of two members of one family."""
    formula = families.FORMULAS[p.name].renyi
    return None if p.name != q.name or formula is None else formula(xp, p.parameters, q.parameters, alpha)
