"""Two rows of any kinds, outcome by outcome: what the divergences are computed from."""

from __future__ import annotations

from typing import Any

from xent.measures._distributions import Row, onehot, row
from xent.measures._exact import exact_ratio, exact_row
from xent.measures._namespace import graft
from xent.measures._primitives import Pair, contrast, log_ratio

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
    return Pair(a, b, None, ratio, xp.abs(ratio) < NEAR, absent)


def _mixed_pair(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Pair:
    """Logits against anything, logs against numbers: surprisals are subtracted at twice the working precision.

    What is left of their error is the same for all outcomes of a row, and so counts only squared in a divergence.
    """
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
    if kp in logs or kq in logs:
        return _mixed_pair(xp, kp, p, kq, q)
    return _linear_pair(xp, row(xp, kp, p), row(xp, kq, q))
