"""Each measure as what stands under its integral and as what is averaged over draws, from log densities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from xent.measures._namespace import detach
from xent.measures._primitives import Pair, js_terms, kl_terms, times

Array = Any


class Integrand(NamedTuple):
    """A measure of distributions, in nats, before anything is done to the number.

    term(xp, lp, lq): what is integrated (or summed) at places with log densities lp and lq, without the weight of the
    place. Where there is a choice it is never negative (Bregman terms), so that nothing cancels: the integral is the
    measure because both densities integrate to 1. -inf in lp or lq is a density of 0, and gives inf where the measure
    is infinite for that reason.

    drawn(xp, lp, lq): what is averaged over draws of p.

    over: whose support the term lives on: "p", or "both" for terms that count where p is 0.

    finish(xp, value): from the integral to the measure (exp for perplexity, a root, a log1p); its slope carries the
    error. None where the integral is the measure.

    normalised: whether p, and q where its support counts, have to integrate to 1.
    """

    term: Callable[[Any, Array, Array], Array]
    drawn: Callable[[Any, Array, Array], Array]
    over: str
    finish: Callable[[Any, Array], Array] | None = None
    normalised: bool = True


def _pair(xp: Any, lp: Array, lq: Array) -> Pair:
    """Two densities by their logs, and the log of their ratio: 0 where neither is there."""
    absent, no_model = lp == -math.inf, lq == -math.inf
    zero = xp.zeros_like(lp)
    # a double `where`: no derivative goes through the -inf of a density of 0
    ratio = xp.where(absent, zero, lp) - xp.where(no_model, zero, lq)
    ratio = xp.where(no_model & ~absent, xp.full_like(ratio, math.inf), ratio)
    ratio = xp.where(absent, xp.where(no_model, zero, xp.full_like(ratio, -math.inf)), ratio)
    near = xp.abs(ratio) < math.log(3.0)
    return Pair(_density(xp, lp), _density(xp, lq), None, ratio, near, absent)


def _density(xp: Any, log_density: Array) -> Array:
    nothing = log_density == -math.inf
    zero = xp.zeros_like(log_density)
    return xp.where(nothing, zero, xp.exp(xp.where(nothing, zero, log_density)))


def _surprise(xp: Any, lp: Array, log_model: Array) -> Array:
    """-p log m, 0 where p is."""
    return times(xp, _density(xp, lp), 0.0 - log_model, lp == -math.inf)


def _entropy(xp: Any, lp: Array, lq: Array) -> Array:
    return _surprise(xp, lp, lp)


def _cross_entropy(xp: Any, lp: Array, lq: Array) -> Array:
    return _surprise(xp, lp, lp if lq is None else lq)


def _kl(xp: Any, lp: Array, lq: Array) -> Array:
    return kl_terms(xp, _pair(xp, lp, lq))


def _js(xp: Any, lp: Array, lq: Array) -> Array:
    """Of the densities over the larger of the two: densities, unlike probabilities, may be huge."""
    top = xp.maximum(detach(lp), detach(lq))
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    return xp.exp(top) * js_terms(xp, _pair(xp, lp - top, lq - top))


def _drawn_js(xp: Any, lp: Array, lq: Array) -> Array:
    """The term over p, from t = log(q/p): (log(2/(1 + e^t)) + e^t log(2/(1 + e^-t)))/2."""
    t = 0.0 - (lp - lq)
    size = xp.abs(t)
    low = math.log(2.0) - xp.log1p(xp.exp(-size))  # log(2/(1 + e^-|t|))
    of_p = xp.where(t > 0, low - size, low)
    of_q = xp.where(t > 0, low, low - size)
    weighed = times(xp, xp.exp(t), of_q, t == -math.inf)
    return 0.5 * (of_p + weighed)


def _exp(xp: Any, value: Array) -> Array:
    return xp.exp(value)


def _root(xp: Any, value: Array) -> Array:
    """The square root, whose derivative at 0 is 0: the distance has its minimum there."""
    positive = value > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, value, xp.ones_like(value))), xp.zeros_like(value))


def _of_p(xp: Any, lp: Array, lq: Array) -> Array:
    return 0.0 - lp


def _of_model(xp: Any, lp: Array, lq: Array) -> Array:
    return 0.0 - (lp if lq is None else lq)


def _of_ratio(xp: Any, lp: Array, lq: Array) -> Array:
    return lp - lq


ENTROPY = Integrand(_entropy, _of_p, "p")
CROSS_ENTROPY = Integrand(_cross_entropy, _of_model, "p")
KL_DIVERGENCE = Integrand(_kl, _of_ratio, "both")
JS_DIVERGENCE = Integrand(_js, _drawn_js, "both")

# By the name of the measure; a perplexity without a model is that of p under itself (lq None).
INTEGRANDS: dict[str, Integrand] = {
    "entropy": ENTROPY,
    "cross_entropy": CROSS_ENTROPY,
    "kl_divergence": KL_DIVERGENCE,
    "js_divergence": JS_DIVERGENCE,
    "js_distance": JS_DIVERGENCE._replace(finish=_root),
    "perplexity": CROSS_ENTROPY._replace(finish=_exp),
}
