"""Entropy, KL divergence and mutual information of densities of which samples are given: checks, and one call each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xent._errors import DistributionError, ShapeError
from xent._forms import Labels
from xent._units import per_nat
from xent.estimators import _ksg, _mixed, _nearest, _points, _spacings, _spread
from xent.estimators._estimate import Estimate
from xent.estimators._points import Points

_NORMS = {"euclidean": 2.0, "max": math.inf}
_INTERVALS = ("auto", "analytic", "subsampling", None)

# Nearest neighbours are biased by about n^(-2/d), and spread by n^(-1/2): from three dimensions on an interval would
# hold the truth less often than it says (83 % for three normal coordinates at n = 1000, k = 3; 93 % for two). Those of
# the two sides of a mutual information cancel in part: it may have one dimension more (89 to 93 %).
_MOST_DIMENSIONS = 2


def entropy(
    x: Any,
    *,
    method: str | None = None,
    k: int | None = None,
    window: int | None = None,
    norm: str | None = None,
    axis: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    unit: str = "nats",
    seed: int | None = 0,
) -> Estimate:
    """Differential entropy from samples; see `xent.estimators.entropy`.

    Nothing is jittered, rescaled or cut: ties that have no spacing and no distance are refused, and the message says
    what to do. Columns of unlike scales are used as they are; the standard error is in `_nearest`.
    """
    name = _method(method, "kozachenko-leonenko", ("kozachenko-leonenko", *_spacings.METHODS))
    asked = _asked(interval, confidence)
    if name in _spacings.METHODS:
        if k is not None or norm is not None:
            raise TypeError(f"`k` and `norm` are for nearest neighbours; method={name!r} has `window`.")
        return _from_spacings(x, name, window, axis, asked, unit)
    if axis is not None or window is not None:
        raise TypeError('`axis` and `window` are for spacings, such as method="vasicek".')
    if asked == "subsampling":
        raise ValueError('Entropy has interval="analytic".')
    distance = _NORMS[_one_of("norm", "euclidean" if norm is None else norm, tuple(_NORMS))]
    k = _points.neighbours_wanted(k)
    points = _points.points("data", x, integers=_points.MEASURED)
    n, d = points.shape
    _points.enough("data", n, k)
    _points.constant_column("data", points)
    _points.comparable("`data`", points)
    (points,), exponent = _points.in_range(points)
    _points.flat("data", points)
    value, logs = _nearest.kozachenko_leonenko(points, k, distance)
    value += d * exponent * math.log(2)
    if asked is None:
        return Estimate(value * per_nat(unit), None, None, None, name, n)
    error = _nearest.standard_error(logs, k)
    return _estimate(value, error, _reach(d, asked, _spread.reach(confidence)), name, n, unit)


def kl_divergence(
    x: Any,
    y: Any,
    *,
    method: str | None = None,
    k: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    unit: str = "nats",
    seed: int | None = 0,
) -> Estimate:
    """KL divergence from samples of both densities; see `xent.estimators.kl_divergence`.

    Its error is from the estimates of parts of both; it misses what `q` rules out where `p` has few samples. It may
    fall below 0, and is not cut there.
    """
    name = _method(method, "nearest-neighbour", ("nearest-neighbour",))
    asked = _asked(interval, confidence)
    k = _points.neighbours_wanted(k)
    p = _points.points("p", x, integers=_points.MEASURED)
    q = _points.points("q", y, integers=_points.MEASURED)
    if p.shape[1] != q.shape[1]:
        raise ShapeError(f"`p` has points of {p.shape[1]} dimensions and `q` of {q.shape[1]}; they must agree.")
    _points.enough("p", len(p), k)
    _points.enough("q", len(q), k)
    for argument, points in (("p", p), ("q", q)):
        _points.constant_column(argument, points)
        _points.comparable(f"`{argument}`", points)
    (p, q), _ = _points.in_range(p, q)
    _points.flat("p", p)
    _points.flat("q", q)
    value = _nearest.wang_kulkarni_verdu(p, q, k)
    number = _parts(min(len(p), len(q)), k, asked)
    if number is None:
        return Estimate(value * per_nat(unit), None, None, None, name, (len(p), len(q)))
    generator = np.random.default_rng(seed)
    dealt = zip(_spread.deal(len(p), number, generator), _spread.deal(len(q), number, generator), strict=True)
    error = _spread.standard_error([_nearest.wang_kulkarni_verdu(p[one], q[other], k) for one, other in dealt])
    # The biases of two densities add: in one dimension the interval holds the truth in 91 to 96 %.
    reach = _reach(p.shape[1] + 1, asked, _spread.reach(confidence, number))
    return _estimate(value, error, reach, name, (len(p), len(q)), unit)


def mutual_information(
    x: Any,
    y: Any,
    *,
    method: str | None = None,
    k: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    unit: str = "nats",
    seed: int | None = 0,
) -> Estimate:
    """Mutual information from paired forms; see `xent.estimators.mutual_information`.

    What is estimated does not change when x or y is rescaled; the estimate of KSG does, a little: bring them to like
    scales, as nothing is standardised here. Of a variable and a function of it, whose information is infinite, it is
    finite, about psi(n) - psi(k). It may fall below 0, and is not cut there.
    """
    asked = _asked(interval, confidence)
    k = _points.neighbours_wanted(k)
    if isinstance(x, Labels) or isinstance(y, Labels):
        name = _method(method, "ross", ("ross",), " of labels and samples")
        first, second, call, dimensions, groups = _labelled(x, y, k)
    else:
        name = _method(method, "ksg1", tuple(_PAIRED), " of samples")
        first, second, call, dimensions, groups = _paired(x.values, y.values, name, k)
    n = len(first)
    value = call(first, second, k)
    number = _parts(n, k, asked, groups)
    if number is None:
        return Estimate(value * per_nat(unit), None, None, None, name, n)
    dealt = _spread.deal(n, number, np.random.default_rng(seed), groups)
    error = _spread.standard_error([call(first[part], second[part], k) for part in dealt])
    return _estimate(value, error, _reach(dimensions, asked, _spread.reach(confidence, number)), name, n, unit)


_PAIRED: dict[str, Callable[[Points, Points, int], float]] = {"ksg1": _ksg.ksg1, "ksg2": _ksg.ksg2, "gao": _ksg.gao}
_TIES = 'Pass method="gao" for outcomes that repeat; if they are measurements, pass `values.astype(float)`.'


def _paired(x: Any, y: Any, method: str, k: int) -> tuple[Points, Points, Any, int, None]:
    """Two continuous samples, checked, their estimator, the dimensions its bias is of, and no groups."""
    advice = None if method == "gao" else _TIES
    first, second = (_points.points(name, v, integers=advice) for name, v in (("x", x), ("y", y)))
    _points.paired(("x", "y"), first, second)
    _points.enough("x", len(first), k)
    _points.comparable("`x` and `y`", first, second)
    if method != "gao":
        _ksg.refuse_atoms("x", first, k)
        _ksg.refuse_atoms("y", second, k)
    (first, second), _ = _points.in_range(first, second)
    return first, second, _PAIRED[method], first.shape[1] + second.shape[1] - 1, None


def _labelled(x: Any, y: Any, k: int) -> tuple[Points, Points, Any, int, Points]:
    """Labels and continuous samples, whichever came first, checked, their estimator, its dimensions, and the groups."""
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


def _from_spacings(x: Any, method: str, window: Any, axis: int | None, asked: str | None, unit: str) -> Estimate:
    if asked in ("analytic", "subsampling"):
        raise ValueError(
            f"method={method!r} has no sound interval: its bias is as large as its spread. "
            'Pass interval=None, or method="kozachenko-leonenko".'
        )
    rows, exponent = _points.rows_in_range(_points.lines("data", x, axis))
    n = rows.shape[-1]
    m = _spacings.window("data", window, n)
    value = _spacings.METHODS[method](np.sort(rows, axis=-1), m)
    value = (value + exponent * math.log(2)) * per_nat(unit)
    return Estimate(value if rows.ndim > 1 else float(value), None, None, None, method, n)


def _parts(n: int, k: int, asked: str | None, groups: Points | None = None) -> int | None:
    """Into how many parts to deal the samples; None where no error was asked for, or the samples are too few.

    Groups count as if all were as small as the smallest, of which each part needs k + 1.
    """
    if asked == "analytic":
        raise ValueError('KL divergence and mutual information have interval="subsampling".')
    sizes = np.array([n]) if groups is None else np.bincount(groups)
    rarest, least = int(sizes.min()), _spread.least(k)
    number = min(_spread.parts(rarest * len(sizes), k), rarest // (k + 1))
    if asked is None or (number < _spread.FEWEST and asked == "auto"):
        return None
    if number < _spread.FEWEST:
        each = max(-(-least // len(sizes)), _spread.FEWEST * (k + 1))
        labelled = "" if groups is None else f", and of each of {len(sizes)} labels {each}; the rarest has {rarest}"
        raise DistributionError(
            f'{n} samples are too few for interval="subsampling" with k={k}: it takes {least}{labelled}. '
            "Pass interval=None."
        )
    return number


def _reach(dimensions: int, asked: str | None, reach: float) -> float | None:
    """How many standard errors the interval reaches; None where the bias would be outside."""
    if dimensions <= _MOST_DIMENSIONS:
        return reach
    if asked in ("analytic", "subsampling"):
        raise DistributionError(
            "In so many dimensions the bias of nearest neighbours outgrows their spread: there is no sound interval. "
            "Leave out `interval=` for the value with its standard error."
        )
    return None


def _estimate(value: float, error: float, reach: float | None, method: str, n: Any, unit: str) -> Estimate:
    scale = per_nat(unit)
    value, error = value * scale, error * scale
    if reach is None:
        return Estimate(value, error, None, None, method, n)
    return Estimate(value, error, value - reach * error, value + reach * error, method, n)


def _asked(interval: str | None, confidence: Any) -> str | None:
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float, np.floating)) or not 0 < confidence < 1:
        raise ValueError(f"`confidence` is {confidence!r}; it is a number between 0 and 1, such as 0.95.")
    if interval == "bootstrap":
        raise ValueError(
            "There is no bootstrap of samples of a density: it draws some of them twice, and the nearest neighbour of "
            'those is then at distance 0. Pass interval="auto".'
        )
    return _one_of("interval", interval, _INTERVALS)


def _method(asked: str | None, usual: str, known: tuple[str, ...], what: str = "") -> str:
    return _one_of("method", usual if asked is None else asked, known, what)


def _one_of(name: str, value: Any, known: Any, what: str = "") -> Any:
    if value not in known:
        raise ValueError(f"`{name}`{what} is {value!r}; it is one of {', '.join(map(repr, known))}.")
    return value
