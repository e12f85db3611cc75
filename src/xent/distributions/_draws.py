"""Draws of one distribution, the columns that are averaged over them, and the gradient of their averages."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions._moments import Fit, Moments, merged, moments
from xent.distributions._view import View
from xent.measures._namespace import detach, differentiates, library, namespace, quiet, to_host, working_dtype

Array = Any
Columns = Callable[[Any, Array, Array], list[Array]]

CHUNK = 2**18  # numbers drawn at once: what bounds the memory


@dataclass(slots=True)
class Stratum:
    """Draws of `source`, one of the two views, and what is averaged over them.

    `columns(xp, lp, lq)` gives arrays of shape (draws, *batch), the first of which has the measure as its mean, and
    `fit` makes of their moments the estimate. Where something is differentiable the sums of the columns are kept with
    their graph, and those times the log density of the source, for the score function. `like` is a torch tensor where
    a distribution is torch's.
    """

    source: View
    p: View
    q: View | None
    batch: tuple[int, ...]
    columns: Columns
    fit: Callable[[Moments], Fit]
    rng: np.random.Generator
    like: Array = None
    state: Moments | None = None
    sums: list[Array] | None = None
    scored: list[Array] | None = None
    score: Array = None

    def reach(self, total: int) -> None:
        """Draw until there are `total` draws."""
        size = math.prod((*self.batch, *self.source.event)) or 1
        most = max(1, CHUNK // size)
        done = 0 if self.state is None else self.state.count
        while done < total:
            count = min(most, total - done)
            self._take(count)
            done += count

    def _take(self, count: int) -> None:
        places, pathwise = self._places(count)
        lp, lq = self._log_densities(places)
        xp = namespace(lp)
        self.like = lp if library(lp) == "torch" else None
        own = lq if self.source is self.q else lp
        _check_own(self.source, host(own))
        with quiet(xp):
            columns = self.columns(xp, lp, lq)
        stacked = np.stack([host(c).reshape(count, -1) for c in columns]).transpose(2, 0, 1)
        _check_terms(self.source, stacked[:, 0])
        state = moments(np.ascontiguousarray(stacked))
        self.state = state if self.state is None else merged(self.state, state)
        if any(differentiates(c) for c in columns) or differentiates(own):
            self._keep(xp, columns, own, pathwise)

    def _places(self, count: int) -> tuple[Array, bool]:
        """Draws that broadcast against the whole batch; torch tensors only where their own gradient is wanted."""
        assert self.source.draw is not None
        drawn = self.source.draw(count, self.rng)
        pathwise = self._all_torch() and self.source.reparametrised and differentiates(drawn)
        if not pathwise:
            drawn = host(drawn)
        return spread(drawn, self.batch, self.source.event), pathwise

    def _all_torch(self) -> bool:
        return all(view is None or view.library == "torch" for view in (self.p, self.q))

    def _log_densities(self, places: Array) -> tuple[Array, Array]:
        lp = self.p.log_density(places)
        lq = lp if self.q is None else self.q.log_density(places)
        if library(lp) != library(lq):
            like = lp if library(lp) == "torch" else lq
            lp, lq = alike(lp, like), alike(lq, like)
        xp = namespace(lp)
        dtype = working_dtype(xp, lp, lq)
        return xp.astype(lp, dtype), xp.astype(lq, dtype)

    def _keep(self, xp: Any, columns: list[Array], own: Array, pathwise: bool) -> None:
        """Sums with their graph. An infinite value has no derivative, and poisons none of the others."""
        finite = [xp.where(xp.isfinite(c), c, xp.zeros_like(c)) for c in columns]
        self.sums = _added(self.sums, [xp.sum(c, axis=0) for c in finite])
        if not pathwise and differentiates(own):
            slope = own - detach(own)  # 0, with the derivative of the log density
            self.scored = _added(self.scored, [xp.sum(detach(c) * slope, axis=0) for c in finite])
            (self.score,) = _added(None if self.score is None else [self.score], [xp.sum(slope, axis=0)])

    def carrier(self, fit: Fit) -> Array | None:
        """The value with its gradient: a number that may be off by rounding, whose derivative is the estimate of ours.

        Pathwise through draws that carry gradients. Through others by the score function, whose baseline is the mean of
        the other draws: sum of (f - mean f) grad log p over n - 1.
        """
        if self.sums is None or self.state is None:
            return None
        xp, n = namespace(self.sums[0]), self.state.count
        like = self.sums[0]

        def tensor(a: Any) -> Array:
            return xp.asarray(np.reshape(a, self.batch), dtype=like.dtype, device=like.device)

        weights = [tensor(w) for w in fit.weights.T]
        total = sum(w * s for w, s in zip(weights, self.sums, strict=True)) / n
        if self.scored is not None and n > 1:
            mean = tensor((fit.weights * self.state.mean).sum(axis=-1))
            through = sum(w * s for w, s in zip(weights, self.scored, strict=True)) - mean * self.score
            total = total + through / (n - 1)
        return total


def spread(drawn: Array, batch: tuple[int, ...], event: tuple[int, ...]) -> Array:
    """Draws of a distribution, broadcast from its own batch to the whole one."""
    shape = (drawn.shape[0], *batch, *event)
    if drawn.shape == shape:
        return drawn
    xp = namespace(drawn)
    missing = (1,) * (len(shape) - len(drawn.shape))
    wide = xp.broadcast_to(xp.reshape(drawn, (drawn.shape[0], *missing, *drawn.shape[1:])), shape)
    return wide.copy() if library(drawn) == "numpy" else wide  # torch warns of NumPy arrays that cannot be written


def alike(a: Array, like: Array) -> Array:
    """`a` in the library of `like`, and on its device where it has to move there."""
    return a if library(a) == library(like) else namespace(like).asarray(a, device=like.device)


def host(a: Array) -> Any:
    """The numbers of an array as NumPy float64."""
    a = to_host(detach(a))
    return a.double().numpy() if library(a) == "torch" else np.asarray(a, dtype=np.float64)  # NumPy has no bfloat16


def _added(before: list[Array] | None, new: list[Array]) -> list[Array]:
    return new if before is None else [a + b for a, b in zip(before, new, strict=True)]


def _check_own(view: View, own: Any) -> None:
    bad = int((~np.isfinite(own)).sum())
    if bad:
        raise DistributionError(
            f"`{view.name}` has a density of 0, infinity or NaN at {bad:,} of {own.size:,} draws of its own: they were "
            "rounded onto an end of the support, or are of another distribution. Without draws: "
            '`method="quadrature"`.'
        )


def _check_terms(view: View, terms: Any) -> None:
    """A term of +inf is an answer; -inf and NaN come of a density that is infinite or NaN where it was drawn."""
    bad = int((np.isnan(terms) | (terms == -np.inf)).sum())
    if bad:
        raise DistributionError(
            f"The log densities are infinite or NaN at {bad:,} draws of `{view.name}`, where there is nothing to "
            'average. Without draws: `method="quadrature"`.'
        )
