r"""Two outcomes: entropy, cross-entropy and divergence of probabilities of "yes", element by element."""

from __future__ import annotations

from typing import Any

from xent.measures import _dispatch, _elementwise
from xent.measures._dispatch import Measure
from xent.measures._operands import BINARY, BINARY_TRUTHS, take

Array = Any

_ENTROPY = Measure("binary_entropy", _elementwise.binary_entropy)
_CROSS_ENTROPY = Measure("binary_cross_entropy", _elementwise.binary_cross_entropy)
_KL = Measure("binary_kl", _elementwise.binary_kl_divergence)


def binary_entropy(y: Array, /, *, unit: str = "nats", check: bool = True) -> Array:
    r"""Entropy of a coin that shows 1 with probability `y`.

        h(y) = -y \log y - (1 - y) \log(1 - y)

    Parameters
    ----------
    y : array, form, list or number
        Probabilities of outcome 1 in [0, 1]; `Logits` are log-odds, `LogProbs` log P(1); booleans and integers
        that are all 0 or 1 are outcomes.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.

    Returns
    -------
    array of the shape, library, device and floating dtype of `y`
        In `unit`, from 0 to log 2.

    Raises
    ------
    DistributionError
        A value outside [0, 1], NaN, or integers other than 0 and 1.

    Edge cases
    ----------
    y = 0, y = 1   0
    y = ½          log 2
    logit ±inf     0

    Accuracy
    --------
    float64 and float32 in NumPy 1 ulp; other libraries 4 ulp; half precision is the rounded wide result.

    Gradient
    --------
    log((1 - y) / y); of the log-odds x: -x s(x) s(-x) with the logistic function s.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., equation 2.5.

    Examples
    --------
    >>> import xent
    >>> xent.binary_entropy([0.0, 0.25, 0.5], unit="bits")
    array([0.        , 0.81127812, 1.        ])
    """
    operand = take("y", y, BINARY_TRUTHS, integers="labels")
    return _dispatch.elementwise(_ENTROPY, (operand,), unit, check)


def binary_cross_entropy(y: Array, q: Array, /, *, unit: str = "nats", check: bool = True) -> Array:
    r"""Expected surprisal of a 0/1 outcome that follows `y` under the model `q`.

        H(y, q) = -y \log q - (1 - y) \log(1 - q)

    Truth first, model second; hard (0, 1) and soft truths alike. The least value over q is the entropy of `y`.

    Parameters
    ----------
    y : array, form, list or number
        The truth: probabilities of outcome 1 in [0, 1], outcomes 0 and 1 (integers, booleans or `Labels`), `Logits`
        (log-odds) or `LogProbs` (log P(1)).
    q : array, form, list or number
        The model's probability of outcome 1; `Logits` are log-odds, `LogProbs` log P(1). Broadcast with `y`.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.

    Returns
    -------
    array of the broadcast shape
        In `unit`, element by element, of the promoted floating dtype. Nothing is clipped.

    Raises
    ------
    DistributionError
        A value outside [0, 1], NaN, or integers other than 0 and 1. With y outside [0, 1] the loss has no floor.
    ShapeError
        Shapes that do not broadcast.

    Edge cases
    ----------
    y = 1, q = 0   inf
    y = 0, q = 0   0
    y = 1, q = 1   0
    logit +inf     0 for y = 1, inf for every other y
    logit -inf     0 for y = 0, inf for every other y

    Accuracy
    --------
    float64 and float32 in NumPy 1 ulp; other libraries 4 ulp; half precision is the rounded wide result.

    Gradient
    --------
    By q: (q - y) / (q (1 - q)); of the log-odds x of q: s(x) - y with the logistic function s.

    References
    ----------
    Cox (1958), J. R. Stat. Soc. B 20, 215-242; Good (1952), J. R. Stat. Soc. B 14, 107-114.

    Examples
    --------
    >>> import xent
    >>> xent.binary_cross_entropy([1, 0, 1], [0.5, 0.5, 0.25], unit="bits")
    array([1., 1., 2.])
    >>> float(xent.binary_cross_entropy(1.0, xent.Logits(-200.0)))
    200.0
    """
    operands = (take("y", y, BINARY_TRUTHS, integers="labels"), take("q", q, BINARY))
    return _dispatch.elementwise(_CROSS_ENTROPY, operands, unit, check)


def binary_kl_divergence(y: Array, q: Array, /, *, unit: str = "nats", check: bool = True) -> Array:
    r"""Kullback-Leibler divergence of two coins.

        kl(y \| q) = y \log(y / q) + (1 - y) \log((1 - y) / (1 - q))

    Parameters
    ----------
    y, q, unit, check
        As in `binary_cross_entropy`.

    Returns
    -------
    array of the broadcast shape
        In `unit`, element by element, never negative, of the promoted floating dtype.

    Raises
    ------
    DistributionError, ShapeError
        As `binary_cross_entropy`.

    Edge cases
    ----------
    y = q          exactly 0, at 0 and 1 too
    y = 1, q = 0   inf
    y = 1          -log q

    Accuracy
    --------
    float64 and float32 in NumPy 1 ulp, for near-equal y and q too; other libraries 4 ulp.

    Gradient
    --------
    By y: the difference of the log-odds; by q: (q - y) / (q (1 - q)); of the log-odds x of q: s(x) - y.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., example 2.3.1.

    Examples
    --------
    >>> import xent
    >>> float(xent.binary_kl_divergence(0.5, 0.25, unit="bits"))
    0.2075187496394219
    """
    operands = (take("y", y, BINARY_TRUTHS, integers="labels"), take("q", q, BINARY))
    return _dispatch.elementwise(_KL, operands, unit, check)
