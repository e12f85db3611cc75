"""Which of two models is better, as shipped and recalibrated."""

from __future__ import annotations

import math
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from xent.evaluation.results import Comparison, Estimate
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import head
from xent.plots._rows import Rows


class _Row(NamedTuple):
    """One interval: its gid, title, colour by role, marker, and numbers."""

    gid: str
    title: str
    role: str
    marker: str
    found: Estimate


def comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """How much better one model is, as shipped and after recalibration of each, with 95 % intervals around 0.

    Left of 0 the first model is better, right of it the second. The thin line is the interval that the same rows would
    give without pairing.

    Parameters
    ----------
    comparison : Comparison
        Its `difference`, `recalibrated_difference` and `unpaired_se` are drawn, in its unit.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the intervals `shipped` and `recalibrated`, their points, and the line `unpaired`, by their gid.

    Raises
    ------
    ValueError
        Axes that are not flat.

    Edge cases
    ----------
    infinite difference    an arrow to its side, and inf
    undefined              no point; said in words

    Examples
    --------
    >>> import xent
    >>> if hasattr(xent, "compare"):
    ...     found = xent.compare([0, 0, 1, 1], [0.2, 0.6, 0.4, 0.8], [0.3, 0.4, 0.5, 0.6])
    ...     ax = xent.plots.comparison(found)
    """
    rows = [
        _Row("shipped", "as shipped", "model", "o", comparison.difference),
        _Row("recalibrated", "both recalibrated", "gap", "D", comparison.recalibrated_difference),
    ]
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 2.9), box=(0.05, 0.2, 0.9, 0.64))
        head(st, "Which model is better", f"difference of the losses ({comparison.unit}), 95% intervals")
        lines = Rows(st, 5, part=0.8)
        _limits(st, rows, comparison, lines.size)
        _sides(st, lines, comparison.names)
        st.ax.plot([0, 0], [0, 1], color=st.colors.ink, linewidth=1.0, zorder=3, gid="zero", clip_on=False)
        words = [_words(row, comparison) for row in rows]
        full = all(lines.room(text) < 0.97 for _, text in words)
        for i, row in enumerate(rows):
            _interval(st, lines, 1 + 2 * i, row, words[i][full], comparison)
    remember(st.ax, _sentence(comparison))
    return st.ax


def _unpaired(comparison: Comparison) -> tuple[float, float]:
    """The interval without pairing, with the same quantile as the paired one."""
    found = comparison.difference
    if not (math.isfinite(found.se) and found.se > 0 and math.isfinite(comparison.unpaired_se)):
        return math.nan, math.nan
    half = (found.high - found.value) / found.se * comparison.unpaired_se
    return found.value - half, found.value + half


