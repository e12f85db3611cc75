"""The cross-entropy of a three-outcome distribution over every model, as a surface."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from numpy.typing import NDArray

from xent._units import per_nat
from xent.measures import cross_entropy, entropy
from xent.plots import _arguments, _bands, _rings, _solid, _style
from xent.plots._description import remember
from xent.plots._words import in_nats_and_bits, row

Array = NDArray[np.float64]

_RAYS = 150
_ELEVATION = 38.0


def cross_entropy_surface(p: Any = (0.1, 0.2, 0.7), *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""Surface z = H(p, q) over the models q of three outcomes, with its lowest point H(p) over q = p.

    The surface is cut at 4 nats; towards the edges of the triangle it goes on to infinity. On the floor are the levels
    of KL(p‖q) = H(p, q) - H(p).

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
        With the line `minimum` from the floor to (p1, p2, H(p)) and the floor's `contours`, by gid.

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
        st = _style.stage(ax, size=(7.2, 5.8), box=(0.03, 0.03, 0.94, 0.89), solid=True)
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
    q, z = _sheet(p, edge, k)
    cmap, norm = _bands.scale()
    shade = cmap(norm((z[:-1, :-1] + z[1:, 1:]) / 2 - least * k))
    sheet = ax.plot_surface(
        q[..., 0], q[..., 1], z, rstride=1, cstride=1, facecolors=shade, linewidth=0, antialiased=False, shade=False
    )
    sheet.set_rasterized(True)
    rings = [np.column_stack(_rings.first_two(r)) for r in _rings.rings(p, edge, np.array(_style.LEVELS) / k)]
    colors = [cmap(norm(level * 0.99)) for level in _style.LEVELS]
    floor = ContourSet(ax, list(_style.LEVELS), [[ring] for ring in rings], colors=colors, linewidths=1.2)
    floor.set_gid("contours")
    ax.add_contour_set(floor, zdir="z", offset=0.0)
    # Whole collections are drawn by their distance: this one after the floor, from wherever above it is looked at.
    sheet.set_sort_zpos(3 * _style.CUT_NATS * k)
    if st.own:
        note = f"on the floor: lines of equal cost,\nKL(p‖q) = {_style.LEVELS[0]:g} to {_style.LEVELS[-1]:g} {unit}"
        ax.text2D(0.0, 0.0, note, transform=ax.transAxes, color=c.soft, fontsize=9)
    ax.plot([p[0], p[0]], [p[1], p[1]], [0, least * k], color=c.truth, linewidth=2, gid="minimum", zorder=25)
    ax.plot([p[0]], [p[1]], [least * k], "o", color=c.truth, markeredgecolor="#ffffff", markersize=6, zorder=26)

    _solid.point_out(
        st, (p[0], p[1], least * k), f"lowest where q = p:  H(p) = {in_nats_and_bits(least, unit)}", c.truth
    )


def _sheet(p: Array, edge: Array, k: float) -> tuple[Array, Array]:
    """Models q on rings around p up to the cut, or almost to the edge where the loss stays under it, and their loss."""
    top = _style.CUT_NATS - float(entropy(p, check=False))
    ends = [*(level / k for level in _style.LEVELS if level / k < top), top]
    starts = [ends[0] / 30, *ends[:-1]]
    gaps = np.concatenate([np.geomspace(a, b, 4)[1:] for a, b in zip(starts, ends, strict=True)])
    almost = np.log(499.0)
    odds = np.minimum(_rings.along(p, edge, gaps), almost)
    q = np.concatenate([np.broadcast_to(p, (1, *edge.shape)), _rings.between(p, edge, odds)])
    return q, cross_entropy(p, q, check=False) * k


def _azimuth(p: Array) -> float:
    """Look over the sides of the triangle whose walls are lowest: those of outcomes that are seldom."""
    x, y = (1 - p) @ np.array([[-1.0, 0.0], [0.0, -1.0], [math.sqrt(0.5), math.sqrt(0.5)]])
    return math.degrees(math.atan2(y, x))
