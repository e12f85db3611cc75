"""The measures of distributions: which method answers, and what it says about itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from xent import _check, _units
from xent._errors import DistributionError, NotConverged
from xent._forms import Samples
from xent._objects import Details, How
from xent.distributions import (
    _alpha,
    _bridge,
    _closed,
    _libraries,
    _monte_carlo,
    _products,
    _quadrature,
    _rounding,
    _samples,
    _summation,
)
from xent.distributions._integrands import INTEGRANDS, Integrand
from xent.distributions._method import Method, choose
from xent.distributions._product import Product
from xent.distributions._view import View
from xent.distributions._views import check_pair, view
from xent.measures import _namespace as ns


def implementation(measure: str) -> Callable[..., Details]:
    """What the measures hand on to: see `xent._objects.answer`."""
    return partial(_answer, measure)


def _answer(measure: str, *arguments: Any, unit: str, how: How, **parameters: Any) -> Details:
    scale = _scale(measure, unit)
    _check_how(how)
    if any(isinstance(a, Samples) for a in arguments):
        found = _of_samples(measure, arguments)
    elif all(isinstance(a, Product) for a in arguments) and measure in _products.ADDITIVE:
        found = _products.answer(measure, arguments, how, parameters, _of_views)
    else:
        names = ("p", "q")[: len(arguments)]
        views = tuple(view(name, a) for name, a in zip(names, arguments, strict=True))
        found = _of_views(measure, views, how, parameters)
    return _scaled(found, scale)


def _of_samples(measure: str, arguments: tuple[Any, ...]) -> Details:
    """The mean surprisal of samples under a model; what else samples tell has to be estimated."""
    if len(arguments) == 2 and isinstance(arguments[0], Samples) and not isinstance(arguments[1], Samples):
        if measure == "cross_entropy":
            return _samples.cross_entropy_of_samples(arguments[0], view("q", arguments[1]))
        if measure == "perplexity":
            return _samples.perplexity_of_samples(arguments[0], view("q", arguments[1]))
    estimated = measure if measure in ("entropy", "kl_divergence") else None
    advice = f" `xent.estimators.{estimated}` estimates it from samples." if estimated else ""
    raise DistributionError(
        f"Samples are observations of a truth that is not known: `xent.cross_entropy(xent.Samples(x), Q)` is their "
        f"mean surprisal under a model, first argument samples, second a distribution.{advice}"
    )


def _of_views(measure: str, views: tuple[View, ...], how: How, parameters: dict[str, Any]) -> Details:
    p, q = views[0], views[1] if len(views) == 2 else None
    batch = p.batch if q is None else check_pair(p, q)
    plan = None if measure in INTEGRANDS else _alpha.plan(measure, **parameters)
    closed = None if how.method not in (None, "closed form") else _closed.value(measure, p, q, plan)
    chosen = choose(measure, p, q, how, closed=closed is not None)
    dtype = _libraries.result_dtype(*views)
    if chosen is Method.CLOSED_FORM:
        value = _libraries.finished(_broadcast(closed, batch), dtype)
        members = tuple(v.family for v in views if v.family is not None)
        bound = _rounding.bound(measure, value, dtype, members) if how.details else None
        return Details(value, "closed form", bound, None, 0)
    compute = _integrated if chosen is Method.QUADRATURE else partial(_drawn, measure)
    found = compute(INTEGRANDS[measure], p, q, how) if plan is None else _planned(compute, plan, p, q, how)
    return replace(found, value=_libraries.finished(found.value, dtype))


def _planned(compute: Callable[..., Details], plan: _alpha.Plan, p: View, q: View | None, how: How) -> Details:
    """A measure of the alpha family; what is lost of a Rényi divergence of distributions far apart is made up for."""
    first, second = (q, p) if plan.changed and q is not None else (p, q)
    bridge = None
    if compute is _integrated and plan.bridged and plan.order is not None and q is not None:
        bridge = partial(_bridge.renyi_divergence, p, q, plan.order, how)
    try:
        found = compute(plan.near, first, second, how)
    except NotConverged as why:
        if bridge is None:
            raise
        try:
            return bridge()
        except NotConverged:
            raise why from None
    lost = plan.is_far is not None and plan.is_far(_libraries.to_numpy(found.value))
    if not np.any(lost) or (bridge is None and plan.far is None):
        return found
    far = bridge() if bridge is not None else compute(plan.far, first, second, how)
    return _chosen_of(lost, far, found)


def _integrated(integrand: Integrand, p: View, q: View | None, how: How) -> Details:
    add_up = _summation.summate if p.discrete else _quadrature.integrate
    found = add_up(integrand, p, q, bounds=how.bounds, rtol=how.rtol)
    return Details(found.value, "quadrature", found.error_bound, None, found.n)


def _drawn(measure: str, integrand: Integrand, p: View, q: View | None, how: How) -> Details:
    found = _monte_carlo.estimate(
        measure,
        integrand,
        p,
        q,
        estimator=how.estimator,
        n=how.n,
        rtol=how.rtol,
        seed=how.seed,
        known=_known(measure, p, q),
    )
    return Details(found.value, "Monte Carlo", None, found.standard_error, found.n)


def _chosen_of(mask: Any, first: Details, second: Details) -> Details:
    """One by one of a batch, the first where the mask is set."""
    xp = ns.namespace(first.value)
    where = xp.asarray(np.asarray(mask), device=ns.helper_device(first.value))

    def pick(a: Any, b: Any) -> Any:
        return None if a is None else np.where(mask, a, b)[()]

    return Details(
        xp.where(where, first.value, second.value),
        first.method,
        pick(first.error_bound, second.error_bound),
        pick(first.standard_error, second.standard_error),
        first.n + second.n,
    )


def _known(measure: str, p: View, q: View | None) -> dict[str, Any]:
    """What formulas know about a divergence that has none of its own: controls for its draws."""
    if measure not in ("kl_divergence", "cross_entropy") or q is None:
        return {}
    found = {
        "entropy": _closed.value("entropy", p, None),
        "cross_entropy": _closed.value("cross_entropy", p, q),
    }
    return {name: value for name, value in found.items() if value is not None}


def _check_how(how: How) -> None:
    """Refuse keywords that make no sense, before anything is computed."""
    methods = ("closed form", "quadrature", "Monte Carlo")
    _check.one_of("method", how.method, methods)
    _check.one_of("estimator", how.estimator, ("k1", "k2", "k3"))
    if how.n is not None and not _is_integer(how.n, 2):
        raise ValueError(f"`n` is {how.n!r}; it is a number of draws, an integer of at least 2.")
    if how.rtol is not None and not 0 < how.rtol < 1:
        raise ValueError(f"`rtol` is {how.rtol!r}; it is a relative error between 0 and 1.")
    if how.bounds is not None:
        low, high = how.bounds
        if not low < high:
            raise ValueError(f"`bounds` is {how.bounds!r}; it is (low, high) with low < high.")
    if how.seed is not None and not _is_integer(how.seed, 0):
        raise ValueError(f"`seed` is {how.seed!r}; it is an integer of at least 0.")


def _is_integer(value: Any, least: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


def _scale(measure: str, unit: str) -> float:
    nats = _units.in_nats(unit)
    return math.sqrt(nats) if measure == "js_distance" else nats


def _scaled(found: Details, nats: float) -> Details:
    if nats == 1.0:
        return found

    def over(x: Any) -> Any:
        return None if x is None else x / nats

    return Details(over(found.value), found.method, over(found.error_bound), over(found.standard_error), found.n)


def _broadcast(value: Any, batch: tuple[int, ...]) -> Any:
    xp = ns.namespace(value)
    return value if tuple(value.shape) == batch else xp.broadcast_to(value, batch)
