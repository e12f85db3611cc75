"""Which rows the loss is on: rows and loss by size of the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from xent.evaluation.results import Evaluation, LossBin
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head

Array = NDArray[np.float64]


def loss_histogram(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    """Which rows the loss is on: the share of the rows, and of the loss, by the size of a row's loss.

    Where the second stands far above the first, few rows carry much of the loss.

    Parameters
    ----------
    evaluation : Evaluation
        Its `loss_histogram` is drawn, in its unit, without the empty bins at both ends.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the areas `rows` and `loss`, by their gid; the loss is on a logarithmic axis.

    Raises
    ------
    ValueError
        No histogram in the evaluation, or axes that are not flat.

    Edge cases
    ----------
    losses near 0          the first bin begins at 0, which a logarithmic axis does not have: it is named by its end
    infinite losses        in the last bin, with their number; the share of the loss is that of the finite ones
    no loss at all         rows only

    Examples
    --------
    >>> import xent
    >>> found = xent.evaluate([0, 0, 1, 1, 0, 1], [0.2, 0.6, 0.4, 0.8, 0.1, 0.9])
    >>> if found.loss_histogram:
    ...     ax = xent.plots.loss_histogram(found)
    """
    bins = _used(evaluation.loss_histogram)
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 3.6), box=(0.145, 0.16, 0.815, 0.74))
        edges = _edges(bins)
        rows = np.array([_part(b.rows) for b in bins])
        loss = np.array([_part(b.loss) for b in bins])
        _axes(st, bins, edges, float(max(rows.max(), loss.max())), evaluation.unit)
        _draw(st, edges, rows, loss)
        _words(st, evaluation, edges, rows, loss)
    remember(st.ax, _sentence(evaluation))
    return st.ax


def _part(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _used(bins: Sequence[LossBin]) -> Sequence[LossBin]:
    """The bins from the first to the last that hold anything."""
    if not bins:
        raise ValueError("the evaluation has no `loss_histogram` to draw: its losses were not gone through.")
    full = [i for i, b in enumerate(bins) if _part(b.rows) > 0 or _part(b.loss) > 0]
    return bins[full[0] : full[-1] + 1] if full else bins


def _edges(bins: Sequence[LossBin]) -> Array:
    """Where the bins are drawn: as they are, but 0 and inf one bin's width from their neighbours."""
    inner = [edge for edge in (bins[0].low, *(b.high for b in bins)) if 0 < edge < math.inf]
    ratios = [b.high / b.low for b in bins if b.low > 0 and b.high < math.inf]
    step = max(ratios, default=10.0)
    edges = np.array(inner or [1.0])
    if bins[0].low <= 0:
        edges = np.concatenate([[edges[0] / step], edges])
    if math.isinf(bins[-1].high):
        edges = np.concatenate([edges, [edges[-1] * step]])
    return edges


def _axes(st: _style.Stage, bins: Sequence[LossBin], edges: Array, top: float, unit: str) -> None:
    ax = st.ax
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, top * 1.22 if top > 0 else 1)
    ax.minorticks_off()
    _ticks(st, bins, edges)
    nice = ax.yaxis.get_major_locator().tick_values(0, top * 1.1 if top > 0 else 1)
    shown = [tick for tick in nice if 0 <= tick <= min(1.0, ax.get_ylim()[1])]
    ax.set_yticks(shown, [f"{100 * tick:g}%" for tick in shown])
    ax.spines[["top", "right"]].set_visible(False)
    head(st, "Which rows the loss is on", f"loss of a row ({unit})", "share")


def _ticks(st: _style.Stage, bins: Sequence[LossBin], edges: Array) -> None:
    """The bins from 0 and to inf are named at their middle, and round losses where there is room beside them."""
    ax, dpi = st.ax, st.ax.figure.dpi
    first, last = bins[0].low <= 0, math.isinf(bins[-1].high)
    middle = np.sqrt(edges[:-1] * edges[1:])
    named = [(float(middle[0]), f"<{bins[0].high:.2g}")] * first + [(float(middle[-1]), f"≥{bins[-1].low:.2g}")] * last
    inner = edges[1 if first else 0 : -1 if last else None]
    taken: list[tuple[float, float]] = []
    kept: list[tuple[float, str]] = []
    for at, words in [*named, *((tick, f"{tick:g}") for tick in _decades(float(inner[0]), float(inner[-1])))]:
        middle = float(ax.transData.transform((at, 0))[0])
        half = digits.width(words, st.size(10), dpi) * 0.65
        if all(middle + half < left or middle - half > right for left, right in taken):
            taken.append((middle - half, middle + half))
            kept.append((at, words))
    ax.set_xticks([at for at, _ in kept], [words for _, words in kept])


