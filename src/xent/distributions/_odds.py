"""The chance of success of the integer families: as probability where it was told so, and as log-odds."""

from __future__ import annotations

from typing import Any

from xent.measures._namespace import quiet


def chance(xp: Any, success: Any) -> dict[str, Any]:
    """The parameters of a chance of success that was told as a probability.

    Both are kept: the log-odds of 1e-300 have lost three of its digits, and near equality needs them all.
    """
    return {"log_odds": log_odds(xp, success), "success": success}


def log_odds(xp: Any, success: Any) -> Any:
    """log(p / (1 - p)): near 1/2, where it vanishes, by differences that are exact; infinite at 0 and 1."""
    half = xp.full_like(success, 0.5)
    middle = (success > 0.25) & (success < 0.75)
    m = xp.where(middle, success, half)
    edge = xp.where(middle, half, success)
    above = xp.log1p(xp.where(m < 0.5, half, (2.0 * m - 1.0) / (1.0 - m)))
    below = -xp.log1p(xp.where(m < 0.5, (1.0 - 2.0 * m) / m, half))
    with quiet(xp):
        far = xp.log(edge) - xp.log1p(-edge)
    return xp.where(middle, xp.where(m < 0.5, below, above), far)


def complement(chance: dict[str, Any]) -> dict[str, Any]:
    """The parameters of failure, from those of success."""
    found = {"log_odds": -chance["log_odds"]}
    return found | ({"failure": chance["success"]} if "success" in chance else {})
