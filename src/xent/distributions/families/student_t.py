"""Student's t distribution: df, loc, scale."""

from __future__ import annotations

import math
from typing import Any

from xent.distributions._bregman import digamma_step, kl_term, lgamma_divergence, log_minus_digamma, phi
from xent.distributions._special import BERNOULLI, HALF_LOG_2PI
from xent.distributions.families import _support
from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import silent
from xent.measures._primitives import horner

Array = Any


def _standard_entropy(xp: Any, x: Array) -> Array:
    """(x + ½)(ψ(x + ½) - ψ(x)) + log B(x, ½) + ½ log 2x for x = df/2.

    log B is the divergence of log Γ and ½ ψ(x): what is large then is the difference of log x and ψ(x).
    """
    half = xp.full_like(x, 0.5)
    step = (x + 0.5) * digamma_step(xp, x, half) + 0.5 * log_minus_digamma(xp, x)
    return step + (HALF_LOG_2PI - lgamma_divergence(xp, x, x + 0.5, half))


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    good = _support.is_positive(xp, p["df"], p["scale"]) & _support.is_finite(xp, p["loc"])
    df, scale = _support.ones_elsewhere(xp, good, p["df"], p["scale"])
    return _support.where_valid(xp, good, xp.log(scale) + _standard_entropy(xp, 0.5 * df))


# B_2k - B_2k(1/2) over 2k: the coefficients of x^-2k in ψ(x + ½) - ψ(x)
_STEPS = tuple(b * (2.0 - 2.0 ** (-1 - 2 * k)) / (2 * k + 2) for k, b in enumerate(BERNOULLI))
_LARGE = 16.0  # from here on the series is right to 1e-22


def _lack_of_entropy(xp: Any, x: Array) -> Array:
    """The entropy of the normal distribution of the same variance less that of Student's t with df = 2x > 2."""
    large = x >= _LARGE
    near, far = xp.where(large, xp.full_like(x, 2.0), x), xp.where(large, x, xp.full_like(x, _LARGE))
    r = 1.0 / far
    odd = horner(r * r, tuple(c * (1.0 + 1.0 / (2 * k + 3)) for k, c in enumerate(_STEPS[1:])))
    series = r * r * (0.5 * horner(r * r, _STEPS) + r * odd)
    direct = 0.5 - 0.5 * xp.log1p(-1.0 / near) - (_standard_entropy(xp, near) - HALF_LOG_2PI)
    return xp.where(large, 0.5 * phi(xp, -r) - series, direct)


@silent
def _kl_of_normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    """By moments: what the entropy lacks, and KL of the normal distribution of the same moments; inf for df <= 2.

    Within 4 ulp from df = 32 on; below, within 4 ulp of 1.
    """
    good = _support.is_positive(xp, p["df"], p["scale"], q["scale"]) & _support.is_finite(xp, p["loc"], q["loc"])
    df, scale, other = _support.ones_elsewhere(xp, good, p["df"], p["scale"], q["scale"])
    spread = df > 2.0
    df = xp.where(spread, df, xp.full_like(df, 4.0))
    # the ratio of variances, less one
    growth = (scale - other) / other * ((scale + other) / other)
    excess = (growth * df + 2.0) / (df - 2.0)
    offset = (p["loc"] - q["loc"]) / other
    normal = 0.5 * (
        kl_term(xp, xp.ones_like(excess), (scale / other) ** 2 * (df / (df - 2.0)), -excess) + offset * offset
    )
    value = _lack_of_entropy(xp, 0.5 * df) + normal
    return _support.where_valid(xp, good, xp.where(spread, value, xp.full_like(value, math.inf)))


FORMULAS = Formulas(entropy=_entropy)
PAIRS = {("student_t", "normal"): _kl_of_normal}
