"""Two rows of any kinds, outcome by outcome: what the divergences are computed from."""

from __future__ import annotations

from typing import Any

from xent.measures._distributions import Row, logits_row, onehot, row, softmax
from xent.measures._exact import exact_ratio, exact_row
from xent.measures._namespace import detach, graft
from xent.measures._primitives import Pair, contrast, exact_sum, log_ratio, two_difference

# |log(p/q)| below which the two are within a factor three: ln 3
NEAR = 1.0986122886681098


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


def _mixed_pair(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Pair:
    """Probabilities against logs: their surprisals are subtracted at twice the working precision."""
    first, second = row(xp, kp, p), row(xp, kq, q)
    both = first.absent & second.absent
    plain = second.surprisal(both) - first.surprisal(first.absent)
    ratio = exact_ratio(xp, exact_row(xp, kp, p)[1], exact_row(xp, kq, q)[1], plain)
    return _from_ratio(xp, first, second, graft(xp, ratio, plain))


def pair(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Pair:
    """The outcomes of two rows side by side."""
    if kp == "labels":
        return _linear_pair(xp, onehot(xp, p, q), row(xp, kq, q)._replace(low=xp.zeros_like(q)))
    logs = ("logits", "logprobs")
    if kp == kq == "logprobs":
        return _from_ratio(xp, row(xp, kp, p), row(xp, kq, q), p - q)
    if kp in logs and kq in logs:
        return _from_ratio(xp, logits_row(xp, p), logits_row(xp, q), _logits_ratio(xp, p, q))
    if kp in logs or kq in logs:
        return _mixed_pair(xp, kp, p, kq, q)
    return _linear_pair(xp, row(xp, kp, p), row(xp, kq, q))
