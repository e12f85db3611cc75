"""A row of numbers of any kind as a distribution: its probabilities and its surprisals, each with all their digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xent.measures._namespace import detach, graft, helper_device
from xent.measures._primitives import (
    bounded,
    exact_sum,
    minus_log,
    surprisal_of,
    total,
    two_difference,
    two_product,
)


class Row(NamedTuple):
    """A distribution along the last axis.

    p: probabilities; low: what their rounding lost (0 if unknown), without derivative; absent: impossible outcomes
    (a probability that underflowed is not); surprisal(idle): -log p, finite where p is 0 and `idle`.
    """

    p: Any
    low: Any
    absent: Any
    surprisal: Callable[[Any], Any]


class Softmax(NamedTuple):
    """Logits relative to their maximum: z = a - max rounded, what that lost, and log of the sum of e^z."""

    z: Any
    low: Any
    log_sum: Any
    top: Any
    at_top: Any


def first_of(xp: Any, a: Any) -> Any:
    """A mask of one largest element of each row (ties: the first)."""
    places = xp.arange(a.shape[-1], device=helper_device(a))
    return places == xp.expand_dims(xp.argmax(detach(a), axis=-1), axis=-1)


def softmax(xp: Any, a: Any) -> Softmax:
    """The parts of a softmax.

    Only one largest element is taken out of the sum, and its z is the constant 0: then log1p(sum) and its derivative
    keep their digits when that element has nearly all the mass. A row without a finite maximum keeps its infinities.
    """
    at_top = first_of(xp, a)
    zero = xp.zeros_like(a)
    top = xp.sum(xp.where(at_top, a, zero), axis=-1, keepdims=True)
    base = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    z, low = two_difference(xp, a, base)
    z, low = xp.where(at_top, zero, z), xp.where(at_top, zero, low)
    others = xp.where(at_top, zero, xp.exp(z) * (1.0 + low))
    return Softmax(z, low, xp.log1p(xp.expand_dims(total(xp, others), axis=-1)), top, at_top)


def _always(s: Any) -> Callable[[Any], Any]:
    """Surprisals that are right wherever they are asked for: those that no logarithm of 0 stands behind."""

    def surprisal(idle: Any) -> Any:
        del idle
        return s

    return surprisal


def numbers_row(xp: Any, p: Any) -> Row:
    """Probabilities, as they are given."""

    def surprisal(idle: Any) -> Any:
        return minus_log(xp, p, idle)

    return Row(p, xp.zeros_like(p), p == 0, surprisal)


def logits_row(xp: Any, a: Any) -> Row:
    """A row of logits; one that is -inf everywhere has no distribution and gives NaN."""
    parts = softmax(xp, a)
    e = xp.exp(parts.z) * (1.0 + parts.low)
    p = e / xp.expand_dims(total(xp, e), axis=-1)
    # a factor and no sum: the derivative is NaN as well
    nowhere = xp.where(xp.isfinite(parts.top), xp.ones_like(parts.top), xp.full_like(parts.top, xp.nan))
    absent = a == -xp.inf
    s = bounded(xp, (parts.log_sum - parts.low) - parts.z, absent)
    return Row(p * nowhere, xp.zeros_like(p), absent, _always(s * nowhere))


def scaled(xp: Any, n: Any) -> Any:
    """Counts times a power of two, where they are so large or small that products of them would leave the range."""
    reach = 300 if n.dtype == xp.float64 else 40
    top = xp.max(detach(n), axis=-1, keepdims=True)
    one = xp.ones_like(top)
    down, up = one * 2.0 ** (-2 * reach), one * 2.0 ** (2 * reach)
    return n * xp.where(top > 2.0**reach, down, xp.where(top < 2.0**-reach, up, one))


def counts_row(xp: Any, n: Any) -> Row:
    """Counts over their exact sum; the share and what its rounding lost are both kept."""
    n = scaled(xp, n)
    sum_high, sum_low = (xp.expand_dims(x, axis=-1) for x in exact_sum(xp, n))
    p = n / graft(xp, sum_high, xp.sum(n, axis=-1, keepdims=True))
    share, m = detach(p), detach(n)
    product, lost = two_product(xp, share, sum_high)
    low = (((m - product) - lost) - share * sum_low) / sum_high
    relative = low / xp.where(share == 0, xp.ones_like(share), share)

    def corrected(idle: Any) -> Any:
        return minus_log(xp, p, idle) - relative

    return Row(p, low, n == 0, corrected)


def row(xp: Any, kind: str, a: Any) -> Row:
    """A row of any kind but labels."""
    if kind == "logits":
        return logits_row(xp, a)
    if kind == "counts":
        return counts_row(xp, a)
    if kind == "logprobs":
        return Row(xp.exp(a), xp.zeros_like(a), a == -xp.inf, _always(0.0 - a))
    return numbers_row(xp, a)


def surprisals(xp: Any, kind: str, a: Any) -> Any:
    """-log p of each outcome, as a result of its own: the derivative at p = 0 is finite."""
    if kind == "logits":
        parts = softmax(xp, a)
        return ((parts.log_sum - parts.low) - parts.z) + 0.0 * parts.top
    if kind == "logprobs":
        return 0.0 - a
    r = row(xp, kind, a)
    return surprisal_of(xp, r.p) - r.low / detach(xp.where(r.p == 0, xp.ones_like(r.p), r.p))


# -- labels ----------------------------------------------------------------------------------------------------------


def inside(xp: Any, y: Any, k: int) -> Any:
    """Whether each label is one of the K classes."""
    y = _index(xp, y)
    return (y >= 0) & (y < k)


def _index(xp: Any, y: Any) -> Any:
    """Labels in the library's own index type, in which an unsigned number that is too large becomes negative."""
    return xp.astype(y, xp.arange(1).dtype, copy=False)


