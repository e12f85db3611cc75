"""Every argument check and every message about an argument is made here.

A message says what was found, where, and what to do. The rooms above find the first bad row (the compiled core does it
in the pass that computes the result); this one looks at that row again and says what is wrong with it.
"""

from __future__ import annotations

import difflib
import math
import numbers
import operator
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

import numpy as np

from xent._errors import DistributionError, ShapeError
from xent._objects import NotAnArray

# How far a row may be off 1 whatever its length, by the precision of its array: (bits of the significand) -> tolerance.
# float64 takes probabilities that were computed in float32; half precision those of a half-precision softmax.
_SUM_TOLERANCE = {53: 1e-6, 24: 1e-4, 11: 2e-2, 8: 2e-2}
_EPS = {53: 2.0**-52, 24: 2.0**-23, 11: 2.0**-10, 8: 2.0**-7}

_MAKE = {
    "probs": "`xent.Probs({name})`",
    "logprobs": "`xent.LogProbs({name})`",
    "logits": "`xent.Logits({name})`",
    "labels": "`xent.Labels({name})`",
    "counts": "`xent.Counts({name})`",
    "samples": "`xent.Samples({name})`",
}

Place = int | tuple[int, ...] | None


def sum_tolerance(digits: int, outcomes: int) -> float:
    """How far from 1 a row of `outcomes` values with `digits`-bit significands may sum: max(4 K eps, t)."""
    return max(4 * outcomes * _EPS[digits], _SUM_TOLERANCE[digits])


def integer_axis(axis: Any) -> int:
    """`axis` as an int; anything else is a TypeError."""
    if isinstance(axis, bool):
        raise TypeError(f"`axis` is {axis}; it is one integer.")
    try:
        return operator.index(axis)
    except TypeError:
        raise TypeError(f"`axis` is {axis!r}; it is one integer.") from None


def axis_from_end(axis: Any, ndim: int) -> int:
    """`axis` counted from the end, for operands that broadcast to `ndim` dimensions."""
    number = integer_axis(axis)
    if not -ndim <= number < ndim:
        dimensions = "no dimension" if ndim == 0 else f"{ndim} dimension{'s' * (ndim > 1)}"
        raise ShapeError(f"`axis` is {number}, but the input has {dimensions}.")
    return number - ndim if number >= 0 else number


def outcome_axis(name: str, shape: Sequence[int], axis: int, ndim: int = 0) -> int:
    """The number of outcomes K of `name` along `axis` (counted from the end of the `ndim` dimensions that all operands
    broadcast to); refused when there is no such axis or K = 0."""
    if not shape:
        raise ShapeError(f"`{name}` is a single number; it needs an axis of outcomes, one probability each.")
    if len(shape) < -axis:
        typed = f"{ndim + axis} (of the {ndim} dimensions that the arguments broadcast to)" if ndim else f"{axis}"
        raise ShapeError(f"`{name}` has shape {_shape(shape)} and no axis {typed}.")
    if shape[axis] == 0:
        raise ShapeError(f"`{name}` has shape {_shape(shape)}: no outcome along axis {axis}. A row needs at least one.")
    return shape[axis]


def different_outcomes(names: tuple[str, str], shapes: tuple[Sequence[int], Sequence[int]], axis: int) -> NoReturn:
    """Two operands whose outcome axes differ: that axis is never broadcast."""
    first, second = (shape[axis] for shape in shapes)
    raise ShapeError(
        f"`{names[0]}` has {first} outcomes along axis {axis} and `{names[1]}` has {second} "
        f"(shapes {_shape(shapes[0])} and {_shape(shapes[1])}); they must be the same outcomes."
    )


