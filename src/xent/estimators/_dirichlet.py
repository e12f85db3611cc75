"""The posterior of the entropy when the shares have a symmetric Dirichlet prior, in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.estimators._gamma import excesses
from xent.estimators._histograms import LARGEST, Multiplicities

Array = np.ndarray[Any, Any]

PRIORS = {
    "jeffreys": lambda m: np.full_like(m.total, 0.5),
    "laplace": lambda m: np.ones_like(m.total),
    "perks": lambda m: 1 / m.outcomes,
    "minimax": lambda m: np.sqrt(m.total) / m.outcomes,
}


def concentration(m: Multiplicities, prior: Any) -> Array:
    """The prior's concentration of each outcome, (B,)."""
    if isinstance(prior, str) and prior in PRIORS:
        return PRIORS[prior](m)
    if (
        isinstance(prior, (int, float, np.integer, np.floating))
        and not isinstance(prior, bool)
        and 1 / LARGEST <= prior <= LARGEST
    ):
        return np.full_like(m.total, float(prior))
    names = ", ".join(map(repr, PRIORS))
    raise ValueError(f"`prior` is {prior!r}; it is one of {names}, or the concentration, a number from 1e-50 to 1e50.")


def with_unseen(m: Multiplicities) -> tuple[Array, Array]:
    """Distinct counts and their multiplicities, each (B, D + 1), with the outcomes that were not seen, of count 0."""
    unseen = (m.outcomes - m.seen)[:, None]
    counts = np.where(m.multiplicity > 0, m.counts, 0.0)
    return np.concatenate([counts, 0 * unseen], axis=1), np.concatenate([m.multiplicity, unseen], axis=1)


def posterior(m: Multiplicities, a: Array) -> tuple[Array, Array]:
    """The posterior mean and variance of the entropy, both (B, J), for concentrations a of shape (B, J)."""
    counts, multiplicity = (x[:, None, :] for x in with_unseen(m))
    alpha = counts + a[..., None]
    n, k = m.total[:, None], m.outcomes[:, None]
    whole = n + k * a
    others = (n[..., None] - counts) + (k[..., None] - 1) * a[..., None]
    return moments(alpha, multiplicity * alpha / whole[..., None], whole, others)


def moments(alpha: Array, weight: Array, whole: Array, others: Array, added: Any = 0.0) -> tuple[Array, Array]:
    r"""Mean and variance of \sum_i p_i (b_i - log p_i), p from Dirichlet(alpha), over the last axis.

    alpha holds distinct concentrations, `weight` their outcomes' share alpha_i/A together, `whole` A, `others`
    A - alpha_i, `added` b_i. With u_i = psi(A+1) - psi(alpha_i + 1) + b_i and w(x) = x psi'(x) - 1 the mean is
    E[u] and the variance (Var[u] + E[w(alpha + 1)] - w(A + 1))/(A + 1), expectations under alpha/A: the second
    moments of Wolpert and Wolf (1995, theorems 7 and 8) less the square of the mean, without their cancellation.
    """
    more = np.concatenate([alpha, whole[..., None]], axis=-1) + 1
    by_log, by_slope = excesses(more)
    u = np.log1p(others / more[..., :-1]) + by_log[..., :-1] - by_log[..., -1:] + added
    mean = (weight * u).sum(axis=-1)
    spread = (weight * (u - mean[..., None]) ** 2).sum(axis=-1)
    within = (weight * (by_slope[..., :-1] - by_slope[..., -1:])).sum(axis=-1)
    return mean, np.maximum(spread + within, 0.0) / (whole + 1)
