"""How far the estimates of an entropy are off on average, by method and number of observations."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from xent._errors import ShapeError
from xent._forms import Counts
from xent._units import per_nat
from xent.estimators import entropy as estimate
from xent.measures import entropy
from xent.plots import _arguments, _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head, text_size
from xent.plots._words import amount

_DRAWS = 100
_LEAST, _MOST, _SIZES = 0.1, 30.0, 9  # observations for each outcome
_MOST_OUTCOMES = 1000
_ZIPF = 1 / np.arange(1, 101)


class _Look(NamedTuple):
    """How an estimator is drawn: its kind by colour, which of its kind by marker and dashes."""

    words: str
    color: str
    marker: str
    dashes: Any


_LOOKS = {
    "plug-in": _Look("plug-in", "ink", "o", "-"),
    "miller-madow": _Look("Miller–Madow", "truth", "s", (0, (6, 1.5))),
    "grassberger": _Look("Grassberger", "truth", "D", (0, (2, 1.2))),
    "chao-shen": _Look("Chao–Shen", "gap", "^", (0, (6, 1.5))),
    "chao-wang-jost": _Look("Chao–Wang–Jost", "gap", "v", "-"),
    "shrinkage": _Look("shrinkage", "label_zero", "X", (0, (4, 1.5, 1, 1.5))),
    "dirichlet": _Look("Dirichlet, ½", "model", "P", (0, (2, 1.2))),
    "nsb": _Look("NSB", "model", "*", "-"),
}


class _Bias(NamedTuple):
    """Mean error and its standard error at each n, in nats."""

    n: Any
    mean: dict[str, Any]
    error: dict[str, Any]


def estimator_bias(p: Any = None, *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""Bias of the estimators of the entropy of counts, against the number of observations.

        bias(n) = E[\hat H(n)] - H(p)

    The mean error over 100 draws of n observations from `p`, the same draws for every method, with its standard error.
    The estimators that ask how many outcomes are possible are told.

    Parameters
    ----------
    p : array-like, optional
        The true distribution, 2 to 1,000 outcomes; by default Zipf's law over 100, p_k proportional to 1/k.
    unit : {"nats", "bits", "bans"}
        Unit of the bias.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With a line for each method of `xent.estimators.entropy` for counts, and the line `zero`, by their gid.

    Raises
    ------
    ValueError
        `p` is no distribution or has too few or too many outcomes, an unknown unit, or axes that are not flat.
    ImportError
        Without SciPy, which the estimators need.

    Examples
    --------
    >>> from xent import plots
    >>> plots.describe(plots.estimator_bias((0.5, 0.25, 0.25))).partition(": ")[0]
    'Mean error of 8 estimators of the entropy H(p) = 1.04 nats of 3 outcomes, against n, 100 draws each'
    """
    truth = _arguments.distribution("p", _ZIPF / _ZIPF.sum() if p is None else p)
    if truth.size < 2:
        raise ShapeError(f"`p` has {truth.size} value; an entropy that is to be estimated takes at least 2 outcomes.")
    if truth.size > _MOST_OUTCOMES:
        raise ShapeError(f"`p` has {truth.size:,} outcomes; at most {_MOST_OUTCOMES:,} are drawn from for a figure.")
    truth = truth / truth.sum()
    per_nat(unit)
    height = float(entropy(truth))
    found = _simulate(tuple(truth.tolist()))
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 4.8), box=(0.11, 0.12, 0.86, 0.75))
        name = "Zipf’s law over 100 outcomes" if p is None else f"{truth.size:,} outcomes"
        _draw(st, found, f"{name}, H(p) = {amount(height, unit)}", unit)
    remember(st.ax, _sentence(found, height, truth.size, unit))
    return st.ax


def _sentence(found: _Bias, height: float, outcomes: int, unit: str) -> str:
    at = int(np.argmin(np.abs(np.log(found.n / outcomes))))
    off = {name: amount(float(found.mean[name][at]), unit) for name in ("plug-in", "chao-wang-jost")}
    return (
        f"Mean error of {len(_LOOKS)} estimators of the entropy H(p) = {amount(height, unit)} of {outcomes} outcomes, "
        f"against n, {_DRAWS} draws each: at n = {found.n[at]} the plug-in is off by {off['plug-in']}, "
        f"Chao–Wang–Jost by {off['chao-wang-jost']}."
    )


@lru_cache(maxsize=4)
def _simulate(p: tuple[float, ...]) -> _Bias:
    """The same draws for every method; kept, so that a figure in another unit costs no second simulation."""
    rng, height = np.random.default_rng(0), float(entropy(p))
    sizes = np.geomspace(_LEAST * len(p), _MOST * len(p), _SIZES)
    n = np.unique(np.maximum(np.round(sizes).astype(int), 2))
    draws = [Counts(rng.multinomial(size, p, size=_DRAWS)) for size in n]
    off = {name: [estimate(c, method=name, interval=None).value - height for c in draws] for name in _LOOKS}
    mean = {name: np.array([x.mean() for x in rows]) for name, rows in off.items()}
    error = {name: np.array([x.std(ddof=1) for x in rows]) / math.sqrt(_DRAWS) for name, rows in off.items()}
    return _Bias(n, mean, error)


