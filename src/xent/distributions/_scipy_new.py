"""SciPy's newer distributions (`scipy.stats.Normal`, `make_distribution`, `3 * X + 1`) as views."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions._affine import affine
from xent.distributions._odds import chance
from xent.distributions._scipy_calls import quietly, within
from xent.distributions._scipy_density import log_density_of
from xent.distributions._scipy_families import CONTINUOUS, DISCRETE, family_of
from xent.distributions._view import Family, View

Array = Any


def view(name: str, value: Any) -> View:
    """A distribution of SciPy's random variable classes, or a batch of them."""
    low, high = (np.asarray(end, dtype=np.float64) for end in value.support())
    low, high = np.broadcast_arrays(low, high)
    if np.any(np.isnan(low) | np.isnan(high)):
        given = getattr(value, "_original_parameters", {})
        told = ", ".join(f"{key} = {np.asarray(a).tolist()!r}" for key, a in given.items() if a is not None)
        raise DistributionError(
            f"`{name}` is SciPy's {_called(value)} with {told or 'parameters outside their domain'}: "
            "some of it is outside the domain, and SciPy answers with NaN."
        )
    family = _family(value)
    discrete = "DiscreteDistribution" in {c.__name__ for c in type(value).__mro__}
    return View(
        name=name,
        origin=value,
        library="numpy",
        dtype="float64",
        device=None,
        batch=low.shape,
        event=(),
        discrete=discrete,
        low=np.array(low),
        high=np.array(high),
        log_density=within(log_density_of(family, value.logpmf if discrete else value.logpdf), low, high),
        quantile=quietly(value.icdf),
        draw=_drawing(value, low.shape),
        reparametrised=False,
        family=family,
    )


def _called(value: Any) -> str:
    """The name that SciPy shows: `Gamma` for what `make_distribution(gamma)` made."""
    return repr(value).partition("(")[0]


def _drawing(value: Any, batch: tuple[int, ...]) -> Callable[[int, np.random.Generator], Array]:
    def draw(n: int, generator: np.random.Generator) -> Array:
        found = value.sample((n,), rng=generator)
        return np.reshape(np.asarray(found, dtype=np.float64), (n, *batch))

    return draw


# -- families --------------------------------------------------------------------------------------


def _family(value: Any) -> Family | None:
    """The family of a distribution, seen through what it was made of."""
    kind = type(value).__name__
    if kind == "ShiftedScaledDistribution":
        parameters = getattr(value, "_parameters", {})
        return affine(np, _family(value._dist), parameters["scale"], parameters["loc"])
    if kind == "MonotonicTransformedDistribution":
        return _exponential_of(_family(value._dist)) if value._g is np.exp else None
    if kind == "CustomDistribution" and "_make_distribution_rv_generic" in type(value).__qualname__:
        return _made(value)
    build = _NAMED.get(kind)
    return None if build is None or not type(value).__module__.startswith("scipy.stats") else build(value)


def _of(value: Any, *names: str) -> list[Array]:
    return [np.array(a) for a in np.broadcast_arrays(*(np.asarray(getattr(value, n), np.float64) for n in names))]


def _normal(value: Any) -> Family:
    loc, scale = _of(value, "mu", "sigma")
    return Family("normal", {"loc": loc, "scale": scale})


def _uniform(value: Any) -> Family:
    low, high = _of(value, "a", "b")
    return Family("uniform", {"low": low, "high": high, "width": high - low})


def _logistic(value: Any) -> Family:
    del value
    return Family("logistic", {"loc": np.asarray(0.0), "scale": np.asarray(1.0)})


def _binomial(value: Any) -> Family:
    n, p = _of(value, "n", "p")
    with np.errstate(all="ignore"):
        return Family("binomial", chance(np, p) | {"n": n, "loc": np.zeros_like(n)})


_NAMED: dict[str, Callable[[Any], Family]] = {
    "Normal": _normal,
    "StandardNormal": _normal,
    "Uniform": _uniform,
    "Logistic": _logistic,
    "Binomial": _binomial,
}


def _exponential_of(family: Family | None) -> Family | None:
    """The family of exp(X)."""
    if family is None or family.name != "normal":
        return None
    loc, scale = family.parameters["loc"], family.parameters["scale"]
    return Family("lognormal", {"mu": loc, "sigma": scale, "loc": np.zeros_like(loc)})


def _made(value: Any) -> Family | None:
    """The family of what `make_distribution` made of an older one; only the name that is shown tells which."""
    shown = getattr(sys.modules[type(value).__module__], "_distribution_names", {})
    called = _called(value)
    for older in (*CONTINUOUS, *DISCRETE):
        if called == shown.get(older, older.capitalize()):
            given = {key: np.asarray(a, dtype=np.float64) for key, a in value._parameters.items()}
            given = dict(zip(given, np.broadcast_arrays(*given.values()), strict=True)) if given else {}
            like = next(iter(given.values()), np.asarray(0.0))
            return family_of(older, given, np.zeros_like(like), np.ones_like(like), older in DISCRETE)
    return None
