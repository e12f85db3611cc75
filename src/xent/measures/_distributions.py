"""A row of numbers of any kind as a distribution: its probabilities and its surprisals, each with all their digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xent.measures._namespace import detach, device, graft, is_traced, library
from xent.measures._primitives import (
    Pair,
    contrast,
    exact_sum,
    log_ratio,
    minus_log,
    total,
    two_difference,
    two_product,
)

# |log(p/q)| below which the two are within a factor three: ln 3
NEAR = 1.0986122886681098


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
    places = xp.arange(a.shape[-1], device=_device(a))
    return places == xp.expand_dims(xp.argmax(detach(a), axis=-1), axis=-1)


def _device(a: Any) -> Any:
    """The device to make helper arrays on; None where the library chooses (tracers)."""
    return None if library(a) == "jax" or (is_traced(a) and library(a) != "torch") else device(a)


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


def logits_row(xp: Any, a: Any) -> Row:
    """A row of logits; one that is -inf everywhere has no distribution and gives NaN."""
    parts = softmax(xp, a)
    e = xp.exp(parts.z) * (1.0 + parts.low)
    p = e / xp.expand_dims(total(xp, e), axis=-1)
    nowhere = xp.where(xp.isfinite(parts.top), xp.zeros_like(parts.top), xp.full_like(parts.top, xp.nan))
    s = (parts.log_sum - parts.low) - parts.z
    return Row(p + nowhere, xp.zeros_like(p), a == -xp.inf, lambda _: s + nowhere)


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
    return Row(p, low, n == 0, lambda idle: minus_log(xp, p, idle) - relative)


def row(xp: Any, kind: str, a: Any) -> Row:
    """A row of any kind but labels."""
    if kind == "logits":
        return logits_row(xp, a)
    if kind == "counts":
        return counts_row(xp, a)
    if kind == "logprobs":
        return Row(xp.exp(a), xp.zeros_like(a), a == -xp.inf, lambda _: 0.0 - a)
    return Row(a, xp.zeros_like(a), a == 0, lambda idle: minus_log(xp, a, idle))


# -- labels ----------------------------------------------------------------------------------------------------------


def inside(xp: Any, y: Any, k: int) -> Any:
    """Whether each label is one of the K classes."""
    return (y >= 0) & (y < k)


def _index(xp: Any, y: Any) -> Any:
    """Labels in the library's own index type."""
    return xp.astype(y, xp.arange(1).dtype)


def at_label(xp: Any, a: Any, y: Any) -> Any:
    """The element of each row that its label names; NaN for a label out of range, which is never looked up."""
    y, k = _index(xp, y), a.shape[-1]
    shape = np.broadcast_shapes(tuple(a.shape[:-1]), tuple(y.shape))
    a, y = xp.broadcast_to(a, (*shape, k)), xp.broadcast_to(y, shape)
    found = xp.take_along_axis(a, xp.expand_dims(xp.clip(y, 0, k - 1), axis=-1), axis=-1)[..., 0]
    return xp.where(inside(xp, y, k), found, xp.full_like(found, xp.nan))


def onehot(xp: Any, y: Any, like: Any) -> Row:
    """Labels as one-hot rows over the outcomes of `like`; NaN for a label out of range."""
    k = like.shape[-1]
    y = xp.expand_dims(_index(xp, y), axis=-1)
    mask = xp.arange(k, device=_device(like)) == y
    p = xp.astype(mask, like.dtype)
    p = xp.where(inside(xp, y, k), p, xp.full_like(p, xp.nan))
    return Row(p, xp.zeros_like(p), p == 0, lambda idle: minus_log(xp, p, idle))


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


# -- pairs -----------------------------------------------------------------------------------------------------------


def _linear_pair(xp: Any, p: Row, q: Row) -> Pair:
    """Two rows of probabilities: their difference is exact, or corrected by what the shares lost."""
    a, b = xp.broadcast_arrays(p.p, q.p)
    s = contrast(xp, a, b, (a - b) + (p.low - q.low))
    return Pair(a, b, s, log_ratio(xp, a, b), xp.abs(s) < 0.5, xp.broadcast_to(p.absent, a.shape))


def _from_ratio(xp: Any, p: Row, q: Row, ratio: Any) -> Pair:
    """Two rows of logs, compared through log(p/q)."""
    ratio = xp.where(p.absent & q.absent, xp.zeros_like(ratio), ratio)
    a, b, absent = (xp.broadcast_to(x, ratio.shape) for x in (p.p, q.p, p.absent))
    return Pair(a, b, xp.tanh(0.5 * ratio), ratio, xp.abs(ratio) < NEAR, absent)


def _mixed_pair(xp: Any, p: Row, q: Row) -> Pair:
    """Probabilities against logs: surprisals when far, differences when near."""
    both = p.absent & q.absent
    ratio = q.surprisal(both) - p.surprisal(p.absent)
    ratio = xp.where(both, xp.zeros_like(ratio), ratio)
    a, b, absent = (xp.broadcast_to(x, ratio.shape) for x in (p.p, q.p, p.absent))
    s = contrast(xp, a, b, (a - b) + (p.low - q.low))
    return Pair(a, b, s, ratio, xp.abs(ratio) < NEAR, absent)


def _logits_ratio(xp: Any, a: Any, b: Any) -> Any:
    """log(p/q) of two rows of logits, with full relative precision when they are nearly equal (up to a constant).

    With c = b - a, less its value at the largest a, log(q/p) = c - log1p(sum p expm1(c)): nothing large is subtracted.
    The derivative is that of the plain difference of log-softmaxes.
    """
    first, second = softmax(xp, a), softmax(xp, b)
    plain = (first.z - first.log_sum) - (second.z - second.log_sum)
    a, b = detach(a), detach(b)
    high, low = two_difference(xp, b, a)
    at_top = xp.broadcast_to(first.at_top, high.shape)
    zero = xp.zeros_like(high)
    base = xp.sum(xp.where(at_top, high, zero), axis=-1, keepdims=True)
    base_low = xp.sum(xp.where(at_top, low, zero), axis=-1, keepdims=True)
    c, lost = two_difference(xp, high, base)
    lost = lost + (low - base_low)
    p = xp.exp(detach(first.z) - detach(first.log_sum))
    shift = detach(second.top) - xp.sum(xp.where(at_top, xp.broadcast_to(b, high.shape), zero), axis=-1, keepdims=True)
    q = xp.exp(detach(second.z) + (shift - detach(first.log_sum)))
    change = xp.where(c < 1.0, p * (xp.expm1(xp.where(c < 1.0, c, zero)) + lost), q - p)
    constant = xp.log1p(xp.expand_dims(exact_sum(xp, change)[0], axis=-1))
    exact = (constant - c) - lost
    plain = xp.broadcast_to(plain, exact.shape)
    return graft(xp, xp.where(xp.isfinite(exact), exact, detach(plain)), plain)


def pair(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Pair:
    """The outcomes of two rows side by side."""
    if kp == "labels":
        return _linear_pair(xp, onehot(xp, p, q), row(xp, kq, q)._replace(low=xp.zeros_like(q)))
    logs = ("logits", "logprobs")
    if kp == kq == "logprobs":
        return _from_ratio(xp, row(xp, kp, p), row(xp, kq, q), p - q)
    if kp in logs and kq in logs:
        return _from_ratio(xp, logits_row(xp, p), logits_row(xp, q), _logits_ratio(xp, p, q))
    pairing = _mixed_pair if kp in logs or kq in logs else _linear_pair
    return pairing(xp, row(xp, kp, p), row(xp, kq, q))
