"""Samples as the estimators read them: float64 points, one a row, and what is wrong with those that are none."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from xent import _check
from xent._errors import DistributionError, ShapeError
from xent.measures import _namespace as ns

Points = np.ndarray[Any, Any]

# Ranges beyond 2^±300 are rescaled, by a power of two: squares of far smaller differences are still above 0 within.
_EXTREME = 300


def points(name: str, values: Any, *, integers: str | None = None) -> Points:
    """`values` as float64 of shape (n, d), every number finite; `integers` says what to do where they are refused."""
    array = _host(name, values)
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise ShapeError(f"`{name}` has shape {array.shape}; samples are (n,) numbers or (n, d) points.")
    if array.dtype.kind in "iub" and integers is not None:
        raise DistributionError(f"`{name}` holds {array.dtype}, and a density is estimated here. {integers}")
    found = _floats(name, array)
    return found if found.ndim == 2 else found[:, None]


def lines(name: str, values: Any, axis: int | None) -> Points:
    """`values` as float64 whose last axis holds the samples: (n,) or (n, 1), or a batch of any shape along `axis`."""
    array = _host(name, values)
    if axis is None:
        if array.ndim == 2 and array.shape[1] > 1:
            raise ShapeError(
                f"`{name}` has shape {array.shape}: points of {array.shape[1]} dimensions, and spacings need numbers. "
                'Pass method="kozachenko-leonenko", or `axis` for a batch of samples.'
            )
        if array.ndim not in (1, 2) or 0 in array.shape[1:]:
            raise ShapeError(f"`{name}` has shape {array.shape}; samples are (n,) numbers.")
        array = array.reshape(-1)
    else:
        array = np.moveaxis(array, _check.axis_from_end(axis, array.ndim), -1)
    if array.dtype.kind in "iub":
        raise DistributionError(f"`{name}` holds {array.dtype}, and a density is estimated here. {MEASURED}")
    return _floats(name, array)


MEASURED = (
    "If the integers are outcomes, count them: `xent.Counts(np.unique(values, return_counts=True)[1])`; "
    "if they are measurements, pass `values.astype(float)`."
)


def labels(name: str, values: Any) -> Points:
    """Labels as integers, (n,)."""
    array = _host(name, values)
    if array.ndim != 1:
        raise ShapeError(f"`{name}` has shape {array.shape}; labels are (n,) integers, one for each sample.")
    if array.dtype.kind not in "iub":
        raise DistributionError(f"`{name}` holds labels of dtype {array.dtype}; labels are integers.")
    return array


def neighbours_wanted(k: Any) -> int:
    """`k` as an int of at least 1; 3 where it was not given, the default of most who estimate so."""
    if k is None:
        return 3
    if isinstance(k, (bool, np.bool_)) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"`k` is {k!r}; it is the number of the nearest neighbour, an integer of at least 1.")
    return int(k)


def enough(name: str, n: int, k: int) -> None:
    """Refuse samples without a kth nearest neighbour each."""
    if n <= k:
        held = f"{n} sample{'s' * (n != 1)}"
        raise DistributionError(f"`{name}` has {held}; with k={k} it needs at least {k + 1}. Pass more, or lower `k`.")


def paired(names: tuple[str, str], x: Points, y: Points) -> None:
    """Refuse observations that do not come in pairs."""
    if len(x) != len(y):
        raise ShapeError(
            f"`{names[0]}` has {len(x)} samples and `{names[1]}` has {len(y)}; mutual information needs pairs, "
            "the same number of each."
        )


def refuse_ties(samples: str, zeros: int, n: int, k: int, advice: str) -> NoReturn:
    """Samples whose kth nearest neighbour is at no distance."""
    whose = "has its" if zeros == 1 else "have their"
    nearest = f"{k}{'st' if k == 1 else 'nd' if k == 2 else 'rd' if k == 3 else 'th'} nearest neighbour"
    raise DistributionError(
        f"{zeros} of the {n} {samples} {whose} {nearest} at distance 0: ties, "
        f"which no density has. Nothing is jittered in silence. {advice}"
    )


def constant_column(name: str, x: Points) -> None:
    """Refuse a column that is the same in every sample: there is no density."""
    if (x[0] != x[-1]).all():
        return
    same = np.nonzero((x == x[:1]).all(axis=0))[0]
    if len(same) == 0:
        return
    where = "is constant" if x.shape[1] == 1 else f"is constant in column {int(same[0])}"
    raise DistributionError(
        f"`{name}` {where} ({x[0, same[0]]:g}): it has no density, its entropy is -inf and it tells nothing of "
        "anything else. Leave it out."
    )


def flat(name: str, x: Points) -> None:
    """Refuse points of which a column repeats the others: they lie in a hyperplane, where there is no density.

    Flat is what is 1e-7 as wide as long, seen from the median, so that no outlier makes the rest look so.
    """
    n, d = x.shape
    if d == 1 or n <= d:
        return
    some = _correlations(x[:200])[1]
    if np.linalg.det(some) > 1e-12 * d:  # the least eigenvalue is no less than a third of it
        return
    scale, correlations = _correlations(x)
    normal = np.linalg.eigh(correlations)[1][:, 0]
    parts = (x - np.median(x, axis=0)) / scale * normal
    across, along = parts.sum(axis=1), np.abs(parts).sum(axis=1)
    if (np.abs(across - np.median(across)) <= 1e-7 * along + 1e-13 * np.median(along)).all():
        column = int(np.abs(normal).argmax())
        raise DistributionError(
            f"The points of `{name}` lie in a hyperplane: column {column} is a sum of multiples of the others and a "
            "constant. There is no density there, and the entropy is -inf. Leave that column out."
        )


def _correlations(x: Points) -> tuple[Points, Points]:
    """The lengths of the centred columns (1 where one is constant), and the correlations."""
    apart = x - x.mean(axis=0)
    products = apart.T @ apart
    lengths = np.sqrt(products.diagonal())
    lengths[lengths == 0] = 1
    return lengths, products / lengths / lengths[:, None]


def comparable(what: str, *samples: Points) -> None:
    """Refuse columns whose scales are so unlike that the nearest points are near in the widest direction alone.

    The k nearest of n points spread over a strip of width 1/r lie within the strip's width of each other only while
    r < n/k: beyond it the narrow direction is not seen at all, and the estimate is of something else.
    """
    if sum(x.shape[1] for x in samples) == 1:
        return
    n = len(samples[0])
    widths = np.concatenate([_interquartile(x) for x in samples])
    seen = widths[widths > 0]
    if len(seen) > 1 and seen.max() / max(n, 100) > seen.min():
        raise DistributionError(
            f"The columns of {what} have interquartile ranges from {2 * seen.min():.3g} to {2 * seen.max():.3g}: "
            f"among {n} samples the nearest neighbours would see the wider ones alone. Rescale them to like ranges "
            "first: divided by s, a column lowers entropy by log s, and leaves mutual information, and a KL "
            "divergence where both are divided, as they were."
        )


def _interquartile(x: Points) -> Points:
    """Half the interquartile range of each column, which does not overflow; 0 where half the values are tied."""
    first, last = len(x) // 4, len(x) - 1 - len(x) // 4
    # A partition by one place is several times as fast as one by two; rows of it are columns of x.
    lower = np.partition(np.ascontiguousarray(x.T), last)
    return lower[:, last] / 2 - np.partition(lower[:, : last + 1], first)[:, first] / 2


def in_range(*samples: Points) -> tuple[tuple[Points, ...], int]:
    """The samples over 2^e, and e: 0 unless squares or differences of such numbers would over- or underflow."""
    exponent = int(np.frexp(max(float(np.abs(x).max()) for x in samples))[1])
    if abs(exponent) < _EXTREME:
        return samples, 0
    return tuple(np.ldexp(x, -exponent) for x in samples), exponent


def rows_in_range(rows: Points) -> tuple[Points, Any]:
    """The same for each sample of a batch along its last axis."""
    if 0 in rows.shape:
        return rows, 0
    exponent = np.frexp(rows.max(axis=-1) / 2 - rows.min(axis=-1) / 2)[1]
    if (np.abs(exponent) < _EXTREME).all():
        return rows, 0
    return np.ldexp(rows, -exponent[..., None]), exponent


def _host(name: str, values: Any) -> Points:
    if what := ns.is_refused(values):
        raise DistributionError(
            f"`{name}` is {'an' if what == 'object' else 'a'} {what} array; pass plain numbers, one in every place."
        )
    if ns.library(values) not in ("", "numpy"):
        values = ns.to_host(ns.detach(values))
        values = ns.widen(ns.namespace(values), values)  # NumPy has no bfloat16
    try:
        array = np.asarray(values)
    except ValueError:
        raise ShapeError(f"`{name}` is a ragged list; every sample needs the same number of coordinates.") from None
    if array.dtype.kind not in "fiub":
        raise DistributionError(f"`{name}` has dtype {array.dtype}; samples are real numbers.")
    return array


def _floats(name: str, array: Points) -> Points:
    with np.errstate(over="ignore"):  # of longer floats: infinite then, and refused as such
        found = np.asarray(array, dtype=np.float64)
    good = np.isfinite(found)
    if not good.all():
        bad = np.argwhere(~good)
        first = tuple(int(i) for i in bad[0])
        place = first[0] if len(first) == 1 else first
        raise DistributionError(
            f"`{name}` has {len(bad)} value{'s that are' if len(bad) != 1 else ' that is'} not finite; the first is "
            f"{found[first]} at {place}. Leave those samples out."
        )
    return found
