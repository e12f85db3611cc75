"""The measures of rows: one value a row, outcomes along the last axis, arrays of any library.

A row is given by its kind ("probs", "logprobs", "logits", "counts", "labels") and an array of float32 or float64
(integers for labels). Rows of a pair broadcast against each other outside the last axis. Everything is in nats.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from xent.measures._distributions import Row, at_label, inside, label_surprisal, row, softmax, surprisals
from xent.measures._exact import exact_expectation, exact_row
from xent.measures._namespace import detach, graft, is_floating, quiet, result_dtype, smallest_normal, working_dtype
from xent.measures._pairs import pair
from xent.measures._primitives import js_terms, kl_terms, times, total

_F = TypeVar("_F", bound=Callable[..., Any])


def measured(function: _F) -> _F:
    """Compute in the working dtype, round the result to the widest dtype given, and let no NumPy warning escape."""

    @functools.wraps(function)
    def run(xp: Any, *args: Any, **options: Any) -> Any:
        floats = [a for a in args if hasattr(a, "dtype") and is_floating(a)]
        work, dtype = working_dtype(xp, *floats), result_dtype(xp, *floats)
        with quiet(xp):
            cast = [xp.astype(a, work) if hasattr(a, "dtype") and is_floating(a) else a for a in args]
            return xp.astype(function(xp, *cast, **options), dtype)

    return run  # pyright: ignore[reportReturnType]  # the same signature, by construction


def _expected(xp: Any, weight: Row, model: Row) -> Any:
    """The terms of the expected surprisal of `model` when outcomes follow `weight`."""
    return times(xp, weight.p, model.surprisal(weight.absent), weight.absent)


@measured
def surprisal(xp: Any, kind: str, a: Any) -> Any:
    """-log p of each outcome; the shape of `a`."""
    return surprisals(xp, kind, a)


@measured
def entropy(xp: Any, kind: str, a: Any) -> Any:
    """-sum p log p."""
    r = row(xp, kind, a)
    # p log p of a probability that underflowed is 0: its own surprisal is never infinite
    gone = r.absent | (r.p < smallest_normal(r.p))
    return total(xp, times(xp, r.p, r.surprisal(gone), r.absent | (r.p == 0)))


def _cross_entropy(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    if kp == "labels":
        return label_surprisal(xp, kq, q, p)
    return total(xp, _expected(xp, row(xp, kp, p), row(xp, kq, q)))


@measured
def cross_entropy(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """-sum p log q; -log q_y for labels."""
    return _cross_entropy(xp, kp, p, kq, q)


@measured
def kl_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """Sum p log(p/q) - p + q; -log q_y for labels."""
    if kp == "labels":
        return label_surprisal(xp, kq, q, p)
    return total(xp, kl_terms(xp, pair(xp, kp, p, kq, q)))


def _js_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    return total(xp, js_terms(xp, pair(xp, kp, p, kq, q)))


@measured
def js_divergence(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """Half of sum p log(p/m) + q log(q/m), m = (p + q)/2."""
    return _js_divergence(xp, kp, p, kq, q)


@measured
def js_distance(xp: Any, kp: str, p: Any, kq: str, q: Any) -> Any:
    """The root of the Jensen-Shannon divergence; where that is 0 its derivative is taken as 0."""
    js = _js_divergence(xp, kp, p, kq, q)
    apart = js != 0
    return xp.where(apart, xp.sqrt(xp.where(apart, js, xp.ones_like(js))), xp.zeros_like(js))


@measured
def perplexity(xp: Any, kp: str, p: Any, kq: str | None, q: Any) -> Any:
    """Exp of the cross-entropy, or of the entropy when there is no second row."""
    if kq is not None and kp == "labels":
        return _label_perplexity(xp, p, kq, q)
    weight, model = row(xp, kp, p), row(xp, kq or kp, p if kq is None else q)
    plain = xp.exp(xp.sum(_expected(xp, weight, model), axis=-1))
    weights, surprisals = exact_row(xp, kp, p)
    if kq is not None:
        surprisals = exact_row(xp, kq, q)[1]
    high, low = exact_expectation(xp, weights, surprisals, weight.absent)
    value = xp.exp(high) * (1.0 + low)
    return graft(xp, xp.where(xp.isfinite(value), value, detach(plain)), plain)


def _label_perplexity(xp: Any, y: Any, kind: str, q: Any) -> Any:
    """1/q_y, without a logarithm in between."""
    if kind == "logits":
        parts = softmax(xp, q)
        high, low = at_label(xp, parts.z, y), at_label(xp, parts.low, y)
        return xp.exp(-high) * (1.0 - low) * xp.exp(parts.log_sum[..., 0]) + 0.0 * parts.top[..., 0]
    if kind == "logprobs":
        return xp.exp(-at_label(xp, q, y))
    return 1.0 / at_label(xp, row(xp, kind, q).p, y)


@measured
def normalize(xp: Any, kind: str, a: Any) -> Any:
    """Probabilities that sum to 1: shares of the sum for numbers, the softmax for logits and log-probabilities."""
    r = row(xp, {"probs": "counts", "logprobs": "logits"}.get(kind, kind), a)
    return graft(xp, r.p + r.low, r.p)


def validity(xp: Any, kind: str, a: Any, tol: float) -> Any:
    """Whether each row is what its kind says: finite, not negative, and of sum 1 within `tol` where it must be.

    For labels, which hold one integer a row, the last argument is the number of classes K.
    """
    if kind == "labels":
        return inside(xp, a, int(tol))
    with quiet(xp):
        if kind == "logits":
            return xp.all(a < xp.inf, axis=-1) & (xp.max(a, axis=-1) > -xp.inf)
        p = xp.exp(a) if kind == "logprobs" else a
        mass = xp.sum(xp.astype(p, working_dtype(xp, p)), axis=-1)
        good = xp.all((p >= 0) & (p < xp.inf), axis=-1)
        return good & (mass > 0 if kind == "counts" else xp.abs(mass - 1.0) <= tol)
