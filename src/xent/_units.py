"""Units of information: nats, bits and bans. Everything is computed in nats and scaled once, at the end."""

from __future__ import annotations

import difflib
from typing import Literal, get_args

Unit = Literal["nats", "bits", "bans"]

UNITS: tuple[str, ...] = get_args(Unit)

# 1 / ln(base), as the nearest double and what is left of it: mpmath.mp.dps = 60; hi = float(1/log(b)); lo = float(1/log(b) - hi)
_PER_NAT: dict[str, float] = {"nats": 1.0, "bits": 1.4426950408889634, "bans": 0.4342944819032518}


def per_nat(unit: str) -> float:
    """How many of `unit` make one nat; ValueError for a unit that is not known."""
    try:
        return _PER_NAT[unit]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(unit), UNITS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"`unit` is {unit!r}; it is one of 'nats', 'bits', 'bans'.{hint}") from None
