"""Text on a figure: written where nothing else is, at a size that fits the axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib import patheffects
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from xent.plots._style import Stage

Points = NDArray[np.float64]

# Where a label may stand around its anchor, in text heights: near before far, above before below, right before left.
_AROUND = [
    (
        np.cos(angle) * distance,
        np.sin(angle) * distance,
        np.sign(round(np.cos(angle), 6)),
        np.sign(round(np.sin(angle), 6)),
    )
    for distance in (1.2, 1.8, 2.6, 3.6, 5.0, 7.0)
    for angle in np.deg2rad([90, 45, 135, 0, 180, -45, -135, -90, 65, 115, 25, 155, -65, -115, -25, -155])
]


_NO_LINE: Points = np.empty((0, 2))


def text_size(words: str, points: float, dpi: float) -> tuple[float, float]:
    """Width and height in pixels of `words` at a size; no canvas is needed."""
    lines = words.split("\n")
    return max(map(_width, lines)) * points * dpi / 72, len(lines) * 1.2 * points * dpi / 72


@lru_cache(maxsize=1024)
def _width(line: str) -> float:
    """Width of a line at size 1, from the outlines of its letters in the font of our settings."""
    if not line.strip():
        return 0.0
    return float(TextPath((0, 0), line, size=100, prop=FontProperties()).vertices[:, 0].max()) / 100


def wrapped(words: str, points: float, dpi: float, width: float) -> str:
    """`words` in as few lines as fit `width` pixels, and those as even as they come."""
    space = points / 3 * dpi / 72
    sizes = {word: text_size(word, points, dpi)[0] + space for word in words.split(" ")}
    lines = _filled(sizes, words, width)
    while len(closer := _filled(sizes, words, width := width * 0.95)) == len(lines) > 1:
        lines = closer
    return "\n".join(lines)


def _filled(sizes: dict[str, float], words: str, width: float) -> list[str]:
    lines: list[list[str]] = [[]]
    for word in words.split(" "):
        if lines[-1] and sum(sizes[w] for w in [*lines[-1], word]) > width:
            lines.append([])
        lines[-1].append(word)
    return [" ".join(line) for line in lines]


def head(st: Stage, title: str, x: str | None = None, y: str | None = None) -> None:
    """Title (unless the axes have one) and axis labels, wrapped to the axes."""
    ax, dpi = st.ax, st.ax.figure.dpi
    bounds = ax.get_position()
    width, height = (n * dpi for n in ax.figure.get_size_inches())
    if title and not ax.get_title():
        points = st.size(12)
        text = "\n".join(wrapped(line, points, dpi, width * bounds.width * 1.05) for line in title.split("\n"))
        ax.set_title(text, fontsize=points, color=st.colors.ink, pad=8 * st.scale)
    if x is not None:
        ax.set_xlabel(wrapped(x, st.size(10.5), dpi, width * bounds.width * 1.05), fontsize=st.size(10.5))
    if y is not None:
        ax.set_ylabel(wrapped(y, st.size(10.5), dpi, height * bounds.height * 1.1), fontsize=st.size(10.5))
    if not st.own:
        ax.tick_params(labelsize=st.size(9))


class Labels:
    """Puts labels on flat axes one after another, each away from the lines, the earlier labels and the frame."""

    def __init__(self, st: Stage, lines: Sequence[tuple[Any, Any]] = ()) -> None:
        """Labels for the axes of `st`, whose limits are set; `lines` are (x, y) data to keep clear of."""
        self._stage = st
        self._boxes: list[tuple[float, float, float, float]] = []
        self._ink = np.concatenate([self._line(x, y) for x, y in lines]) if lines else np.empty((0, 2))

    def put(
        self,
        words: str,
        at: tuple[float, float],
        *,
        color: str,
        points: float = 10,
        weight: Literal["normal", "bold"] = "normal",
        arrow: bool = False,
        spots: Sequence[tuple[float, float]] | None = None,
    ) -> Text:
        """`words` near the data point `at` (or centred on the best of `spots`); `arrow` draws a leader to the point."""
        st = self._stage
        size = st.size(points)
        width, height = text_size(words, size, st.ax.figure.dpi)
        # Measured in the normal weight.
        width *= 1.1 if weight == "bold" else 1.0
        anchor = self._pixels([at[0]], [at[1]])[0]
        unit = size * 1.2 * st.ax.figure.dpi / 72
        if spots is None:
            centers = [
                anchor + np.array([dx * unit + side * width / 2, dy * unit + above * (height - unit) / 2])
                for dx, dy, side, above in _AROUND
            ]
        else:
            centers = list(self._pixels([x for x, _ in spots], [y for _, y in spots]))
        leaders = [_between(c, anchor, width, height, unit * 1.5) if arrow else _NO_LINE for c in centers]
        costs = [
            self._cost(c, width + unit * 0.5, height + unit * 0.25) + self._crossed(leader)
            for c, leader in zip(centers, leaders, strict=True)
        ]
        chosen = int(np.argmin(costs))
        best = centers[chosen]
        self._boxes.append(_box(best, width + unit, height))
        self._ink = np.concatenate([self._ink, leaders[chosen]])
        arrow = len(leaders[chosen]) > 0
        where = st.ax.transData.inverted().transform(best)
        return st.ax.annotate(
            words,
            xy=at,
            xytext=(float(where[0]), float(where[1])),
            ha="center",
            va="center",
            color=color,
            fontsize=size,
            fontweight=weight,
            linespacing=1.2,
            zorder=30,
            annotation_clip=False,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": st.colors.paper, "edgecolor": "none", "alpha": 0.85},
            arrowprops=_leader(color) if arrow else None,
        )

    def reserve(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Keep labels out of a box in data coordinates."""
        (left, bottom), (right, top) = self._pixels([x[0], x[1]], [y[0], y[1]])
        self._boxes.append((left, bottom, right, top))

    def _pixels(self, x: Any, y: Any) -> Points:
        points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
        points = self._stage.ax.transData.transform(points[np.isfinite(points).all(axis=1)])
        return np.asarray(points, dtype=np.float64)

    def _line(self, x: Any, y: Any) -> Points:
        """The pixels of a line through data points, at even steps of a few pixels."""
        points = self._pixels(x, y)
        if len(points) < 2:
            return points
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        steps = np.linspace(0, way[-1], min(4000, 2 + int(way[-1] / 4)))
        return np.column_stack([np.interp(steps, way, points[:, 0]), np.interp(steps, way, points[:, 1])])

    def _cost(self, center: Points, width: float, height: float) -> float:
        left, bottom, right, top = _box(center, width, height)
        frame = self._stage.ax.bbox
        outside = (
            max(frame.x0 - left, 0) + max(right - frame.x1, 0) + max(frame.y0 - bottom, 0) + max(top - frame.y1, 0)
        )
        covered = sum(
            max(0.0, min(right, r) - max(left, x)) * max(0.0, min(top, t) - max(bottom, b))
            for x, b, r, t in self._boxes
        )
        inside = (
            (self._ink[:, 0] > left) & (self._ink[:, 0] < right) & (self._ink[:, 1] > bottom) & (self._ink[:, 1] < top)
        ).sum()
        return outside * 10 + covered / height + float(inside)

    def _crossed(self, leader: Points) -> float:
        """What a leader through earlier labels costs: more than any line under the label itself."""
        x, y = leader.T
        return 200.0 * sum(
            bool(((x > left) & (x < right) & (y > bottom) & (y < top)).any())
            for left, bottom, right, top in self._boxes
        )


def _between(center: Points, anchor: Points, width: float, height: float, least: float) -> Points:
    """The leader from a label to its point, as pixels outside the label; none where they are within `least`."""
    gap = np.maximum(np.abs(center - anchor) - np.array([width, height]) / 2, 0)
    if np.hypot(*gap) <= least:
        return _NO_LINE
    line = center + np.linspace(0, 1, 60)[:, None] * (anchor - center)
    return line[(np.abs(line - center) > np.array([width, height]) / 2).any(axis=1)]


def _leader(color: str) -> dict[str, Any]:
    """A thin line from a label to its point, with a light edge that keeps it visible on every band."""
    halo = [patheffects.withStroke(linewidth=1.8, foreground="#ffffff")]
    return {"arrowstyle": "-", "color": color, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 3, "path_effects": halo}


def _box(center: Points, width: float, height: float) -> tuple[float, float, float, float]:
    x, y = float(center[0]), float(center[1])
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2
