"""The cross-entropy of a three-outcome distribution over every model, as a surface."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from numpy.typing import NDArray

from xent._units import per_nat
from xent.measures import entropy
from xent.plots import _arguments, _bands, _rings, _solid, _style
from xent.plots._description import remember
from xent.plots._words import in_nats_and_bits, row

Array = NDArray[np.float64]

_RAYS = 150
_ELEVATION = 38.0
# Lines up the walls, all the way round.
_LINES = 36


def cross_entropy_surface(p: Any = (0.1, 0.2, 0.7), *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""Surface z = H(p, q) over the models q of three outcomes, with its lowest point H(p) over q = p.

    The surface is cut at 4 nats; towards the edges of the triangle it goes on to infinity. The walls that turn their
    outside to the viewer are drawn as lines, so that the inside is seen. On the floor are the levels of
    KL(p‖q) = H(p, q) - H(p).

    Parameters
    ----------
    p : array-like of 3 floats
        The true distribution.
    unit : {"nats", "bits", "bans"}
        Unit of z.
    ax : mpl_toolkits.mplot3d.Axes3D, optional
        Three-dimensional axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the line `minimum` from the floor to (p1, p2, H(p)) and the rim `cut` and the floor's `contours`, by gid.

    Raises
    ------
    ValueError
        `p` is no distribution of three outcomes, an unknown unit, or flat axes (the message names `projection="3d"`).

    Examples
    --------
    >>> from xent import plots
    >>> plots.cross_entropy_surface().name
    '3d'
    """
    truth = _arguments.distribution("p", p, 3)
    per_nat(unit)
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 6.0), box=(0.03, 0.06, 0.94, 0.86), solid=True)
        _draw(st, truth, unit)
    least = in_nats_and_bits(float(entropy(truth, check=False)), unit)
    remember(
        st.ax,
        "Surface of the cross-entropy H(p, q) over all models q of three outcomes, "
        f"for the truth p = {row(truth)}: a bowl with its lowest point at q = p, where it is H(p) = {least}.",
    )
    return st.ax


def _draw(st: _style.Stage, p: Array, unit: str) -> None:
    k, ax, c = per_nat(unit), st.ax, st.colors
    least = float(entropy(p, check=False))
    words = ("q₁", "q₂", f"cross-entropy H(p, q) ({unit})" if st.own else f"H(p, q) ({unit})")
    title = "Three outcomes: cross-entropy is a bowl, lowest at the truth"
    _solid.box(st, title, *words, unit=unit, view=(_ELEVATION, _azimuth(p)))
    edge = _rings.edge_points(p, _RAYS)
    cmap, norm = _bands.scale()
    rings = [np.column_stack(_rings.first_two(r)) for r in _rings.rings(p, edge, np.array(_style.LEVELS) / k)]
    colors = [cmap(norm(level * 0.99)) for level in _style.LEVELS]
    floor = ContourSet(ax, list(_style.LEVELS), [[ring] for ring in rings], colors=colors, linewidths=1.2)
    floor.set_gid("contours")
    ax.add_contour_set(floor, zdir="z", offset=0.0)
    _bowl(st, p, edge, k)
    if st.own:
        note = f"on the floor: lines of equal cost, KL(p‖q) = {_style.LEVELS[0]:g} to {_style.LEVELS[-1]:g} {unit}"
        ax.text2D(0.5, -0.04, note, transform=ax.transAxes, color=c.soft, fontsize=9, ha="center")
    ax.plot([p[0], p[0]], [p[1], p[1]], [0, least * k], color=c.truth, linewidth=2, gid="minimum", zorder=25)
    ax.plot([p[0]], [p[1]], [least * k], "o", color=c.truth, markeredgecolor="#ffffff", markersize=6, zorder=26)

    _solid.point_out(
        st, (p[0], p[1], least * k), f"lowest where q = p:  H(p) = {in_nats_and_bits(least, unit)}", c.truth
    )


def _bowl(st: _style.Stage, p: Array, edge: Array, k: float) -> None:
    """The surface up to the cut: its inside in the colours of the bands, its outside like glass, lines and rim."""
    least = float(entropy(p, check=False))
    gaps = _steps(_style.CUT_NATS - least, k)
    q = np.concatenate([np.broadcast_to(p, (1, *edge.shape)), _rings.between(p, edge, _rings.along(p, edge, gaps))])
    heights = (least + np.concatenate([[0.0], gaps])) * k
    points = np.dstack([q[..., 0], q[..., 1], np.broadcast_to(heights[:, None], q.shape[:2])])
    faces = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    cmap, norm = _bands.scale()
    colors = np.repeat(cmap(norm((heights[:-1] + heights[1:]) / 2 - least * k))[:, None], len(edge) - 1, axis=1)
    # Faces whose upper side is seen run, as seen, against the way of the edge on the floor.
    inside = _solid.area(st, faces) * _around(np.vstack([q[0, :1], edge])) < 0
    # A whole collection is drawn by its distance: this one after the floor, from wherever above it is looked at.
    _solid.sheet(st, faces[inside], colors[inside], distance=3 * _style.CUT_NATS * k)
    _near_walls(st, points, inside, k)


def _near_walls(st: _style.Stage, points: Array, inside: NDArray[np.bool_], k: float) -> None:
    """The rim at the cut, and as lines, to look through them, the walls that turn their outside to the viewer."""
    rim = points[-1]
    st.ax.plot(*rim.T, color="#cccccc", linewidth=1.4, gid="cut", zorder=22)
    outside = np.pad(~inside, ((1, 0), (0, 0)))
    level = np.isclose(points[:, :1, 2] - points[0, 0, 2], np.array(_style.LEVELS)).any(axis=1)
    lines = [_only(points[row, :-1], outside[row]) for row in np.flatnonzero(level)]
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(rim[:, :2], axis=0).T))])
    rays = np.unique(np.searchsorted(way, np.linspace(0, way[-1], _LINES, endpoint=False)))
    lines += [_only(points[:, ray], outside[:, ray]) for ray in rays]
    for line in lines:
        st.ax.plot(*line.T, color="#ffffff", linewidth=0.6, alpha=0.5, zorder=21)


def _only(line: Array, kept: NDArray[np.bool_]) -> Array:
    """The pieces of a line that are `kept`; the others are nan, where the pen is up."""
    return np.where(kept[:, None], line, np.nan)


def _steps(top: float, k: float) -> Array:
    """Heights above H(p), in nats, up to `top`: every level, and between them as many as make the walls round."""
    ends = [*(level / k for level in _style.LEVELS if level / k < top), top]
    pieces = [np.linspace(0, ends[0], 3)[1:]]
    for low, high in pairwise(ends):
        count = 2 + math.ceil(8 * (math.sqrt(high) - math.sqrt(low)))
        pieces.append(np.geomspace(low, high, count)[1:])
    return np.concatenate(pieces)


def _around(q: Array) -> float:
    """The area that a way around on the floor holds, positive when it runs counter-clockwise."""
    x, y = _rings.first_two(q)
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _azimuth(p: Array) -> float:
    """Look over the sides of the triangle whose walls are lowest: those of outcomes that are seldom."""
    x, y = (1 - p) @ np.array([[-1.0, 0.0], [0.0, -1.0], [math.sqrt(0.5), math.sqrt(0.5)]])
    return math.degrees(math.atan2(y, x))
