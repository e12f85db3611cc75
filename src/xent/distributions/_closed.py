"""Closed forms: which formula of which family answers, if any does."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.distributions import families
from xent.distributions._alpha import Plan
from xent.distributions._libraries import namespace_of, same_library, to_numpy, wide
from xent.distributions._view import Family, View
from xent.measures import _namespace as ns

Array = Any


def value(measure: str, p: View, q: View | None, plan: Plan | None = None) -> Array | None:
    """The measure by a formula, in nats, float64 where there is float64; None where no formula is known.

    `plan` is that of a measure of the alpha family.
    """
    members = tuple(v.family for v in ((p,) if q is None else (p, q)))
    known = tuple(f for f in members if f is not None)
    if len(known) < len(members):
        return None
    known = tuple(wide(f) for f in same_library(known))
    xp = namespace_of(*known)
    with ns.quiet(xp):
        if plan is not None:
            return None if q is None else _of_plan(xp, known[0], known[1], plan)
        if measure == "entropy":
            return entropy(xp, known[0])
        if measure == "kl_divergence":
            return kl_divergence(xp, *known)
        if measure in ("cross_entropy", "perplexity"):
            found = entropy(xp, known[0]) if q is None else cross_entropy(xp, *known)
            return found if found is None or measure == "cross_entropy" else xp.exp(found)
        return None


def _of_plan(xp: Any, p: Family, q: Family, plan: Plan) -> Array | None:
    """A measure of the alpha family from the Rényi divergence; None where that leaves one of a batch open (NaN)."""
    if plan.order is None or plan.closed is None:
        return None
    found = renyi(xp, p, q, plan.order)
    value = None if found is None else plan.closed(xp, found)
    return None if value is None or bool(xp.any(xp.isnan(value))) else value


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


def condition(*members: Family | None) -> Any:
    """By how much the matrices among the parameters magnify rounding: the largest condition number, 1 without any."""
    largest: Any = 1.0
    for member in members:
        if member is not None and "parts" in member.parameters:
            largest = np.maximum(largest, np.max(condition(*member.parameters["parts"]), initial=1.0))
        if member is not None and "scale_tril" in member.parameters:
            largest = np.maximum(largest, np.linalg.cond(to_numpy(member.parameters["scale_tril"])) ** 2)
    return largest
