"""What a Monte Carlo estimate averages, with the control variates of each measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions import _moments
from xent.distributions._draws import CHUNK, Columns, Stratum, alike, host, spread
from xent.distributions._integrands import Integrand
from xent.distributions._moments import Fit, Moments
from xent.distributions._problem import without_derivatives
from xent.distributions._view import View
from xent.measures._primitives import Pair, kl_terms

Array = Any
_Fitting = Callable[[Moments], Fit]

_LOOKED_AT = 2**13  # draws of q, and others of p, by which controls are chosen
_MOST_OF_RATIO = 0.005  # the share of their sum that one r among them may hold
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
    light = _light_ratio(p, q, batch, seed)
    ratio = light is not None
    kl = measure == "kl_divergence"
    columns = _kl_columns(ratio, known) if kl else _cross_entropy_columns(ratio, known)
    choices = _choices(kl, ratio, known)
    if not any(controls for _, controls, _ in choices):
        return columns, _plain
    return columns, _controlled(choices, light, _pilot(p, q, batch, columns, seed))


def _plain(state: Moments) -> Fit:
    return _moments.regression(state, 0, ())


def _choices(kl: bool, ratio: bool, known: Mapping[str, Array]) -> list[tuple[int, Sequence[int], bool]]:
    """Regressions, best first: the base, its controls, and whether r - 1 is one of them.

    k3 is k1 plus the control r - 1: from there the control's weight is found without cancellation.
    """
    names = [name for name in _KNOWN if name in known and (kl or name == "entropy")]
    first = 1 + ratio * (2 if kl else 1)
    others = range(first, first + len(names))
    with_ratio = [(1, (2, *others), True) if kl else (0, (1, *others), True)] if ratio else []
    return [*with_ratio, (0, others, False)]


def _pilot(p: View, q: View, batch: tuple[int, ...], columns: Columns, seed: int) -> Moments | None:
    """Other draws of p, which choose the controls: chosen by the draws they serve, intervals would fall short."""
    pilot = Stratum(p, p, q, batch, columns, _plain, np.random.default_rng((seed, 2)))
    with without_derivatives(p), without_derivatives(q):
        pilot.reach(_LOOKED_AT)
    return pilot.state


def _controlled(choices: list[tuple[int, Sequence[int], bool]], light: Any, pilot: Moments | None) -> _Fitting:
    """The first of the regressions whose residuals in the pilot are even; else that without controls."""

    def fit(state: Moments) -> Fit:
        found = _plain(state)
        for base, controls, ratio in reversed(choices):
            assert pilot is not None
            sound = _moments.even(pilot, base, _moments.regression(pilot, base, controls), state.count)
            if ratio:
                sound &= light & _moments.trusted(pilot, controls[0]) & ~state.wild[:, controls[0]]
            new = _moments.regression(state, base, controls, pilot)
            weights = np.where(sound[:, None], new.weights, found.weights)
            found = Fit(weights, *(np.where(sound, a, b) for a, b in zip(new[1:], found[1:], strict=True)))
        return found

    return fit


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


def _light_ratio(p: View, q: View, batch: tuple[int, ...], seed: int) -> Any:
    """Where in the batch r may be of finite variance under p; None where p does not cover q, or nobody can tell.

    The mean of r under q is that of r^2 under p: draws of q see the large r, which those of p hardly meet.
    """
    if q.draw is None or _covered_by_ends(p, q) is False:
        return None
    count = max(1, min(_LOOKED_AT, CHUNK // (math.prod((*batch, *q.event)) or 1)))
    drawn = spread(host(q.draw(count, np.random.default_rng((seed, 1)))), batch, q.event)
    with np.errstate(all="ignore"):
        lp, lq = (host(view.log_density(drawn)).reshape(count, -1) for view in (p, q))
        if not (lp > -np.inf).all():
            return None
        d = lq - lp
        weights = np.exp(d - d.max(axis=0))
        return weights.sum(axis=0) * _MOST_OF_RATIO >= 1.0
