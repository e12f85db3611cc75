r"""Surprisal, entropy, cross-entropy and perplexity: the first three links of the chain, and their exponential."""

from __future__ import annotations

from typing import Any

from xent._objects import NOTHING, NotAnArray, answer, of_arrays
from xent.measures import _dispatch, _rows
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, TRUTHS, take

Array = Any

_SURPRISAL = Measure("surprisal", _rows.surprisal)
_ENTROPY = Measure("entropy", _rows.entropy)
_CROSS_ENTROPY = Measure("cross_entropy", _rows.cross_entropy)
_ENTROPY_EXP = Measure("entropy", lambda xp, kind, a: _rows.perplexity(xp, kind, a, None, None))
_CROSS_ENTROPY_EXP = Measure("cross_entropy", _rows.perplexity)


def surprisal(p: Array, /, *, axis: int = -1, unit: str = "nats", check: bool = True) -> Array:
    r"""How surprising each outcome is: little when it is likely, without bound when it is not.

        s(p) = -log p

    Parameters
    ----------
    p : array, form, list or number
        Probabilities in [0, 1] of any shape; or `LogProbs`, `Logits`, `Counts`, whose rows lie along `axis`.
    axis : int
        The outcome axis. It matters for `Logits` and `Counts` alone, which need their row to become probabilities.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.

    Returns
    -------
    array of the shape, library, device and dtype of `p`
        In `unit`, at least 0; below it by rounding alone, where a probability exceeds 1 by rounding.

    Raises
    ------
    DistributionError
        A value below 0, above 1 by more than rounding (1e-6 in float64), or NaN; logits without a finite value; counts
        that are negative or all 0.

    Edge cases
    ----------
    p = 1   0
    p = 0   inf

    Accuracy
    --------
    float64 and float32 in NumPy 1 ulp; other libraries 4 ulp; half precision is the rounded wide result.

    Gradient
    --------
    -1/p; of logits z: softmax(z) minus the one-hot vector of the outcome.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., section 2.1.

    Examples
    --------
    >>> import xent
    >>> float(xent.surprisal(0.25, unit="bits"))
    2.0
    >>> xent.surprisal([0.5, 0.25, 0.25], unit="bits")
    array([1., 2., 2.])
    """
    operand = take("p", p, DISTRIBUTIONS)
    _dispatch.check_axis(axis, operand.array.ndim)
    if operand.kind in ("probs", "logprobs"):
        return _dispatch.elementwise(_SURPRISAL, (operand,), unit, check)
    return _dispatch.same_shape(_SURPRISAL, operand, axis, unit, check)


