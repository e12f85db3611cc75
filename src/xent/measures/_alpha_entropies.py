r"""Entropies of order alpha: Rényi's and Tsallis', of which Shannon's is the order 1."""

from __future__ import annotations

from functools import partial
from typing import Any

from xent._check import order
from xent._objects import NOTHING, NotAnArray, answer, of_arrays
from xent.measures import _alpha_rows, _dispatch
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, take

Array = Any


def renyi_entropy(
    p: Array,
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
    r"""Entropy of order alpha by Rényi: with alpha, likelier outcomes count more.

        H_\alpha(p) = \frac{1}{1 - \alpha} \log \sum_k p_k^\alpha

    Parameters
    ----------
    p : array, form or list, shape (..., K); or a distribution
        A plain float array holds probabilities; `LogProbs`, `Logits` and `Counts` say otherwise.
    alpha : float
        The order, from 0 to infinity. 0 counts the possible outcomes (Hartley), 1 is Shannon, 2 is collision entropy,
        infinity is -log of the largest probability (min-entropy).
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
        A row that is no distribution; an integer array without a form.
    ShapeError
        No outcome axis, or K = 0.
    ValueError
        `alpha` is negative or NaN.

    Edge cases
    ----------
    alpha = 0      log of the number of outcomes with p_k > 0
    alpha = 1      the entropy
    alpha = inf    -log max p
    one-hot p      0
    uniform p      log K, whatever alpha

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, near alpha = 1 too; other libraries 8 ulp.

    Gradient
    --------
    Of every order by PyTorch and JAX. At p_k = 0, where the slope is infinite for alpha < 1, it is steep and
    finite. That of order infinity goes to the largest probability.

    References
    ----------
    Rényi (1961), Proc. 4th Berkeley Symp. Math. Stat. Prob. 1, 547-561.

    Examples
    --------
    >>> import xent
    >>> float(xent.renyi_entropy([0.5, 0.25, 0.25], alpha=2, unit="bits"))
    1.4150374992788437
    >>> float(xent.renyi_entropy([0.5, 0.25, 0.25], alpha=float("inf"), unit="bits"))
    1.0
    """
    alpha = order(alpha, infinite=True)
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, DISTRIBUTIONS),)
    except NotAnArray:
        return answer("renyi_entropy", (p,), unit, how, alpha=alpha)
    value = _dispatch.rows(Measure("", partial(_alpha_rows.renyi_entropy, alpha=alpha)), operands, axis, unit, check)
    return value if how == NOTHING else of_arrays(value, how)


def tsallis_entropy(
    p: Array,
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
    r"""Entropy of order alpha by Tsallis (Havrda and Charvát): additive no more, a pure number.

        S_\alpha(p) = \frac{1 - \sum_k p_k^\alpha}{\alpha - 1}

    Parameters
    ----------
    p : array, form or list, shape (..., K); or a distribution
        A plain float array holds probabilities; `LogProbs`, `Logits` and `Counts` say otherwise.
    alpha : float
        The order, from 0 to infinity. 1 is the Shannon entropy in nats, 2 the Gini impurity 1 - sum p².
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
        One value a row, a pure number of at least 0, of the library, device and floating dtype of `p`.
        Of distributions one value for each of their batch; with `details=True` a `Details`.

    Raises
    ------
    DistributionError
        A row that is no distribution; an integer array without a form.
    ShapeError
        No outcome axis, or K = 0.
    ValueError
        `alpha` is negative or NaN.

    Edge cases
    ----------
    alpha = 0      the number of outcomes with p_k > 0, less one
    alpha = 1      the entropy in nats
    alpha = inf    0
    one-hot p      0

    Accuracy
    --------
    float64 and float32 in NumPy 4 ulp, near alpha = 1 too; other libraries 8 ulp. Rows that are off 1 by rounding
    are used as given, each outcome by its term p (1 - p^(alpha - 1)) / (alpha - 1).

    Gradient
    --------
    Of every order by PyTorch and JAX. At p_k = 0, where the slope is infinite for alpha < 1, it is steep and
    finite.

    References
    ----------
    Havrda and Charvát (1967), Kybernetika 3, 30-35; Tsallis (1988), J. Stat. Phys. 52, 479-487.

    Examples
    --------
    >>> import xent
    >>> float(xent.tsallis_entropy([0.5, 0.25, 0.25], alpha=2))
    0.625
    """
    alpha = order(alpha, infinite=True)
    how = (method, None, bounds, n, rtol, seed, details)
    try:
        operands = (take("p", p, DISTRIBUTIONS),)
    except NotAnArray:
        return answer("tsallis_entropy", (p,), "nats", how, alpha=alpha)
    value = _dispatch.rows(
        Measure("", partial(_alpha_rows.tsallis_entropy, alpha=alpha)), operands, axis, "nats", check
    )
    return value if how == NOTHING else of_arrays(value, how)
