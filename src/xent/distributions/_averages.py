"""What a Monte Carlo estimate averages, with the control variates of each measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions import _moments
from xent.distributions._draws import CHUNK, Columns, Stratum, alike, host, spread
from xent.distributions._integrands import Integrand
from xent.distributions._moments import Fit, Moments
from xent.distributions._view import View
from xent.measures._primitives import Pair, kl_terms

Array = Any
_Fitting = Callable[[Moments], Fit]

_LOOKED_AT = 2**13  # draws of q that must all lie where p has density
_LARGE = 700.0  # exp of more overflows
_KNOWN = ("entropy", "cross_entropy")  # the closed forms that make controls, in the order of their columns


def strata_of(
    measure: str,
    integrand: Integrand,
    p: View,
    q: View | None,
    estimator: str | None,
    known: Mapping[str, Array],
    seed: int,
) -> list[Stratum]:
    """Whose draws are averaged, and what of them: of p alone, or of both."""
    batch = p.batch if q is None else np.broadcast_shapes(p.batch, q.batch)
    rng = np.random.default_rng(seed)
    if q is not None and integrand.over == "both" and measure != "kl_divergence":
        if q.draw is not None:
            mixed = _of_the_mixture(integrand)
            return [Stratum(source, p, q, batch, mixed, _plain, rng) for source in (p, q)]
        if not _covered_by_ends(p, q):
            raise DistributionError(f"`{q.name}` cannot be drawn from: the {measure} needs draws of both.")
    columns, fit = _of_one(measure, integrand, p, q, batch, estimator, known, seed)
    return [Stratum(p, p, q, batch, columns, fit, rng)]


def _of_one(
    measure: str,
    integrand: Integrand,
    p: View,
    q: View | None,
    batch: tuple[int, ...],
    estimator: str | None,
    known: Mapping[str, Array],
    seed: int,
) -> tuple[Columns, _Fitting]:
    """The columns of draws of p alone, and how they make an estimate."""
    if estimator is not None:
        return (lambda xp, lp, lq: [_TERMS[estimator](xp, lp, lq)]), _plain
    if q is None or measure not in ("kl_divergence", "cross_entropy", "perplexity"):
        if measure in ("entropy", "perplexity"):
            return (lambda xp, lp, lq: [-lp]), _plain
        return (lambda xp, lp, lq: [integrand.drawn(xp, lp, lq)]), _plain
    ratio = _covers(p, q, batch, seed)
    if measure == "kl_divergence":
        return _kl_columns(ratio, known), _kl_fit(ratio, known)
    return _cross_entropy_columns(ratio, known), _controlled


def _plain(state: Moments) -> Fit:
    return _moments.regression(state, 0, ())


def _controlled(state: Moments) -> Fit:
    return _moments.regression(state, 0, range(1, state.mean.shape[-1]))


def _of_the_mixture(integrand: Integrand) -> Columns:
    def columns(xp: Any, lp: Array, lq: Array) -> list[Array]:
        middle = xp.logaddexp(lp, lq) - math.log(2.0)
        return [integrand.term(xp, lp - middle, lq - middle)]

    return columns


def _cross_entropy_columns(ratio: bool, known: Mapping[str, Array]) -> Columns:
    def columns(xp: Any, lp: Array, lq: Array) -> list[Array]:
        excess = [_ratio(xp, lq - lp)[0]] if ratio else []
        # H(p, q) itself is asked for: only what is known of p can help.
        return [-lq, *excess, *_known(xp, lp, lq, {k: v for k, v in known.items() if k == "entropy"})]

    return columns


def _kl_columns(ratio: bool, known: Mapping[str, Array]) -> Columns:
    """k1, then k3 and r - 1 where they may be used, then what is known."""

    def columns(xp: Any, lp: Array, lq: Array) -> list[Array]:
        d = lq - lp
        if not ratio:
            return [-d, *_known(xp, lp, lq, known)]
        excess, k3 = _ratio(xp, d)
        return [-d, k3, excess, *_known(xp, lp, lq, known)]

    return columns


def _kl_fit(ratio: bool, known: Mapping[str, Array]) -> _Fitting:
    """k3 is k1 plus the control r - 1: from there the control's weight is found without cancellation."""
    first = 3 if ratio else 1
    others = range(first, first + sum(name in known for name in _KNOWN))

    def fit(state: Moments) -> Fit:
        plain = _moments.regression(state, 0, others)
        if not ratio:
            return plain
        near = _moments.regression(state, 1, (2, *others))
        use = _moments.trusted(state, 2)
        weights = np.where(use[:, None], near.weights, plain.weights)
        return Fit(weights, *(np.where(use, a, b) for a, b in zip(near[1:], plain[1:], strict=True)))

    return fit


def _known(xp: Any, lp: Array, lq: Array, known: Mapping[str, Array]) -> list[Array]:
    """-log p - H(p) and -log q - H(p, q), where they are known: of mean 0."""
    surprisals = {"entropy": -lp, "cross_entropy": -lq}
    return [surprisals[name] - xp.astype(alike(known[name], lp), lp.dtype) for name in _KNOWN if name in known]


def _ratio(xp: Any, d: Array) -> tuple[Array, Array]:
    """r - 1 and r - 1 - log r of d = log r, which do not cancel; infinite, without a derivative, where r overflows."""
    over = d > _LARGE
    safe = xp.where(over, xp.zeros_like(d), d)
    endless = xp.full_like(d, math.inf)
    return xp.where(over, endless, xp.expm1(safe)), xp.where(over, endless, _psi(xp, safe))


def _psi(xp: Any, d: Array) -> Array:
    """e^d - 1 - d: the divergence's term where p is 1 and q is e^d."""
    one = xp.ones_like(d)
    near = xp.abs(d) < math.log(3.0)
    return kl_terms(xp, Pair(one, xp.exp(d), None, -d, near, one == 0))


_TERMS: dict[str, Callable[[Any, Array, Array], Array]] = {
    "k1": lambda xp, lp, lq: lp - lq,
    "k2": lambda xp, lp, lq: 0.5 * (lp - lq) ** 2,
    "k3": lambda xp, lp, lq: _ratio(xp, lq - lp)[1],
}


# -- whether p covers q ------------------------------------------------------------------------------------------------


def _covered_by_ends(p: View, q: View) -> bool | None:
    """Whether the support of q lies between the ends of p's; None where nobody knows the ends."""
    if p.low is None or p.high is None or q.low is None or q.high is None:
        return None
    return bool((p.low <= q.low).all() and (q.high <= p.high).all())


def _covers(p: View, q: View, batch: tuple[int, ...], seed: int) -> bool:
    """Whether p has density wherever q has, as far as the ends of their supports and draws of q tell."""
    ends = _covered_by_ends(p, q)
    if ends is False or q.draw is None:
        return bool(ends)
    count = max(1, min(_LOOKED_AT, CHUNK // (math.prod((*batch, *q.event)) or 1)))
    drawn = host(q.draw(count, np.random.default_rng((seed, 1))))
    return bool((host(p.log_density(spread(drawn, batch, q.event))) > -np.inf).all())
