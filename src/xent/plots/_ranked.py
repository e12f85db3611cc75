"""Ranked lists: pairs of classes, and classes, by the loss on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from xent.evaluation.results import ClassRow, Confusion, Evaluation
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import head
from xent.plots._rows import Rows

_ARROW = " → "
# Text is at most this part of a row, and at least so many points.
_PART, _LEAST = 0.62, 5.5


class _Entry(NamedTuple):
    """One row: its names, its share of the loss, its rows and their mean loss, and a share to mark beside it."""

    names: tuple[str, ...]
    share: float
    n: int
    loss: float
    mark: float


def confusion_losses(evaluation: Evaluation, *, most: int = 10, ax: Axes | None = None) -> Axes:
    """Which mistakes cost most: what happened, what was said to be likeliest instead, and the share of the loss there.

    Parameters
    ----------
    evaluation : Evaluation
        Its `confusions` are drawn, those with most of the loss first.
    most : int
        How many pairs at most.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made, as high as its rows ask for.

    Returns
    -------
    Axes
        With a bar `pair` a row, by their gid; names are written to the letter, long ones cut.

    Raises
    ------
    ValueError
        No confusions in the evaluation, `most` below 1, or axes that are not flat.

    Edge cases
    ----------
    infinite loss      shares are undefined; pairs with an infinite loss have a bar across that says inf

    Examples
    --------
    >>> import xent
    >>> found = xent.evaluate([0, 0, 1, 1, 0, 1], [0.2, 0.6, 0.4, 0.8, 0.1, 0.9])
    >>> if found.confusions:
    ...     ax = xent.plots.confusion_losses(found)
    """
    _count(most)
    if not evaluation.confusions:
        raise ValueError(
            "the evaluation has no `confusions` to draw: what happened was always the likeliest forecast, or the pairs "
            "were not counted."
        )
    entries = [_pair(pair) for pair in evaluation.confusions[:most]]
    with _style.settings():
        st = _stage(ax, len(entries))
        _list(st, _fitting(st, entries), "pair", evaluation)
        _head(st, "The costliest confusions: what happened → what was said", "share of the loss")
    remember(st.ax, _sentence(entries, "confusion", evaluation))
    return st.ax


def class_losses(evaluation: Evaluation, *, most: int = 20, ax: Axes | None = None) -> Axes:
    """Which classes the loss is on: the share of the loss a class, and marked the share of the rows.

    Where the bar goes beyond the mark, rows of the class cost more than the mean.

    Parameters
    ----------
    evaluation : Evaluation
        Its `per_class` is drawn, those with most of the loss first.
    most : int
        How many classes at most.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made, as high as its rows ask for.

    Returns
    -------
    Axes
        With a bar `class` and a `mark` a row, by their gid; names are written to the letter, long ones cut.

    Raises
    ------
    ValueError
        `most` below 1, or axes that are not flat.

    Edge cases
    ----------
    infinite loss      shares are undefined; classes with an infinite loss have a bar across that says inf

    Examples
    --------
    >>> import xent
    >>> found = xent.evaluate([0, 0, 1, 1], [0.2, 0.6, 0.4, 0.8])
    >>> ax = xent.plots.class_losses(found)
    >>> [bar.get_gid() for bar in ax.patches]
    ['class', 'class']
    """
    _count(most)
    ranked = sorted(evaluation.per_class, key=_rank)
    entries: Sequence[_Entry] = [_class(row) for row in ranked[:most]]
    with _style.settings():
        st = _stage(ax, len(entries))
        entries = _fitting(st, entries)
        _list(st, entries, "class", evaluation)
        some = f"The {len(entries)} costliest of {len(ranked):,} classes"
        title = "The costliest classes" if len(entries) == len(ranked) else some
        _head(st, title, "share of the loss (bar) and of the rows (mark)")
    remember(st.ax, _sentence(entries, "class", evaluation))
    return st.ax


def _count(most: Any) -> None:
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise ValueError(f"`most` is {most!r}; it is how many rows to draw, 1 or more.")


def _rank(row: ClassRow) -> tuple[float, float, str]:
    """By the share of the loss; where that is undefined, by the mean loss."""
    share = -1.0 if math.isnan(row.share) else row.share
    return -share, -1.0 if math.isnan(row.loss) else -row.loss, row.name


def _pair(pair: Confusion) -> _Entry:
    return _Entry((digits.name(pair.label), digits.name(pair.said)), pair.share, pair.n, pair.loss, math.nan)


def _class(row: ClassRow) -> _Entry:
    return _Entry((digits.name(row.name),), row.share, row.n, row.loss, row.frequency)


def _stage(ax: Axes | None, count: int) -> _style.Stage:
    high = 0.36 * count
    whole = high + 1.05
    return _style.stage(ax, size=(5.4, whole), box=(0.04, 0.6 / whole, 0.92, high / whole))


def _head(st: _style.Stage, title: str, x: str) -> None:
    """Title and the axis's meaning, which stands under the bars."""
    head(st, title, x)
    st.ax.xaxis.label.set(x=0, ha="left")


