"""Which method computes a measure of two distributions: a pure choice, with its reason where there is none."""

from __future__ import annotations

from enum import Enum

from xent._errors import DistributionError
from xent._objects import How
from xent.distributions._view import View


class Method(Enum):
    """The ways to a number."""

    CLOSED_FORM = "closed form"
    QUADRATURE = "quadrature"
    MONTE_CARLO = "Monte Carlo"


def choose(measure: str, p: View, q: View | None, how: How, *, closed: bool) -> Method:
    """The method asked for, or the best there is: a formula, else quadrature of numbers, else Monte Carlo.

    A number of draws or an estimator asks for Monte Carlo.
    """
    asked = how.method or ("Monte Carlo" if how.n is not None or how.estimator is not None else None)
    refused = {
        Method.CLOSED_FORM: None if closed else f"no formula is known for the {_words(measure)} of {_named(p, q)}",
        Method.QUADRATURE: _no_quadrature(p),
        Method.MONTE_CARLO: _no_draws(p, q, measure),
    }
    if asked is not None:
        method = Method(asked)
        if refused[method] is not None:
            raise DistributionError(f"`method` {asked!r} cannot answer: {refused[method]}.")
        return method
    for method in Method:
        if refused[method] is None:
            return method
    raise DistributionError(f"Nothing can compute this: {'; '.join(str(why) for why in refused.values())}.")


def _no_quadrature(p: View) -> str | None:
    return None if p.event == () else f"outcomes of `{p.name}` have {len(p.event)} axes, quadrature is for numbers"


def _no_draws(p: View, q: View | None, measure: str) -> str | None:
    needed = [p, q] if q is not None and measure in ("js_divergence", "js_distance") else [p]
    for v in needed:
        if v.draw is None:
            return f"`{v.name}`, a {type(v.origin).__name__}, has no method that draws samples"
    return None


def _words(measure: str) -> str:
    return measure.replace("_", " ").replace("kl ", "KL ").replace("js ", "JS ")


def _named(p: View, q: View | None) -> str:
    def name(v: View) -> str:
        return type(v.origin).__name__ if v.family is None else v.family.name.replace("_", " ")

    return f"a {name(p)} distribution" if q is None else f"a {name(p)} and a {name(q)} distribution"
