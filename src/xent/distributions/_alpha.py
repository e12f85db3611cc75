"""The alpha family and f-divergences of distributions: what to integrate, and what a closed form says of each.

Termwise it is the definition of the measures of arrays (`xent.measures._alpha_terms`). Orders below 1/2 are those
above of q and p: see `Plan.changed`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from xent.distributions._integrands import Integrand
from xent.measures._alpha_pairs import SLIGHT, both_densities, exact_order
from xent.measures._alpha_rows import ENDLESS
from xent.measures._alpha_terms import alpha_terms, difference, growth, log_over
from xent.measures._f_terms import f_terms
from xent.measures._namespace import library, quiet

Array = Any

# Entropies of an order as near 1 come from 1 - sum p^alpha, which is small; others from the log of the sum itself.
_NEAR_ONE = 0.1


class Plan(NamedTuple):
    """How a measure of distributions is computed.

    changed: the integrands are of (q, p) instead of (p, q): draws are of q then, whose term is bounded.

    near: what is integrated first. far: what is drawn instead where `is_far(value)` of what `near` gave says that
    digits were lost (overlaps that are nearly 0), or None. bridged: whether quadrature goes on to `_bridge` then, and
    where the integral of `near` overflows.

    order: the alpha for which a family's `renyi` formula is asked, or None where it says nothing. closed(xp, value):
    the measure from what that formula answers; NaN where it does not tell.
    """

    changed: bool
    near: Integrand
    far: Integrand | None = None
    order: float | None = None
    closed: Callable[[Any, Array], Array] | None = None
    is_far: Callable[[Any], Any] | None = None
    bridged: bool = False


def plan(
    measure: str, *, alpha: float = math.nan, f: Callable[[Array], Array] | None = None, slope: float = math.inf
) -> Plan:
    """The plan of a measure of this family by its name; `alpha`, `f` and `slope` for those that have them."""
    if measure == "renyi_entropy":
        return Plan(False, _renyi_entropy(alpha))
    if measure == "tsallis_entropy":
        return Plan(False, _tsallis_entropy(alpha))
    if measure == "total_variation":
        return Plan(False, _variation())
    if measure == "f_divergence" and f is not None:
        return Plan(False, _f_divergence(f, slope))
    if measure == "hellinger_distance":
        return _divergence(0.5, _root_of_quarter)
    if measure == "chi_square_divergence":
        return _divergence(2.0, lambda xp, v: 2.0 * v)
    if measure == "alpha_divergence":
        return _divergence(alpha, None)
    if alpha < SLIGHT:
        if measure == "tsallis_divergence":
            return Plan(False, _outside(None), order=0.0, closed=_nothing_outside)
        return Plan(False, _outside(_minus_log), _inside(), 0.0, _nothing_outside, lambda v: ~(v < 0.5))
    if measure == "tsallis_divergence":
        return _divergence(alpha, lambda xp, v: alpha * v)
    return _renyi(alpha)


# -- closed forms ------------------------------------------------------------------------------------------------------


def from_renyi(xp: Any, value: Array, alpha: float) -> Array:
    """The alpha divergence from the Rényi divergence over alpha: (1 - e^(-c v))/c, c = alpha (1 - alpha)."""
    c = alpha * (1.0 - alpha)
    return value if abs(c) < SLIGHT else -xp.expm1(-c * value) / c


def _nothing_outside(xp: Any, value: Array) -> Array:
    """At order 0 finite formulas say that the supports are the same; an infinite one does not say how different."""
    return xp.where(xp.isfinite(value), xp.zeros_like(value), xp.full_like(value, xp.nan))


def _root_of_quarter(xp: Any, value: Array) -> Array:
    apart = value != 0
    return 0.5 * xp.where(apart, xp.sqrt(xp.where(apart, value, xp.ones_like(value))), xp.zeros_like(value))


# -- integrands of pairs -----------------------------------------------------------------------------------------------


def _variation() -> Integrand:
    """Half of |p - q|; over draws what p has more than q, so that what q has elsewhere is not missed."""

    def term(xp: Any, lp: Array, lq: Array) -> Array:
        return 0.5 * xp.abs(difference(xp, both_densities(xp, lp, lq)))

    def drawn(xp: Any, lp: Array, lq: Array) -> Array:
        return -xp.expm1(xp.where(lq < lp, lq - lp, xp.zeros_like(lp)))

    return Integrand(term, drawn, "both")


def _outside(finish: Callable[[Any, Array], Array] | None) -> Integrand:
    """The probability under q of what p rules out; over draws of p as what is missing from 1."""

    def term(xp: Any, lp: Array, lq: Array) -> Array:
        return xp.where(lp == -xp.inf, xp.exp(lq), xp.zeros_like(lq))

    return Integrand(term, lambda xp, lp, lq: -xp.expm1(lq - lp), "both", finish)


def _inside() -> Integrand:
    """The probability under q of what p allows, where that is the smaller part."""

    def term(xp: Any, lp: Array, lq: Array) -> Array:
        return xp.where(lp == -xp.inf, xp.zeros_like(lq), xp.exp(lq))

    return Integrand(term, lambda xp, lp, lq: xp.exp(lq - lp), "both", lambda xp, v: -xp.log(v))


def _f_divergence(f: Callable[[Array], Array], slope: float) -> Integrand:
    """q f(p/q); over draws of p with f(0) for the probability under q of what p rules out, where f(0) is finite."""
    f = _for_arrays(f)

    def term(xp: Any, lp: Array, lq: Array) -> Array:
        return f_terms(xp, both_densities(xp, lp, lq), f, slope)

    def drawn(xp: Any, lp: Array, lq: Array) -> Array:
        with quiet(xp):  # t log t without its limit
            at_zero = f(xp.zeros_like(lp))
        at_zero = xp.where(xp.isfinite(at_zero), at_zero, xp.zeros_like(lp))
        return term(xp, xp.zeros_like(lp), lq - lp) - at_zero * xp.expm1(lq - lp)

    return Integrand(term, drawn, "both")


def _for_arrays(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The same function where it is written in torch's operations and quadrature gives it NumPy's numbers."""

    def of(t: Array) -> Array:
        torch = sys.modules.get("torch")
        try:
            return f(t)
        except TypeError:
            if torch is None or library(t) != "numpy":
                raise
        return f(torch.as_tensor(np.asarray(t))).detach().numpy()

    return of