def at_label(xp: Any, a: Any, y: Any) -> Any:
    """The element of each row that its label names; NaN for a label out of range, which is never looked up."""
    y, k = _index(xp, y), a.shape[-1]
    shape = np.broadcast_shapes(tuple(a.shape[:-1]), tuple(y.shape))
    a, y = xp.broadcast_to(a, (*shape, k)), xp.broadcast_to(y, shape)
    found = xp.take_along_axis(a, xp.expand_dims(xp.clip(y, 0, k - 1), axis=-1), axis=-1)[..., 0]
    # a factor and no `where`: the derivative is NaN as well
    return found * xp.where(inside(xp, y, k), xp.ones_like(found), xp.full_like(found, xp.nan))


def onehot(xp: Any, y: Any, like: Any) -> Row:
    """Labels as one-hot rows over the outcomes of `like`; NaN for a label out of range."""
    k = like.shape[-1]
    y = xp.expand_dims(_index(xp, y), axis=-1)
    mask = xp.arange(k, device=helper_device(like)) == y
    p = xp.astype(mask, like.dtype)
    p = xp.where(inside(xp, y, k), p, xp.full_like(p, xp.nan))
    return numbers_row(xp, p)


def label_surprisal(xp: Any, kind: str, a: Any, y: Any) -> Any:
    """-log of the probability that each row gives to its label."""
    if kind == "logits":
        parts = softmax(xp, a)
        return (at_label(xp, parts.log_sum - parts.low, y) - at_label(xp, parts.z, y)) + 0.0 * parts.top[..., 0]
    if kind == "logprobs":
        return 0.0 - at_label(xp, a, y)
    if kind == "probs":
        return 0.0 - xp.log(at_label(xp, a, y))
    r = counts_row(xp, a)
    p, low = at_label(xp, r.p, y), at_label(xp, r.low, y)
    return (0.0 - xp.log(p)) - low / xp.where(p == 0, xp.ones_like(p), detach(p))
