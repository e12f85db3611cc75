"""How often what was forecast happened."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from xent.evaluation.results import Evaluation, Reliability
from xent.io import printable
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import head

# The strip of the density lies under 0, between these heights.
_FLOOR, _CEILING = -0.24, -0.05


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
        st = _style.stage(ax, size=(5.4, 4.6), box=(0.13, 0.13, 0.83, 0.78))
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
    raise ValueError(
        f"`of` is {_quoted(of)}; the evaluation has the reliability of {', '.join(map(_quoted, names[:8])) or 'no class'}"
        f"{' and others' if len(names) > 8 else ''}.{hint}"
    )


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


def _strip(st: _style.Stage, shown: Reliability) -> None:
    """Bars of the rows' forecasts under the line of 0."""
    c = st.colors
    st.ax.plot([0, 1], [_FLOOR, _FLOOR], color=c.soft, linewidth=0, zorder=1)
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
    c, ax = st.colors, st.ax
    x, y = np.asarray(shown.forecast, dtype=float), np.asarray(shown.frequency, dtype=float)
    low, high = np.asarray(shown.low, dtype=float), np.asarray(shown.high, dtype=float)
    known = np.isfinite(low) & np.isfinite(high)
    if known.sum() > 1:
        band = ax.fill_between(x[known], low[known], high[known], facecolor=to_rgba(c.model, 0.16), linewidth=0)
        band.set_gid("band")
    elif known.any():
        at = float(x[known][0])
        ax.plot(
            [at, at],
            [float(low[known][0]), float(high[known][0])],
            color=to_rgba(c.model, 0.4),
            linewidth=6,
            gid="band",
        )
    ax.plot([0, 1], [0, 1], color=c.model, linewidth=1.2, linestyle=(0, (5, 2.2)), gid="right", zorder=3)
    marker = "o" if x.size <= 12 else None
    ax.plot(x, y, color=c.truth, linewidth=2.2, marker=marker, markersize=5, gid="frequency", zorder=5, clip_on=False)
    return [(np.array([0.0, 1.0]), np.array([0.0, 1.0])), (x, y)]


def _words(st: _style.Stage, shown: Reliability, unit: str, lines: list[tuple[Any, Any]]) -> None:
    pass


def _sentence(shown: Reliability, unit: str) -> str:
    return ""
