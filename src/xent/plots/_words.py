"""Numbers and units as the figures write them."""

from __future__ import annotations

import math

from xent._units import per_nat

LOG = {"nats": "ln", "bits": "log₂", "bans": "log₁₀"}
_SINGULAR = {"nats": "nat", "bits": "bit", "bans": "ban"}


def number(value: float) -> str:
    """Three decimals without trailing zeros; three digits when the value is under 0.01; inf as inf."""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value != 0 and abs(value) < 0.01:
        return f"{value:.3g}"
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def amount(nats: float, unit: str) -> str:
    """A quantity computed in nats, written in `unit`: '0.446 nats', '1 bit'."""
    text = number(nats * per_nat(unit))
    return f"{text} {_SINGULAR[unit] if text == '1' else unit}"


def in_nats_and_bits(nats: float, unit: str) -> str:
    """The same quantity in nats and in bits, and in the unit of the figure where that is another one."""
    units = ["nats", "bits"] + ([unit] if unit not in ("nats", "bits") else [])
    return " = ".join(amount(nats, u) for u in units)


def row(values: object) -> str:
    """A distribution as it is typed: (0.1, 0.2, 0.7)."""
    return "(" + ", ".join(number(float(v)) for v in values) + ")"  # type: ignore[attr-defined]
