"""What becomes of a family when its outcomes are scaled and shifted."""

from __future__ import annotations

from typing import Any

from xent.distributions._view import Family

_SYMMETRIC = ("normal", "laplace", "logistic", "student_t")
_BY_LOC_AND_SCALE = ("gamma", "inverse_gamma", "exponential", "weibull", "pareto")
_MIRRORED = {"gumbel": "gumbel_min", "gumbel_min": "gumbel"}


def affine(xp: Any, family: Family | None, scale: Any, shift: Any) -> Family | None:
    """The family of `scale * X + shift`, or None where that is none of ours. A scale of one sign, and not 0."""
    if family is None or not bool(xp.all(scale != 0)):
        return None
    if bool(xp.all(scale > 0)):
        return _grown(xp, family, scale, shift)
    if bool(xp.all(scale < 0)):
        mirrored = _mirrored(family)
        return None if mirrored is None else _grown(xp, mirrored, -scale, shift)
    return None


def _grown(xp: Any, family: Family, scale: Any, shift: Any) -> Family | None:
    """The family of `scale * X + shift`, scale > 0."""
    name, p = family.name, dict(family.parameters)
    if name in (*_SYMMETRIC, *_MIRRORED, *_BY_LOC_AND_SCALE):
        return Family(name, p | {"scale": p["scale"] * scale, "loc": p["loc"] * scale + shift})
    if name == "lognormal":
        p.pop("median", None)  # which may not be a float any more
        return Family(name, p | {"mu": p["mu"] + xp.log(scale), "loc": p["loc"] * scale + shift})
    if name == "uniform":
        ends = {"low": p["low"] * scale + shift, "high": p["high"] * scale + shift}
        return Family(name, ends | {"width": p["width"] * scale})
    if name == "beta":
        return Family(name, p | {"low": p["low"] * scale + shift, "width": p["width"] * scale})
    return None


def _mirrored(family: Family) -> Family | None:
    """The family of -X."""
    name, p = family.name, dict(family.parameters)
    if name in _SYMMETRIC or name in _MIRRORED:
        return Family(_MIRRORED.get(name, name), p | {"loc": -p["loc"]})
    if name == "uniform":
        return Family(name, {"low": -p["high"], "high": -p["low"], "width": p["width"]})
    if name == "beta":
        return Family(name, {"a": p["b"], "b": p["a"], "low": -(p["low"] + p["width"]), "width": p["width"]})
    return None
