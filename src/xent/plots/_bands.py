"""The levels of the gap KL as both maps draw them: filled bands, their lines, numbers on the lines and a colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import cm
from matplotlib.colors import BoundaryNorm, Colormap
from matplotlib.contour import ContourSet
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from xent.plots._style import LEVELS, Stage
from xent.plots._words import number

Array = NDArray[np.float64]


def scale() -> tuple[Colormap, BoundaryNorm]:
    """The map (low is bright) and the norm that gives each band between LEVELS its colour."""
    cmap = mpl.colormaps["viridis_r"]
    return cmap, BoundaryNorm([0.0, *LEVELS], cmap.N, extend="max")


def paint(st: Stage, whole: Array, shapes: Sequence[Array]) -> None:
    """`whole` in the colour above the last level, and over it the region under each level, the largest first."""
    cmap, norm = scale()
    colors = cmap(norm(np.array([0.0, *LEVELS])))
    for i, (shape, color) in enumerate(zip([whole, *reversed(shapes)], colors[::-1], strict=True)):
        band = Polygon(shape, closed=True, facecolor=color, edgecolor="none", zorder=2 + i * 0.01)
        band.set_gid("levels")
        st.ax.add_patch(band)


def lines(st: Stage, segments: Sequence[Sequence[Array]]) -> None:
    """The line ContourSet `contours`: for each level the lines given, dark on bright bands and white on dark ones."""
    ink = ["#222222" if level < 0.3 else "#ffffff" for level in LEVELS]
    contours = ContourSet(st.ax, list(LEVELS), [list(s) for s in segments], colors=ink, linewidths=0.8, zorder=3)
    contours.set_gid("contours")


def numbers(st: Stage, points: Array) -> list[int]:
    """Write each level at its point (levels x 2, in data), from the outermost inwards, where there is room."""
    pixels = st.ax.transData.transform(points)
    room = st.size(8) * 1.7 * st.ax.figure.dpi / 72
    kept = fitting(pixels, room)
    for level in kept:
        st.ax.text(
            *points[level],
            number(LEVELS[level]),
            fontsize=st.size(8),
            color="#222222",
            ha="center",
            va="center",
            zorder=9,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.85},
        )
    return kept


def fitting(pixels: Array, room: float) -> list[int]:
    """The levels, outermost first, whose number is clear of the next line inwards and of the last number written."""
    kept: list[int] = []
    for level in reversed(range(len(pixels))):
        inner = np.hypot(*(pixels[level] - pixels[level - 1])) if level else 0.0
        outer = np.hypot(*(pixels[kept[-1]] - pixels[level])) if kept else np.inf
        if min(inner, outer) > room:
            kept.append(level)
    return kept


def color_bar(st: Stage, label: str) -> None:
    """What the bands mean, level by level, beside axes of our own."""
    cmap, norm = scale()
    figure: Any = st.ax.figure
    bounds = st.ax.get_position()
    side = figure.add_axes((bounds.x1 + 0.03, bounds.y0 + 0.06, 0.025, bounds.height - 0.12))
    bar = figure.colorbar(cm.ScalarMappable(norm, cmap), cax=side, spacing="uniform", extend="max")
    bar.set_ticks([0.0, *LEVELS], labels=["0", *(number(level) for level in LEVELS)])
    bar.ax.tick_params(labelsize=9)
    bar.ax.minorticks_off()
    bar.set_label(label, fontsize=10)
