r"""Kullback-Leibler and Jensen-Shannon: how far a model is from the truth, in information."""

from __future__ import annotations

from typing import Any

from xent._objects import NOTHING, NotAnArray, answer, of_arrays
from xent.measures import _dispatch, _rows
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, TRUTHS, take

Array = Any

_CROSS_ENTROPY = Measure("cross_entropy", _rows.cross_entropy)
_KL = Measure("kl", _rows.kl_divergence)
_JS = Measure("js", _rows.js_divergence)
_JS_DISTANCE = Measure("js", _rows.js_distance, root=True)


def kl_divergence(
    p: Array,
    q: Array,
    /,
    *,
    axis: int = -1,
    unit: str = "nats",
    check: bool = True,
    method: str | None = None,
    estimator: str | None = None,
    bounds: tuple[float, float] | None = None,
    n: int | None = None,
    rtol: float | None = None,
    seed: int | None = None,
    details: bool | None = None,
) -> Array:
    r"""Extra surprisal, on average, of believing `q` when outcomes follow `p`.

        KL(p \| q) = \sum_k p_k \log (p_k / q_k) = H(p, q) - H(p)

    Truth first, model second. It is no distance: the two directions differ.

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth. Labels stand for one-hot rows: the divergence is then the surprisal of the label.
    q : array, form or list, shape (..., K); or a distribution
        The model. Leading axes broadcast, the outcome axis does not.
    axis : int
        The outcome axis, of length K.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.
    method, estimator, bounds, n, rtol, seed, details
        For distributions only: how the value is computed, and `details=True` for a `Details` that says so
        (docs/distributions.md).

    Returns
    -------
    array, shape (...)
        One value a row, in `unit`, never negative, of the promoted floating dtype.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.

    Edge cases
    ----------
    p = q              exactly 0
    p_k = q_k = 0      the term is 0
    p_k > 0, q_k = 0   inf

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp, for near-equal distributions too; other libraries 4 ulp.
    Rows whose sums are off 1 by rounding are used as given, each outcome by its Bregman term
    p log(p/q) - p + q, which is never negative and adds up to the divergence when the sums are 1.

    Gradient
    --------
    By p_k: log(p_k / q_k). By q_k: 1 - p_k / q_k. Of logits of q: softmax - p.

    References
    ----------
    Kullback and Leibler (1951), Ann. Math. Stat. 22; Cover and Thomas, 2nd ed., equation 2.26.

    Examples
    --------
    >>> import xent
    >>> float(xent.kl_divergence([0.5, 0.5], [0.25, 0.75], unit="bits"))
    0.2075187496394219
    >>> float(xent.kl_divergence([0.5, 0.5], [1.0, 0.0]))
    inf
    """
    how = (method, estimator, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("kl_divergence", (p, q), unit, how)
    # A one-hot truth has no entropy of its own.
    measure = _CROSS_ENTROPY if operands[0].kind == "labels" else _KL
    value = _dispatch.rows(measure, operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)


def js_divergence(
    p: Array,
    q: Array,
    /,
    *,
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
    r"""Information that one draw gives about which of two equally likely distributions it came from.

        JS(p, q) = \tfrac12 KL(p \| m) + \tfrac12 KL(q \| m), \quad m = \tfrac12 (p + q)

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        One distribution; labels stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The other. Leading axes broadcast, the outcome axis does not.
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
        One value a row, in `unit`, from 0 to log 2, of the promoted floating dtype.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K).
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.

    Edge cases
    ----------
    p = q             exactly 0
    disjoint p, q     exactly log 2
    swapped p and q   the same bits

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp, for near-equal distributions too; other libraries 4 ulp.

    Gradient
    --------
    By p_k: ½ log(2 p_k / (p_k + q_k)), and the same for q.

    References
    ----------
    Lin (1991), IEEE Trans. Inf. Theory 37, 145-151.

    Examples
    --------
    >>> import xent
    >>> float(xent.js_divergence([1.0, 0.0], [0.0, 1.0], unit="bits"))
    1.0
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("js_divergence", (p, q), unit, how)
    value = _dispatch.rows(_JS, operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)


def js_distance(
    p: Array,
    q: Array,
    /,
    *,
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
    r"""Root of the Jensen-Shannon divergence, which is a metric.

        d(p, q) = \sqrt{JS(p, q)}

    Parameters
    ----------
    p, q, axis, check, method, bounds, n, rtol, seed, details
        As in `js_divergence`.
    unit : {"nats", "bits", "bans"}
        Unit of the divergence whose root is taken.

    Returns
    -------
    array, shape (...)
        One value a row, from 0 to the root of log 2, of the promoted floating dtype.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError, ShapeError
        As `js_divergence`.

    Edge cases
    ----------
    p = q           exactly 0
    disjoint p, q   the root of log 2

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp; other libraries 4 ulp.

    Gradient
    --------
    That of the divergence over twice the distance; 0 at p = q, where the distance has a kink.

    References
    ----------
    Endres and Schindelin (2003), IEEE Trans. Inf. Theory 49, 1858-1860.

    Examples
    --------
    >>> import xent
    >>> float(xent.js_distance([1.0, 0.0], [0.0, 1.0], unit="bits"))
    1.0
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("js_distance", (p, q), unit, how)
    value = _dispatch.rows(_JS_DISTANCE, operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)
