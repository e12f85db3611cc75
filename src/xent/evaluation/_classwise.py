"""A slope and an offset a class: is one temperature enough?

With x_k = log q_k, eta_k = a_k x_k + b_k and p = softmax(eta), the gradient of a row's loss is p - y in eta, and its
curvature diag(p) - p p'. Only differences of the b_k matter: the last is 0 while fitting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xent.evaluation._estimates import UNDEFINED, Sampling, mean
from xent.evaluation._exact import Floats, Ints
from xent.evaluation._folds import FOLDS, copies_dealt
from xent.evaluation._gain import mean_of_copies
from xent.evaluation._maps import Mass
from xent.evaluation._sample import Sample
from xent.evaluation._student import chi2_tail
from xent.evaluation.results import Classwise, Estimate

MOST_CLASSES = 32

_STEPS = 40
_CLOSE = 1e-8
"""Length of the last Newton step of the fit on all rows; of the fits on four fifths `_NEAR` is enough."""
_NEAR = 1e-3

_MANY = 8192
"""With so many rows the curvature on four fifths of them is that on all."""

_HALVINGS = 30
_ROUNDING = 1.0 + 1e-13
"""A loss that rises by no more than this has not risen."""

_FLAT = 1e-9
"""Curvature this small against the largest means that the loss falls for ever in that direction: no map is best."""

_PRODUCT = 2**17
"""Multiplications in one matrix product, at most: so small ones are done by one thread, in one order."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """Standardized x (n, K), which classes are ruled out, the labels' shares and what each row counts for."""

    x: Floats
    out: NDArray[np.bool_]
    share: Floats
    mass: Floats

    def of(self, mass: Floats) -> _Problem:
        some = mass > 0.0
        return _Problem(self.x[some], self.out[some], self.share[some], mass[some])

    def losses(self, theta: Floats) -> tuple[Floats, Floats]:
        """The loss of each row, and the forecasts after the map."""
        k = self.x.shape[1]
        eta = self.x * theta[:k] + theta[k:]
        eta[self.out] = -np.inf
        high = eta.max(axis=1)
        p = np.exp(eta - high[:, None])
        whole = p.sum(axis=1)
        p /= whole[:, None]
        gap = np.where(self.out, 0.0, high[:, None] - eta)
        return np.einsum("nk,nk->n", self.share, gap) + self.share.sum(axis=1) * np.log(whole), p

    def slope(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Value and gradient of the sum of the losses, and the forecasts after the map."""
        losses, p = self.losses(theta)
        residual = (p * self.share.sum(axis=1)[:, None] - self.share) * self.mass[:, None]
        gradient = np.concatenate([np.einsum("nk,nk->k", residual, self.x), residual.sum(axis=0)])
        return float((losses * self.mass).sum()), gradient, p

    def hessian(self, p: Floats) -> Floats:
        """The Hessian of the sum of the losses where the forecasts are `p`."""
        mass = self.mass * self.share.sum(axis=1)
        k = self.x.shape[1]
        hessian = -_gram(np.concatenate([p * self.x, p], axis=1), mass)
        weighed = p * mass[:, None]
        own = np.arange(k)
        bent = weighed * self.x
        hessian[own, own] += np.einsum("nk,nk->k", bent, self.x)
        hessian[own, own + k] += bent.sum(axis=0)
        hessian[own + k, own] += bent.sum(axis=0)
        hessian[own + k, own + k] += weighed.sum(axis=0)
        return hessian


def _gram(f: Floats, mass: Floats) -> Floats:
    """Return sum_i mass_i f_i f_i', block after block."""
    n, width = f.shape
    height = max(1, min(256, _PRODUCT // (width * width)))
    spare = -n % height
    left = np.concatenate([f, np.zeros((spare, width))]).reshape(-1, height, width)
    right = np.concatenate([f * mass[:, None], np.zeros((spare, width))]).reshape(-1, height, width)
    product: Floats = np.matmul(left.transpose(0, 2, 1), right).sum(axis=0)
    return (product + product.T) / 2.0


def classwise_of(sample: Sample) -> Classwise:
    """Fit slopes and offsets to a sample; losses are in nats. Undefined where a class never occurs or one is apart."""
    k = sample.surprisal.shape[1]
    rows = int(sample.count.sum())
    nothing = Classwise((math.nan,) * k, (math.nan,) * k, UNDEFINED, math.nan, rows)
    with np.errstate(all="ignore"):
        before = np.where(sample.share > 0.0, sample.share * sample.surprisal, 0.0).sum(axis=1)
        if not (sample.share > 0.0).any(axis=0).all() or not np.isfinite(before).all():
            return nothing
        problem, centre, spread = _standardized(sample)
        one = _temperature(problem, centre, spread)
        theta = _minimize(problem, np.concatenate([spread, -centre]), _CLOSE)
        if theta is None:
            return nothing
        gain = _gain(sample, problem, theta, before)
        p_value = math.nan
        if sample.cluster is None and bool((sample.weight == sample.weight[0]).all()) and math.isfinite(one):
            saved = one - float((problem.losses(theta)[0] * problem.mass).sum())
            p_value = chi2_tail(2.0 * saved / float(sample.weight[0]), 2 * k - 2)
    slope = theta[:k] / spread
    offset = theta[k:] - slope * centre
    offset -= offset.mean()
    return Classwise(tuple(slope.tolist()), tuple(offset.tolist()), gain, p_value, rows)


def _standardized(sample: Sample) -> tuple[_Problem, Floats, Floats]:
    """log q of each class = centre + spread · x, where it is possible."""
    out = np.isinf(sample.surprisal)
    z = np.where(out, 0.0, -sample.surprisal)
    mass = sample.weight * sample.count
    weight = np.where(out, 0.0, mass[:, None])
    whole = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
    centre = (weight * z).sum(axis=0) / whole
    spread = np.sqrt((weight * (z - centre) ** 2).sum(axis=0) / whole)
    spread = np.where(spread > 0.0, spread, 1.0)
    return _Problem(np.where(out, 0.0, (z - centre) / spread), out, sample.share, mass), centre, spread


def _temperature(problem: _Problem, centre: Floats, spread: Floats) -> float:
    """The total loss at the best single temperature; NaN where none is best."""
    z = np.where(problem.out, 0.0, problem.x * spread + centre)
    mass = problem.mass * problem.share.sum(axis=1)
    target = np.einsum("nk,nk->n", problem.share, z) * problem.mass
    # All slopes β are these parameters times β.
    start = np.concatenate([spread, centre])
    beta = 1.0
    losses, p = problem.losses(beta * start)
    for _ in range(_STEPS):
        value = float((losses * problem.mass).sum())
        mean = np.einsum("nk,nk->n", p, z)
        variance = np.einsum("nk,nk->n", p, (z - mean[:, None]) ** 2)
        curvature = float((mass * variance).sum())
        step = float((mass * mean - target).sum()) / curvature if curvature > 0.0 else math.nan
        if abs(step) <= _CLOSE * (1.0 + abs(beta)):
            return value
        for _ in range(_HALVINGS):
            losses, p = problem.losses((beta - step) * start)
            if float((losses * problem.mass).sum()) <= value * _ROUNDING:
                break
            step /= 2.0
        else:
            return math.nan
        beta -= step
    return math.nan


def _minimize(problem: _Problem, start: Floats, tolerance: float, hessian: Floats | None = None) -> Floats | None:
    """Newton's method with halved steps; None where no minimum is found.

    A `hessian` is kept for all steps: near enough for a start that is close and has many rows behind it.
    """
    k = start.size // 2
    free = np.ix_(np.arange(2 * k - 1), np.arange(2 * k - 1))
    theta = start.copy()
    theta[k:] -= theta[-1]
    value, gradient, p = problem.slope(theta)
    for _ in range(_STEPS):
        curvature = (problem.hessian(p) if hessian is None else hessian)[free]
        if not np.isfinite(curvature).all():
            return None
        spectrum = np.linalg.eigvalsh(curvature)
        if spectrum[0] <= _FLAT * spectrum[-1]:
            return None
        step = np.append(np.linalg.solve(curvature, gradient[:-1]), 0.0)
        if bool((np.abs(step) <= tolerance * (1.0 + np.abs(theta))).all()):
            return theta - step
        for _ in range(_HALVINGS):
            there = problem.slope(theta - step)
            if there[0] <= value * _ROUNDING:
                break
            step /= 2.0
        else:
            return None
        theta, (value, gradient, p) = theta - step, there
    return None


def _gain(sample: Sample, problem: _Problem, theta: Floats, before: Floats) -> Estimate:
    """The cross-fitted fall of the loss; undefined if a fit has no best map."""
    dealt = _deal(sample)
    falls = np.zeros(dealt.shape)
    whole = float(problem.mass.sum())
    hessian = problem.hessian(problem.losses(theta)[1]) if sample.key.size >= _MANY else None
    for fall, count in zip(falls, dealt, strict=True):
        inside = count > 0
        if not inside.any():
            continue
        others = problem.of(sample.weight * (sample.count - count))
        if not (others.share > 0.0).any(axis=0).all():
            return UNDEFINED
        best = _minimize(others, theta, _NEAR, None if hessian is None else hessian * (others.mass.sum() / whole))
        if best is None:
            return UNDEFINED
        fall[inside] = before[inside] - problem.of(np.where(inside, problem.mass, 0.0)).losses(best)[0]
    weight = None if bool((sample.weight == sample.weight[0]).all()) else sample.weight
    if sample.cluster is None:
        tiled = None if weight is None else np.tile(weight, len(dealt))
        return mean_of_copies(falls.reshape(-1), Mass(tiled, dealt.reshape(-1)), int(sample.count.sum()))
    code = np.unique(sample.cluster, return_inverse=True)[1].reshape(-1).astype(np.int64)
    mass = (np.ones(code.size) if weight is None else weight) * sample.count
    return mean(falls.sum(axis=0), Sampling(mass, code, int(code.max()) + 1))


def _deal(sample: Sample) -> Ints:
    """Copies of each row in each fold (folds, n); clusters whole."""
    if sample.cluster is None:
        return copies_dealt(sample.key, sample.weight, sample.count)
    rank = np.unique(sample.cluster, return_inverse=True)[1].reshape(-1)
    return np.where(rank % FOLDS == np.arange(FOLDS)[:, None], sample.count, 0)
