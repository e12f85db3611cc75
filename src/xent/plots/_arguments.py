"""What the figures ask of their arguments; every message says what was found."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._check import sum_tolerance
from xent._errors import DistributionError, ShapeError
from xent.plots._gaussians import Gaussian, Mixture

Vector = NDArray[np.float64]

_MOST_APART = 30


def option(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a `value` that is none of `choices`."""
    if isinstance(value, str) and value in choices:
        return
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"`{name}` is {value!r}; it is one of {', '.join(map(repr, choices))}.{hint}")


def probability(name: str, value: Any) -> float:
    """`value` as one probability."""
    array = _floats(name, value)
    if array.ndim != 0:
        raise ShapeError(f"`{name}` has shape {array.shape}; it is one probability, such as 0.3.")
    number = float(array)
    if not 0 <= number <= 1:
        raise DistributionError(f"`{name}` is {number:.6g}; a probability is between 0 and 1.")
    return number


def distribution(name: str, values: Any, outcomes: int | None = None) -> Vector:
    """`values` as one distribution, over `outcomes` outcomes where the figure asks for a number of them."""
    array = _floats(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ShapeError(f"`{name}` has shape {array.shape}; it is one row of probabilities, one for each outcome.")
    if outcomes is not None and array.size != outcomes:
        raise ShapeError(f"`{name}` has {array.size} value{'s' * (array.size != 1)}; this figure takes {outcomes}.")
    if not np.isfinite(array).all():
        bad = int(np.argmin(np.isfinite(array)))
        raise DistributionError(f"`{name}` has {array[bad]} at outcome {bad}; a probability is finite.")
    if array.min() < 0:
        bad = int(np.argmin(array))
        raise DistributionError(f"`{name}` has {array[bad]:.6g} at outcome {bad}; a probability is not negative.")
    digits = np.finfo(_precision(values)).nmant + 1
    total = float(array.sum())
    if abs(total - 1) > sum_tolerance(digits, array.size):
        raise DistributionError(f"`{name}` sums to {total:.9g}, not 1. To rescale it: `xent.normalize({name})`.")
    return array


def gaussians(name: str, value: Any, weighted: bool = False) -> Mixture:
    """`value` as a Gaussian (mean, sd), or `weighted` as two bumps (weight, mean, sd)."""
    shape, what = ((2, 3), "two bumps (weight, mean, sd)") if weighted else ((1, 2), "one (mean, sd), such as (0, 1)")
    array = _floats(name, value)
    if array.size != shape[0] * shape[1]:
        raise ShapeError(f"`{name}` has {array.size} value{'s' * (array.size != 1)}; it is {what}.")
    rows = array.reshape(shape)
    if not np.isfinite(rows).all():
        raise DistributionError(f"`{name}` has {rows[~np.isfinite(rows)][0]}; a mean and a deviation are finite.")
    if rows[:, -1].min() <= 0:
        raise DistributionError(f"`{name}` has the standard deviation {rows[:, -1].min():.6g}; it is above 0.")
    weights = rows[:, 0] if weighted else np.ones(1)
    if weights.min() <= 0 or abs(float(weights.sum()) - 1) > sum_tolerance(53, 2):
        shown = ", ".join(f"{w:.6g}" for w in weights)
        raise DistributionError(f"`{name}` has the weights {shown}; both are above 0 and they sum to 1.")
    return tuple(Gaussian(float(m), float(s), float(w)) for (m, s), w in zip(rows[:, -2:], weights, strict=True))


def comparable(names: str, bumps: Mixture) -> None:
    """Refuse Gaussians of which one would be a line or a point in a figure of the other."""
    least, most = min(g.sd for g in bumps), max(g.sd for g in bumps)
    apart = max(g.mean for g in bumps) - min(g.mean for g in bumps)
    if max(most, apart) > _MOST_APART * least:
        raise DistributionError(
            f"{names} cannot be seen in one figure: the narrowest has a standard deviation of {least:.6g}, and the "
            f"widest of {most:.6g}, or their means are {apart:.6g} apart; at most {_MOST_APART} times as much is drawn."
        )


def same_length(p: Vector, q: Vector) -> None:
    """Refuse two distributions over different outcomes."""
    if p.size != q.size:
        raise ShapeError(f"`p` has {p.size} outcomes and `q` has {q.size}; they must be the same outcomes.")


def _floats(name: str, value: Any) -> Vector:
    try:
        raw = np.asarray(value)
        if raw.dtype.kind in "OSU" and not _all_numbers(value):
            raise TypeError
        if raw.dtype.kind not in "Obiuf":
            raise TypeError
        return raw.astype(np.float64)
    except (TypeError, ValueError, ArithmeticError):
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise DistributionError(f"`{name}` is {shown}; it holds plain numbers.") from None


def _all_numbers(value: Any) -> bool:
    """Fractions and decimals come as objects; text and None do not count as numbers."""
    return all(isinstance(v, (Real, Decimal)) for v in np.asarray(value, dtype=object).reshape(-1))


def _precision(values: Any) -> np.dtype[Any]:
    """The floating type whose rounding the sum is allowed: that of the array, else double."""
    dtype = getattr(values, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize <= 8 else np.dtype(np.float64)
