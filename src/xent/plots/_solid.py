"""What the two three-dimensional figures share: the box, its words, and text that points at a place in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator
from mpl_toolkits.mplot3d import proj3d
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from numpy.typing import NDArray

from xent._units import per_nat
from xent.plots._labels import head
from xent.plots._style import CUT_NATS, Stage
from xent.plots._words import amount

Place = tuple[float, float, float]


def box(st: Stage, title: str, x: str, y: str, z: str, *, unit: str, view: tuple[float, float]) -> None:
    """Limits, labels, view and title; z from 0 to the cut, which is named at the corner farthest left."""
    ax, top = st.ax, CUT_NATS * per_nat(unit)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_zlim(0, top)
    ax.set_box_aspect((1, 1, 0.8), zoom=0.95 if st.own else 0.8)
    ax.view_init(elev=view[0], azim=view[1])
    head(st, title)
    for setter, words in ((ax.set_xlabel, x), (ax.set_ylabel, y), (ax.set_zlabel, z)):
        setter(words, fontsize=st.size(10), labelpad=8 * st.scale if st.own else -4)
    ax.tick_params(labelsize=st.size(8.5), pad=2 if st.own else -2)
    ax.zaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color((0.96, 0.96, 0.96, 1.0) if st.colors.paper == "#ffffff" else (0.2, 0.2, 0.2, 1.0))
        axis.line.set_color(st.colors.soft)
    part_ticks(st)
    corners: list[Place] = [(a, b, top) for a in (0, 1) for b in (0, 1)]
    left = min(corners, key=lambda corner: flat(st, corner)[0])
    write(st, (left[0], left[1], top * 1.08), f"cut at {amount(CUT_NATS, unit)}", st.colors.soft, points=9, ha="right")


def flat(st: Stage, at: Place) -> tuple[float, float]:
    """Where a point of the box is seen, in the flat coordinates that annotations use."""
    x, y, _ = proj3d.proj_transform(*at, st.ax.get_proj())
    return float(np.asarray(x)), float(np.asarray(y))


def near_corner(st: Stage) -> Place:
    """The corner of the floor that is nearest to the viewer."""
    corners: list[Place] = [(a, b, 0.0) for a in (0, 1) for b in (0, 1)]
    return min(corners, key=lambda corner: flat(st, corner)[1])


def part_ticks(st: Stage) -> None:
    """Tick labels of the two axes on the floor lean away from the corner where both end, and do not meet there."""
    x, y, z = near_corner(st)
    across, along = flat(st, (1 - x, y, z))[0], flat(st, (x, 1 - y, z))[0]
    for axis, side in (
        (st.ax.xaxis, "right" if across < along else "left"),
        (st.ax.yaxis, "left" if across < along else "right"),
    ):
        axis.set_major_locator(FixedLocator([0, 0.2, 0.4, 0.6, 0.8, 1]))
        for tick in axis.get_major_ticks():
            tick.label1.set_ha(side)


def area(st: Stage, faces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of faces (..., corners, 3) their area as seen, negative where they are seen clockwise."""
    corners = faces.reshape(-1, 3).T
    x, y, _ = proj3d.proj_transform(corners[0], corners[1], corners[2], st.ax.get_proj())
    x, y = (np.asarray(v).reshape(faces.shape[:-1]) for v in (x, y))
    return (x * np.roll(y, -1, axis=-1) - y * np.roll(x, -1, axis=-1)).sum(axis=-1) / 2


def sheet(st: Stage, faces: NDArray[np.float64], colors: NDArray[np.float64], *, distance: float) -> None:
    """Faces (count, corners, 3) without lines, drawn as one whole that stands nearer the larger `distance` is."""
    made = Poly3DCollection(list(faces), facecolors=colors, linewidth=0, antialiased=False)
    made.set_rasterized(True)
    made.set_sort_zpos(distance)
    st.ax.add_collection3d(made, autolim=False)


def write(st: Stage, at: Place, words: str, color: str, *, points: float = 9.5, ha: str = "center") -> None:
    """Text at a point, above everything drawn; flat, so that matplotlib knows where it stands."""
    st.ax.text2D(*flat(st, at), words, color=color, fontsize=st.size(points), ha=ha, va="center", zorder=40)


def point_out(st: Stage, at: Place, words: str, color: str) -> None:
    """Text above the box with a line down to a point of it."""
    arrow: Any = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.9, "shrinkA": 1, "shrinkB": 4}
    st.ax.annotate(
        words,
        xy=flat(st, at),
        xytext=(0.5, 0.965),
        textcoords="axes fraction",
        color=color,
        fontsize=st.size(10.5),
        ha="center",
        va="center",
        zorder=40,
        arrowprops=arrow,
        annotation_clip=False,
    )
