"""What a file of a family tells: its formulas, in nats, for arrays of any library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Array = Any
Parameters = Mapping[str, Array]


class Formulas(NamedTuple):
    """The closed forms of a family.

    entropy(xp, p), kl(xp, p, q), cross_entropy(xp, p, q): one value for each of the batch, where p and q are the
    parameters of two members, float64 arrays of one library and its array-API namespace. A formula answers None where
    it does not reach these parameters (Gammas with different ends, say): the caller goes on to quadrature. None for a
    formula that is not there; `cross_entropy` then is entropy + kl.

    renyi(xp, p, q, alpha) = -log(integral of p^alpha q^(1 - alpha)) / (alpha (1 - alpha)), for one Python float alpha:
    the Rényi divergence over alpha, which is never negative, is KL(p || q) at alpha = 1 and KL(q || p) at 0 (where the
    supports are the same), and right to its last digits near both; inf where the integral diverges. The whole alpha
    family is made of it.
    """

    entropy: Callable[[Any, Parameters], Array | None] | None = None
    kl: Callable[[Any, Parameters, Parameters], Array | None] | None = None
    cross_entropy: Callable[[Any, Parameters, Parameters], Array | None] | None = None
    renyi: Callable[[Any, Parameters, Parameters, float], Array | None] | None = None
