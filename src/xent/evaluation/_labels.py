"""Reading `y`: class indices, class names or soft labels."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from xent._errors import DistributionError, ShapeError
from xent._forms import Form, Labels, Probs
from xent.evaluation._arrays import digits, first, is_float, is_integer, require_numbers, show, to_numpy, widen
from xent.evaluation._forecasts import Raw, sums_off_one
from xent.io import nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def named_classes(classes: Iterable[Any] | None) -> tuple[Any, ...] | None:
    """Return the classes as given, in a tuple."""
    if isinstance(classes, str):
        raise ValueError(f"`classes` is the text {classes!r}; it is a sequence of names, one a class.")
    if classes is None:
        return None
    if not isinstance(classes, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
        raise ValueError(f"`classes` is {classes!r}; it is a sequence of names, one a class.")
    return tuple(classes)


def class_names(classes: Sequence[Any] | None, count: int) -> tuple[str, ...]:
    """Return the names as text; refuse names that are too few, too many, or there twice."""
    if classes is None:
        return tuple(str(k) for k in range(count))
    names = tuple(str(name) for name in classes)
    if len(names) != count:
        raise ShapeError(f"`classes` names {len(names)} classes and `q` has {count}; there must be one name a class.")
    seen: dict[str, int] = {}
    for k, name in enumerate(names):
        if seen.setdefault(name, k) != k:
            raise ValueError(f"`classes` has {name!r} twice, at {seen[name]} and {k}; names must differ.")
    return names


def raw_labels(y: Any, raw: Raw) -> NDArray[Any]:
    """Look at form and shape of `y`."""
    if isinstance(y, Form) and not isinstance(y, (Labels, Probs)):
        raise DistributionError(
            f"`y` is given as `xent.{type(y).__name__}`; it is labels, `xent.Labels` or soft labels."
        )
    values = _unboxed(to_numpy("y", y.values if isinstance(y, Form) else y))
    soft = values.ndim == 2 and not isinstance(y, Labels)
    if values.ndim != 1 and not soft:
        raise ShapeError(f"`y` has shape {values.shape}; it is (rows,), or (rows, classes) for soft labels.")
    if values.shape[0] != raw.rows:
        raise ShapeError(f"`y` has {values.shape[0]} rows and `q` has {raw.rows}; they must be as many.")
    if soft and values.shape[1] != raw.classes:
        raise ShapeError(f"`y` has shape {values.shape}, {values.shape[1]} classes a row; `q` has {raw.classes}.")
    return values


def read_labels(
    y: Any, values: NDArray[Any], raw: Raw, classes: Sequence[Any] | None, row: Ints
) -> tuple[Ints | None, Floats | None, NDArray[np.bool_] | None]:
    """Return class indices, or soft labels (N, K) and which of them sum to 1 only roughly."""
    if values.ndim == 2:
        soft = _in_unit_interval(values, row)
        return None, soft, sums_off_one("y", soft, digits(values), row)
    if isinstance(y, Probs):
        return None, _beside_one_column(values, raw, row), None
    if values.dtype.kind in "OUST" and classes is None:
        _refuse_names(values, row)
    if values.dtype.kind in "OUST" or _named_by_numbers(y, classes):
        return _by_name(values, classes or (), row), None, None
    require_numbers("y", values, "class indices, whole numbers")
    if is_float(values) and not isinstance(y, Labels) and raw.one_column and _fractional(values):
        return None, _beside_one_column(values, raw, row), None
    return _indices(values, raw.classes, row), None, None


def _unboxed(values: NDArray[Any]) -> NDArray[Any]:
    """Integers that a table library kept as objects, as integers; those beyond 64 bits stay what they are."""
    if values.dtype.kind == "O" and values.size and all(isinstance(v, numbers.Integral) for v in values.flat):
        with contextlib.suppress(OverflowError):
            return values.astype(np.int64)
    return values


def _named_by_numbers(y: Any, classes: Sequence[Any] | None) -> bool:
    """Classes that are numbers themselves are what a numeric `y` holds; beside names that are text it holds indices."""
    if classes is None or isinstance(y, Labels):
        return False
    return all(isinstance(name, (numbers.Number, np.bool_)) for name in classes)


def _fractional(values: NDArray[Any]) -> bool:
    """Whether some label lies strictly between 0 and 1: then all of them are probabilities of class 1."""
    return bool(np.any((values > 0) & (values < 1)))


def _beside_one_column(values: NDArray[Any], raw: Raw, row: Ints) -> Floats:
    if raw.classes != 2:
        raise ShapeError(
            f"`y` has shape {values.shape}; soft labels for {raw.classes} classes are (rows, {raw.classes})."
        )
    p = _in_unit_interval(values, row)
    return np.stack([1.0 - p, p], axis=1)


def _in_unit_interval(values: NDArray[Any], row: Ints) -> Floats:
    require_numbers("y", values, "soft labels, as floats")
    soft = widen(values)
    bad = ~((soft >= 0.0) & (soft <= 1.0))
    if bad.any():
        i = first(bad)
        value = soft[i] if soft.ndim == 1 else soft[i, int(np.argmax(bad[i]))]
        raise DistributionError(f"`y` row {row[i]} has {show(value)}; a soft label is a probability in [0, 1].")
    return soft


def _indices(values: NDArray[Any], count: int, row: Ints) -> Ints:
    if values.dtype.kind in "iu" and values.size and int(values.min()) >= 0 and int(values.max()) < count:
        return values.astype(np.int64)
    bad = ~((values >= 0) & (values < count))
    if not is_integer(values):
        bad |= values != np.floor(values)
    if bad.any():
        i = first(bad)
        found = f"{values[i]}" if is_integer(values) else show(values[i])
        more = f" ({int(bad.sum()):,} rows in all)" if bad.sum() > 1 else ""
        raise DistributionError(f"`y` row {row[i]} is {found}; a label is a whole number in 0..{count - 1}{more}.")
    return values.astype(np.int64)


def _by_name(values: NDArray[Any], classes: Sequence[Any], row: Ints) -> Ints:
    place: dict[Any, int] = {}
    for k, name in enumerate(classes):
        place[name] = place[str(name)] = k
    labels = values.tolist()
    try:
        found = [place.get(label, -1) for label in labels]
    except TypeError:
        raise DistributionError(
            f"`y` has dtype {values.dtype} and holds more than plain names; pass text or numbers."
        ) from None
    if -1 in found:
        i = found.index(-1)
        near = None if isinstance(labels[i], numbers.Number) else nearest(str(labels[i]), [str(c) for c in classes])
        hint = f" Did you mean {near!r}?" if near else " For class indices pass `xent.Labels(y)`."
        raise DistributionError(f"`y` row {row[i]} is {labels[i]!r}, which is not in `classes`.{hint}")
    return np.array(found, dtype=np.int64)


def _refuse_names(values: NDArray[Any], row: Ints) -> NoReturn:
    """Text needs `classes`: which labels happen to occur does not say how the columns of `q` are ordered."""
    labels = values.tolist()
    i = next(i for i, label in enumerate(labels) if not isinstance(label, numbers.Integral) or abs(int(label)) >= 2**63)
    if isinstance(labels[i], str):
        advice = "pass the class names, in the order of the columns of `q`, as `classes=`."
    else:
        advice = "a label is a whole number, or a name with `classes=`."
    raise DistributionError(f"`y` row {row[i]} is {labels[i]!r}; {advice}")
