"""SciPy's distributions of points and matrices, and its kernel density estimate, as views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent.distributions._scipy_calls import quietly
from xent.distributions._view import Family, View

Array = Any
_LAST = ("dirichlet_frozen", "wishart_frozen", "invwishart_frozen")  # whose functions take places along the last axis


def view(name: str, frozen: Any) -> View | None:
    """A frozen multivariate distribution; None for one without a density."""
    kind = type(frozen).__name__
    discrete = hasattr(frozen, "logpmf")
    function = getattr(frozen, "logpmf" if discrete else "logpdf", None)
    shapes = _shapes(kind, frozen)
    if function is None or shapes is None:
        return None
    batch, event = shapes
    return View(
        name=name,
        origin=frozen,
        library="numpy",
        dtype="float64",
        device=None,
        batch=batch,
        event=event,
        discrete=discrete,
        low=None,
        high=None,
        log_density=_log_density(_at_integers(function) if discrete else function, batch, event, last=kind in _LAST),
        quantile=None,
        draw=_drawing(frozen.rvs, batch, event) if hasattr(frozen, "rvs") else None,
        reparametrised=False,
        family=_family(kind, frozen),
    )


def _shapes(kind: str, frozen: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The shapes of the batch and of one outcome, None for distributions that are not known here."""
    if kind in ("multivariate_normal_frozen", "multivariate_t_frozen", "vonmises_fisher_frozen"):
        return (), (int(frozen.dim),)
    if kind in ("wishart_frozen", "invwishart_frozen"):
        return (), (int(frozen.dim),) * 2
    if kind == "dirichlet_frozen":
        return (), np.shape(frozen.alpha)
    if kind in ("matrix_normal_frozen", "matrix_t_frozen"):
        return (), tuple(int(d) for d in frozen.dims)
    counts = {"multinomial_frozen": "p", "dirichlet_multinomial_frozen": "alpha", "multivariate_hypergeom_frozen": "m"}
    if kind in counts:
        *batch, k = np.shape(getattr(frozen, counts[kind]))
        return np.broadcast_shapes(tuple(batch), np.shape(frozen.n)), (k,)
    return None


def _at_integers(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A log probability of places told as floats: -inf where one is no integer."""

    def run(x: Array) -> Array:
        whole = np.isfinite(x) & (x == np.floor(x))
        found = function(np.where(whole, x, 0.0).astype(np.int64))
        return np.where(np.all(whole, axis=-1), found, np.where(np.any(np.isnan(x), axis=-1), np.nan, -np.inf))

    return run


def _log_density(
    function: Callable[[Array], Array], batch: tuple[int, ...], event: tuple[int, ...], *, last: bool
) -> Callable[[Array], Array]:
    """The log density of places (..., *batch, *event); what SciPy refuses lies outside the support: -inf."""

    def log_density(x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        shape = x.shape[: x.ndim - len(event)]
        if batch:
            return np.broadcast_to(quietly(function)(x), shape)
        places = np.reshape(x, (-1, *event))
        try:
            return np.reshape(many(places), shape)
        except (ValueError, np.linalg.LinAlgError):
            return np.reshape([one(place) for place in places], shape)

    def many(places: Array) -> Array:
        return quietly(function)(np.moveaxis(places, 0, -1) if last else places)

    def one(place: Array) -> float:
        try:
            return float(np.reshape(many(place[None]), ()))
        except (ValueError, np.linalg.LinAlgError):
            return np.nan if np.any(np.isnan(place)) else -np.inf

    return log_density


def _drawing(
    rvs: Callable[..., Array], batch: tuple[int, ...], event: tuple[int, ...]
) -> Callable[[int, np.random.Generator], Array]:
    def draw(n: int, generator: np.random.Generator) -> Array:
        found = rvs(size=(n, *batch) if batch else n, random_state=generator)
        return np.reshape(np.asarray(found, dtype=np.float64), (n, *batch, *event))

    return draw


def _family(kind: str, frozen: Any) -> Family | None:
    if kind == "dirichlet_frozen":
        return Family("dirichlet", {"concentration": np.asarray(frozen.alpha, dtype=np.float64)})
    if kind not in ("multivariate_normal_frozen", "wishart_frozen"):
        return None
    matrix = np.asarray(frozen.cov if kind == "multivariate_normal_frozen" else frozen.scale, dtype=np.float64)
    try:
        tril = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None  # a singular covariance: no density in all of space
    if kind == "wishart_frozen":
        return Family("wishart", {"df": np.asarray(frozen.df, dtype=np.float64), "scale_tril": tril})
    loc = np.asarray(frozen.mean, dtype=np.float64)
    return Family("multivariate_normal", {"loc": loc, "scale_tril": tril, "covariance": matrix})


# -- the kernel density estimate --------------------------------------------------------------------------------------


def kernel_view(name: str, kde: Any) -> View:
    """A `gaussian_kde`: a mixture of as many Normals as there were points."""
    event = () if kde.d == 1 else (int(kde.d),)

    def function(x: Array) -> Array:
        places = np.reshape(x, (-1, kde.d))
        finite, unknown = np.all(np.isfinite(places), axis=-1), np.any(np.isnan(places), axis=-1)
        found = kde.logpdf(np.where(finite[:, None], places, 0.0).T)  # which refuses infinite places
        found = np.where(finite, found, np.where(unknown, np.nan, -np.inf))
        return np.reshape(found, x.shape[: x.ndim - len(event)])

    def draw(n: int, generator: np.random.Generator) -> Array:
        return np.reshape(kde.resample(n, seed=generator).T, (n, *event))

    return View(
        name=name,
        origin=kde,
        library="numpy",
        dtype="float64",
        device=None,
        batch=(),
        event=event,
        discrete=False,
        low=None if event else np.asarray(-np.inf),
        high=None if event else np.asarray(np.inf),
        log_density=quietly(function),
        quantile=None if event else _kernel_quantile(kde),
        draw=draw,
        reparametrised=False,
        family=None,
    )


def _kernel_quantile(kde: Any) -> Callable[[Array], Array]:
    """The quantile of a one-dimensional estimate, by bisection of its distribution function."""
    from scipy.special import ndtr  # only for an object that SciPy has made

    centres, width, weights = kde.dataset[0], float(np.sqrt(kde.covariance[0, 0])), kde.weights

    def below(x: Array) -> Array:
        return ndtr((x[..., None] - centres) / width) @ weights

    def quantile(u: Array) -> Array:
        u = np.asarray(u, dtype=np.float64)
        low = np.full(u.shape, centres.min() - 39.0 * width)
        high = np.full(u.shape, centres.max() + 39.0 * width)
        for _ in range(60):
            middle = 0.5 * (low + high)
            left = below(middle) < u
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        return np.where(u <= 0, -np.inf, np.where(u >= 1, np.inf, high))

    return quantile
