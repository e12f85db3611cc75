"""The multivariate normal distribution: loc, scale_tril, and the covariance where that is what was told."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import excess, infinite_where, log_gap, log_quotient, silent
from xent.distributions.families.normal import HALF_LOG_2PI
from xent.measures._namespace import device

Array = Any


def _deviation(xp: Any, p: Parameters, q: Parameters) -> Array:
    """The inverse of q's covariance times p's, less 1, in q's own coordinates: symmetric, 0 where the two are equal."""
    mine, theirs = p["scale_tril"], q["scale_tril"]
    if "covariance" in p and "covariance" in q:
        half = xp.linalg.solve(theirs, p["covariance"] - q["covariance"])
        full = xp.linalg.solve(theirs, xp.matrix_transpose(half))
        return 0.5 * (full + xp.matrix_transpose(full))
    w = xp.linalg.solve(theirs, mine - theirs)
    return w + xp.matrix_transpose(w) + w @ xp.matrix_transpose(w)


def _shift(xp: Any, p: Parameters, q: Parameters) -> Array:
    """The difference of the means in q's own coordinates."""
    return xp.linalg.solve(q["scale_tril"], (p["loc"] - q["loc"])[..., None])[..., 0]


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    d = p["scale_tril"].shape[-1]
    return (
        d * (0.5 + HALF_LOG_2PI) + xp.sum(xp.log(xp.linalg.diagonal(p["scale_tril"])), axis=-1) + 0.0 * p["loc"][..., 0]
    )


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    """½ sum(λ - log(1 + λ)) over the eigenvalues λ of the deviation, and half of the squared shift.

    Far from equal the sum is trace - log determinant, whose triangles have the digits of the smallest eigenvalues.
    """
    deviation, shift = _deviation(xp, p, q), _shift(xp, p, q)
    near = xp.sum(deviation * deviation, axis=(-2, -1)) < 0.25
    close = xp.where(near[..., None, None], deviation, xp.zeros_like(deviation))
    values = xp.linalg.eigvalsh(close)
    terms = xp.sum(excess(xp, 1.0 + values, values / (2.0 + values), xp.log1p(values)), axis=-1)
    factor = xp.linalg.solve(q["scale_tril"], p["scale_tril"])
    logs = log_quotient(xp, xp.linalg.diagonal(p["scale_tril"]), xp.linalg.diagonal(q["scale_tril"]))
    apart = xp.sum(factor * factor, axis=(-2, -1)) - (factor.shape[-1] + 2.0 * xp.sum(logs, axis=-1))
    return 0.5 * xp.where(near, terms, apart) + 0.5 * xp.sum(shift * shift, axis=-1)


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array:
    factor, shift = xp.linalg.solve(q["scale_tril"], p["scale_tril"]), _shift(xp, p, q)
    size = xp.sum(factor * factor, axis=(-2, -1)) + xp.sum(shift * shift, axis=-1)
    logs = xp.sum(xp.log(xp.linalg.diagonal(q["scale_tril"])), axis=-1)
    return factor.shape[-1] * HALF_LOG_2PI + logs + 0.5 * size


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array:
    """Half of the gaps of the log eigenvalues, and half of the squared shift over alpha + (1 - alpha) eigenvalue."""
    if alpha == 1.0:
        return _kl(xp, p, q)
    if alpha == 0.0:
        return _kl(xp, q, p)
    values, vectors = xp.linalg.eigh(_deviation(xp, p, q))
    one = xp.ones_like(values)
    tiny = xp.full_like(values, math.ulp(0.0))
    ratio = 1.0 / xp.where(1.0 + values > 0.0, 1.0 + values, tiny)
    gaps = log_gap(xp, ratio, -values / (2.0 + values), -xp.log1p(values), alpha)
    mean = alpha + (1.0 - alpha) * (1.0 + values)
    proper = mean > 0.0
    shift = (xp.matrix_transpose(vectors) @ _shift(xp, p, q)[..., None])[..., 0]
    square = shift * shift / xp.where(proper, mean, one)
    return infinite_where(xp, xp.any(~proper, axis=-1), 0.5 * xp.sum(gaps + square, axis=-1))


FORMULAS = Formulas(_entropy, _kl, _cross_entropy, _renyi)


# -- coordinates that are independent, under ones that are not, and the other way around -----------------------------


def _joint(xp: Any, p: Parameters) -> Parameters | None:
    """A product of normal coordinates as a multivariate normal distribution; None for another product."""
    parts = p["parts"]
    if len(parts) != 1 or parts[0].name != "normal" or p["axes"] != 1:
        return None
    loc, scale = (xp.astype(a, xp.float64) for a in xp.broadcast_arrays(*(parts[0].parameters[k] for k in _NORMAL)))
    return {
        "loc": loc,
        "scale_tril": scale[..., None] * xp.eye(scale.shape[-1], dtype=xp.float64, device=device(scale)),
    }


_NORMAL = ("loc", "scale")


def of_product(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    """KL of independent normal coordinates under a multivariate normal model."""
    joint = _joint(xp, p)
    return None if joint is None else _kl(xp, joint, q)


def under_product(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    """KL of a multivariate normal distribution under independent normal coordinates."""
    joint = _joint(xp, q)
    return None if joint is None else _kl(xp, p, joint)
