"""Units of information: nats, bits and bans. Everything is computed in nats and divided once, at the end."""

from __future__ import annotations

import difflib

# The unit in nats: ln of the base of its logarithm.
_NATS = {"nats": 1.0, "bits": 0.6931471805599453, "bans": 2.302585092994046}


def in_nats(unit: str) -> float:
    """How many nats one `unit` is; ValueError for a unit that is not known."""
    try:
        return _NATS[unit]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(unit), _NATS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"`unit` is {unit!r}; it is one of 'nats', 'bits', 'bans'.{hint}") from None


def per_nat(unit: str) -> float:
    """How many of `unit` make one nat."""
    return 1.0 / in_nats(unit)
