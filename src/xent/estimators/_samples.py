"""Entropy, KL divergence and mutual information of densities of which samples are given: checks, and one call each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent._forms import Labels
from xent._units import per_nat
from xent.estimators import _ksg, _mixed, _nearest, _points, _spacings, _spread
from xent.estimators._estimate import Estimate
from xent.estimators._points import Points

_NORMS = {"euclidean": 2.0, "max": math.inf}
_INTERVALS = ("auto", "analytic", "subsampling", "none")

# Nearest neighbours are biased by about n^(-2/d): in more dimensions the bias outgrows the spread, which is n^(-1/2).
_MOST_DIMENSIONS = 3


def entropy(
    x: Any,
    *,
    method: str | None = None,
    k: int = 3,
    window: int | None = None,
    norm: str = "euclidean",
    axis: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    unit: str = "nats",
    seed: int | None = 0,
) -> Estimate:
    """Differential entropy from samples; see `xent.estimators.entropy`."""
    method = _one_of("method", method or "kozachenko-leonenko", ("kozachenko-leonenko", *_spacings.METHODS))
    asked = _asked(interval, confidence)
    if method in _spacings.METHODS:
        return _from_spacings(x, method, window, axis, asked, unit)
    if axis is not None or window is not None:
        raise TypeError('`axis` and `window` are for spacings, such as method="vasicek".')
    if asked == "subsampling":
        raise ValueError('Entropy has interval="analytic".')
    distance = _NORMS[_one_of("norm", norm, _NORMS)]
    k = _points.neighbours_wanted(k)
    points = _points.points("data", x, integers=_points.MEASURED)
    n, d = points.shape
    _points.enough("data", n, k)
    _points.constant_column("data", points)
    _points.comparable("`data`", points)
    (points,), exponent = _points.in_range(points)
    value, error = _nearest.kozachenko_leonenko(points, k, distance)
    value += d * exponent * math.log(2)
    return _estimate(value, error, _reach(d, asked, _spread.normal_reach(confidence)), method, n, asked, unit)


def kl_divergence(
    x: Any,
    y: Any,
    *,
    method: str | None = None,
    k: int = 3,
    interval: str | None = "auto",
    confidence: float = 0.95,
    unit: str = "nats",
    seed: int | None = 0,
) -> Estimate:
    """KL divergence from samples of both densities; see `xent.estimators.kl_divergence`."""
    method = _one_of("method", method or "nearest-neighbour", ("nearest-neighbour",))
    asked = _asked(interval, confidence)
    k = _points.neighbours_wanted(k)
    p = _points.points("p", x, integers=_points.MEASURED)
    q = _points.points("q", y, integers=_points.MEASURED)
    if p.shape[1] != q.shape[1]:
        raise _points.ShapeError(f"`p` has points of {p.shape[1]} dimensions and `q` of {q.shape[1]}; they must agree.")
    _points.enough("p", len(p), k)
    _points.enough("q", len(q), k)
    for name, points in (("p", p), ("q", q)):
        _points.constant_column(name, points)
        _points.comparable(f"`{name}`", points)
    (p, q), _ = _points.in_range(p, q)

    def estimate(first: Points, second: Points) -> float:
        return _nearest.wang_kulkarni_verdu(p[first], q[second], k)

    def deal(generator: np.random.Generator) -> list[tuple[Points, ...]]:
        return list(zip(_spread.parts(len(p), generator), _spread.parts(len(q), generator), strict=True))

    value = _nearest.wang_kulkarni_verdu(p, q, k)
    error = _subsampled(estimate, deal, min(len(p), len(q)), k, asked, seed)
    reach = _reach(p.shape[1], asked, _spread.subsampled_reach(confidence))
    return _estimate(value, error, reach, method, (len(p), len(q)), asked, unit)


def mutual_information(
    x: Any,
    y: Any,
    *,
    method: str | None = None,
    k: int = 3,
    interval: str | None = "auto",
    confidence: float = 0.95,
    unit: str = "nats",
    seed: int | None = 0,
) -> Estimate:
    """Mutual information from paired forms; see `xent.estimators.mutual_information`."""
    asked = _asked(interval, confidence)
    k = _points.neighbours_wanted(k)
    if isinstance(x, Labels) or isinstance(y, Labels):
        method = _one_of("method", method or "ross", ("ross",), " of labels and samples")
        first, second, call, dimensions, groups = _labelled(x, y, k)
    else:
        method = _one_of("method", method or "ksg1", tuple(_PAIRED), " of samples")
        first, second, call, dimensions, groups = _paired(x.values, y.values, method, k)
    n = len(first)

    def estimate(part: Points) -> float:
        return call(first[part], second[part], k)

    def deal(generator: np.random.Generator) -> list[tuple[Points, ...]]:
        return [(part,) for part in _spread.parts(n, generator, groups)]

    value = call(first, second, k)
    least = n if groups is None else int(np.bincount(groups).min()) * len(np.bincount(groups))
    error = _subsampled(estimate, deal, least, k, asked, seed)
    reach = _reach(dimensions, asked, _spread.subsampled_reach(confidence))
    return _estimate(value, error, reach, method, n, asked, unit)


_PAIRED: dict[str, Callable[[Points, Points, int], float]] = {"ksg1": _ksg.ksg1, "ksg2": _ksg.ksg2, "gao": _ksg.gao}
_TIES = 'Pass method="gao" for outcomes that repeat; if they are measurements, pass `values.astype(float)`.'


def _paired(x: Any, y: Any, method: str, k: int) -> tuple[Points, Points, Any, int, None]:
    """The arguments of an estimate from two continuous samples, checked."""
    advice = None if method == "gao" else _TIES
    first, second = (_points.points(name, v, integers=advice) for name, v in (("x", x), ("y", y)))
    _points.paired(("x", "y"), first, second)
    _points.enough("x", len(first), k)
    _points.comparable("`x` and `y`", first, second)
    if method != "gao":
        _ksg.refuse_atoms("x", first, k)
        _ksg.refuse_atoms("y", second, k)
    (first, second), _ = _points.in_range(first, second)
    return first, second, _PAIRED[method], first.shape[1] + second.shape[1], None


def _labelled(x: Any, y: Any, k: int) -> tuple[Points, Points, Any, int, Points]:
    """The arguments of an estimate from labels and continuous samples, whichever comes first, checked."""
    if isinstance(x, Labels) and isinstance(y, Labels):
        raise DistributionError(
            "`x` and `y` are both labels: count their pairs, and pass `mutual_information(xent.Counts(table))`."
        )
    names = ("x", "y") if isinstance(x, Labels) else ("y", "x")
    given, samples = (x, y) if isinstance(x, Labels) else (y, x)
    labels = _points.labels(names[0], given.values)
    points = _points.points(names[1], samples.values, integers=_points.MEASURED)
    _points.paired(names, labels, points)
    _points.enough(names[1], len(points), 1)
    _points.comparable(f"`{names[1]}`", points)
    (points,), _ = _points.in_range(points)
    groups = np.unique(labels, return_inverse=True)[1].reshape(-1)
    _mixed.refuse_single(names[0], labels)
    return labels, points, _mixed.ross, points.shape[1], groups


def _from_spacings(x: Any, method: str, window: Any, axis: int | None, asked: str, unit: str) -> Estimate:
    if asked in ("analytic", "subsampling"):
        raise ValueError(
            f"method={method!r} has no sound interval: its bias is as large as its spread. "
            'Pass interval="none", or method="kozachenko-leonenko".'
        )
    rows, exponent = _points.rows_in_range(_points.lines("data", x, axis))
    n = rows.shape[-1]
    m = _spacings.window("data", window, n)
    value = _spacings.METHODS[method](np.sort(rows, axis=-1), m)
    value = (value + exponent * math.log(2)) * per_nat(unit)
    return Estimate(value if rows.ndim > 1 else float(value), None, None, None, method, n)


def _subsampled(estimate: Any, deal: Any, n: int, k: int, asked: str, seed: int | None) -> float | None:
    """The standard error from parts; None where none was asked for, or the samples are too few for parts."""
    if asked == "analytic":
        raise ValueError('Nearest neighbours of two variables have interval="subsampling".')
    least = _spread.PARTS * _spread.SHARE * (k + 1)
    if asked == "none" or (n < least and asked == "auto"):
        return None
    if n < least:
        raise DistributionError(
            f'{n} samples are too few for interval="subsampling" with k={k}: {least} or more, for '
            f'{_spread.PARTS} parts. Pass interval="none".'
        )
    return _spread.subsampled(estimate, deal(np.random.default_rng(seed)))


def _reach(dimensions: int, asked: str, reach: float) -> float | None:
    """How many standard errors the interval reaches; None where the bias would be outside."""
    if dimensions <= _MOST_DIMENSIONS:
        return reach
    if asked in ("analytic", "subsampling"):
        raise DistributionError(
            f"In {dimensions} dimensions the bias of nearest neighbours is larger than their spread: there is no sound "
            f"interval beyond {_MOST_DIMENSIONS}. Leave out `interval=` for the value with its standard error."
        )
    return None


def _estimate(
    value: float, error: float | None, reach: float | None, method: str, n: Any, asked: str, unit: str
) -> Estimate:
    scale = per_nat(unit)
    value *= scale
    if error is None or asked == "none":
        return Estimate(value, None, None, None, method, n)
    error *= scale
    if reach is None:
        return Estimate(value, error, None, None, method, n)
    return Estimate(value, error, value - reach * error, value + reach * error, method, n)


def _asked(interval: str | None, confidence: Any) -> str:
    if not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise ValueError(f"`confidence` is {confidence!r}; it lies between 0 and 1, such as 0.95.")
    return _one_of("interval", "none" if interval is None else interval, _INTERVALS)


def _one_of(name: str, value: str, known: Any, what: str = "") -> str:
    if value not in known:
        raise ValueError(f"`{name}`{what} is {value!r}; it is one of {', '.join(map(repr, known))}.")
    return value