def broadcast(names: Sequence[str], shapes: Sequence[tuple[int, ...]], what: str = "shapes") -> tuple[int, ...]:
    """The common shape, or a ShapeError that names both."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(f"`{n}` {_shape(s)}" for n, s in zip(names, shapes, strict=True))
        raise ShapeError(f"{what} do not fit: {listed}.") from None


def table(name: str, shape: Sequence[int]) -> None:
    """Refuse a joint distribution that is no table of at least one row and one column."""
    if len(shape) < 2:
        raise ShapeError(f"`{name}` has shape {_shape(shape)}; a joint distribution has two axes, its last two.")
    if 0 in shape[-2:]:
        raise ShapeError(
            f"`{name}` has shape {_shape(shape)}: a joint distribution needs at least one outcome each way."
        )


def given_axis(given: Any) -> int:
    """`given` as 0 or 1."""
    message = f"`given` is {given!r}; it is 0 (the rows are known) or 1 (the columns are known)."
    if isinstance(given, (bool, np.bool_)):
        raise ValueError(message)
    try:
        number = operator.index(given)
    except TypeError:
        raise ValueError(message) from None
    if number not in (0, 1):
        raise ValueError(message)
    return number


def one_of(name: str, given: Any, known: Sequence[str]) -> None:
    """An option that is one of a few words, or None for the default."""
    if given is None or given in known:
        return
    near = difflib.get_close_matches(str(given), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"`{name}` is {given!r}; it is one of {', '.join(repr(k) for k in known)}.{hint}")


def order(alpha: Any, *, negative: bool = False, infinite: bool = False) -> float:
    """The order `alpha` of a measure as a float; refused where there is none of that order."""
    if isinstance(alpha, (bool, np.bool_)) or not isinstance(alpha, numbers.Real):
        raise TypeError(f"`alpha` is {alpha!r}; it is one real number.")
    number = float(alpha)
    if math.isnan(number) or (number < 0 and not negative) or (math.isinf(number) and not infinite):
        orders = "any finite number" if negative else "0 and above" if infinite else "0 and above, finite"
        raise ValueError(f"`alpha` is {number}; the orders of this measure are {orders}.")
    return number


def refuse_kind(name: str, kind: str, allowed: Collection[str]) -> NoReturn:
    """A form that makes no sense in this place."""
    given = _MAKE[kind].format(name="…").replace("(…)", "")
    advice = f"It can be {', '.join(_make(k, name) for k in _MAKE if k in allowed)}"
    if kind == "labels" and "counts" in allowed:
        advice = f"Labels are outcomes, not a distribution; for how often each occurs, pass {_make('counts', name)}"
    raise DistributionError(f"`{name}` is given as {given}, which does not make sense here. {advice}.")


def refuse_integers(name: str, dtype: Any, allowed: Collection[str]) -> NoReturn:
    """An integer array without a form could be labels or counts: it must say which."""
    words = {
        "labels": "for class indices",
        "counts": "for counts",
        "probs": "for probabilities that are exactly 0 or 1",
    }
    options = ", ".join(f"{_make(kind, name)} {text}" for kind, text in words.items() if kind in allowed)
    what = "an array of booleans" if "bool" in str(dtype) else f"an integer array ({dtype})"
    raise DistributionError(f"`{name}` is {what}. Say what it holds: {options}.")


def refuse_dtype(name: str, dtype: Any, advice: str) -> NoReturn:
    """A dtype that holds no real numbers xent can read."""
    raise DistributionError(f"`{name}` has dtype {dtype}. {advice}")


def refuse_label_dtype(name: str, array: Any) -> NoReturn:
    """Labels that are not integers; a missing one (NaN) is named."""
    if isinstance(array, np.ndarray) and np.isnan(array.astype(np.float64)).any():
        first = position(int(np.argmax(np.isnan(array.astype(np.float64)).reshape(-1))), array.shape)
        raise DistributionError(f"`{name}` has a missing label, NaN at row {first}. Leave that row out.")
    raise DistributionError(
        f"`{name}` holds labels of dtype {array.dtype}; labels are integers, class indices 0..K-1. Convert them first."
    )


def refuse_container(name: str, what: str, advice: str) -> NoReturn:
    """Masked, sparse and other containers whose values are not plainly there."""
    raise DistributionError(f"`{name}` is {what}. {advice}")


def refuse_object(name: str, value: Any) -> NoReturn:
    """Something that is no array, list or number; the measures ask whether it is a distribution."""
    raise NotAnArray(
        f"`{name}` is a {type(value).__name__}; pass an array, a list of numbers, or a form such as `xent.Logits(...)`."
    )


def refuse_mixture(names: Sequence[str], libraries: Sequence[str]) -> NoReturn:
    """Arrays of two libraries in one call."""
    listed = " and ".join(f"`{n}` is a {lib} array" for n, lib in zip(names, libraries, strict=True))
    raise TypeError(f"{listed}. Convert one of them: xent does not move data between libraries.")


def bad_labels(name: str, labels: Any, outcomes: int, *, binary: bool = False, skip: int | None = None) -> NoReturn:
    """Say how many labels are outside [0, K), and which is the first; `skip` is the label of rows to ignore."""
    flat = np.asarray(labels)
    bad = (flat < 0) | (flat >= outcomes)
    outside = np.nonzero((bad if skip is None else bad & (flat != skip)).reshape(-1))[0]
    count = len(outside)
    first = int(outside[0])
    found = flat.reshape(-1)[first]
    place = "" if flat.ndim == 0 else f" at row {position(first, flat.shape)}"
    plural = "s" if count != 1 else ""
    range_ = "{0, 1}" if binary else f"[0, {outcomes})"
    what = f"the first is {found}{place}" if count != 1 else f"{found}{place}"
    hint = "" if skip is None else f" If {found} marks rows to skip, pass `ignore_index={found}`."
    raise DistributionError(f"`{name}` has {count:,} label{plural} outside {range_}; {what}.{hint}")


def bad_soft_target(name: str, row: Any, place: Place, tolerance: float) -> NoReturn:
    """Say what is wrong with a row of probabilities that a model is to be trained towards."""
    at = f"`{name}`" if place is None else f"`{name}` row {place}"
    values = np.asarray(row, dtype=np.float64).reshape(-1)
    odd = ~(np.isfinite(values) & (values >= 0))
    if odd.any():
        first = int(np.argmax(odd))
        raise DistributionError(f"{at} has {_number(values[first])} at outcome {first}; a probability lies in [0, 1].")
    total = _off_one(_sum(values), tolerance)
    raise DistributionError(f"{at} sums to {total}, not 1. If these are logits, pass `{name}.softmax(...)`.")


def bad_row(name: str, kind: str, row: Any, place: Place, tolerance: float) -> NoReturn:
    """Say what is wrong with one row of `name`, which the measures found to be no distribution."""
    values = np.asarray(row, dtype=np.float64).reshape(-1)
    at = f"`{name}`" if place is None else f"`{name}` row {place}"
    reason = _REASONS.get(kind, _bad_probs)
    raise DistributionError(reason(name, at, values, tolerance))


def bad_value(name: str, kind: str, value: float, place: Place) -> NoReturn:
    """Say what is wrong with one value of an elementwise argument."""
    at = f"`{name}`" if place is None else f"`{name}` at {place}"
    number = float(value)
    if np.isnan(number):
        raise DistributionError(f"{at} is NaN. Remove it, or pass `check=False` to get NaN for it.")
    if kind == "logprobs":
        raise DistributionError(f"{at} is {_number(number)}; a log-probability is at most 0.")
    advice = f" If these are logits, pass {_make('logits', name)}."
    raise DistributionError(f"{at} is {_number(number)}, outside [0, 1].{advice}")


def _bad_probs(name: str, at: str, values: Any, tolerance: float) -> str:
    if (found := _not_finite(at, values, "a probability is finite")) is not None:
        return found
    low = int(np.argmin(values))
    if values[low] < 0:
        found = f"{at} has a negative probability, {_number(values[low])} at outcome {low}."
        return f"{found} If these are logits, pass {_make('logits', name)}."
    total = _sum(values)
    whole = bool(np.all(values == np.floor(values))) and total > 1
    kind = "counts" if whole else "logits"
    advice = f"If these are {kind}, pass {_make(kind, name)}; to rescale them, `xent.normalize({name})`."
    return f"{at} sums to {_off_one(total, tolerance)}, not 1. {advice}"


def _bad_logits(name: str, at: str, values: Any, tolerance: float) -> str:
    if np.isnan(values).any():
        return _nan(at, values)
    if (values == np.inf).any():
        return f"{at} has a logit of +inf at outcome {int(np.argmax(values))}: its softmax is not defined."
    return f"{at} is -inf in every outcome: nothing is possible. At least one logit must be finite."


def _bad_log_probs(name: str, at: str, values: Any, tolerance: float) -> str:
    if np.isnan(values).any():
        return _nan(at, values)
    if (values == np.inf).any():
        return f"{at} has +inf at outcome {int(np.argmax(values))}; a log-probability is at most 0."
    with np.errstate(over="ignore"):
        total = _sum(np.exp(values))
    return (
        f"{at} holds log-probabilities whose exponentials sum to {_off_one(total, tolerance)}, not 1. "
        f"If they are not normalised, pass {_make('logits', name)}."
    )


def _bad_counts(name: str, at: str, values: Any, tolerance: float, *, noun: str = "count") -> str:
    if (found := _not_finite(at, values, f"a {noun} is finite")) is not None:
        return found
    low = int(np.argmin(values))
    if values[low] < 0:
        return f"{at} has a negative {noun}, {_number(values[low])} at outcome {low}."
    if not values.any():
        return f"{at} has no {noun}s: every entry is 0, so there is no distribution."
    return f"{at} has {noun}s whose sum is not finite."


def _bad_numbers(name: str, at: str, values: Any, tolerance: float) -> str:
    """What `normalize` takes: anything that has shares."""
    return _bad_counts(name, at, values, tolerance, noun="value")


_REASONS = {"logits": _bad_logits, "logprobs": _bad_log_probs, "counts": _bad_counts, "numbers": _bad_numbers}


def _not_finite(at: str, values: Any, rule: str) -> str | None:
    if np.isnan(values).any():
        return _nan(at, values)
    infinite = np.isinf(values)
    if infinite.any():
        first = int(np.argmax(infinite))
        return f"{at} has {_number(values[first])} at outcome {first}; {rule}."
    return None


def _nan(at: str, values: Any) -> str:
    first = int(np.argmax(np.isnan(values)))
    return f"{at} has NaN at outcome {first}. Remove the row, or pass `check=False` to get NaN for it."


def _sum(values: Any) -> float:
    with np.errstate(over="ignore"):
        return float(np.sum(values))


def _off_one(total: float, tolerance: float) -> str:
    """The sum with as many digits as it takes to see that it is off 1 by more than the tolerance."""
    for digits in range(4, 18):
        text = f"{total:.{digits}g}"
        if float(text) != 1 and abs(float(text) - 1) > tolerance / 2:
            return text
    return f"1 within rounding ({total - 1:+.3g})"


def _number(value: float) -> str:
    return f"{float(value):.6g}"


def _make(kind: str, name: str) -> str:
    return _MAKE[kind].format(name=name)


def _shape(shape: Sequence[int]) -> str:
    return str(tuple(int(n) for n in shape))


def position(flat: int, shape: Sequence[int]) -> Place:
    """A flat index as people write it: a number for one dimension, a tuple for more, None for a single row."""
    if len(shape) == 0:
        return None
    if len(shape) == 1:
        return flat
    return tuple(int(i) for i in np.unravel_index(flat, tuple(shape)))
