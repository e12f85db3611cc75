"""Distributions of `scipy.stats` as views. SciPy is not imported: an object that comes from it has brought it along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions import _scipy_multivariate, _scipy_new
from xent.distributions._scipy_calls import quantiles, within
from xent.distributions._scipy_density import log_density_of
from xent.distributions._scipy_families import family_of
from xent.distributions._view import View

Array = Any


def recognise(name: str, value: object) -> View | None:
    """The view of a SciPy distribution, or None where `value` is none; `name` is what messages call it."""
    kinds = {c.__name__ for c in type(value).__mro__ if c.__module__.startswith("scipy.stats")}
    if "rv_generic" in kinds:
        value = _without_shapes(name, value)
        kinds = {"rv_frozen"}
    if "rv_frozen" in kinds:
        return _frozen(name, value)
    if kinds & {"UnivariateDistribution", "_ProbabilityDistribution", "_UnivariateDistribution"}:
        return _scipy_new.view(name, value)
    if "gaussian_kde" in kinds:
        return _scipy_multivariate.kernel_view(name, value)
    if "multi_rv_frozen" in kinds:
        return _scipy_multivariate.view(name, value)
    if "multi_rv_generic" in kinds:
        raise TypeError(f"`{name}` is {_called(type(value))}, which has no parameters yet. Call it with them.")
    return None


def _called(kind: type) -> str:
    return f"scipy.stats.{kind.__name__.removesuffix('_gen').removesuffix('_frozen')}"


def _without_shapes(name: str, dist: Any) -> Any:
    """A distribution that is not frozen, frozen: only those without shape parameters are complete."""
    if dist.numargs:
        raise TypeError(
            f"`{name}` is scipy.stats.{dist.name}, which has no parameters yet. "
            f"Call it with them: scipy.stats.{dist.name}({dist.shapes})."
        )
    return dist()


def _frozen(name: str, frozen: Any) -> View:
    """A frozen rv_continuous or rv_discrete, or a batch of them."""
    dist = frozen.dist
    discrete = hasattr(frozen, "pmf") and not hasattr(dist, "pdf")
    shapes, loc, scale = dist._parse_args(*frozen.args, **frozen.kwds)
    arrays = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (*shapes, loc, scale)))
    *shapes, loc, scale = (np.array(a) for a in arrays)
    names = [s.strip() for s in dist.shapes.split(",")] if dist.shapes else []
    if len(shapes) > len(names):  # one parameter that is a list, as the chances of a Poisson binomial
        names = [f"{names[0]}[{i}]" for i in range(len(shapes))]
    given = dict(zip(names, shapes, strict=True))
    shown = given | {"loc": loc} | ({} if discrete else {"scale": scale})
    _check(name, dist, shapes, shown, loc, scale)
    own = type(dist).__module__.startswith("scipy.stats")
    called = type(dist).__name__.removesuffix("_gen")
    circular = own and called == "vonmises"
    if discrete:
        _check_integers(name, dist, loc)
    if circular and np.any(scale != 1):
        raise DistributionError(
            f"`{name}` is scipy.stats.vonmises with scale = {scale.flat[0]:g}; on a circle it is 1."
        )
    low, high = (np.broadcast_to(np.asarray(end, dtype=np.float64), loc.shape) for end in frozen.support())
    if circular:  # SciPy's density goes on around the circle; its draws are these
        low, high = np.full(loc.shape, -np.pi), np.full(loc.shape, np.pi)
    family = family_of(called, given, loc, scale, discrete) if own else None
    return View(
        name=name,
        origin=frozen,
        library="numpy",
        dtype="float64",
        device=None,
        batch=loc.shape,
        event=(),
        discrete=discrete,
        low=low,
        high=high,
        log_density=within(log_density_of(family, frozen.logpmf if discrete else frozen.logpdf), low, high),
        quantile=None if circular else quantiles(frozen.ppf),
        draw=_drawing(frozen, loc.shape),
        reparametrised=False,
        family=family,
    )


def _check(name: str, dist: Any, shapes: list[Array], shown: dict[str, Array], loc: Array, scale: Array) -> None:
    """Refuse parameters of which SciPy makes NaN."""
    with np.errstate(all="ignore"):
        good = np.isfinite(loc) & np.isfinite(scale) & (scale > 0)
        good = good & np.asarray(dist._argcheck(*shapes), dtype=bool)
    if np.all(good):
        return
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    wrong = ", ".join(f"{key} = {float(a[index])!r}" for key, a in shown.items())
    where = f" at {index[0] if len(index) == 1 else index} of the batch" if index else ""
    raise DistributionError(
        f"`{name}` is scipy.stats.{dist.name} with {wrong}{where}, which SciPy answers with NaN. "
        "Scales are positive, and shapes in the domain that its documentation gives."
    )


def _check_integers(name: str, dist: Any, loc: Array) -> None:
    """Refuse outcomes that are no integers: nothing would be found at the integers between."""
    places = getattr(dist, "xk", None)
    if np.any(loc != np.floor(loc)):
        what = f"loc = {float(loc[loc != np.floor(loc)].flat[0])!r}"
    elif places is not None and np.any(np.asarray(places) != np.floor(places)):
        what = "values that are no integers"
    else:
        return
    raise DistributionError(
        f"`{name}` is scipy.stats.{dist.name or 'rv_discrete'} with {what}; its outcomes must be integers. "
        "Measures of probabilities do not depend on the outcomes: pass the probabilities as an array."
    )


def _drawing(frozen: Any, batch: tuple[int, ...]) -> Callable[[int, np.random.Generator], Array]:
    def draw(n: int, generator: np.random.Generator) -> Array:
        return np.asarray(frozen.rvs(size=(n, *batch), random_state=generator), dtype=np.float64)

    return draw
