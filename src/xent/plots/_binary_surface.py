"""Binary cross-entropy over soft labels: the surface and its valley, or the map of the gap."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from xent._units import per_nat
from xent.measures import binary_cross_entropy, binary_entropy, binary_kl_divergence
from xent.plots import _arguments, _bands, _solid, _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head
from xent.plots._words import in_nats_and_bits

Array = NDArray[np.float64]

_VIEW = (32.0, 38.0)
_RULINGS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def binary_cross_entropy_surface(*, view: str = "surface", unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""Loss of a prediction ŷ for a soft label y: the valley floor is the entropy H(y), not 0.

        H(y, ŷ) = -y \log ŷ - (1 - y) \log(1 - ŷ) = H(y) + KL(y \| ŷ)

    Parameters
    ----------
    view : {"surface", "gap"}
        The surface over y and ŷ, cut at 4 nats, or the flat map of KL(y‖ŷ) with x = ŷ and y = y.
    unit : {"nats", "bits", "bans"}
        Unit of the loss.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on, three-dimensional for the surface and flat for the gap; without it a new figure is made.

    Returns
    -------
    Axes
        With the lines `valley`, `y1`, `y0` and `ruling` on the surface; `contours` and `valley` on the map, by gid.

    Raises
    ------
    ValueError
        An unknown option, or axes of the wrong kind (the message names `projection="3d"`).

    Examples
    --------
    >>> from xent import plots
    >>> plots.binary_cross_entropy_surface().get_zlabel()
    'loss (nats)'
    """
    _arguments.option("view", view, ("surface", "gap"))
    per_nat(unit)
    with _style.settings():
        if view == "surface":
            st = _style.stage(ax, size=(7.2, 5.8), box=(0.03, 0.03, 0.94, 0.89), solid=True)
            _surface(st, unit)
        else:
            st = _style.stage(ax, size=(7.2, 6.5), box=(0.11, 0.1, 0.72, 0.8))
            _gap(st, unit)
    most = in_nats_and_bits(float(binary_entropy(0.5)), unit)
    what = (
        "Surface of the binary cross-entropy of a soft label y and a prediction ŷ"
        if view == "surface"
        else "Map of the gap KL(y‖ŷ) between the binary cross-entropy of a soft label y and its entropy"
    )
    ends = (
        "its lowest line, along ŷ = y, is the entropy H(y), as high as"
        if view == "surface"
        else "it is 0 on the diagonal ŷ = y, where the loss is the entropy H(y), up to"
    )
    remember(st.ax, f"{what}: {ends} ln 2 = {most}.")
    return st.ax


def _surface(st: _style.Stage, unit: str) -> None:
    k, ax, c = per_nat(unit), st.ax, st.colors
    cut = _style.CUT_NATS
    title = "A soft label leaves a loss even where the prediction is right"
    _solid.box(st, title, "y, the label", "ŷ, the prediction", f"loss ({unit})", unit=unit, view=_VIEW)
    guess = 1 / (1 + np.exp(-np.linspace(-1, 1, 81) * np.log(999)))
    low, high = _under(guess, cut)
    y = low + np.linspace(0, 1, 41)[:, None] * (high - low)
    x = np.broadcast_to(guess, y.shape)
    z = binary_cross_entropy(y, x) * k
    shade = mpl.colormaps["viridis_r"]((z[:-1, :-1] + z[1:, 1:]) / (2 * cut * k))
    sheet = ax.plot_surface(
        y, x, z, rstride=1, cstride=1, facecolors=shade, linewidth=0, antialiased=False, shade=False
    )
    sheet.set_rasterized(True)
    for g in _RULINGS:
        ends = np.array([float(v[0]) for v in _under(np.array([g]), cut)])
        height = binary_cross_entropy(ends, g) * k
        ax.plot(ends, [g, g], height, color="#ffffff", linewidth=0.8, alpha=0.8, gid="ruling", zorder=20)
    _edges(st, unit)
    t = np.linspace(0, 1, 201)
    ax.plot(t, t, binary_entropy(t) * k, color=c.truth, linewidth=3, gid="valley", zorder=23)
    half = float(binary_entropy(0.5))
    words = f"valley ŷ = y: the loss is H(y), up to ln 2 = {in_nats_and_bits(half, unit)}"
    _solid.point_out(st, (0.5, 0.5, half * k), words, c.truth)


