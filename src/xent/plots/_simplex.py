"""The cross-entropy of a three-outcome distribution over every model, as a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from xent._units import per_nat
from xent.measures import entropy, kl_divergence
from xent.plots import _arguments, _bands, _rings, _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head
from xent.plots._words import in_nats_and_bits, row

Array = NDArray[np.float64]

_RAYS = 180
_RATE = 2.0
_STEPS = 400
# Where the start of the path is named, outside the map where it can be, by the outcome that the start bets on.
_START_FLAT = ([(0.865, 0.3), (0.84, 0.37)], [(0.34, 0.95)], None)
_START_TRIANGLE = ([(-0.03, 0.22)], [(1.03, 0.22)], [(0.2, 0.78)])


def simplex_cross_entropy(
    p: Any = (0.1, 0.2, 0.7), *, coordinates: str = "first-two", unit: str = "nats", ax: Axes | None = None
) -> Axes:
    r"""Map of the cross-entropy H(p, q) over every model q of three outcomes: it is least, H(p), at q = p.

        KL(p \| q) = H(p, q) - H(p) = .001, .003, .01, .03, .1, .3, 1, 3        (the rings)

    The rings are solved point by point rather than read off a grid. The path is gradient descent on the logits of q.

    Parameters
    ----------
    p : array-like of 3 floats
        The true distribution.
    coordinates : {"first-two", "triangle"}
        x = q1, y = q2 with the impossible half hatched, or the equilateral triangle x = q2 + q3/2, y = (√3/2) q3.
    unit : {"nats", "bits", "bans"}
        Unit of the levels.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on (no colour bar then); without it a new figure is made.

    Returns
    -------
    Axes
        With the line ContourSet `contours`, the point `minimum`, the line `descent` and the filled `levels`, by gid.

    Raises
    ------
    ValueError
        `p` is no distribution of three outcomes, an unknown option, or axes that are not flat.

    Examples
    --------
    >>> from xent import plots
    >>> ax = plots.simplex_cross_entropy((0.1, 0.2, 0.7))
    >>> ax.get_xlabel()
    'q₁, the probability that the model gives outcome 1'
    """
    truth = _arguments.distribution("p", p, 3)
    _arguments.option("coordinates", coordinates, ("first-two", "triangle"))
    scale = per_nat(unit)
    flat = coordinates == "first-two"
    place = _rings.first_two if flat else _rings.triangle
    with _style.settings():
        box = (0.11, 0.1, 0.72, 0.8) if flat else (0.02, 0.04, 0.84, 0.86)
        st = _style.stage(ax, size=(7.2, 6.3) if flat else (7.2, 5.9), box=box)
        edge = _rings.edge_points(truth, _RAYS)
        rings = _rings.rings(truth, edge, np.array(_style.LEVELS) / scale)
        _frame(st, flat, unit)
        _fill(st, truth, [np.column_stack(place(r)) for r in rings], place)
        path = _path(st, truth, place)
        _mark(st, truth, rings, path, place, unit)
        if st.own:
            _bands.color_bar(st, f"extra cost KL(p‖q) = H(p, q) − H(p)  ({unit})")
    least = in_nats_and_bits(float(entropy(truth, check=False)), unit)
    remember(
        st.ax,
        "Map of the cross-entropy H(p, q) over all models q of three outcomes, "
        f"for the truth p = {row(truth)}: it is least at q = p, where it is H(p) = {least}.",
    )
    return st.ax


def _frame(st: _style.Stage, flat: bool, unit: str) -> None:
    """Limits, words and what lies outside the simplex."""
    ax = st.ax
    ax.set_aspect("equal", adjustable="box")
    title = "Cross-entropy is least where the model equals the truth"
    rings = f"rings: the extra cost KL(p‖q) in {unit}"
    if flat:
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        beyond = Polygon(
            [(1, 0), (1, 1), (0, 1)],
            facecolor="none",
            edgecolor=st.colors.soft,
            hatch="///",
            linewidth=0,
            alpha=0.35,
            zorder=1,
        )
        beyond.set_gid("impossible")
        ax.add_patch(beyond)
        x = "q₁, the probability that the model gives outcome 1"
        head(st, title if st.own else f"{title}\n{rings}", x, "q₂, that it gives outcome 2")
    else:
        ax.set_xlim(-0.14, 1.14)
        ax.set_ylim(-0.12 if st.scale > 0.8 else -0.3, 0.98)
        ax.set_axis_off()
        head(st, title if st.own else f"{title}\n{rings}")
    ax.apply_aspect()


def _fill(st: _style.Stage, p: Array, rings: list[Array], place: Any) -> None:
    """The bands from the highest to the lowest, each painted over the one around it, and their lines."""
    corners = np.column_stack(place(np.eye(3)))
    center = np.column_stack(place(p[None]))
    # With p on an edge the rings are open there: their ends join through p.
    _bands.paint(st, corners, rings if p.min() > 0 else [np.concatenate([r, center]) for r in rings])
    _bands.lines(st, [[r] for r in rings])
    outline = Polygon(corners, closed=True, facecolor="none", edgecolor=st.colors.ink, linewidth=1.0, zorder=4)
    st.ax.add_patch(outline)


def _path(st: _style.Stage, p: Array, place: Any) -> Array:
    """Gradient descent from a model that bets on the least likely outcome; dots at the steps until they would crowd."""
    start = np.full(3, 0.05)
    start[int(np.argmin(p))] = 0.9
    path = _rings.descent(p, start, _RATE, _STEPS)
    x, y = place(path)
    dots = int(np.count_nonzero(kl_divergence(p, path, check=False) > 0.003))
    st.ax.plot(x, y, color="#ffffff", linewidth=2.6, zorder=5, solid_capstyle="round")
    st.ax.plot(
        x,
        y,
        color=st.colors.model,
        linewidth=1.3,
        linestyle=(0, (4, 1.5)),
        marker="o",
        markersize=3.6,
        markeredgecolor="#ffffff",
        markeredgewidth=0.5,
        markevery=list(range(min(dots, 60))),
        zorder=6,
        gid="descent",
    )
    return path


def _mark(st: _style.Stage, p: Array, rings: list[Array], path: Array, place: Any, unit: str) -> None:
    """The minimum and its number, the corners or the impossible half, the levels on the rings, the path's name."""
    ax = st.ax
    x, y = (float(v) for v in place(p))
    ax.plot([x], [y], "o", color=st.colors.truth, markeredgecolor="#ffffff", markersize=7, zorder=8, gid="minimum")
    flat = place is _rings.first_two
    labels = Labels(st, [place(path)])
    if not flat:
        _name_corners(st, labels)
    least = f"least where q = p:\nH(p) = {in_nats_and_bits(float(entropy(p, check=False)), unit)}"
    spots = [(0.69, 0.9)] if flat else [(0.88, 0.8), (0.12, 0.8), (0.5, -0.2)]
    labels.put(least, (x, y), color=st.colors.truth, arrow=True, spots=spots)
    if flat:
        spots = [(0.79, 0.62), (0.66, 0.62), (0.68, 0.74)]
        labels.put("impossible\nq₁ + q₂ > 1", spots[0], color=st.colors.soft, points=9.5, spots=spots)
    sx, sy = (float(v) for v in place(path[0]))
    spots = (_START_FLAT if flat else _START_TRIANGLE)[int(np.argmin(p))]
    labels.put("gradient descent\nstarts here", (sx, sy), color=st.colors.model, points=9, arrow=True, spots=spots)
    _level_numbers(st, rings, path, place)