def _limits(st: _style.Stage, rows: list[_Row], comparison: Comparison, size: float) -> None:
    """Both sides of 0 have room for what is said there, however far the difference is from it."""
    ends = [v for row in rows for v in (row.found.value, row.found.low, row.found.high)]
    ends = [v for v in [*ends, *_unpaired(comparison)] if math.isfinite(v)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    reach = high - low if high > low else 1.0
    low, high = min(low - 0.06 * reach, -0.1 * reach), max(high + 0.06 * reach, 0.1 * reach)
    left, right = (_room(st, text, size) for text in _side_words(comparison.names))
    low, high = min(low, -high * left / (1 - left)), max(high, -low * right / (1 - right))
    st.ax.set_xlim(low, high)
    st.ax.locator_params(axis="x", nbins=6)
    if not any(ends):
        st.ax.set_xticks([0])


def _room(st: _style.Stage, words: str, size: float) -> float:
    """The part of the width that some words take, at most 0.45."""
    dpi = st.ax.figure.dpi
    return min(0.45, (digits.width(words, size, dpi) * 1.05 + size * dpi / 72) / st.ax.bbox.width)


def _side_words(names: tuple[str, str]) -> tuple[str, str]:
    first, second = (digits.name(name) for name in names)
    return f"← {first} is better", f"{second} is better →"


def _sides(st: _style.Stage, lines: Rows, names: tuple[str, str]) -> None:
    """Which side is whose, at the top; each name in the space of its side."""
    ax, c, dpi = st.ax, st.colors, st.ax.figure.dpi
    low, high = ax.get_xlim()
    zero = -low / (high - low)
    ax.axvspan(low, 0, facecolor=to_rgba(c.soft, 0.08), linewidth=0, zorder=0)
    shift = 0.5 * lines.size * dpi / 72 / ax.bbox.width
    frame = digits.width("← is better ", lines.size, dpi) * 1.05
    first, second = (
        digits.cut(digits.name(name), lines.size, dpi, (part - shift) * ax.bbox.width - frame)
        for name, part in zip(names, (zero, 1 - zero), strict=True)
    )
    left, right = _side_words((first, second))
    lines.write(zero - shift, 0.5, left, ha="right")
    lines.write(zero + shift, 0.5, right, ha="left")


def _interval(st: _style.Stage, lines: Rows, y: int, row: _Row, words: str, comparison: Comparison) -> None:
    """A line of words over its interval; the line of 0 runs on where no words are."""
    c, ax = st.colors, st.ax
    color, found = getattr(c, row.role), row.found
    low, high = ax.get_xlim()
    at = min(max(found.value, low), high) if not math.isnan(found.value) else 0.0
    free = _title(st, lines, y + 0.55, row, words, (at - low) / (high - low))
    ax.plot([0, 0], [y + (0 if free else 0.95), y + 2], color=c.ink, linewidth=1.0, zorder=3, clip_on=False)
    y_bar = y + 1.4
    if math.isnan(found.value):
        return
    if math.isinf(found.value):
        ax.plot([0, at], [y_bar] * 2, color=color, linewidth=4, solid_capstyle="butt", gid=row.gid, zorder=5)
        marker = ">" if found.value > 0 else "<"
        ax.plot([at], [y_bar], marker, color=color, markersize=lines.size * 1.2, clip_on=False, gid="inf", zorder=6)
        return
    wide = _unpaired(comparison)
    if row.gid == "shipped" and math.isfinite(wide[0]):
        ax.plot(wide, [y_bar] * 2, color=c.soft, linewidth=1.2, linestyle=(0, (2, 1.5)), gid="unpaired", zorder=4)
        _name_unpaired(st, lines, y_bar, wide)
    if math.isfinite(found.low):
        ends = [found.low, found.high]
        ax.plot(ends, [y_bar] * 2, color=color, linewidth=5, solid_capstyle="butt", alpha=0.5, zorder=5)
    ax.plot([found.value], [y_bar], row.marker, color=color, markersize=7, gid=row.gid, zorder=6)


def _words(row: _Row, comparison: Comparison) -> tuple[str, str]:
    """What an interval is, in short, and with its ends."""
    places, found = digits.decimals(comparison.difference), row.found
    text = digits.loss(found.value, places, sign=True)
    words = f"{row.title} {text}" if text == "undefined" else f"{row.title} {text} {comparison.unit}"
    if not math.isfinite(found.low):
        return words, words
    return words, f"{words} ({digits.loss(found.low, places)} to {digits.loss(found.high, places)})"


def _title(st: _style.Stage, lines: Rows, y: float, row: _Row, words: str, at: float) -> bool:
    """An interval's words, over its middle; whether the line of 0 is free of them."""
    half = lines.room(words) / 2
    middle = min(max(at, half), 1 - half) if half < 0.5 else 0.5
    lines.write(middle, y, words, ha="center", weight="bold", color=getattr(st.colors, row.role))
    low, high = st.ax.get_xlim()
    return abs(-low / (high - low) - middle) > half


def _name_unpaired(st: _style.Stage, lines: Rows, y: float, wide: tuple[float, float]) -> None:
    """Under the end that is further from 0, inwards, unless the line of 0 is there."""
    low, high = st.ax.get_xlim()
    size = lines.size * 0.85
    need, zero = lines.room("unpaired"), -low / (high - low)
    ends = [((end - low) / (high - low), side) for end, side in ((wide[0], 1), (wide[1], -1))]
    at, side = max(ends, key=lambda end: abs(end[0] - zero))
    if not min(at, at + side * need) < zero < max(at, at + side * need):
        ha = "left" if side > 0 else "right"
        lines.write(at, y + 0.36, "unpaired", ha=ha, color=st.colors.soft, points=size)


def _sentence(comparison: Comparison) -> str:
    first, second = (digits.name(name) for name in comparison.names)
    places = digits.decimals(comparison.difference)
    shipped, mended = (
        digits.loss(found.value, places, sign=True)
        for found in (comparison.difference, comparison.recalibrated_difference)
    )
    found = comparison.difference
    interval = ""
    if math.isfinite(found.low):
        interval = f" (95% {digits.loss(found.low, places)} to {digits.loss(found.high, places)})"
    return (
        f"The loss of {first} less that of {second} is {shipped} {comparison.unit} as shipped{interval} and {mended} "
        f"{comparison.unit} when both are recalibrated; below 0 {first} is better."
    ).replace(f"undefined {comparison.unit}", "undefined")
