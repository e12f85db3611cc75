"""The alpha family and its neighbours, of rows: one value a row, outcomes along the last axis, in nats.

As in `_rows`, a row is given by its kind and an array of any library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.measures._alpha_pairs import SLIGHT, Both, both_rows, ordered, row_and_one, two_rows
from xent.measures._alpha_terms import alpha_terms, difference, growth, log_sum
from xent.measures._exact import Twice
from xent.measures._f_terms import f_terms
from xent.measures._namespace import detach, graft
from xent.measures._primitives import log_complement, total
from xent.measures._rows import measured

# Beyond, a Rényi divergence or entropy is that of order infinity to more digits than there are.
ENDLESS = 1e100


@measured
def alpha_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any, *, alpha: float) -> Any:
    """(1 - sum p^alpha q^(1 - alpha)) / (alpha (1 - alpha))."""
    return _divergence(xp, both_rows(xp, kp, p, kq, q, alpha), alpha)


@measured
def tsallis_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any, *, alpha: float) -> Any:
    """(sum p^alpha q^(1 - alpha) - 1) / (alpha - 1)."""
    x = both_rows(xp, kp, p, kq, q, alpha)
    return _outside(xp, x) if alpha < SLIGHT else alpha * _divergence(xp, x, alpha)


@measured
def renyi_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any, *, alpha: float) -> Any:
    """log(sum p^alpha q^(1 - alpha)) / (alpha - 1)."""
    x = both_rows(xp, kp, p, kq, q, alpha)
    if alpha < SLIGHT:
        out = _outside(xp, x)
        inside = total(xp, xp.where(x.absent, xp.zeros_like(x.q), x.q))
        return xp.where(out < 0.5, 0.0 - log_complement(xp, xp.where(out < 0.5, out, 0.0 * out)), -xp.log(inside))
    if alpha >= ENDLESS:
        ratio = xp.where(x.missing, xp.full_like(x.ratio, xp.inf), x.ratio)
        return xp.max(xp.where(x.absent, xp.full_like(x.ratio, -xp.inf), ratio), axis=-1)
    x, a, b = ordered(x, alpha)
    return alpha * log_sum(xp, x, a, b, alpha_terms, -a * b)


@measured
def hellinger_distance(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """The root of 1 - sum sqrt(p q); where that is 0 its derivative is taken as 0."""
    square = 0.25 * _divergence(xp, both_rows(xp, kp, p, kq, q, 0.5), 0.5)
    apart = square != 0
    return xp.where(apart, xp.sqrt(xp.where(apart, square, xp.ones_like(square))), xp.zeros_like(square))


@measured
def total_variation(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """Half of sum |p - q|."""
    if {kp, kq} & {"logits", "logprobs"}:
        return 0.5 * total(xp, xp.abs(difference(xp, both_rows(xp, kp, p, kq, q))))
    first, second = two_rows(xp, kp, p, kq, q)
    exact = Twice(detach(first.p), first.low).minus(Twice(detach(second.p), second.low))
    return 0.5 * total(xp, xp.abs(graft(xp, exact.high, first.p - second.p)))


@measured
def chi_square_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """Sum (p - q)²/q: twice the divergence of order 2."""
    return 2.0 * _divergence(xp, both_rows(xp, kp, p, kq, q, 2.0), 2.0)


@measured
def f_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any, *, f: Callable[[Any], Any], slope: float) -> Any:
    """Sum q f(p/q)."""
    return total(xp, f_terms(xp, both_rows(xp, kp, p, kq, q), f, slope))


def _divergence(xp: Any, x: Both, alpha: float) -> Any:
    return total(xp, alpha_terms(xp, *ordered(x, alpha)))


def _outside(xp: Any, x: Both) -> Any:
    """The probability under q of what p rules out."""
    return total(xp, xp.where(x.absent, x.q, 0.0 * x.p))


# -- entropies ---------------------------------------------------------------------------------------------------------


def _entropy_terms(xp: Any, x: Both, a: float, b: float) -> Any:
    return -growth(xp, x, a, b)


@measured
def tsallis_entropy(xp: Any, kind: str, p: Any, *, alpha: float) -> Any:
    """(1 - sum p^alpha) / (alpha - 1)."""
    x = row_and_one(xp, kind, p, alpha)
    if alpha < SLIGHT:
        return _support(xp, x) - 1.0
    if alpha >= ENDLESS:
        return 0.0 * total(xp, x.p)
    return total(xp, _entropy_terms(xp, x, alpha, alpha - 1.0))


@measured
def renyi_entropy(xp: Any, kind: str, p: Any, *, alpha: float) -> Any:
    """log(sum p^alpha) / (1 - alpha)."""
    x = row_and_one(xp, kind, p, alpha)
    if alpha < SLIGHT:
        return xp.log(_support(xp, x))
    if alpha >= ENDLESS:
        return xp.min(xp.where(x.absent, xp.full_like(x.surprisal, xp.inf), x.surprisal + 0.0), axis=-1)
    return log_sum(xp, x, alpha, alpha - 1.0, _entropy_terms, alpha - 1.0)


def _support(xp: Any, x: Both) -> Any:
    """How many outcomes are possible; its derivative is 0."""
    one = 1.0 + 0.0 * x.p
    return xp.sum(xp.where(x.absent, xp.zeros_like(one), one), axis=-1)
