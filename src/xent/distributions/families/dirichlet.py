"""The Dirichlet distribution: concentration, along the last axis."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions._bregman import digamma_step, excess, gamma_entropy, kl_term, log_beta, log_minus_digamma
from xent.distributions._growth import Grown, excess_growth
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.measures._namespace import detach, graft, helper_device
from xent.measures._primitives import exact_sum, two_product, two_sum

Array = Any


def _good(xp: Any, a: Array) -> Array:
    return xp.all(_support.is_positive(xp, a), axis=-1)


def _safe(xp: Any, p: Array, q: Array) -> tuple[Array, Array, Array]:
    p, q = xp.broadcast_arrays(p, q)
    good = _good(xp, p) & _good(xp, q)
    return good, *_support.ones_elsewhere(xp, good[..., None], p, q)


def entropy_terms(xp: Any, a: Array) -> tuple[Array, ...]:
    """Terms whose sum is the entropy: what is large in them is one logarithm."""
    total, k = xp.sum(a, axis=-1), a.shape[-1]
    logs = 0.5 * xp.sum(xp.log(a / total[..., None]), axis=-1) - 0.5 * (k - 1) * xp.log(total)
    rest = (k - 1) * log_minus_digamma(xp, total) - gamma_entropy(xp, total)
    return logs, xp.sum(gamma_entropy(xp, a), axis=-1), rest


def crossed(xp: Any, a: Array, b: Array) -> Array:
    """b_i A - a_i B of each i, where A and B are the sums: exact before its last rounding."""
    total, total_low = exact_sum(xp, a)
    change, change_low = exact_sum(xp, xp.concat([b, -a], axis=-1))
    total, total_low, change, change_low = (x[..., None] for x in (total, total_low, change, change_low))
    base = detach(a)
    step, step_low = two_sum(detach(b), -base)
    left, left_low = two_product(xp, step, total)
    right, right_low = two_product(xp, base, change)
    difference, low = two_sum(left, -right)
    exact = difference + (low + (left_low - right_low) + (step * total_low + step_low * total - base * change_low))
    plain = (b - a) * xp.sum(a, axis=-1, keepdims=True) - a * xp.sum(b - a, axis=-1, keepdims=True)
    return graft(xp, xp.where(xp.isfinite(exact), exact, detach(plain)), plain)


def divergence(xp: Any, a: Array, b: Array, step: Array, cross: Array) -> Array:
    """KL of Dirichlet(a) under Dirichlet(b), from step = b - a and cross = b A - a B.

    The sum of b log(b/c) - b + c for c = a B/A, which has the sum of b, and of the excesses less that of the sums.
    """
    total, other = xp.sum(a, axis=-1), xp.sum(b, axis=-1)
    terms = kl_term(xp, b, a * (other / total)[..., None], cross / total[..., None])
    return xp.sum(terms, axis=-1) + _excesses(xp, a, b, step, cross)


def _excesses(xp: Any, a: Array, b: Array, step: Array, cross: Array) -> Array:
    """The sum of the excesses less that of the sums.

    Where one concentration dominates, the excess of the sums is that of it and what the others make it grow by.
    """
    each = excess(xp, a, b, step)
    sums = xp.sum(a, axis=-1), xp.sum(b, axis=-1), xp.sum(step, axis=-1)
    plain = xp.sum(each, axis=-1) - excess(xp, *sums)
    places = xp.arange(a.shape[-1], device=helper_device(a))
    first = places == xp.argmax(detach(a), axis=-1, keepdims=True)
    top = [xp.sum(xp.where(first, x, xp.zeros_like(x)), axis=-1) for x in (a, b, step, cross)]
    others = [xp.sum(xp.where(first, xp.zeros_like(x), x), axis=-1) for x in (a, b, step, each)]
    dominated = (others[0] < 0.25 * top[0]) & (others[1] < 0.25 * top[1])
    if not bool(xp.any(dominated)):
        return plain
    one, zero = xp.ones_like(plain), xp.zeros_like(plain)
    parts = zip((*top[:3], *others[:3], top[3]), (one, one, *[zero] * 5), strict=True)
    grown = excess_growth(xp, Grown(*(xp.where(dominated, value, idle) for value, idle in parts)))
    return xp.where(dominated, others[3] - grown, plain)


def kl_of(xp: Any, a: Array, b: Array) -> Array:
    """KL of Dirichlet(a) under Dirichlet(b)."""
    return divergence(xp, a, b, b - a, crossed(xp, a, b))


def cross_entropy_of(xp: Any, a: Array, b: Array) -> Array:
    """Cross-entropy of Dirichlet(a) under Dirichlet(b)."""
    total, low = exact_sum(xp, a)
    others = graft(xp, (total[..., None] - detach(a)) + low[..., None], xp.sum(a, axis=-1, keepdims=True) - a)
    direct = (log_beta(xp, b), xp.sum((b - 1.0) * digamma_step(xp, a, others), axis=-1))
    return _support.steadier(xp, (*entropy_terms(xp, a), kl_of(xp, a, b)), direct)


def renyi_of(xp: Any, a: Array, b: Array, alpha: float) -> Array:
    """The Rényi divergence over alpha, by the member between the two as for gamma distributions."""
    if alpha == 1.0:
        return kl_of(xp, a, b)
    if alpha == 0.0:
        return kl_of(xp, b, a)
    rest = 1.0 - alpha
    mean = alpha * a + rest * b
    exists = xp.all(mean > 0, axis=-1)
    (mean,) = _support.ones_elsewhere(xp, exists[..., None], mean)
    cross = crossed(xp, a, b)
    to_p = divergence(xp, mean, a, rest * (a - b), -rest * cross)
    to_q = divergence(xp, mean, b, alpha * (b - a), alpha * cross)
    value = to_p / rest + to_q / alpha
    return xp.where(exists, value, xp.full_like(value, math.inf))


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _good(xp, p["concentration"])
    (a,) = _support.ones_elsewhere(xp, good[..., None], p["concentration"])
    logs, each, rest = entropy_terms(xp, a)
    return _support.where_valid(xp, good, logs + (each + rest))


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    good, a, b = _safe(xp, p["concentration"], q["concentration"])
    return _support.where_valid(xp, good, kl_of(xp, a, b))


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array:
    good, a, b = _safe(xp, p["concentration"], q["concentration"])
    return _support.where_valid(xp, good, cross_entropy_of(xp, a, b))


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array:
    good, a, b = _safe(xp, p["concentration"], q["concentration"])
    return _support.where_valid(xp, good, renyi_of(xp, a, b, alpha))


FORMULAS = Formulas(entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy, renyi=_renyi)
