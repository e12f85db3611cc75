r"""f-divergences: Hellinger, total variation, chi-square, and that of any convex function."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from xent._objects import NOTHING, NotAnArray, answer, of_arrays
from xent.measures import _alpha_rows, _dispatch
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, TRUTHS, take

Array = Any


def hellinger_distance(
    p: Array,
    q: Array,
    /,
    *,
    axis: int = -1,
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""Distance of the roots of two distributions: a metric from 0 to 1.

        d(p, q) = \sqrt{1 - \sum_k \sqrt{p_k q_k}} = \sqrt{\tfrac12 \sum_k (\sqrt{p_k} - \sqrt{q_k})^2}

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
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
        One value a row, from 0 to 1.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.

    Edge cases
    ----------
    p = q           exactly 0
    disjoint p, q   1

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, for near-equal distributions too; other libraries 8 ulp.

    Gradient
    --------
    That of its square over twice the distance; 0 at p = q, where the distance has a kink.

    References
    ----------
    Hellinger (1909), J. reine angew. Math. 136; Le Cam (1986), Asymptotic Methods in Statistical Decision Theory.

    Examples
    --------
    >>> import xent
    >>> float(xent.hellinger_distance([1.0, 0.0], [0.0, 1.0]))
    1.0
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("hellinger_distance", (p, q), "nats", how)
    value = _dispatch.rows(Measure("", _alpha_rows.hellinger_distance), operands, axis, "nats", check)
    return value if how == NOTHING else of_arrays(value, how)


def total_variation(
    p: Array,
    q: Array,
    /,
    *,
    axis: int = -1,
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""The largest difference of probability that two distributions give to any event: a metric.

        TV(p, q) = \tfrac12 \sum_k |p_k - q_k|

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
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
        One value a row, from 0 to 1.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.

    Edge cases
    ----------
    p = q           exactly 0
    disjoint p, q   1

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, for near-equal distributions too; other libraries 8 ulp.

    Gradient
    --------
    Half the sign of p_k - q_k, 0 where they are equal.

    References
    ----------
    Levin, Peres and Wilmer, Markov Chains and Mixing Times, 2nd ed., section 4.1.

    Examples
    --------
    >>> import xent
    >>> float(xent.total_variation([0.5, 0.5], [0.25, 0.75]))
    0.25
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("total_variation", (p, q), "nats", how)
    value = _dispatch.rows(Measure("", _alpha_rows.total_variation), operands, axis, "nats", check)
    return value if how == NOTHING else of_arrays(value, how)


def chi_square_divergence(
    p: Array,
    q: Array,
    /,
    *,
    axis: int = -1,
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""Pearson's divergence: the mean square of the relative error of `q`.

        \chi^2(p \| q) = \sum_k \frac{(p_k - q_k)^2}{q_k}

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
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
        One value a row, a pure number that is never negative: twice `alpha_divergence` of order 2.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.

    Edge cases
    ----------
    p = q                exactly 0
    p_k > 0, q_k = 0     inf
    p_k = q_k = 0        the term is 0

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, for near-equal distributions too; other libraries 8 ulp.

    Gradient
    --------
    By p_k: 2 (p_k - q_k)/q_k. By q_k: 1 - (p_k/q_k)².

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175; Liese and Vajda (2006), IEEE Trans. Inf. Theory 52.

    Examples
    --------
    >>> import xent
    >>> float(xent.chi_square_divergence([0.5, 0.5], [0.25, 0.75]))
    0.3333333333333333
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("chi_square_divergence", (p, q), "nats", how)
    value = _dispatch.rows(Measure("", _alpha_rows.chi_square_divergence), operands, axis, "nats", check)
    return value if how == NOTHING else of_arrays(value, how)


def f_divergence(
    p: Array,
    q: Array,
    /,
    *,
    f: Callable[[Array], Array],
    slope: float = math.inf,
    axis: int = -1,
    check: bool = True,
    method: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""The divergence of a convex function f of the ratio p/q, with f(1) = 0.

        D_f(p \| q) = \sum_k q_k f(p_k / q_k)

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
    f : callable
        Convex, f(1) = 0, element by element on arrays of the library of `p` and `q`, with its limit at 0.
    slope : float
        The limit of f(t)/t at infinity: what an outcome costs that `q` rules out.
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
        One value a row.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.
    ValueError
        f(1) is not 0.
    TypeError
        `f` cannot be called.

    Edge cases
    ----------
    p_k = 0              q_k f(0)
    q_k = 0 < p_k        p_k times `slope`
    p_k = q_k = 0        the term is 0, and f is not asked

    Accuracy
    --------
    That of `f` at ratios that are right to 1 ulp. Where p and q are nearly equal f(p/q) cancels: the divergences that
    have a name keep their digits there.

    Gradient
    --------
    Through `f`, by the library: write it in its operations.

    References
    ----------
    Csiszár (1963), Publ. Math. Inst. Hung. Acad. Sci. 8; Ali and Silvey (1966), J. R. Stat. Soc. B 28.

    Examples
    --------
    >>> import xent
    >>> float(xent.f_divergence([0.5, 0.5], [0.25, 0.75], f=lambda t: abs(t - 1) / 2, slope=0.5))
    0.25
    """
    if not callable(f):
        raise TypeError(f"`f` is {f!r}; it is a convex function of the ratio p/q.")
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("f_divergence", (p, q), "nats", how, f=f, slope=slope)
    value = _dispatch.rows(
        Measure("", partial(_alpha_rows.f_divergence, f=f, slope=slope)), operands, axis, "nats", check
    )
    return value if how == NOTHING else of_arrays(value, how)