def _minus_log(xp: Any, value: Array) -> Array:
    return _log_over(xp, value, 1.0)


def _alpha_integrand(a: float, b: float, finish: Callable[[Any, Array], Array] | None) -> Integrand:
    """That of the alpha divergence of order a; over draws without the part whose mean is known."""

    def term(xp: Any, lp: Array, lq: Array) -> Array:
        return alpha_terms(xp, both_densities(xp, lp, lq), a, b)

    def drawn(xp: Any, lp: Array, lq: Array) -> Array:
        return growth(xp, both_densities(xp, xp.zeros_like(lp), lq - lp), a, b) / a

    return Integrand(term, drawn, "both", finish)


def _divergence(alpha: float, finish: Callable[[Any, Array], Array] | None) -> Plan:
    changed, a, b = exact_order(alpha)

    def closed(xp: Any, value: Array) -> Array:
        divergence = from_renyi(xp, value, alpha)
        return divergence if finish is None else finish(xp, divergence)

    return Plan(changed, _alpha_integrand(a, b, finish), order=alpha, closed=closed)


def _renyi(alpha: float) -> Plan:
    if alpha >= ENDLESS:
        raise ValueError(
            f"`alpha` is {alpha}: of distributions the largest ratio of densities is no integral. Take a finite order."
        )
    changed, a, b = exact_order(alpha)
    c = -a * b
    near = _alpha_integrand(a, b, lambda xp, v: alpha * _log_over(xp, v, c))
    if c <= 0:
        is_far = None if c == 0 else lambda v: ~(v < math.inf)
        return Plan(changed, near, order=alpha, closed=lambda xp, v: alpha * v, is_far=is_far, bridged=c < 0)
    far = Integrand(
        partial(_moment, a=a),
        lambda xp, lp, lq: _moment(xp, xp.zeros_like(lp), lq - lp, a=a),
        "p",
        lambda xp, v: -xp.log(v) / (1.0 - alpha),
    )
    return Plan(changed, near, far, alpha, lambda xp, v: alpha * v, lambda v: ~(c * v <= 0.5), True)


def _log_over(xp: Any, v: Array, c: float) -> Array:
    """-log(1 - c v)/c, inf where v is and where nothing is left of 1; no derivative goes through that."""
    proper = xp.isfinite(v) & (c * v < 1.0)
    return xp.where(proper, log_over(xp, xp.where(proper, v, xp.zeros_like(v)), c), xp.full_like(v, math.inf))


def _moment(xp: Any, lp: Array, lq: Array, a: float) -> Array:
    """p^a q^(1 - a), 0 < a < 1."""
    gone = (lp == -xp.inf) | (lq == -xp.inf)
    zero = xp.zeros_like(lp)
    inside = xp.exp(a * xp.where(gone, zero, lp) + (1.0 - a) * xp.where(gone, zero, lq))
    return xp.where(gone, zero, inside)


# -- entropies ---------------------------------------------------------------------------------------------------------


def _power(xp: Any, lp: Array, alpha: float, over: float) -> Array:
    """p^alpha over p^`over`, 0 where p is 0."""
    gone = lp == -xp.inf
    power = xp.exp((alpha - over) * xp.where(gone, xp.zeros_like(lp), lp))
    return xp.where(gone, xp.zeros_like(power), power)


def _tsallis_entropy(alpha: float) -> Integrand:
    """(p - p^alpha)/(alpha - 1), whose integral is the entropy."""
    b = alpha - 1.0

    def term(xp: Any, lp: Array, _: Array) -> Array:
        return -growth(xp, both_densities(xp, lp, xp.zeros_like(lp)), alpha, b)

    def drawn(xp: Any, lp: Array, _: Array) -> Array:
        return -lp if b == 0 else -xp.expm1(b * lp) / b

    if alpha >= ENDLESS:
        raise ValueError(f"`alpha` is {alpha}: of distributions no entropy of that order is an integral.")
    return Integrand(term, drawn, "p")


def _renyi_entropy(alpha: float) -> Integrand:
    b = alpha - 1.0
    if abs(b) < _NEAR_ONE or alpha >= ENDLESS:
        return _tsallis_entropy(alpha)._replace(finish=lambda xp, v: log_over(xp, v, b))
    return Integrand(
        lambda xp, lp, _: _power(xp, lp, alpha, 0.0),
        lambda xp, lp, _: _power(xp, lp, alpha, 1.0),
        "p",
        lambda xp, v: -xp.log(v) / b,
    )
