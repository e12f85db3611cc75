"""How often what was forecast happened."""

from __future__ import annotations

import difflib
import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from xent.evaluation.results import Evaluation, Reliability
from xent.io import printable
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head

Array = NDArray[np.float64]

# The strip of the density lies under 0, between these heights.
_FLOOR, _CEILING, _CAPTION = -0.3, -0.13, -0.075
# Where along the diagonal its label may stand.
_PLACES = (0.5, 0.55, 0.45, 0.6, 0.4, 0.65, 0.35, 0.7, 0.3, 0.75, 0.25, 0.8, 0.2)


def reliability(evaluation: Evaluation, *, of: str | None = None, ax: Axes | None = None) -> Axes:
    """How often what was forecast happened: the isotonic line against the diagonal of forecasts that are right.

    The band is where 95 % of such lines lie when the forecasts are right; the strip below shows how many rows have
    which forecast.

    Parameters
    ----------
    evaluation : Evaluation
        One entry of its `reliability` is drawn.
    of : str, optional
        A class; without it class 1 of two classes, the likeliest class of each row ("top label") of more.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the lines `frequency` and `right`, the `band` and the bars `density`, by their gid.

    Raises
    ------
    ValueError
        No reliability in the evaluation, a class that has none there, or axes that are not flat.

    Edge cases
    ----------
    one forecast only      a point instead of a line, and its interval
    band not simulated     no band

    Examples
    --------
    >>> import xent
    >>> found = xent.evaluate([0, 0, 1, 1, 0, 1], [0.2, 0.6, 0.4, 0.8, 0.1, 0.9])
    >>> if found.reliability:
    ...     ax = xent.plots.reliability(found)
    """
    shown = _chosen(evaluation, of)
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 4.6), box=(0.15, 0.13, 0.8, 0.78))
        _axes(st, shown)
        _strip(st, shown)
        lines = _lines(st, shown)
        _words(st, shown, evaluation.unit, lines)
    remember(st.ax, _sentence(shown, evaluation.unit))
    return st.ax


def _chosen(evaluation: Evaluation, of: str | None) -> Reliability:
    entries = evaluation.reliability
    if not entries:
        raise ValueError("the evaluation has no `reliability` to draw: its forecasts were not gone through.")
    if of is None:
        return entries[0]
    names = [entry.name for entry in entries if entry.kind == "class"]
    for entry in entries:
        if entry.kind == "class" and entry.name == of:
            return entry
    near = difflib.get_close_matches(str(of), names, n=1)
    hint = f" Did you mean {_quoted(near[0])}?" if near else ""
    known = ", ".join(map(_quoted, names[:8])) or "no class"
    more = " and others" if len(names) > 8 else ""
    raise ValueError(f"`of` is {_quoted(of)}; the evaluation has the reliability of {known}{more}.{hint}")


def _quoted(name: object) -> str:
    return f"'{printable(name, 60)}'"


def _subject(shown: Reliability) -> str:
    return "the likeliest class" if shown.kind == "top_label" else digits.name(shown.name)


def _axes(st: _style.Stage, shown: Reliability) -> None:
    ax, dpi = st.ax, st.ax.figure.dpi
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(_FLOOR, 1.02)
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    ax.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
    ax.set_yticks(ticks, [f"{tick:.0%}" for tick in ticks])
    room = ax.bbox.width * 0.9 - digits.width("forecast probability of ", st.size(10.5), dpi)
    name = digits.cut(_subject(shown), st.size(10.5), dpi, room)
    ax.xaxis.label.set_parse_math(False)
    head(st, "How often it happened, by what was forecast")
    ax.set_xlabel(f"forecast probability of {name}", fontsize=st.size(10.5))
    ax.set_ylabel("how often it happened", fontsize=st.size(10.5), y=0.6)
    ax.spines["left"].set_bounds(0, 1)
    ax.spines[["top", "right"]].set_visible(False)


def _strip(st: _style.Stage, shown: Reliability) -> None:
    """Bars of the rows' forecasts under the line of 0."""
    c = st.colors
    density = np.nan_to_num(np.asarray(shown.density, dtype=float))
    most = float(density.max(initial=0))
    if most <= 0:
        return
    step = 1 / density.size
    for i, part in enumerate(density):
        if part > 0:
            height = (_CEILING - _FLOOR) * part / most
            bar = Rectangle((i * step, _FLOOR), step * 0.9, height, facecolor=to_rgba(c.model, 0.55), linewidth=0)
            bar.set_gid("density")
            st.ax.add_patch(bar)


def _lines(st: _style.Stage, shown: Reliability) -> list[tuple[Any, Any]]:
    """The band, the diagonal and the isotonic line; what labels keep clear of."""
    c, ax = st.colors, st.ax
    x, y = np.asarray(shown.forecast, dtype=float), np.asarray(shown.frequency, dtype=float)
    low, high = np.asarray(shown.low, dtype=float), np.asarray(shown.high, dtype=float)
    known = np.isfinite(low) & np.isfinite(high)
    pale = to_rgba(c.model, 0.18)
    if known.sum() > 1:
        ax.fill_between(x[known], low[known], high[known], facecolor=pale, linewidth=0, zorder=2).set_gid("band")
    elif known.any():
        at = x[known]
        ax.vlines(at, low[known], high[known], color=pale, linewidth=9, zorder=2).set_gid("band")
    if x.size > 1:
        ax.fill_between(x, x, y, facecolor=to_rgba(c.gap, 0.22), linewidth=0, zorder=3).set_gid("gap")
    ax.plot([0, 1], [0, 1], color=c.model, linewidth=1.1, linestyle=(0, (5, 2.2)), gid="right", zorder=3)
    marker = "o" if x.size <= 12 else None
    ax.plot(x, y, color=c.truth, linewidth=2.2, marker=marker, markersize=5, gid="frequency", zorder=5, clip_on=False)
    return [(np.array([0.0, 1.0]), np.array([0.0, 1.0])), (x, y), (x[known], low[known]), (x[known], high[known])]