def _decades(low: float, high: float) -> list[float]:
    """Round numbers between the edges: powers of ten, or with 2 and 5 where there are few."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    for digits_ in ((1,), (1, 3), (1, 2, 5)):
        found = [d * 10.0**p for p in powers for d in digits_]
        found = [float(f"{tick:.3g}") for tick in found if low * 0.999 <= tick <= high * 1.001]
        if len(found) >= 3:
            return found[:: math.ceil(len(found) / 7)]
    return [float(f"{low:.2g}"), *([float(f"{high:.2g}")] if high > low else [])]


def _draw(st: _style.Stage, edges: Array, rows: Array, loss: Array) -> None:
    c, ax = st.colors, st.ax
    ax.stairs(rows, edges, fill=True, facecolor=to_rgba(c.truth, 0.3), linewidth=0, zorder=2).set_gid("rows")
    ax.stairs(rows, edges, color=c.truth, linewidth=1.2, zorder=4)
    if loss.any():
        hatched = {"facecolor": "none", "edgecolor": c.model, "hatch": "///", "linewidth": 0}
        ax.stairs(loss, edges, fill=True, zorder=3, **hatched)
        ax.stairs(loss, edges, color=c.model, linewidth=1.8, linestyle=(0, (5, 1.6)), zorder=5).set_gid("loss")


def _words(st: _style.Stage, evaluation: Evaluation, edges: Array, rows: Array, loss: Array) -> None:
    labels = Labels(st, [_outline(edges, rows), _outline(edges, loss)])
    if evaluation.audit.zero_probability_rows and math.isinf(evaluation.cross_entropy.value):
        _infinite(st, labels, evaluation.audit.zero_probability_rows, edges, np.maximum(rows, loss))
    middle = np.sqrt(edges[:-1] * edges[1:])
    _name(labels, middle, rows, loss, "share of rows", st.colors.truth)
    if loss.any():
        _name(labels, middle, loss, rows, "share of the loss", st.colors.model)


def _infinite(st: _style.Stage, labels: Labels, count: int, edges: Array, heights: Array) -> None:
    """How many rows cost inf, over the last bins, at the right edge."""
    ax, size, dpi = st.ax, st.size(9), st.ax.figure.dpi
    words = f"{digits.rows(count)} at inf"
    right = float(ax.transData.transform((edges[-1], 0))[0])
    left = right - digits.width(words, size, dpi)
    ends = ax.transData.transform(np.column_stack([edges[1:], heights]))[:, 0]
    high = float(heights[ends > left].max(initial=0)) + 0.02 * ax.get_ylim()[1]
    ax.text(edges[-1], high, words, color=st.colors.ink, fontsize=size, ha="right", va="bottom", zorder=30, gid="inf")
    line = size * 1.5 * dpi / 72 / ax.bbox.height * ax.get_ylim()[1]
    labels.reserve((float(ax.transData.inverted().transform((left, 0))[0]), float(edges[-1])), (high, high + line))


def _name(labels: Labels, x: Array, own: Array, other: Array, words: str, color: str) -> None:
    """Name an area over the bin where it stands out most."""
    at = int(np.argmax(own - other)) if (own > other).any() else int(np.argmax(own))
    labels.put(words, (float(x[at]), float(own[at])), color=color, weight="bold", points=9.5)


def _outline(edges: Array, heights: Array) -> tuple[Any, Any]:
    return np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)


def _sentence(evaluation: Evaluation) -> str:
    tail = evaluation.tail_share
    what = "Share of the rows and of the loss by the size of a row's loss: "
    if not math.isnan(tail):
        return f"{what}the costliest 1% of rows carry {digits.share(tail)} of it."
    zeros = evaluation.audit.zero_probability_rows
    if math.isinf(evaluation.cross_entropy.value):
        return f"{what}{digits.rows(zeros)} of {evaluation.n:,} cost inf {evaluation.unit}."
    return f"{what}{digits.rows(evaluation.n)}."
