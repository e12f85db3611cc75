"""SciPy's ways to say the parameters of the families whose formulas are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xent.distributions._odds import chance
from xent.distributions._view import Family

Array = Any
_CATEGORIES = 1024  # integers of equal chance beyond this many are summed like any other


def _continuous(name: str, **own: str) -> Callable[[Mapping[str, Array], Array, Array], Family]:
    """A family with `loc` and `scale`, its other parameters under SciPy's names."""

    def build(shapes: Mapping[str, Array], loc: Array, scale: Array) -> Family:
        return Family(name, {ours: shapes[theirs] for ours, theirs in own.items()} | {"scale": scale, "loc": loc})

    return build


def _beta(a: Array, b: Array, loc: Array, scale: Array) -> Family:
    return Family("beta", {"a": a, "b": b, "low": loc, "width": scale})


def _lognormal(s: Array, loc: Array, scale: Array) -> Family:
    return Family("lognormal", {"mu": np.log(scale), "median": scale, "sigma": s, "loc": loc})


def _gamma(concentration: Array, loc: Array, scale: Array) -> Family:
    return Family("gamma", {"concentration": concentration, "scale": scale, "loc": loc})


CONTINUOUS: dict[str, Callable[[Mapping[str, Array], Array, Array], Family]] = {
    "norm": _continuous("normal"),
    "expon": _continuous("exponential"),
    "gamma": _continuous("gamma", concentration="a"),
    "erlang": _continuous("gamma", concentration="a"),
    "chi2": lambda p, loc, scale: _gamma(p["df"] / 2.0, loc, 2.0 * scale),
    "invgamma": _continuous("inverse_gamma", concentration="a"),
    "laplace": _continuous("laplace"),
    "logistic": _continuous("logistic"),
    "t": _continuous("student_t", df="df"),
    "cauchy": lambda p, loc, scale: Family("student_t", {"df": np.ones_like(scale), "loc": loc, "scale": scale}),
    "weibull_min": _continuous("weibull", concentration="c"),
    "gumbel_r": _continuous("gumbel"),
    "gumbel_l": _continuous("gumbel_min"),
    "pareto": _continuous("pareto", alpha="b"),
    "beta": lambda p, loc, scale: _beta(p["a"], p["b"], loc, scale),
    "arcsine": lambda p, loc, scale: _beta(np.full_like(loc, 0.5), np.full_like(loc, 0.5), loc, scale),
    "powerlaw": lambda p, loc, scale: _beta(p["a"], np.ones_like(loc), loc, scale),
    "lognorm": lambda p, loc, scale: _lognormal(p["s"], loc, scale),
    "uniform": lambda p, loc, scale: Family("uniform", {"low": loc, "high": loc + scale, "width": scale}),
    "vonmises": lambda p, loc, scale: Family("von_mises", {"loc": loc, "concentration": p["kappa"]}),
}


def _randint(p: Mapping[str, Array], loc: Array) -> Family | None:
    counts = p["high"] - p["low"]
    k = int(counts.flat[0]) if counts.size else 0
    if np.any(counts != k) or not 0 < k <= _CATEGORIES:
        return None
    log_probs = np.full((*counts.shape, k), -np.log(k))
    return Family("categorical", {"log_probs": log_probs, "loc": loc + p["low"]})


DISCRETE: dict[str, Callable[[Mapping[str, Array], Array], Family | None]] = {
    "bernoulli": lambda p, loc: Family("bernoulli", chance(np, p["p"]) | {"loc": loc}),
    "binom": lambda p, loc: Family("binomial", chance(np, p["p"]) | {"n": p["n"], "loc": loc}),
    "geom": lambda p, loc: Family("geometric", chance(np, p["p"]) | {"loc": loc + 1.0}),
    "poisson": lambda p, loc: Family("poisson", {"rate": p["mu"], "loc": loc}),
    "nbinom": lambda p, loc: Family("negative_binomial", chance(np, p["p"]) | {"n": p["n"], "loc": loc}),
    "randint": _randint,
}


def family_of(name: str, shapes: Mapping[str, Array], loc: Array, scale: Array, discrete: bool) -> Family | None:
    """The family that SciPy calls so, or None. Parameters float64 and of the batch's shape."""
    if not all(bool(np.all(np.isfinite(a))) for a in shapes.values()):
        return None  # a Student t of infinitely many degrees of freedom, and the like
    with np.errstate(all="ignore"):
        if discrete:
            return DISCRETE[name](shapes, loc) if name in DISCRETE else None
        return CONTINUOUS[name](shapes, loc, scale) if name in CONTINUOUS else None