def _fitting(st: _style.Stage, entries: Sequence[_Entry]) -> Sequence[_Entry]:
    """As many of the rows as the axes have room for at a size that can be read."""
    return entries[: max(1, int(st.ax.bbox.height * 72 / st.ax.figure.dpi / (_LEAST * 1.2 / _PART)))]


def _list(st: _style.Stage, entries: Sequence[_Entry], gid: str, evaluation: Evaluation) -> None:
    """A pale bar behind each row's names, which are as long as they are; beside the bars its numbers."""
    c, ax = st.colors, st.ax
    rows = Rows(st, len(entries), part=_PART)
    shares = [value for e in entries for value in (e.share, e.mark) if math.isfinite(value)]
    top = max([*shares, 0.0])
    places = min(digits.digits_of(evaluation), 3)
    texts = [_columns(entry, places, evaluation.unit) for entry in entries]
    wide = [max(digits.width(text[k], rows.size, ax.figure.dpi) for text in texts) * 1.1 for k in range(3)]
    gap = rows.size * ax.figure.dpi / 72
    roomy = sum(wide) + 3 * gap < ax.bbox.width * 0.5
    taken = (sum(wide) + 3 * gap if roomy else wide[0] + gap) / float(ax.bbox.width)
    end = top if top > 0 else 1.0
    ax.set_xlim(0, end / (1 - min(taken, 0.7)))
    for i, (entry, text) in enumerate(zip(entries, texts, strict=True)):
        long = end if math.isinf(entry.loss) else entry.share
        if not math.isnan(long):
            bar = Rectangle((0, i + 0.1), long, 0.8, facecolor=to_rgba(c.model, 0.28), linewidth=0)
            bar.set_gid(gid)
            ax.add_patch(bar)
        if math.isinf(entry.loss):
            look: dict[str, Any] = {"markersize": rows.size, "markeredgewidth": 0, "alpha": 0.6, "gid": "inf"}
            ax.plot([end], [i + 0.5], ">", color=c.model, **look)
        if math.isfinite(entry.mark):
            ax.plot([entry.mark] * 2, [i + 0.76, i + 0.98], color=c.truth, linewidth=2, gid="mark", zorder=25)
        _row(st, rows, i, entry, text, wide, roomy)
    _scale(st, top)


def _columns(entry: _Entry, places: int, unit: str) -> tuple[str, str, str]:
    """Share of the loss, rows, and their mean loss; the share is inf where the loss is."""
    first = "inf" if math.isinf(entry.loss) else "" if math.isnan(entry.share) else digits.share(entry.share)
    last = "" if math.isnan(entry.loss) else f"at {digits.loss(entry.loss, places)} {unit}"
    return first, digits.rows(entry.n), last


def _row(
    st: _style.Stage,
    rows: Rows,
    i: int,
    entry: _Entry,
    text: tuple[str, str, str],
    wide: list[float],
    roomy: bool,
) -> None:
    """The names from the left, the share at the right; between them rows and loss where the axes are wide."""
    ax, dpi = st.ax, st.ax.figure.dpi
    whole, gap, y = float(ax.bbox.width), rows.size * dpi / 72, i + 0.5
    rows.write(1, y, text[0], ha="right", weight="bold")
    if roomy:
        look: dict[str, Any] = {"ha": "right", "color": st.colors.soft, "points": rows.size * 0.9}
        right = 1 - (wide[0] + gap) / whole
        rows.write(right, y, text[2], **look)
        rows.write(right - (wide[2] * 0.9 + 0.7 * gap) / whole, y, text[1], **look)
    room = whole - (sum(wide) + 3 * gap if roomy else wide[0] + gap) - 0.4 * gap
    rows.write(0.4 * gap / whole, y, _joined(entry.names, rows.size, dpi, room))


def _joined(names: tuple[str, ...], size: float, dpi: float, room: float) -> str:
    """The names in what room there is: the longer is cut first."""
    if len(names) == 1:
        return digits.cut(names[0], size, dpi, room)
    room -= digits.width(_ARROW, size, dpi) * 1.3
    first, second = (digits.width(name, size, dpi) for name in names)
    if first + second > room:
        half = room / 2
        mine = half if min(first, second) > half else (first if first <= half else room - second)
        names = digits.cut(names[0], size, dpi, mine), digits.cut(names[1], size, dpi, room - mine)
    return _ARROW.join(names)


def _scale(st: _style.Stage, top: float) -> None:
    """The axis is as long as the longest bar; without shares there is none."""
    ax = st.ax
    if top <= 0:
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)
        return
    nice = [float(t) for t in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(0, top) if 0 <= t <= top * 1.001]
    ax.set_xticks(nice, [f"{100 * tick:g}%" for tick in nice])
    ax.spines["bottom"].set_bounds(0, top)


def _sentence(entries: Sequence[_Entry], what: str, evaluation: Evaluation) -> str:
    first = entries[0]
    named = _ARROW.join(first.names)
    if math.isinf(first.loss):
        return f"The costliest {what} is {named}: {digits.rows(first.n)} with a mean loss of inf {evaluation.unit}."
    if math.isnan(first.share):
        return f"The loss by {what}; shares of it are undefined."
    return f"The costliest {what} is {named}: {digits.rows(first.n)} with {digits.share(first.share)} of the loss."
