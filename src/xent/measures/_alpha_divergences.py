r"""Divergences of order alpha: Rényi's, Tsallis' and Amari's, of which Kullback and Leibler's is the order 1."""

from __future__ import annotations

from functools import partial
from typing import Any

from xent._check import order
from xent._objects import NOTHING, NotAnArray, answer, of_arrays
from xent.measures import _alpha_rows, _dispatch
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, TRUTHS, take

Array = Any


def renyi_divergence(
    p: Array,
    q: Array,
    /,
    *,
    alpha: float,
    axis: int = -1,
    unit: str = "nats",
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""Divergence of order alpha by Rényi: with alpha, what `q` underrates counts more.

        D_\alpha(p \| q) = \frac{1}{\alpha - 1} \log \sum_k p_k^\alpha q_k^{1 - \alpha}

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
    alpha : float
        The order, from 0 to infinity; the divergence grows with it.
    axis : int
        The outcome axis, of length K.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.
    method, bounds, n, rtol, seed, details
        For distributions only: how the value is computed, and `details=True` for a `Details` that says so
        (docs/distributions.md).

    Returns
    -------
    array, shape (...)
        One value a row, in `unit`, never negative but by the rounding of rows at order infinity.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.
    ValueError
        `alpha` is negative or NaN.

    Edge cases
    ----------
    alpha = 0             -log of the probability under q of all that is possible under p
    alpha = 1/2           -2 log of the Bhattacharyya coefficient
    alpha = 1             KL(p || q)
    alpha = inf           log of the largest p_k/q_k
    p = q                 exactly 0
    p_k > 0, q_k = 0      inf for alpha >= 1; finite below, unless p and q are disjoint

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, for near-equal distributions, near alpha = 1 and where the sum leaves the range;
    other libraries 8 ulp. At order infinity, of near-equal logits: 1e-31 absolute.

    Gradient
    --------
    Of every order by PyTorch and JAX; 0 at p = q. At p_k = 0, where the slope may be infinite, it is steep and
    finite, so that it vanishes behind a softmax.

    References
    ----------
    Rényi (1961), Proc. 4th Berkeley Symp. 1, 547-561; van Erven and Harremoës (2014), IEEE Trans. Inf. Theory 60.

    Examples
    --------
    >>> import xent
    >>> float(xent.renyi_divergence([0.5, 0.5], [0.25, 0.75], alpha=2))
    0.2876820724517809
    >>> float(xent.renyi_divergence([0.5, 0.5], [0.25, 0.75], alpha=float("inf"), unit="bits"))
    1.0
    """
    alpha = order(alpha, infinite=True)
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("renyi_divergence", (p, q), unit, how, alpha=alpha)
    value = _dispatch.rows(Measure("", partial(_alpha_rows.renyi_divergence, alpha=alpha)), operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)


def tsallis_divergence(
    p: Array,
    q: Array,
    /,
    *,
    alpha: float,
    axis: int = -1,
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""Divergence of order alpha by Tsallis: a pure number, alpha times `alpha_divergence`.

        D_\alpha(p \| q) = \frac{\sum_k p_k^\alpha q_k^{1 - \alpha} - 1}{\alpha - 1}

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
    alpha : float
        The order, at least 0 and finite.
    axis : int
        The outcome axis, of length K.
    check : bool
        Look at the values first. False computes as given.
    method, bounds, n, rtol, seed, details
        For distributions only: how the value is computed, and `details=True` for a `Details` that says so
        (docs/distributions.md).

    Returns
    -------
    array, shape (...)
        One value a row, a pure number that is never negative.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.
    ValueError
        `alpha` is negative, infinite or NaN.

    Edge cases
    ----------
    alpha = 0             the probability under q of what p rules out
    alpha = 1             KL(p || q) in nats
    p = q                 exactly 0
    p_k > 0, q_k = 0      inf for alpha >= 1

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, for near-equal distributions, every order and overflowing moments too; other
    libraries 8 ulp. Every outcome has one Bregman term, which is never negative and does not cancel.

    Gradient
    --------
    Of every order by PyTorch and JAX; 0 at p = q. At p_k = 0, where the slope may be infinite, it is steep and
    finite, so that it vanishes behind a softmax.

    References
    ----------
    Tsallis (1998), Phys. Rev. E 58, 1442-1445; Borland, Plastino and Tsallis (1998), J. Math. Phys. 39.

    Examples
    --------
    >>> import xent
    >>> float(xent.tsallis_divergence([0.5, 0.5], [0.25, 0.75], alpha=2))
    0.3333333333333333
    """
    alpha = order(alpha)
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("tsallis_divergence", (p, q), "nats", how, alpha=alpha)
    value = _dispatch.rows(
        Measure("", partial(_alpha_rows.tsallis_divergence, alpha=alpha)), operands, axis, "nats", check
    )
    return value if how == NOTHING else of_arrays(value, how)


def alpha_divergence(
    p: Array,
    q: Array,
    /,
    *,
    alpha: float,
    axis: int = -1,
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""Divergence of order alpha by Amari, and of the power lambda = alpha - 1 by Cressie and Read.

        D_\alpha(p \| q) = \frac{1 - \sum_k p_k^\alpha q_k^{1 - \alpha}}{\alpha (1 - \alpha)}

    There are several parametrisations of this family. Amari's own alpha is 2 alpha - 1 here (-1 to 1 there is 0 to 1
    here); the power-divergence of Cressie and Read is of lambda = alpha - 1, and their statistic 2 n times this;
    Tsallis' divergence is alpha times this. The order of `renyi_divergence` is the same alpha.

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
    alpha : float
        Any finite number; changing p and q is changing alpha and 1 - alpha.
    axis : int
        The outcome axis, of length K.
    check : bool
        Look at the values first. False computes as given.
    method, bounds, n, rtol, seed, details
        For distributions only: how the value is computed, and `details=True` for a `Details` that says so
        (docs/distributions.md).

    Returns
    -------
    array, shape (...)
        One value a row, a pure number that is never negative.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.
    ValueError
        `alpha` is infinite or NaN.

    Edge cases
    ----------
    alpha = 0             KL(q || p) in nats
    alpha = 1/2           four times the squared Hellinger distance
    alpha = 1             KL(p || q) in nats
    alpha = 2             half of the chi-square divergence
    p = q                 exactly 0
    p_k > 0, q_k = 0      inf for alpha >= 1; the same with p and q changed for alpha <= 0

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, for near-equal distributions, every order and overflowing moments too; other
    libraries 8 ulp. Every outcome has one Bregman term, which is never negative and does not cancel.

    Gradient
    --------
    Of every order by PyTorch and JAX; 0 at p = q. At p_k = 0, where the slope may be infinite, it is steep and
    finite, so that it vanishes behind a softmax.

    References
    ----------
    Cressie and Read (1984), J. R. Stat. Soc. B 46; Amari (1985), Differential-Geometrical Methods in Statistics;
    Cichocki and Amari (2010), Entropy 12, 1532-1568.

    Examples
    --------
    >>> import xent
    >>> float(xent.alpha_divergence([0.5, 0.5], [0.25, 0.75], alpha=2))
    0.16666666666666666
    """
    alpha = order(alpha, negative=True)
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("alpha_divergence", (p, q), "nats", how, alpha=alpha)
    value = _dispatch.rows(
        Measure("", partial(_alpha_rows.alpha_divergence, alpha=alpha)), operands, axis, "nats", check
    )
    return value if how == NOTHING else of_arrays(value, how)
