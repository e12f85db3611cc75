"""The Wishart distribution: df, scale_tril, the lower Cholesky factor of the scale."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions._bregman import excess, gamma_entropy, kl_term
from xent.distributions._special import digamma
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.measures._namespace import helper_device

Array = Any


def _good(xp: Any, p: Parameters) -> Array:
    """df beyond d - 1, and a lower triangular factor with a positive diagonal."""
    factor = p["scale_tril"]
    diagonal = xp.linalg.diagonal(factor)
    lower = xp.all(xp.isfinite(factor) & ((factor == 0) | (xp.tril(xp.ones_like(factor)) > 0)), axis=(-2, -1))
    enough = (p["df"] > factor.shape[-1] - 1) & xp.isfinite(p["df"])
    return enough & lower & xp.all(diagonal > 0, axis=-1)


def _safe(xp: Any, good: Array, p: Parameters) -> tuple[Array, Array, Array]:
    """df, the factor and its diagonal; d and the identity where the parameters are not valid."""
    factor = p["scale_tril"]
    d = factor.shape[-1]
    identity = xp.eye(d, dtype=factor.dtype, device=helper_device(factor))
    factor = xp.where(good[..., None, None], factor, identity)
    return xp.where(good, p["df"], xp.full_like(p["df"], float(d))), factor, xp.linalg.diagonal(factor)


def _halves(xp: Any, df: Array, d: int) -> tuple[Array, Array]:
    """(df - j)/2 and j/2 for j < d, along the last axis."""
    j = xp.arange(d, dtype=df.dtype, device=helper_device(df))
    return 0.5 * (df[..., None] - j), 0.5 * j


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    """(d + 1)/2 log|2 V| + d (d - 1)/4 (1 + log π) and the sum of entropies of Gamma(a) and (d - 1 - j)/2 ψ(a)."""
    good = _good(xp, p)
    df, _, diagonal = _safe(xp, good, p)
    d = diagonal.shape[-1]
    a, half = _halves(xp, df, d)
    size = (d + 1) * xp.sum(xp.log(diagonal * math.sqrt(2.0)), axis=-1) + d * (d - 1) / 4 * (1.0 + math.log(math.pi))
    gammas = gamma_entropy(xp, a) + 0.5 * xp.log(a) + ((d - 1) / 2 - half) * digamma(xp, a)
    return _support.where_valid(xp, good, size + xp.sum(gammas, axis=-1))


def _solved_below(xp: Any, factor: Array, right: Array) -> Array:
    """The strictly lower part of factor⁻¹ right, both lower triangular, along the last axis, by substitution."""
    rows: list[Array] = []
    for i in range(factor.shape[-1]):
        row = right[..., i, :]
        for j, known in enumerate(rows):
            row = row - factor[..., i, j, None] * known
        rows.append(row / factor[..., i, i, None])
    below = [row[..., :i] for i, row in enumerate(rows)]
    return xp.concat(below, axis=-1)


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    """With T = L_q⁻¹ L_p, a = (df_p - j)/2 and b = (df_q - j)/2 a sum of terms that are never negative.

    The sum over j of b log(b/(a T_jj²)) - b + a T_jj², the excess of a and b, and j/2 (T_jj² - 1 - log T_jj²); and
    df_p/2 times the squares below the diagonal of T.
    """
    good = _good(xp, p) & _good(xp, q)
    (df, factor, diagonal), (other_df, other, other_diagonal) = _safe(xp, good, p), _safe(xp, good, q)
    a, half = _halves(xp, df, diagonal.shape[-1])
    b, _ = _halves(xp, other_df, diagonal.shape[-1])
    ratio = diagonal / other_diagonal
    growth = (diagonal - other_diagonal) / other_diagonal * (1.0 + ratio)  # T_jj² - 1
    step = 0.5 * (other_df - df)[..., None]
    steps = kl_term(xp, b, a * ratio * ratio, step - a * growth) + excess(xp, a, b, step + 0.0 * a)
    steps = steps + half * kl_term(xp, xp.ones_like(ratio), ratio * ratio, -growth)
    below = _solved_below(xp, other, factor - other)
    value = xp.sum(steps, axis=-1) + 0.5 * df * xp.sum(below * below, axis=-1)
    return _support.where_valid(xp, good, value)


FORMULAS = Formulas(entropy=_entropy, kl=_kl)
