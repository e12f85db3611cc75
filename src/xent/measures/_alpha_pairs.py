"""Two probabilities or densities of every outcome side by side: what the alpha family is computed from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xent.measures._distributions import Row, onehot, row
from xent.measures._exact import Twice, divided, exact_row
from xent.measures._namespace import detach, graft
from xent.measures._primitives import ratio_of_contrast, two_sum

SLIGHT = 1e-290  # orders as near 0 or 1 are 0 or 1: quotients by less would overflow
_CLOSE = 2.0**-6  # |log(p/q)| below which the ratio is that of the contrast (p - q)/(p + q)
_MIDDLE, _REACH = 2.0**-500, 300.0  # of probabilities, and of logs of powers, that are far from under- and overflow


class Quotient(NamedTuple):
    """p/q, in the places that the order gives them: a number that is not extreme, and what its rounding lost of it."""

    number: Any
    low: Any

    def power(self, b: float) -> Any:
        """(p/q)^b."""
        return self.number**b * (1.0 + b * self.low)


class Both(NamedTuple):
    """Two probabilities or densities of the same outcome.

    ratio = log(p/q) and the surprisals are finite: where p is `absent` (0, not merely underflowed) or q `missing`
    they stand for the smallest normal number or for nothing, and nothing but slopes is made of them. Each `low` is
    what the rounding of the one before it lost. With a `quotient` powers are made of that, and surprisals of none.
    """

    p: Any
    q: Any
    ratio: Any
    ratio_low: Any
    surprisal: Any
    low: Any
    other: Any
    other_low: Any
    absent: Any
    missing: Any
    quotient: Quotient | None = None

    def only(self, xp: Any, rows: Any) -> Both:
        """The same in `rows`; in the others p and q are equal."""
        kept = xp.expand_dims(rows, axis=-1)
        zero = xp.zeros_like(self.ratio)
        kept_numbers = (xp.where(kept, x, zero) for x in self[2:8])
        return Both(self.p, self.q, *kept_numbers, absent=self.absent & kept, missing=self.missing & kept)

    def changed(self) -> Both:
        """With p and q changed."""
        first = (self.q, self.p, -self.ratio, -self.ratio_low)
        second = (self.other, self.other_low, self.surprisal, self.low, self.missing, self.absent)
        return Both(*first, *second, self.quotient)


def exact_order(alpha: float) -> tuple[bool, float, float]:
    """Whether p and q change places, and the order a >= 1/2 that is computed then, with b = a - 1 to all its digits."""
    if alpha >= 0.5:
        return False, alpha, alpha - 1.0
    return True, 1.0 - alpha, -alpha if abs(alpha) > SLIGHT else 0.0


def ordered(x: Both, alpha: float) -> tuple[Both, float, float]:
    """p and q, in their places or changed, with `exact_order`."""
    changed, a, b = exact_order(alpha)
    return x.changed() if changed else x, a, b


# -- two rows, or two densities ----------------------------------------------------------------------------------------


def finite(xp: Any, value: Any) -> Any:
    return xp.where(xp.isfinite(value), value, xp.zeros_like(value))


def _possible(xp: Any, r: Row) -> Any:
    """The surprisals of a row, finite for what is absent, NaN where that is given or a probability is infinite."""
    s = r.surprisal(r.absent)
    return xp.where(s == xp.inf, xp.zeros_like(s), xp.where(s == -xp.inf, xp.full_like(s, xp.nan), s))


def _absent(r: Row) -> Any:
    """What is impossible; nothing is where the row is no distribution."""
    return r.absent & (r.p == r.p)  # not NaN


def _beside(xp: Any, exact: Twice, plain: Any) -> tuple[Any, Any]:
    """The exact number with the derivatives of the plain one, and its low part; the plain one where it is infinite."""
    good = xp.isfinite(exact.high) & xp.isfinite(exact.low)
    value = xp.where(good, exact.high, detach(plain))
    return graft(xp, value, plain), xp.where(good, exact.low, xp.zeros_like(value))


def _near_ratio(xp: Any, first: Row, second: Row, ratio: Any, low: Any, reach: float) -> tuple[Any, Any]:
    """log(p/q) of nearly equal numbers, from their exact difference: 2 atanh of (p - q)/(p + q)."""
    p, q = (Twice(*xp.broadcast_arrays(detach(r.p), r.low, ratio)[:2]) for r in (first, second))
    near = (xp.abs(ratio) < reach) & ~first.absent & ~second.absent
    contrast = divided(xp, p.minus(q), p.minus(-q))
    high, rest = ratio_of_contrast(*(xp.where(near, s, xp.zeros_like(s)) for s in contrast))
    return graft(xp, xp.where(near, high, detach(ratio)), ratio), xp.where(near, rest, low)


def _common(xp: Any, first: Row, second: Row, order: tuple[bool, float, float]) -> Both | None:
    """Two rows of probabilities in NumPy whose powers all lie in the middle of the range; None for others.

    NumPy's powers keep all the digits of a quotient, so that no logarithm to twice the precision is needed.
    """
    if not isinstance(first.p, np.ndarray):
        return None
    absent, missing = np.broadcast_arrays(first.absent, second.absent)
    edge = absent | missing
    p, q = (Twice(np.where(edge, 1.0, r.p), np.where(edge, 0.0, r.low)) for r in (first, second))
    least = min(p.high.min(initial=1.0), q.high.min(initial=1.0))
    most = max(first.p.max(initial=0.0), second.p.max(initial=0.0))
    if not _MIDDLE <= least <= most <= 2.0:
        return None
    changed, a, b = order
    number, low = divided(xp, *((q, p) if changed else (p, q)))
    ratio, low = np.log(number), low / number
    if not max(a, abs(b)) * np.abs(ratio).max(initial=0.0) < _REACH:
        return None
    sign = -1.0 if changed else 1.0
    ratio, ratio_low = two_sum(sign * ratio, sign * low)
    ratio, ratio_low = _near_ratio(xp, first, second, ratio, ratio_low, 1.0)
    zero = np.zeros_like(ratio)
    numbers = np.broadcast_arrays(first.p, second.p, ratio, ratio_low, -np.log(p.high), zero, zero, zero)
    return Both(*numbers, absent=absent, missing=missing, quotient=Quotient(number, low))


def two_rows(xp: Any, kp: str, p: Any, kq: str, q: Any) -> tuple[Row, Row]:
    """Both rows; labels as one-hot rows."""
    return onehot(xp, p, q) if kp == "labels" else row(xp, kp, p), row(xp, kq, q)


def both_rows(xp: Any, kp: str, p: Any, kq: str, q: Any, alpha: float = 1.0) -> Both:
    """The outcomes of two rows side by side, for an order; labels as one-hot rows."""
    first, second = two_rows(xp, kp, p, kq, q)
    if kp == "labels":
        kp, p = "probs", first.p
    if not {kp, kq} & {"logits", "logprobs"} and (common := _common(xp, first, second, exact_order(alpha))) is not None:
        return common
    absent, missing = _absent(first), _absent(second)
    plain_p, plain_q = (_possible(xp, r) for r in (first, second))
    exact_p, exact_q = exact_row(xp, kp, p)[1], exact_row(xp, kq, q)[1]
    ratio, ratio_low = _beside(xp, exact_q.minus(exact_p), plain_q - plain_p)
    if not {kp, kq} & {"logits", "logprobs"}:
        ratio, ratio_low = _near_ratio(xp, first, second, ratio, ratio_low, _CLOSE)
    parts = (first.p, second.p, ratio, ratio_low, *_beside(xp, exact_p, plain_p), *_beside(xp, exact_q, plain_q))
    return Both(*xp.broadcast_arrays(*parts, absent, missing))


def row_and_one(xp: Any, kind: str, a: Any, alpha: float) -> Both:
    """The outcomes of a row beside the number 1, for an order: what entropies are made of."""
    r = row(xp, kind, a)
    if kind not in ("logits", "logprobs"):
        one = Row(xp.ones_like(r.p), xp.zeros_like(r.p), xp.zeros_like(r.absent), r.surprisal)
        if (common := _common(xp, r, one, (False, alpha, alpha - 1.0))) is not None:
            return common
    s, low = _beside(xp, exact_row(xp, kind, a)[1], _possible(xp, r))
    zero = xp.zeros_like(s)
    return Both(r.p, xp.ones_like(s), -s, -low, s, low, zero, zero, _absent(r), xp.zeros_like(r.absent))


def both_densities(xp: Any, log_p: Any, log_q: Any) -> Both:
    """Two densities at the same places, from their logs; -inf is a density of 0."""
    log_p, log_q = xp.broadcast_arrays(log_p, log_q)
    zero = xp.zeros_like(log_p)
    absent, missing = log_p == -xp.inf, log_q == -xp.inf
    a, b = xp.where(absent, zero, log_p), xp.where(missing, zero, log_q)
    high, low = two_sum(detach(a), -detach(b))
    ratio = graft(xp, high, a - b)
    return Both(xp.exp(log_p), xp.exp(log_q), ratio, finite(xp, low), -a, zero, -b, zero, absent, missing)
