"""Rényi divergences from p^alpha q^(1 - alpha) as a density of its own, over its largest value.

Of distributions that hardly overlap the integral underflows, of orders above 1 it may overflow, and it may lie where
neither of the two has mass. So its modes are looked for as those of a density are, and its logarithm is that of its
largest value and of an integral of ordinary size.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from xent._errors import NotConverged
from xent._objects import Details, How
from xent.distributions import _quadrature, _summation
from xent.distributions._integrands import Integrand
from xent.distributions._landmarks import landmarks
from xent.distributions._libraries import to_numpy, together
from xent.distributions._panels import somewhere
from xent.distributions._problem import NEGLIGIBLE, log_densities, pose, without_derivatives
from xent.distributions._view import View
from xent.measures import _namespace as ns

Array = Any
_ROUNDINGS = 8.0  # of the logarithm of the largest value: so many, at the size of its parts

_ENDLESS = 1e100  # the logarithm of a largest value that is none: it grows to where floats end


def renyi_divergence(p: View, q: View, alpha: float, how: How) -> Details:
    """The Rényi divergence of an order above 0 that is not 1, by quadrature or summation."""
    integrand = Integrand(_density, _density, "p", lambda xp, v: xp.log(v) / (alpha - 1.0), normalised=False)
    bridge = _bridge(p, q, alpha)
    problem = pose(integrand, bridge, None, how.bounds)
    marks = landmarks(problem)[0]
    marks = np.where(np.isnan(marks), somewhere(problem), marks)
    heights = log_densities(bridge, problem, marks)
    best = np.argmax(np.where(np.isfinite(heights), heights, -np.inf), axis=0)[None]
    top, place = (np.take_along_axis(a, best, axis=0).reshape(problem.batch) for a in (heights, marks))
    top = np.where(np.isfinite(top), top, 0.0)
    if np.any(top > _ENDLESS):
        raise NotConverged(f"The product of powers of `p` and `q` grows to e^{float(np.max(top)):.3g} and beyond.")
    add_up = _summation.summate if p.discrete else _quadrature.integrate
    found = add_up(integrand, _lowered(bridge, top), None, bounds=how.bounds, rtol=how.rtol)
    value = sum(together(found.value, top / (alpha - 1.0)))
    size = abs(alpha) * _size(p, place) + abs(1.0 - alpha) * _size(q, place)
    blur = float(np.finfo(bridge.dtype).eps) * _ROUNDINGS * size / abs(alpha - 1.0)
    error = np.where(np.isfinite(to_numpy(value)), found.error_bound + blur, 0.0)[()]
    return Details(value, "quadrature", error, None, found.n)


def _density(xp: Any, lp: Array, _: Array) -> Array:
    gone = lp == -math.inf
    return xp.where(gone, xp.zeros_like(lp), xp.exp(xp.where(gone, xp.zeros_like(lp), lp)))


def _bridge(p: View, q: View, alpha: float) -> View:
    """p^alpha q^(1 - alpha), not normalised, between the ends of both supports where they are known."""
    model = p if p.library == "torch" else q

    def log_density(x: Array) -> Array:
        lp, lq, allowed = together(p.log_density(x), q.log_density(x), _allowed(q, x))
        xp = ns.namespace(lp)
        lp, lq = (xp.astype(a, ns.working_dtype(xp, a), copy=False) for a in (lp, lq))
        nowhere = (lp < NEGLIGIBLE) & allowed if alpha > 1.0 else lq == -math.inf
        gone = (lp == -math.inf) | ((lq == -math.inf) & nowhere)
        zero = xp.zeros_like(lp + lq)
        inside = alpha * xp.where(gone, zero, lp) + (1.0 - alpha) * xp.where(gone, zero, lq)
        return xp.where(gone, xp.full_like(inside, -math.inf), inside)

    low, high = _overlap(p, q)
    return View(
        name="p^alpha q^(1 - alpha)",
        origin=(p.origin, q.origin),
        library=model.library,
        dtype="float64" if p.dtype == q.dtype == "float64" else "float32",
        device=model.device,
        batch=np.broadcast_shapes(p.batch, q.batch),
        event=(),
        discrete=p.discrete,
        low=low,
        high=high,
        log_density=log_density,
        quantile=None,
        draw=None,
        reparametrised=False,
        family=None,
    )


def _allowed(q: View, x: Array) -> Array:
    """Where q rules nothing out: a log density of -inf there is one that overflowed."""
    return np.ones(np.shape(x), dtype=bool) if q.low is None or q.high is None else (x >= q.low) & (x <= q.high)


def _overlap(p: View, q: View) -> tuple[Array | None, Array | None]:
    """Where both supports are; where they do not meet, p's, on which nothing is then."""
    if p.low is None or p.high is None or q.low is None or q.high is None:
        return p.low, p.high
    low, high = np.maximum(p.low, q.low), np.minimum(p.high, q.high)
    meet = low <= high if p.discrete else low < high
    return np.where(meet, low, p.low), np.where(meet, high, p.high)


def _lowered(bridge: View, top: Array) -> View:
    """With the largest value 1."""

    def log_density(x: Array) -> Array:
        found, level = together(bridge.log_density(x), top)
        return found - level

    return replace(bridge, log_density=log_density)


def _size(view: View, place: Array) -> Array:
    """How large a log density is at a place of each of the batch."""
    with without_derivatives(view), np.errstate(all="ignore"):
        found = np.abs(to_numpy(view.log_density(place)))
    return np.where(np.isfinite(found), found, 0.0)
