"""Each measure as what stands under its integral and as what is averaged over draws, from log densities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

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
    """

    term: Callable[[Any, Array, Array], Array]
    drawn: Callable[[Any, Array, Array], Array]
    over: str
    finish: Callable[[Any, Array], Array] | None = None