def entropy(
    p: Array,
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
    r"""Expected surprisal of outcomes that follow `p`: what is uncertain before one is seen.

        H(p) = -\sum_k p_k \log p_k

    Parameters
    ----------
    p : array, form or list, shape (..., K); or a distribution
        A plain float array holds probabilities; `LogProbs`, `Logits` and `Counts` say otherwise. Of a density it is
        the differential entropy.
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
        One value a row, in `unit`, of the library, device and floating dtype of `p`; between 0 and log K.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution: negative, NaN, infinite, or a sum off 1; an integer array without a form.
    ShapeError
        No outcome axis, or K = 0.

    Edge cases
    ----------
    p_k = 0      the term is 0
    one-hot p    0
    uniform p    log K

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp; other libraries 4 ulp; half precision is the rounded wide result.

    Gradient
    --------
    -(1 + log p_k). At p_k = 0, where the slope is infinite, it is that at the smallest normal number (708 in float64):
    finite, so that it vanishes behind a softmax. Of logits z: -p_k (log p_k + H), 0 where z_k = -inf.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., equation 2.1.

    Examples
    --------
    >>> import xent
    >>> float(xent.entropy([0.5, 0.25, 0.125, 0.125], unit="bits"))
    1.75
    >>> float(xent.entropy(xent.Counts([2, 2]), unit="bits"))
    1.0
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, DISTRIBUTIONS),)
    except NotAnArray:
        return answer("entropy", (p,), unit, how)
    value = _dispatch.rows(_ENTROPY, operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)


def cross_entropy(
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
    r"""Expected surprisal of outcomes that follow `p` under the model `q`.

        H(p, q) = -\sum_k p_k \log q_k = H(p) + KL(p \| q)

    Truth first, model second. One value a row: there is no hidden mean.

    Parameters
    ----------
    p : array, form or list, shape (..., K); or `Labels`, shape (...); or a distribution
        The truth: probabilities, any other form, or class indices 0..K-1 that stand for one-hot rows.
    q : array, form or list, shape (..., K); or a distribution
        The model: probabilities, `LogProbs`, `Logits` or `Counts`. Leading axes broadcast, the outcome axis does not.
    axis : int
        The outcome axis, of length K.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given; a label outside [0, K) then gives NaN.
    method, bounds, n, rtol, seed, details
        For distributions only: how the value is computed, and `details=True` for a `Details` that says so
        (docs/distributions.md).

    Returns
    -------
    array, shape (...)
        One value a row, in `unit`, of the library, device and promoted floating dtype of the arguments.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K), labels given as the model.
    ShapeError
        Outcome axes of different length, or leading axes that do not broadcast.

    Edge cases
    ----------
    p_k = 0            the term is 0, whatever q_k is
    p_k > 0, q_k = 0   inf: the model ruled out what can happen; not an error
    q = p              H(p), the least a model can reach

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp; other libraries 4 ulp; half precision is the rounded wide result.

    Gradient
    --------
    -p_k / q_k, 0 where p_k = 0; of logits z: softmax(z) - p, right to the last digits as p(target) -> 1.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., section 5.4; Good (1952), J. R. Stat. Soc. B 14.

    Examples
    --------
    >>> import xent
    >>> float(xent.cross_entropy([0.5, 0.25, 0.25], [0.25, 0.25, 0.5], unit="bits"))
    1.75
    >>> xent.cross_entropy(xent.Labels([0, 2]), xent.Logits([[20.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    array([4.12230724e-09, 1.09861229e+00])
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, TRUTHS), take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("cross_entropy", (p, q), unit, how)
    value = _dispatch.rows(_CROSS_ENTROPY, operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)


def perplexity(
    p: Array,
    q: Array | None = None,
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
    r"""Number of equally likely outcomes that would be as uncertain.

        exp H(p), or exp H(p, q) with a model `q`

    Parameters
    ----------
    p : array, form or list, shape (..., K); with `q` also `Labels`, shape (...)
        The distribution, or with `q` the truth.
    q : array, form or list, shape (..., K), optional
        The model.
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
        One value a row, a pure number of at least 1, of the promoted floating dtype.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution, a label outside [0, K).
    ShapeError
        Shapes that do not fit.

    Edge cases
    ----------
    uniform p          K
    p_k > 0, q_k = 0   inf

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp, since the exponent keeps its low part; other libraries 4 ulp.

    Gradient
    --------
    The value times the gradient of `entropy` or `cross_entropy`.

    References
    ----------
    Jelinek, Mercer, Bahl and Baker (1977), J. Acoust. Soc. Am. 62, S63.

    Examples
    --------
    >>> import xent
    >>> float(xent.perplexity([0.25, 0.25, 0.25, 0.25]))
    4.0
    >>> float(xent.perplexity(xent.Labels(0), [0.125, 0.875]))
    8.0
    """
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        truth = take("p", p, DISTRIBUTIONS if q is None else TRUTHS)
        operands = (truth,) if q is None else (truth, take("q", q, DISTRIBUTIONS))
    except NotAnArray:
        return answer("perplexity", (p,) if q is None else (p, q), "nats", how)
    measure = _ENTROPY_EXP if q is None else _CROSS_ENTROPY_EXP
    value = _dispatch.rows(measure, operands, axis, _dispatch.EXP, check)
    return value if how == NOTHING else of_arrays(value, how)