def _draw(st: _style.Stage, found: _Bias, truth: str, unit: str) -> None:
    ax, k, points = st.ax, per_nat(unit), st.size(9.5)
    mean = {name: y * k for name, y in found.mean.items()}
    _limits(st, found, k, points)
    head(st, f"How far estimates of entropy are off on average\n{truth}", "n, number of observations (log scale)",
         f"mean error ± its standard error ({unit})")  # fmt: skip
    ax.plot([found.n[0], ax.get_xlim()[1]], [0, 0], color=st.colors.soft, linewidth=0.9, gid="zero", zorder=2)
    for at, (name, look) in enumerate(_LOOKS.items()):
        color = getattr(st.colors, look.color)
        ax.errorbar(
            found.n, mean[name], yerr=found.error[name] * k, color=color, linestyle=look.dashes, marker=look.marker,
            linewidth=1.6, markersize=4.5 * st.scale, elinewidth=0.8, capsize=1.8, zorder=3 + at,
        ).lines[0].set_gid(name)  # fmt: skip
    _name_lines(st, found.n[0], {name: float(y[0]) for name, y in mean.items()}, points)
    labels = Labels(st, [(found.n, y) for y in mean.values()])
    bottom, top = ax.get_ylim()
    spots = [
        (float(found.n[i]), height * (top - bottom) + bottom)
        for height in (0.08, 0.15, 0.92)
        for i in range(len(found.n) // 2, len(found.n))
    ]
    what = "below 0: too small on average"
    labels.put(what, (found.n[-1], bottom), color=st.colors.soft, points=9, spots=spots)


def _limits(st: _style.Stage, found: _Bias, k: float, points: float) -> None:
    """Room for the names left of the first points."""
    ax, dpi = st.ax, st.ax.figure.dpi
    ends = [found.mean[name] * k + side * found.error[name] * k for name in _LOOKS for side in (-1, 1)]
    low, high = min(float(y.min()) for y in ends), max(float(y.max()) for y in ends)
    span = max(high, 0.0) - min(low, 0.0)
    ax.set_ylim(min(low, 0.0) - 0.06 * span, max(high, 0.0) + 0.08 * span)
    widest = max(text_size(look.words, points, dpi)[0] for look in _LOOKS.values())
    share = min((widest + 3 * points * dpi / 72) / ax.bbox.width, 0.6)
    first, last = math.log(found.n[0]), math.log(found.n[-1] * 1.2)
    ax.set_xscale("log")
    ax.set_xlim(math.exp(last - (last - first) / (1 - share)), math.exp(last))
    steps = [c * 10**e for e in range(int(math.log10(found.n[-1])) + 1) for c in (1, 2, 5)]
    ax.xaxis.set_major_locator(FixedLocator([n for n in steps if found.n[0] <= n <= found.n[-1]]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))


def _name_lines(st: _style.Stage, n: float, ends: dict[str, float], points: float) -> None:
    """The names in a column left of the lines' first points, in their order, with leaders to them."""
    ax, dpi = st.ax, st.ax.figure.dpi
    order = sorted(ends, key=lambda name: ends[name])
    height = 1.35 * points * dpi / 72
    wanted = [float(ax.transData.transform((n, ends[name]))[1]) for name in order]
    places = _apart(wanted, height, ax.bbox.y0 + 0.6 * height, ax.bbox.y1 - 0.6 * height)
    x = float(ax.transData.transform((n, 0.0))[0]) - 1.9 * points * dpi / 72
    for name, y in zip(order, places, strict=True):
        color = getattr(st.colors, _LOOKS[name].color)
        where = ax.transData.inverted().transform((x, y))
        ax.annotate(
            _LOOKS[name].words, xy=(n, ends[name]), xytext=(float(where[0]), float(where[1])), ha="right", va="center",
            color=color, fontsize=points, zorder=30,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 3},
        )  # fmt: skip


def _apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Rising places at least `gap` apart, near those wanted: blocks that touch share the mean of what they want."""
    blocks: list[list[float]] = []  # sum of (wanted - own offset), size
    for i, place in enumerate(wanted):
        blocks.append([place - i * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, size = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total, blocks[-1][1] + size]
    starts = [total / size for total, size in blocks for _ in range(int(size))]
    most = max(high - (len(wanted) - 1) * gap, low)
    return [min(max(start, low), most) + i * gap for i, start in enumerate(starts)]