def _name_corners(st: _style.Stage, labels: Labels) -> None:
    """At each corner of the triangle the model that is certain of one outcome."""
    for outcome, sub, spot in ((1, "₁", (0.0, -0.05)), (2, "₂", (1.0, -0.05)), (3, "₃", (0.5, 0.92))):
        words = f"q{sub} = 1"
        if st.scale > 0.8:
            words += f"\ncertain of outcome {outcome}"
        labels.put(words, spot, color=st.colors.ink, points=9, spots=[spot])


def _level_numbers(st: _style.Stage, rings: list[Array], path: Array, place: Any) -> None:
    """Each level on its ring, along the one ray on which most of them have room and the path does not run."""
    points = np.stack([np.column_stack(place(r)) for r in rings])
    pixels = st.ax.transData.transform(points.reshape(-1, 2)).reshape(points.shape)
    steps = st.ax.transData.transform(np.column_stack(place(path[:-1])))
    room = st.size(8) * 1.7 * st.ax.figure.dpi / 72
    share = np.linspace(0, 1, 25)[:, None, None]
    steps = ((1 - share) * steps[:-1] + share * steps[1:]).reshape(-1, 2)
    start = np.hypot(*(steps - pixels[0].mean(axis=0)).T)
    steps = steps[start > room]
    best, most = 0, -1
    closed = bool(np.allclose(points[0, 0], points[0, -1]))
    ends = 0 if closed else points.shape[1] // 4
    for ray in range(ends, points.shape[1] - ends, 3):
        kept = _bands.fitting(pixels[:, ray], room)
        near = min((np.hypot(*(pixels[level, ray] - steps).T).min() for level in kept), default=0.0)
        if len(kept) > most and near > room:
            best, most = ray, len(kept)
    _bands.numbers(st, points[:, best])
