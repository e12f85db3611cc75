"""Independent coordinates: the sum over parts, and over the last `axes` axes of the batch of each.

`parts` are families; the coordinates of one part are a batch of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions._view import Family
from xent.distributions.families._formulas import Formulas, Parameters

Array = Any
Lookup = Callable[[str], Formulas | None]
Pairs = Callable[[str, str], Any]


def formulas(of: Lookup, pair: Pairs) -> Formulas:
    """The formulas of products of whatever `of` and `pair` know."""

    def entropy(xp: Any, p: Parameters) -> Array | None:
        def one(part: Family) -> Array | None:
            known = of(part.name)
            return None if known is None or known.entropy is None else known.entropy(xp, _wide(xp, part))

        return _summed(xp, p, [one(part) for part in p["parts"]])

    def kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
        def one(mine: Family, theirs: Family) -> Array | None:
            known = of(mine.name)
            same = None if known is None else known.kl
            formula = same if mine.name == theirs.name else pair(mine.name, theirs.name)
            return None if formula is None else formula(xp, _wide(xp, mine), _wide(xp, theirs))

        return _of_two(xp, p, q, one)

    def renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
        def one(mine: Family, theirs: Family) -> Array | None:
            known = of(mine.name) if mine.name == theirs.name else None
            if known is None or known.renyi is None:
                return None
            return known.renyi(xp, _wide(xp, mine), _wide(xp, theirs), alpha)

        return _of_two(xp, p, q, one)

    def cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
        def one(mine: Family, theirs: Family) -> Array | None:
            known = of(mine.name) if mine.name == theirs.name else None
            if known is None or known.cross_entropy is None:
                return None
            return known.cross_entropy(xp, _wide(xp, mine), _wide(xp, theirs))

        direct = _of_two(xp, p, q, one)
        if direct is not None:
            return direct
        own, extra = entropy(xp, p), kl(xp, p, q)
        return None if own is None or extra is None else own + extra

    return Formulas(entropy, kl, cross_entropy, renyi)


def _wide(xp: Any, part: Family) -> Parameters:
    """The parameters of a part in float64; those of a product are its parts, which see to theirs."""
    if part.name == "product":
        return part.parameters
    return {key: xp.astype(a, xp.float64) for key, a in part.parameters.items()}


def _of_two(xp: Any, p: Parameters, q: Parameters, one: Callable[[Family, Family], Array | None]) -> Array | None:
    """The sum over parts side by side; None where the two are divided otherwise."""
    if len(p["parts"]) != len(q["parts"]) or p["axes"] != q["axes"]:
        return None
    return _summed(xp, p, [one(mine, theirs) for mine, theirs in zip(p["parts"], q["parts"], strict=True)])


def _summed(xp: Any, p: Parameters, values: list[Array | None]) -> Array | None:
    total = None
    for value in values:
        if value is None:
            return None
        inner = xp.sum(value, axis=tuple(range(-p["axes"], 0))) if p["axes"] else value
        total = inner if total is None else total + inner
    return total
