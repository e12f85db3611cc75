"""What the figures share: colours, levels, matplotlib settings, and the axes a figure is drawn on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

# Geometric levels of the gap KL(p‖q): near the minimum the gap is quadratic, so the rings come out even.
LEVELS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
CUT_NATS = 4.0

# Settings of the session rather than of a picture: never touched.
_NOT_STYLE = (
    "backend",
    "date.epoch",
    "docstring",
    "figure.max",
    "interactive",
    "savefig.dir",
    "timezone",
    "tk.",
    "toolbar",
    "webagg",
)

# matplotlib's own defaults, not the reader's file: the same call gives the same picture everywhere.
_SETTINGS: dict[Any, Any] = {
    **{k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith(_NOT_STYLE)},
    "axes.edgecolor": "#666666",
    "axes.labelcolor": "#222222",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "font.size": 10,
    "hatch.linewidth": 0.7,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "xent",
    "text.color": "#222222",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one background. Truth, model and gap also differ in line style or hatch, never by colour alone."""

    paper: str
    ink: str
    soft: str
    truth: str
    model: str
    gap: str
    label_one: str
    label_zero: str


_LIGHT = Palette("#ffffff", "#222222", "#666666", "#0072B2", "#D55E00", "#009E73", "#222222", "#A3397C")
_DARK = Palette("#111111", "#f2f2f2", "#b0b0b0", "#56B4E9", "#E69F00", "#2BC49A", "#f2f2f2", "#E59BC6")


@dataclass(frozen=True, slots=True)
class Stage:
    """The axes to draw on, whether we made them, their colours, and how large their text is against the full size."""

    ax: Any
    own: bool
    colors: Palette
    scale: float

    def size(self, points: float) -> float:
        """A text size for these axes: smaller on a small subplot, never under 5.5 points."""
        return max(5.5, points * self.scale)


@contextmanager
def settings() -> Generator[None]:
    """Our settings while we draw or save; the caller's come back, whatever happens."""
    with mpl.rc_context(_SETTINGS):
        yield


def stage(ax: Any, *, size: tuple[float, float], box: tuple[float, float, float, float], solid: bool = False) -> Stage:
    """The given `ax`, or a new figure of `size` inches with its axes at `box` (left, bottom, width, height, 0 to 1)."""
    if ax is None:
        figure = Figure(figsize=size, dpi=200)
        made = figure.add_axes(box, projection="3d") if solid else figure.add_axes(box)
        return Stage(made, True, _LIGHT, 1.0)
    _fit_for_use(ax, solid)
    bounds = ax.get_position()
    width, height = ax.figure.get_size_inches()
    scale = min(1.0, 1.4 * min(width * bounds.width / (size[0] * box[2]), height * bounds.height / (size[1] * box[3])))
    return Stage(ax, False, _DARK if _is_dark(ax) else _LIGHT, scale)


def _fit_for_use(ax: Any, solid: bool) -> None:
    if not isinstance(ax, Axes):
        raise ValueError(f"`ax` is a {type(ax).__name__}; it is one matplotlib Axes, or None for a new figure.")
    if solid and ax.name != "3d":
        raise ValueError(
            f"`ax` is a flat axes (projection {ax.name!r}) and this figure is three-dimensional: "
            'make it with `figure.add_subplot(projection="3d")`.'
        )
    if not solid and ax.name != "rectilinear":
        raise ValueError(
            f"`ax` has projection {ax.name!r} and this figure is flat: make it with `figure.add_subplot()`."
        )


def _is_dark(ax: Axes) -> bool:
    """Whether the background (the figure's, where the axes are see-through) is nearer black than white."""
    color: Any = ax.get_facecolor()
    if color[3] < 0.5:
        color = ax.get_figure(root=True).get_facecolor()  # type: ignore[union-attr]
    red, green, blue = to_rgb(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.4
