"""The one place where a row is rescaled: when it is asked for by name."""

from __future__ import annotations

from typing import Any

from xent.measures import _dispatch, _rows
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, take

Array = Any

_NORMALIZE = Measure("normalize", lambda xp, kind, a: _rows.normalize(xp, "counts" if kind == "numbers" else kind, a))


def normalize(a: Array, /, *, axis: int = -1) -> Array:
    r"""Rows divided by their sums: distributions from non-negative numbers.

        a_k / \sum_j a_j

    Parameters
    ----------
    a : array, form or list, shape (..., K)
        Non-negative numbers, integers included; of `Logits` and `LogProbs` the softmax is taken.
    axis : int
        The outcome axis, of length K.

    Returns
    -------
    array of the same shape, library and device
        Probabilities of the floating dtype of `a`; float64 for integers.

    Raises
    ------
    DistributionError
        A row with a negative, NaN or infinite value, or all 0.
    ShapeError
        No outcome axis, or K = 0.

    Edge cases
    ----------
    a row of zeros   an error: there is no distribution to return

    Accuracy
    --------
    float64 and float32 in NumPy 1 ulp; other libraries 4 ulp.

    Gradient
    --------
    That of the quotient.

    References
    ----------
    None needed.

    Examples
    --------
    >>> import xent
    >>> xent.normalize([1, 1, 2])
    array([0.25, 0.25, 0.5 ])
    """
    operand = take("a", a, DISTRIBUTIONS, integers="counts")
    # Plain numbers and counts have shares; a log-probability off by a constant is a logit.
    held = {"probs": "numbers", "counts": "numbers", "logprobs": "logits"}.get(operand.kind, operand.kind)
    return _dispatch.same_shape(_NORMALIZE, operand._replace(kind=held), axis, "nats", True)
