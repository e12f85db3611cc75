"""What is integrated or summed: a measure of one or two views, lane by lane of the batch, in NumPy float64."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from xent._errors import DistributionError
from xent.distributions._integrands import Integrand
from xent.distributions._view import View, rounding
from xent.measures._namespace import differentiates, graft, namespace, quiet

Array = np.ndarray[Any, Any]

NEGLIGIBLE = -100.0  # what p weighs where its log density is less, 1e-43, is nothing
_ROUNDINGS = 8.0  # of a log density: so many, at its own size or at 1


class Integral(NamedTuple):
    """A measure, how far it may be from the truth (NumPy float64), and at how many places it was computed a lane."""

    value: Any
    error_bound: Array
    n: int


class Terms(NamedTuple):
    """The integrand at places, what rounding may do to it, and how it moves with each log density (absolute)."""

    value: Array
    noise: Array
    slope_p: Array
    slope_q: Array


class Totals(NamedTuple):
    """What each lane holds: the integral, a bound of its error, how it moves with the log densities, and the masses."""

    value: Array
    error: Array
    slope: Array
    mass: Array
    mass_q: Array
    mass_error: Array
    infinite: Array


@dataclass(frozen=True, slots=True)
class Problem:
    """An integrand of views: `low` and `high` (2, lanes) are the supports of p and q, `start` and `end` the range."""

    integrand: Integrand
    p: View
    q: View | None
    batch: tuple[int, ...]
    low: Array
    high: Array
    start: Array
    end: Array

    @property
    def lanes(self) -> int:
        """How many members the batch has."""
        return math.prod(self.batch)

    @property
    def views(self) -> tuple[View, ...]:
        """p, and q where there is one."""
        return (self.p,) if self.q is None else (self.p, self.q)

    @property
    def checks_q(self) -> bool:
        """Whether the range is that of q too, so that its mass must be there."""
        return self.q is not None and self.integrand.over == "both"

    @property
    def eps(self) -> float:
        """Rounding of the coarser of the densities."""
        return max(rounding(view.dtype) for view in self.views)


def pose(integrand: Integrand, p: View, q: View | None, bounds: tuple[float, float] | None) -> Problem:
    """The problem of these views, over the support of p or of both, or the part of it within `bounds`."""
    views = (p,) if q is None else (p, q)
    batch = np.broadcast_shapes(*(view.batch for view in views))
    low = np.stack([_ends(view.low, -math.inf, batch) for view in views])
    high = np.stack([_ends(view.high, math.inf, batch) for view in views])
    both = integrand.over == "both"
    start, end = (np.min(low, axis=0), np.max(high, axis=0)) if both else (low[0], high[0])
    if bounds is not None:
        start, end = np.maximum(start, bounds[0]), np.minimum(end, bounds[1])
    if np.any(~(start <= end) if p.discrete else ~(start < end)):
        given = "its ends" if bounds is None else f"`bounds={bounds}`"
        raise DistributionError(
            f"There is nothing of the support of `{p.name}` between {given}: low must be below high."
        )
    return Problem(integrand, p, q, batch, low, high, start, end)


def _ends(end: Array | None, unknown: float, batch: tuple[int, ...]) -> Array:
    return np.broadcast_to(np.asarray(unknown if end is None else end, dtype=np.float64), batch).reshape(-1)


# -- densities and terms at places -------------------------------------------------------------------------------------


def log_densities(view: View, problem: Problem, places: Array) -> Array:
    """Log densities at places of shape (n, lanes), as NumPy float64; no derivative is kept."""
    with without_derivatives(view), np.errstate(all="ignore"):
        found = view.log_density(places.reshape(-1, *problem.batch))
    if view.library == "torch":
        found = found.detach().cpu().double().numpy()
    found = np.asarray(found, dtype=np.float64)
    return np.broadcast_to(found, (places.shape[0], *problem.batch)).reshape(places.shape)


@contextlib.contextmanager
def without_derivatives(view: View) -> Generator[None]:
    """Where torch records nothing."""
    if view.library != "torch":
        yield
        return
    with sys.modules["torch"].no_grad():
        yield


def terms(problem: Problem, lanes: Array, places: Array, lp: Array, lq: Array | None) -> Terms:
    """The integrand from log densities at places of these lanes (arrays of one shape)."""
    if problem.q is not None and lq is not None:
        lp = _seen(problem, lanes, places, lp, lq)
    xp = namespace(lp)
    moved_p = problem.eps * _ROUNDINGS * (1.0 + np.where(np.isfinite(lp), np.abs(lp), 0.0))
    with quiet(xp):
        value = problem.integrand.term(xp, lp, lq)
        noise = np.abs(problem.integrand.term(xp, lp + moved_p, lq) - value)
        slope_p = noise / moved_p
        slope_q = np.zeros_like(value)
        if lq is not None:
            moved_q = problem.eps * _ROUNDINGS * (1.0 + np.where(np.isfinite(lq), np.abs(lq), 0.0))
            change = np.abs(problem.integrand.term(xp, lp, lq + moved_q) - value)
            noise, slope_q = noise + change, change / moved_q
        noise = noise + problem.eps * np.abs(value)
    return Terms(value, *(np.where(np.isfinite(a), a, 0.0) for a in (noise, slope_p, slope_q)))


def _seen(problem: Problem, lanes: Array, places: Array, lp: Array, lq: Array) -> Array:
    """`lp`, -inf where next to nothing of p is, within the support of a q whose log density is -inf nevertheless.

    That q rules nothing out there: its log density overflowed, or is the log of a density that underflowed.
    """
    inside = (places >= problem.low[1, lanes]) & (places <= problem.high[1, lanes])
    return np.where((lq == -math.inf) & inside & (lp < NEGLIGIBLE), -math.inf, lp)


def member(problem: Problem, lane: int) -> str:
    """Which member of a batch, for a message."""
    if not problem.batch:
        return ""
    return f" at {tuple(int(i) for i in np.unravel_index(lane, problem.batch))} of the batch"


# -- the result --------------------------------------------------------------------------------------------------------


def missing(problem: Problem, found: Totals) -> Array:
    """How far masses are from 1, beyond what their tails explain, in lanes that are not infinite."""
    if not problem.integrand.normalised:
        return np.zeros_like(found.mass)
    off = np.abs(found.mass - 1.0)
    if problem.checks_q:
        off = np.maximum(off, np.abs(found.mass_q - 1.0))
    return np.where(found.infinite, 0.0, off - found.mass_error)


def nothing(problem: Problem) -> Integral:
    """The measure of a batch that has no members."""
    none = np.zeros(0)
    return conclude(problem, Totals(none, none, none, none, none, none, np.zeros(0, dtype=bool)), None, 0)


def conclude(problem: Problem, totals: Totals, carrier: Any, n: int) -> Integral:
    """The measure from its integral: finished, in the library of the views, with its derivatives.

    `carrier` is the same number where derivatives are asked for, else None. A mass of p that is not 1 to the last digit
    tells how far the log densities may be off.
    """
    finish = problem.integrand.finish
    lost = np.abs(totals.mass - 1.0) if problem.integrand.normalised else 0.0
    error = totals.error + 2.0 * lost * totals.slope
    if problem.checks_q:
        lost = np.abs(totals.mass_q - 1.0)
        error += lost * np.where(lost > 8.0 * problem.eps, 1.0, 2.0 * totals.slope)
    value = np.where(totals.infinite, math.inf, totals.value).reshape(problem.batch)
    error = np.where(totals.infinite, 0.0, error).reshape(problem.batch)
    xp = namespace(value)
    torch_view = next((view for view in problem.views if view.library == "torch"), None)
    with quiet(xp):
        if finish is not None:
            plain, value = value, finish(xp, value)
            reach = [np.abs(finish(xp, plain + side * error) - value) for side in (-1.0, 1.0)]
            error = np.where(np.isfinite(value), np.fmax(*reach), 0.0)
    if torch_view is None:
        return Integral(value[()], error + _rounded(value, "float64"), n)
    error = error + _rounded(value, torch_view.dtype)
    return Integral(_as_torch(problem, torch_view, value, carrier), error, n)


def _rounded(value: Array, dtype: str) -> Array:
    """What the last rounding may add."""
    return np.where(np.isfinite(value), np.abs(value) * rounding(dtype), 0.0)


def _as_torch(problem: Problem, view: View, value: Array, carrier: Any) -> Any:
    torch = sys.modules["torch"]
    dtype = getattr(torch, view.dtype)
    result = torch.tensor(value, dtype=torch.float64, device=view.device)
    if carrier is None:
        return result.to(dtype)
    xp = namespace(carrier)
    carrier = carrier.reshape(problem.batch)
    if problem.integrand.finish is not None:
        carrier = problem.integrand.finish(xp, carrier)
    return graft(xp, result, carrier).to(dtype)


def with_derivatives(problem: Problem, places: Array, weights: Array, between: tuple[Array, Array] | None) -> Any:
    """The weighted sum of the integrand at places (n, lanes) as a torch tensor (lanes,); None where no derivative is.

    `between` = (others, share): the log density is the line through `places` and `others`, at this share of the way.
    """
    if all(view.library != "torch" for view in problem.views):
        return None
    torch = sys.modules["torch"]
    device = next(view.device for view in problem.views if view.library == "torch")
    value = weighted_sum(problem, places, torch.tensor(weights, dtype=torch.float64, device=device), between)
    return value if differentiates(value) else None


def weighted_sum(problem: Problem, places: Any, weight: Any, between: tuple[Any, Any] | None) -> Any:
    """The same for weights that are a tensor, at places of NumPy, or of torch with their own derivatives."""
    torch = sys.modules["torch"]
    found = [_on_line(view, problem, places, between) for view in problem.views]
    lp, *rest = [torch.as_tensor(a, dtype=torch.float64, device=weight.device) for a in found]
    lp, *rest = [a.reshape(-1, problem.lanes) for a in (lp, *rest)]
    xp = namespace(lp)
    value = problem.integrand.term(xp, lp, rest[0] if rest else None)
    counted = (weight != 0) & xp.isfinite(value)
    return xp.sum(weight * xp.where(counted, value, xp.zeros_like(value)), axis=0)


def _on_line(view: View, problem: Problem, places: Any, between: tuple[Any, Any] | None) -> Any:
    found = _expanded(view, problem, places)
    if between is None:
        return found
    others, share = between
    xp = namespace(found)
    other = _expanded(view, problem, others)
    part = xp.asarray(share.reshape(-1, *problem.batch), dtype=found.dtype)
    on_line = (part != 0) & xp.isfinite(found) & xp.isfinite(other)
    zero = xp.zeros_like(found)
    change = part * (xp.where(on_line, other, zero) - xp.where(on_line, found, zero))
    return found + change


def _expanded(view: View, problem: Problem, places: Any) -> Any:
    shape = (places.shape[0], *problem.batch)
    with np.errstate(all="ignore"):
        found = view.log_density(places.reshape(shape))
    return np.broadcast_to(found, shape).copy() if view.library == "numpy" else found.expand(shape)
