r"""Two variables at once: joint and conditional entropy and mutual information of tables p(i, j)."""

from __future__ import annotations

from typing import Any

from xent import _check
from xent.measures import _dispatch, _joint
from xent.measures._dispatch import Measure
from xent.measures._operands import DISTRIBUTIONS, take

Array = Any

_JOINT = Measure("joint_entropy", _joint.joint_entropy)
_INFORMATION = Measure("mutual_information", _joint.mutual_information)
_GIVEN_ROWS = Measure("conditional_entropy", lambda xp, kind, a: _joint.conditional_entropy(xp, kind, a, 0))
_GIVEN_COLUMNS = Measure("conditional_entropy", lambda xp, kind, a: _joint.conditional_entropy(xp, kind, a, 1))


def joint_entropy(joint: Array, /, *, unit: str = "nats", check: bool = True) -> Array:
    r"""Entropy of the pair.

        H(X, Y) = -\sum_{ij} p_{ij} \log p_{ij}

    Parameters
    ----------
    joint : array, form or list, shape (..., I, J)
        Probabilities of the pairs, each table summing to 1; `Counts` for a contingency table. Leading axes are batch.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.

    Returns
    -------
    array, shape (...)
        One value a table, in `unit`, of the floating dtype of `joint`.

    Raises
    ------
    DistributionError
        A table that is no distribution; an integer array without a form.
    ShapeError
        Fewer than two axes, or an empty one.

    Edge cases
    ----------
    p_ij = 0   the term is 0

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp; other libraries 4 ulp.

    Gradient
    --------
    As `entropy`.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., equation 2.8.

    Examples
    --------
    >>> import xent
    >>> float(xent.joint_entropy([[0.25, 0.25], [0.25, 0.25]], unit="bits"))
    2.0
    """
    return _dispatch.tables(_JOINT, take("joint", joint, DISTRIBUTIONS), unit, check)


def conditional_entropy(joint: Array, /, *, given: int, unit: str = "nats", check: bool = True) -> Array:
    r"""What is left uncertain about one variable once the other is known.

        H(Y | X) = \sum_{ij} p_{ij} \log \frac{p_i}{p_{ij}} \quad (given=0), \qquad H(X | Y) \quad (given=1)

    Parameters
    ----------
    joint : array, form or list, shape (..., I, J)
        As in `joint_entropy`.
    given : {0, 1}
        Which of the last two axes is known: 0 the rows, 1 the columns.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.

    Returns
    -------
    array, shape (...)
        One value a table, in `unit`, never negative.

    Raises
    ------
    DistributionError, ShapeError
        As `joint_entropy`.
    ValueError
        `given` is neither 0 nor 1.

    Edge cases
    ----------
    p_i = 0   a row that never happens adds 0

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp; other libraries 4 ulp.

    Gradient
    --------
    log(p_i / p_ij).

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., equation 2.10.

    Examples
    --------
    >>> import xent
    >>> float(xent.conditional_entropy([[0.5, 0.0], [0.25, 0.25]], given=0, unit="bits"))
    0.5
    """
    given = _check.given_axis(given)
    operand = take("joint", joint, DISTRIBUTIONS)
    return _dispatch.tables((_GIVEN_ROWS, _GIVEN_COLUMNS)[given], operand, unit, check, given=given)


def mutual_information(joint: Array, /, *, unit: str = "nats", check: bool = True) -> Array:
    r"""What one variable tells about the other.

        I(X; Y) = KL(p_{ij} \| p_i p_j) = H(X) + H(Y) - H(X, Y)

    Parameters
    ----------
    joint : array, form or list, shape (..., I, J)
        As in `joint_entropy`.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    check : bool
        Look at the values first. False computes as given.

    Returns
    -------
    array, shape (...)
        One value a table, in `unit`, never negative; 0 when the variables are independent.

    Raises
    ------
    DistributionError, ShapeError
        As `joint_entropy`.

    Edge cases
    ----------
    one row or one column   0

    Accuracy
    --------
    float64 and float32 in NumPy 2 ulp, for nearly independent tables and counts of any size too; other libraries 4 ulp.

    Gradient
    --------
    log(p_ij / (p_i p_j)) and a constant that plays no part on the simplex.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., equation 2.28.

    Examples
    --------
    >>> import xent
    >>> float(xent.mutual_information([[0.5, 0.0], [0.0, 0.5]], unit="bits"))
    1.0
    """
    return _dispatch.tables(_INFORMATION, take("joint", joint, DISTRIBUTIONS), unit, check)