def _words(st: _style.Stage, shown: Reliability, unit: str, lines: list[tuple[Any, Any]]) -> None:
    """The deviation and what chance alone gives, in the emptier corner; what the diagonal and the strip are."""
    c = st.colors
    labels = Labels(st, lines)
    labels.reserve((0, 1), (_FLOOR, 0.0))
    _deviation(st, labels, shown, unit, lines[1])
    x, y = lines[1]
    if x.size:
        labels.put(
            "what happened", (float(x[0]), float(y[0])), color=c.truth, weight="bold", points=9.5, spots=_outside(x, y)
        )
    # On the other side of the diagonal than most of the line.
    sign = 1 if float(np.sum(y - x)) > 0 else -1
    away = [sign * far for far in (0.14, 0.2, 0.26, 0.32, -0.14, -0.2, -0.28, -0.36)]
    spots = [(at + side, at - side * 0.6) for side in away for at in _PLACES]
    known = any(math.isfinite(value) for value in shown.low)
    words = "right forecasts (95% band)" if known else "right forecasts"
    labels.put(words, (0.5, 0.5), color=c.model, points=9, spots=[spot for spot in spots if spot[1] > 0.05])
    st.ax.text(1, _CAPTION, "share of rows", color=c.model, fontsize=st.size(8.5), ha="right", va="center", zorder=20)


def _outside(x: Array, y: Array) -> list[tuple[float, float]]:
    """Places beside the line, where it is far from the diagonal first, and away from the diagonal."""
    spots: list[tuple[float, float]] = []
    # All along the line, however the forecasts crowd at one end of it.
    across = np.linspace(x[0], x[-1], 17)
    up = np.interp(across, x, y)
    for dy in (0.055, 0.08, 0.11, 0.16):
        for dx in (0.0, 0.08, 0.16, 0.24):
            for i in np.argsort(-np.abs(up - across), kind="stable"):
                side = -1 if up[i] < across[i] else 1
                spots.append((float(across[i]) - side * dx, float(up[i]) + side * dy))
    return [(at, high) for at, high in spots if 0.03 < high < 0.97] or [(0.5, 0.1)]


def _deviation(st: _style.Stage, labels: Labels, shown: Reliability, unit: str, line: tuple[Any, Any]) -> None:
    ax, size = st.ax, st.size(10)
    first, *others = _numbers(shown, unit)
    texts = [first, *others]
    dpi = ax.figure.dpi
    wide = max(digits.width(text, size, dpi) for text in texts) * 1.1 / ax.bbox.width * 1.02
    step = size * 1.35 * dpi / 72 / ax.bbox.height * (1.02 - _FLOOR)
    high = step * len(texts)
    x, y = line
    above = float(((x < wide) & (y > 1 - high)).sum() + 100 * (wide + high > 1.02))
    below = float(((x > 1 - wide) & (y < high)).sum() + 100 * (wide + high > 1.02) + 0.5)
    left = above <= below
    top = 1.0 if left else high
    for i, text in enumerate(texts):
        ax.text(
            0.015 if left else 1.0,
            top - (i + 0.5) * step,
            text,
            color=st.colors.soft if i else st.colors.gap,
            fontsize=size if i == 0 else size * 0.92,
            fontweight="normal" if i else "bold",
            ha="left" if left else "right",
            va="center",
            zorder=20,
        )
    labels.reserve((0, wide) if left else (1 - wide, 1), (top - high, top))


def _numbers(shown: Reliability, unit: str) -> list[str]:
    """What the figure says of the deviation: its size, that of chance alone, and the p-value."""
    places = _places(shown)
    texts = [f"miscalibration {_amount(shown.miscalibration, places, unit)}"]
    if not math.isnan(shown.null_mean):
        texts.append(f"by chance alone {_amount(shown.null_mean, places, unit)}")
    return [*texts, digits.p_value(shown.p_value)]


def _amount(value: float, places: int, unit: str) -> str:
    text = digits.loss(value, places)
    return text if text == "undefined" else f"{text} {unit}"


def _places(shown: Reliability) -> int:
    """Decimals that show two digits of the larger of both numbers."""
    finite = [abs(v) for v in (shown.miscalibration, shown.null_mean) if math.isfinite(v) and v != 0]
    return min(max(1 - math.floor(math.log10(max(finite))), 1), 6) if finite else 4


def _sentence(shown: Reliability, unit: str) -> str:
    text = ", ".join(_numbers(shown, unit)[1:])
    first = _numbers(shown, unit)[0]
    return f"How often {_subject(shown)} happened by its forecast probability, as an isotonic line: {first}, {text}."
