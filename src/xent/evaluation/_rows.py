"""The rows of an evaluation: everything a caller gave, checked, in float64, rows of weight 0 left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._errors import ShapeError
from xent.evaluation._arrays import boxed, first, is_float, is_integer, show, to_numpy, widen
from xent.evaluation._forecasts import Forecasts, Raw, raw_forecasts, read_forecasts
from xent.evaluation._labels import class_names, named_classes, raw_labels, read_labels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """What is evaluated; N rows that count, K classes.

    `labels` (N,) or `soft` (N, K) is set, never both and never neither. `weight` is None when all rows weigh the same;
    a weight of 1 here is one of `scale` as given. `cluster` numbers the clusters 0..clusters-1 in an order without
    meaning, and `names` are their labels; both are None when each row is its own cluster. `position` is the number of
    each row in what was given, of which there were `given`. `count` says for how many equal rows each one stands; None:
    for itself. Rows in clusters have none. `beside` is a key of what else is known of each row, such as the forecast of
    another model: rows that are equal here are not the same then.
    """

    classes: tuple[str, ...]
    forecasts: Forecasts
    labels: Ints | None
    soft: Floats | None
    weight: Floats | None
    scale: float
    cluster: Ints | None
    clusters: int
    names: tuple[Any, ...] | None
    position: Ints
    given: int
    unnormalized: int
    count: Ints | None = None
    beside: NDArray[np.uint64] | None = None

    @property
    def probs(self) -> Floats:
        """Probabilities (N, K)."""
        return self.forecasts.probs

    @property
    def surprisal(self) -> Floats:
        """-log q (N, K), inf where q is 0."""
        return self.forecasts.surprisal

    @property
    def content(self) -> Floats:
        """The forecasts as given: what a row is known by, whatever computes its surprisal."""
        return self.forecasts.content

    @property
    def n(self) -> int:
        """The number of rows that count."""
        return int(self.position.size)

    @property
    def k(self) -> int:
        """The number of classes."""
        return len(self.classes)

    def weights(self) -> Floats:
        """The weights as numbers, 1 where all rows weigh the same."""
        return np.ones(self.n) if self.weight is None else self.weight

    def copies(self) -> Ints:
        """For how many equal rows each one stands."""
        return np.ones(self.n, dtype=np.int64) if self.count is None else self.count

    def column(self, k: int) -> Floats:
        """How much of each row is of class `k`: 0 or 1, or the soft label."""
        return (self.labels == k).astype(np.float64) if self.soft is None else self.soft[:, k]

    def column_of(self, classes: Ints) -> Floats:
        """How much of each row is of a class of its own."""
        if self.soft is None:
            return (self.labels == classes).astype(np.float64)
        return self.soft[np.arange(self.n), classes]

    def main_label(self) -> Ints:
        """The label of each row; of soft labels the class with the largest mass."""
        if self.labels is not None:
            return self.labels
        return np.argmax(self.soft, axis=1) if self.soft is not None else np.empty(0, dtype=np.int64)


def read_rows(
    y: Any, q: Any, classes: Sequence[Any] | None, weight: Any, cluster: Any, *, may_weigh_nothing: bool = False
) -> Rows:
    """Check everything that was given, in the order shapes, weights, values; the first thing wrong is an error.

    With `may_weigh_nothing` there may be no row that counts.
    """
    raw = raw_forecasts(q)
    given = raw.rows
    classes = named_classes(classes)
    names = class_names(classes, raw.classes)
    labels = raw_labels(y, raw)
    weights = None if weight is None else _weights(weight, raw.rows, may_weigh_nothing)
    groups = None if cluster is None else _cluster_values(cluster, raw.rows)
    position = np.arange(raw.rows)
    if weights is not None and not weights.all():
        position = np.flatnonzero(weights)
        raw = replace(raw, values=raw.values[position])
        labels, weights = labels[position], weights[position]
        groups = None if groups is None else groups[position]
    read = _labels_or_error(y, labels, raw, classes, position)
    forecasts, off_one = read_forecasts(raw, position, None if isinstance(read, ValueError) else read[0])
    if isinstance(read, ValueError):
        raise read
    hard, soft, rough = read
    codes, labels_of = (None, None) if groups is None else _codes(groups, position)
    relative, scale = (None, 1.0) if weights is None or weights.size == 0 else relative_weights(weights)
    return Rows(
        classes=names,
        forecasts=forecasts,
        labels=hard,
        soft=soft,
        weight=relative,
        scale=scale,
        cluster=codes,
        clusters=position.size if labels_of is None else len(labels_of),
        names=labels_of,
        position=position,
        given=given,
        unnormalized=int((off_one if rough is None else off_one | rough).sum()),
    )


def _labels_or_error(
    y: Any, labels: NDArray[Any], raw: Raw, classes: Sequence[Any] | None, position: Ints
) -> tuple[Ints | None, Floats | None, NDArray[np.bool_] | None] | ValueError:
    """The labels, or what is wrong with them: said when nothing is wrong with the forecasts, which come first."""
    try:
        return read_labels(y, labels, raw, classes, position)
    except ValueError as error:
        return error


def _weights(weight: Any, rows: int, may_weigh_nothing: bool) -> Floats:
    values = to_numpy("weight", weight)
    if values.shape != (rows,):
        raise ShapeError(f"`weight` has shape {values.shape} and there are {rows} rows; it is one number a row.")
    if not (is_float(values) or is_integer(values)):
        raise ValueError(f"`weight` has dtype {values.dtype}; it is one number a row.")
    values = widen(values)
    bad = ~((values >= 0.0) & (values < np.inf))
    if bad.any():
        i = first(bad)
        raise ValueError(f"`weight` row {i} is {show(values[i])}; a weight is finite and not negative.")
    if not (may_weigh_nothing or values.any()):
        raise ValueError("`weight` is 0 in every row, from row 0 on; at least one must be positive.")
    return values


def relative_weights(weights: Floats) -> tuple[Floats | None, float]:
    """Divide by a power of two, which is exact, so that no sum or square can overflow; equal weights are no weights.

    Also returned is what a weight of 1 stands for then.
    """
    if (weights == weights[0]).all():
        return None, float(weights[0])
    exponent = int(np.frexp(weights.max())[1]) - 1
    return np.ldexp(weights, -exponent), math.ldexp(1.0, exponent)


def _cluster_values(cluster: Any, rows: int) -> NDArray[Any]:
    """Return the cluster labels as a one-dimensional array; tuples and other hashables stay whole."""
    values = to_numpy("cluster", cluster) if hasattr(cluster, "dtype") else boxed("cluster", cluster, "label")
    if values.shape != (rows,):
        raise ShapeError(f"`cluster` has shape {values.shape} and there are {rows} rows; it is one label a row.")
    return values


def _codes(groups: NDArray[Any], position: Ints) -> tuple[Ints, tuple[Any, ...]]:
    """Number the clusters; also their labels as plain Python objects, in that order."""
    if groups.dtype.kind == "O":
        return _object_codes(groups.tolist(), position)
    nothing = groups != groups
    if groups.dtype.kind in "fcmM" and nothing.any():
        i = first(nothing)
        raise ValueError(f"`cluster` row {position[i]} is {groups[i]}, which names no cluster.")
    found, codes = np.unique(groups, return_inverse=True)
    return codes.reshape(-1).astype(np.int64), tuple(found.tolist())


def _object_codes(labels: list[Any], position: Ints) -> tuple[Ints, tuple[Any, ...]]:
    seen: dict[Any, int] = {}
    codes: list[int] = []
    for i, label in enumerate(labels):
        if label is None or _no_value(label):
            raise ValueError(f"`cluster` row {position[i]} is {label!r}, which names no cluster.")
        try:
            codes.append(seen.setdefault(label, len(seen)))
        except TypeError:
            raise ValueError(f"`cluster` row {position[i]} is {label!r}; a cluster label is hashable.") from None
    return np.array(codes, dtype=np.int64), tuple(seen)


def _no_value(label: Any) -> bool:
    """NaN and its like in other libraries: what is not equal to itself, or does not say."""
    try:
        return not bool(label == label)
    except (TypeError, ValueError):
        return True
