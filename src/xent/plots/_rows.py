"""Figures made of rows: a line of words, and under or behind it a bar; they need no margin and fit any axes."""

from __future__ import annotations

from typing import Any, Literal

from matplotlib.text import Text

from xent.plots._digits import cut, width
from xent.plots._style import Stage

# Text is at most this part of a row of words and bar, so that neither meets the next.
_PART = 0.4


class Rows:
    """`count` rows from the top down, each one unit high; row i lies between i and i + 1."""

    def __init__(self, st: Stage, count: int, *, part: float = _PART) -> None:
        """Rows over the whole of the axes of `st`; text is at most `part` of a row high."""
        self._stage = st
        ax = st.ax
        ax.set_ylim(count, 0)
        ax.yaxis.set_visible(False)
        ax.spines[["left", "top", "right"]].set_visible(False)
        tall = ax.bbox.height / count * 72 / ax.figure.dpi
        self.size = max(4.5, min(st.size(10), part * tall / 1.2))

    def line(self, y: float, left: str, right: str, *, note: str = "", color: str | None = None) -> tuple[float, float]:
        """Words at the height y: `left` from the left edge, `right` in bold to the right edge, `note` where it fits.

        Returns what is free between them, in fractions of the width.
        """
        st, size, dpi = self._stage, self.size, self._stage.ax.figure.dpi
        whole, gap = st.ax.bbox.width, size * dpi / 72
        taken = width(right, size, dpi) * 1.12
        left = cut(left, size, dpi, whole - taken - gap)
        used = width(left, size, dpi)
        self.write(0, y, left)
        self.write(1, y, right, color=color, ha="right", weight="bold")
        small = size * 0.9
        if note and used + width(note, small, dpi) + taken + 2 * gap < whole:
            self.write((used + gap) / whole, y, note, color=st.colors.soft, points=small)
            used += width(note, small, dpi) + gap
        return (used + gap / 2) / whole, 1 - (taken + gap / 2) / whole

    def write(
        self,
        x: float,
        y: float,
        words: str,
        *,
        color: str | None = None,
        ha: Literal["left", "center", "right"] = "left",
        weight: Literal["normal", "bold"] = "normal",
        points: float | None = None,
    ) -> Text:
        """Words to the letter, at a fraction of the width and a height in rows."""
        ax: Any = self._stage.ax
        text = ax.text(
            x,
            y,
            words,
            transform=ax.get_yaxis_transform(),
            color=color or self._stage.colors.ink,
            fontsize=points or self.size,
            fontweight=weight,
            ha=ha,
            va="center",
            zorder=20,
        )
        text.set_parse_math(False)
        return text

    def room(self, words: str) -> float:
        """The fraction of the width that some words in bold take."""
        ax = self._stage.ax
        return width(words, self.size, ax.figure.dpi) * 1.12 / ax.bbox.width
