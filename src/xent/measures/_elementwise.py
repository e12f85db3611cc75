"""The binary measures, elementwise: one value a number, in nats, for arrays of any library.

A number stands for a Bernoulli distribution: "probs" P(1), "logprobs" log P(1), "logits" log-odds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent.measures._exact import exact_bernoulli, exact_ratio
from xent.measures._namespace import graft, quiet
from xent.measures._pairs import NEAR
from xent.measures._primitives import (
    Pair,
    contrast,
    kl_terms,
    log1mexp,
    log_complement,
    log_ratio,
    minus_log,
    sigmoid,
    softplus,
    steepest,
    times,
)
from xent.measures._rows import measured


class _Bernoulli(NamedTuple):
    """P(1) and P(0), and which of them are impossible (0, and not merely underflowed)."""

    one: Any
    zero: Any
    never_one: Any
    never_zero: Any


def _bernoulli(xp: Any, kind: str, y: Any) -> _Bernoulli:
    """The two probabilities, each with full relative precision."""
    if kind == "logits":
        return _Bernoulli(sigmoid(xp, y), sigmoid(xp, -y), y == -xp.inf, y == xp.inf)
    if kind == "logprobs":
        return _Bernoulli(xp.exp(y), 0.0 - xp.expm1(y), y == -xp.inf, y == 0)
    return _Bernoulli(y, 1.0 - y, y == 0, y == 1)


def _surprisals(xp: Any, kind: str, q: Any, never_one: Any, never_zero: Any) -> tuple[Any, Any]:
    """-log P(1) and -log P(0); finite (and to be multiplied by 0) where infinite but ruled out by the truth too."""
    if kind == "logits":
        return softplus(xp, -q), softplus(xp, q)
    if kind == "logprobs":
        return 0.0 - q, _minus_log1mexp(xp, q, never_zero)
    idle = never_zero & (q == 1)
    zeros = 0.0 - log_complement(xp, xp.where(idle, 0.5 * xp.ones_like(q), q))
    return minus_log(xp, q, never_one), xp.where(idle, steepest(xp, q), zeros)


def _minus_log1mexp(xp: Any, x: Any, idle: Any) -> Any:
    """-log(1 - e^x); finite at 0 where `idle`."""
    idle = idle & (x == 0)
    return xp.where(idle, steepest(xp, x), 0.0 - log1mexp(xp, xp.where(idle, -xp.ones_like(x), x)))


def _binary_cross_entropy(xp: Any, ky: str, y: Any, kq: str, q: Any) -> Any:
    y, q = xp.broadcast_arrays(y, q)
    truth = _bernoulli(xp, ky, y)
    ones, zeros = _surprisals(xp, kq, q, truth.never_one, truth.never_zero)
    return times(xp, truth.one, ones, truth.never_one) + times(xp, truth.zero, zeros, truth.never_zero)


@measured
def binary_entropy(xp: Any, kind: str, y: Any) -> Any:
    """-y log y - (1 - y) log(1 - y)."""
    return _binary_cross_entropy(xp, kind, y, kind, y)


@measured
def binary_cross_entropy(xp: Any, ky: str, y: Any, kq: str, q: Any) -> Any:
    """-y log q - (1 - y) log(1 - q); inf where the model rules out what can happen."""
    return _binary_cross_entropy(xp, ky, y, kq, q)


@measured
def binary_kl_divergence(xp: Any, ky: str, y: Any, kq: str, q: Any) -> Any:
    """Divergence of two Bernoulli distributions, the two outcomes as a row of two."""
    y, q = xp.broadcast_arrays(y, q)
    p, m = _bernoulli(xp, ky, y), _bernoulli(xp, kq, q)
    ones, zeros = _ratios(xp, ky, y, kq, q, p, m)
    contrasts = None, None
    if ky == kq == "probs":
        contrasts = contrast(xp, p.one, m.one, y - q), contrast(xp, p.zero, m.zero, q - y)
    first = Pair(p.one, m.one, contrasts[0], ones, xp.abs(ones) < NEAR, p.never_one)
    second = Pair(p.zero, m.zero, contrasts[1], zeros, xp.abs(zeros) < NEAR, p.never_zero)
    return kl_terms(xp, first) + kl_terms(xp, second)


def _ratios(xp: Any, ky: str, y: Any, kq: str, q: Any, p: _Bernoulli, m: _Bernoulli) -> tuple[Any, Any]:
    """log(p/q) of both outcomes: of the probabilities as they are, or by their surprisals."""
    if ky == kq == "probs":
        return log_ratio(xp, p.one, m.one), log_ratio(xp, p.zero, m.zero)
    never = p.never_one & m.never_one, p.never_zero & m.never_zero
    truth = _surprisals(xp, ky, y, p.never_one, p.never_zero)
    model = _surprisals(xp, kq, q, *never)
    plain = [xp.where(n, xp.zeros_like(s), t - s) for n, s, t in zip(never, truth, model, strict=True)]
    exact = zip(exact_bernoulli(xp, ky, y), exact_bernoulli(xp, kq, q), plain, strict=True)
    ones, zeros = (graft(xp, exact_ratio(xp, s, t, ratio), ratio) for s, t, ratio in exact)
    return ones, zeros


def validity(xp: Any, kind: str, y: Any) -> Any:
    """Whether each number is what its kind says: in [0, 1], a log of that, or any log-odds but NaN."""
    with quiet(xp):
        if kind == "logits":
            return y == y  # false for NaN alone
        return y <= 0 if kind == "logprobs" else (y >= 0) & (y <= 1)
