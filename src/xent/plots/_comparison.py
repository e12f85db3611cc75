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
        head(st, "Which model is better", f"difference of the losses ({comparison.unit})")
        _limits(st, rows, comparison)
        lines = Rows(st, 5, part=0.8)
        _sides(st, lines, comparison.names)
        for i, row in enumerate(rows):
            _interval(st, lines, 1 + 2 * i, row, comparison)
    remember(st.ax, _sentence(comparison))
    return st.ax


def _unpaired(comparison: Comparison) -> tuple[float, float]:
    """The interval without pairing, with the same quantile as the paired one."""
    found = comparison.difference
    if not (math.isfinite(found.se) and found.se > 0 and math.isfinite(comparison.unpaired_se)):
        return math.nan, math.nan
    half = (found.high - found.value) / found.se * comparison.unpaired_se
    return found.value - half, found.value + half


def _limits(st: _style.Stage, rows: list[_Row], comparison: Comparison) -> None:
    """Both sides of 0 always show, however far the difference is from it."""
    ends = [v for row in rows for v in (row.found.value, row.found.low, row.found.high)]
    ends = [v for v in [*ends, *_unpaired(comparison)] if math.isfinite(v)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    reach = max(high - low, 1e-12) if high > low else 1.0
    low, high = min(low - 0.08 * reach, -0.3 * reach), max(high + 0.08 * reach, 0.3 * reach)
    st.ax.set_xlim(low, high)
    st.ax.locator_params(axis="x", nbins=6)


def _sides(st: _style.Stage, lines: Rows, names: tuple[str, str]) -> None:
    """Which side is whose, at the top; each name in the space of its side."""
    ax, c, dpi = st.ax, st.colors, st.ax.figure.dpi
    low, high = ax.get_xlim()
    zero = -low / (high - low)
    ax.axvspan(low, 0, facecolor=to_rgba(c.soft, 0.08), linewidth=0, zorder=0)
    ax.axvline(0, color=c.ink, linewidth=1.0, zorder=3, gid="zero")
    for name, part, x, ha in ((names[0], zero, zero, "right"), (names[1], 1 - zero, zero, "left")):
        words = "{} better" if ha == "right" else "{} better"
        room = part * ax.bbox.width - digits.width("← better ", lines.size, dpi) * 1.25
        shown = words.format(digits.cut(digits.name(name), lines.size, dpi, room))
        shift = 0.5 * lines.size * dpi / 72 / ax.bbox.width
        text = f"← {shown}" if ha == "right" else f"{shown} →"
        lines.write(x - shift if ha == "right" else x + shift, 0.5, text, ha=ha, color=c.ink)


def _interval(st: _style.Stage, lines: Rows, y: int, row: _Row, comparison: Comparison) -> None:
    c, ax = st.colors, st.ax
    color, found = getattr(c, row.role), row.found
    places = digits.decimals(comparison.difference)
    lines.line(y + 0.5, row.title, _value(found, places, comparison.unit), color=color)
    at = y + 1.35
    if math.isnan(found.value):
        return
    low, high = ax.get_xlim()
    if math.isinf(found.value):
        edge, marker = (high, ">") if found.value > 0 else (low, "<")
        ax.plot([0, edge], [at, at], color=color, linewidth=4, solid_capstyle="butt", gid=row.gid, zorder=5)
        ax.plot([edge], [at], marker, color=color, markersize=lines.size * 1.2, clip_on=False, gid="inf", zorder=6)
        return
    wide = _unpaired(comparison)
    if row.gid == "shipped" and math.isfinite(wide[0]):
        ax.plot(wide, [at, at], color=c.soft, linewidth=1.1, linestyle=(0, (2, 1.5)), gid="unpaired", zorder=4)
    if math.isfinite(found.low):
        ax.plot(
            [found.low, found.high], [at, at], color=color, linewidth=4.5, solid_capstyle="butt", alpha=0.55, zorder=5
        )
    ax.plot([found.value], [at], row.marker, color=color, markersize=7, gid=row.gid, zorder=6)


def _value(found: Estimate, places: int, unit: str) -> str:
    text = digits.loss(found.value, places, sign=True)
    if text == "undefined":
        return text
    return f"{text} {unit}"


def _sentence(comparison: Comparison) -> str:
    return ""