def _edges(st: _style.Stage, unit: str) -> None:
    """The two hard labels: the curves of `binary_cross_entropy_curves`, up to the cut, which is marked."""
    k, ax, c = per_nat(unit), st.ax, st.colors
    cut = _style.CUT_NATS
    x = np.concatenate([np.exp(-np.linspace(cut, 0.01, 160)), [1.0]])
    one, zero = np.ones(x.shape), np.zeros(x.shape)
    ax.plot(one, x, binary_cross_entropy(one, x) * k, color=c.label_one, linewidth=2.4, gid="y1", zorder=22)
    dashes: Any = (0, (5, 2.2))
    ax.plot(
        zero,
        1 - x,
        binary_cross_entropy(zero, 1 - x) * k,
        color=c.label_zero,
        linewidth=2.4,
        linestyle=dashes,
        gid="y0",
        zorder=22,
    )
    _solid.write(st, (1, 0.03, 0.55 * k), "y = 1", c.label_one, ha="left")
    _solid.write(st, (0, 0.45, 1.2 * k), "y = 0", c.label_zero)
    guess = 1 / (1 + np.exp(-np.linspace(-1, 1, 401) * np.log(999)))
    low, high = _under(guess, cut)
    for y, kept in ((high, high < 1), (low, low > 0)):
        ax.plot(
            y[kept],
            guess[kept],
            np.full(int(kept.sum()), cut * k),
            color=c.soft,
            linewidth=1,
            linestyle=":",
            gid="cut",
            zorder=21,
        )


def _under(guess: Array, cut: float) -> tuple[Array, Array]:
    """The soft labels y between which the loss of each guess is at most `cut`: at a fixed guess it is linear in y."""
    zero, one = binary_cross_entropy(0.0, guess), binary_cross_entropy(1.0, guess)
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = (cut - zero) / (one - zero)
    return np.where(zero > cut, meets, 0.0), np.where(one > cut, meets, 1.0)


def _side(y: Array, levels: Array, sign: int) -> Array:
    """The prediction on one side of each label (-1 below, 1 above) where KL(y‖ŷ) meets each level, or the axis' end.

    Shape (levels, labels). Solved in log-odds of the share of the way from y to the end, on which the gap only grows.
    """
    shape = (len(levels), len(y))
    low, high = np.full(shape, -40.0), np.full(shape, 700.0)
    for _ in range(64):
        middle = (low + high) / 2
        inside = binary_kl_divergence(y, _toward(y, middle, sign)) < levels
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return _toward(y, (low + high) / 2, sign)


def _toward(y: Array, odds: Array, sign: int) -> Array:
    near = 1 / (1 + np.exp(np.minimum(odds, 709.0)))
    return y * near if sign < 0 else 1 - (1 - y) * near


def _gap(st: _style.Stage, unit: str) -> None:
    k, ax = per_nat(unit), st.ax
    ax.set_aspect("equal", adjustable="box")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    title = "The extra loss is 0 only where the prediction equals the label"
    rings = f"lines: the gap KL(y‖ŷ) in {unit}"
    head(st, title if st.own else f"{title}\n{rings}", "ŷ, the prediction", "y, the label (a probability)")
    ax.apply_aspect()
    y = np.unique(np.concatenate([1 / (1 + np.exp(-np.linspace(-12, 12, 121))), np.linspace(0, 1, 81)]))
    levels = np.array(_style.LEVELS)[:, None] / k
    sides = list(zip(_side(y, levels, -1), _side(y, levels, 1), strict=True))
    shapes = [np.concatenate([np.column_stack([a, y]), np.column_stack([b, y])[::-1]]) for a, b in sides]
    _bands.paint(st, np.array([(0, 0), (1, 0), (1, 1), (0, 1)]), shapes)
    # The ends y = 0 and y = 1 have their level on one side only.
    _bands.lines(st, [[np.column_stack([a, y])[1:], np.column_stack([b, y])[:-1]] for a, b in sides])
    t = np.linspace(0, 1, 101)
    ax.plot(t, t, color=st.colors.truth, linewidth=2.2, gid="valley", zorder=5)
    most = in_nats_and_bits(float(binary_entropy(0.5)), unit)
    words = f"valley ŷ = y: the loss is H(y),\nat most ln 2 = {most}"
    labels = Labels(st, [(t, t)])
    labels.put(words, (0.5, 0.5), color=st.colors.truth, points=9.5, arrow=True, spots=[(0.7, 0.16)])
    # On the other side the levels, where they cross the anti-diagonal ŷ = 1 - y.
    crossing = [float(np.interp(0.0, a + y - 1, y)) for a, _ in sides]
    _bands.numbers(st, np.array([(1 - c, c) for c in crossing]))
    if st.own:
        _bands.color_bar(st, f"extra loss KL(y‖ŷ) = H(y, ŷ) − H(y)  ({unit})")
