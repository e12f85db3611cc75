"""What a message costs: the code lengths of the truth and of the model, as boxes whose areas are the two entropies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from xent._units import per_nat
from xent.measures import cross_entropy, entropy, kl_divergence, surprisal
from xent.plots import _arguments, _style
from xent.plots._description import remember
from xent.plots._labels import head, text_size
from xent.plots._words import LOG, amount, number

Array = NDArray[np.float64]

# Height of a line of text, in text sizes.
_ROW = 1.7


def code_lengths(
    p: Any = (1 / 2, 1 / 4, 1 / 8, 1 / 8),
    q: Any = (1 / 8, 1 / 2, 1 / 4, 1 / 8),
    *,
    unit: str = "bits",
    ax: Axes | None = None,
) -> Axes:
    r"""Average message length as area: one box an outcome, p_i wide, with the code of the truth and of the model.

        H(p) = \sum p_i (-\log p_i)        H(p, q) = \sum p_i (-\log q_i)

    Where the model gives an outcome too little, its code is too long (hatched); where too much, it is shorter than the
    truth's (dotted). Hatched less dotted is KL(p‖q), and never below 0.

    Parameters
    ----------
    p, q : array-like of floats, same length
        The true distribution and the model's.
    unit : {"nats", "bits", "bans"}
        Unit of the lengths.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the rectangles `truth`, `model`, `excess` and `saving`, by their gid.

    Raises
    ------
    ValueError
        `p` or `q` is no distribution, they differ in length, an unknown unit, or axes that are not flat.

    Examples
    --------
    >>> from xent import plots
    >>> ax = plots.code_lengths()
    >>> float(sum(r.get_width() * r.get_height() for r in ax.patches if r.get_gid() == "model"))
    2.375
    """
    truth, model = _arguments.distribution("p", p), _arguments.distribution("q", q)
    _arguments.same_length(truth, model)
    k = per_nat(unit)
    costs = {name: amount(float(value), unit) for name, value in _areas(truth, model).items()}
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 4.9), box=(0.09, 0.13, 0.87, 0.78))
        tall = [surprisal(truth, unit=unit, check=False), surprisal(model, unit=unit, check=False)]
        used = np.concatenate([t[(truth > 0) & np.isfinite(t)] for t in tall])
        cut = max(1.0 * k, float(used.max(initial=0))) * 1.12
        absent = _absent(truth)
        rows = [*_sums(costs), *([("soft", f"not drawn: {absent}, with p = 0", "")] if absent else [])]
        _axes(st, cut, unit, len(rows))
        left = np.concatenate([[0.0], np.cumsum(truth)[:-1]])
        _boxes(st, left, truth, tall, cut)
        _name_boxes(st, left, truth, model, tall, cut, unit)
        _write_sums(st, rows)
    remember(
        st.ax,
        f"Boxes as wide as each outcome's probability and as high as its code: in the truth's own code their area is "
        f"H(p) = {costs['truth']}, in the model's H(p, q) = {costs['model']}, {costs['gap']} more"
        + (f"; {absent}, with p = 0, has no box." if absent else "."),
    )
    return st.ax


def _areas(p: Array, q: Array) -> dict[str, Any]:
    """The three sums, in nats. The arguments have been looked at, in their own precision."""
    costs = {"truth": entropy(p, check=False), "model": cross_entropy(p, q, check=False)}
    return {**costs, "gap": kl_divergence(p, q, check=False)}


def _sums(costs: dict[str, str]) -> list[tuple[str, str, str]]:
    """Colour name, the sum, and where to see it: one line each at the top of the figure."""
    return [
        ("truth", f"H(p) = {costs['truth']}", "with the truth’s own code: area of the solid boxes"),
        ("model", f"H(p, q) = {costs['model']}", "with the model’s code: area of the dashed boxes"),
        ("gap", f"KL(p‖q) = {costs['gap']}", "more: hatched (too long) less dotted (shorter)"),
    ]


def _absent(p: Array) -> str:
    """The outcomes that never happen, in words: their boxes have no width."""
    numbers = [str(i + 1) for i in np.flatnonzero(p == 0)]
    if len(numbers) > 6:
        return f"each of {len(numbers)} outcomes"
    return " and ".join(f"outcome {one}" for one in numbers)


def _axes(st: _style.Stage, cut: float, unit: str, rows: int) -> None:
    """Limits with room for the sums above the boxes, and what the axes mean."""
    band = (rows + 0.5) * _ROW * st.size(10) / 72
    height = float(st.ax.figure.get_size_inches()[1]) * st.ax.get_position().height
    st.ax.set_xlim(0, 1)
    st.ax.set_ylim(0, cut / max(1 - band / height, 0.4))
    log = LOG[unit]
    title = "A code made for the wrong distribution is longer on average"
    head(
        st,
        title,
        "probability of each outcome, p (the widths add up to 1)",
        f"code length, −{log} p or −{log} q ({unit})",
    )


def _boxes(st: _style.Stage, left: Array, width: Array, tall: list[Array], cut: float) -> None:
    """For each outcome the truth's box, the model's over it, and what the model's code wastes or saves."""
    c = st.colors
    inch = float(st.ax.figure.get_size_inches()[0]) * st.ax.get_position().width
    for x, w, own, other in zip(left, width, *tall, strict=True):
        low, high = min(own, cut), min(other, cut)
        # Lines that do not fill a narrow box; none around an outcome that never happens.
        line = min(1.8, w * inch * 72 / 6)
        _box(st, "truth", x, 0, w, low, 3, facecolor=to_rgba(c.truth, 0.22), edgecolor=c.truth, linewidth=line)
        if high > low:
            _box(
                st,
                "excess",
                x,
                low,
                w,
                high - low,
                4,
                facecolor=to_rgba(c.gap, 0.15),
                edgecolor=c.gap,
                hatch="///",
                linewidth=0,
            )
        elif low > high:
            _box(st, "saving", x, high, w, low - high, 4, facecolor="none", edgecolor=c.ink, hatch="..", linewidth=0)
        _box(st, "model", x, 0, w, high, 5, facecolor="none", edgecolor=c.model, linewidth=line, linestyle=(0, (4, 2)))


def _box(st: _style.Stage, gid: str, x: float, y: float, w: float, h: float, zorder: float, **look: Any) -> None:
    box = Rectangle((x, y), w, h, zorder=zorder, **look)
    box.set_gid(gid)
    st.ax.add_patch(box)


def _name_boxes(st: _style.Stage, left: Array, p: Array, q: Array, tall: list[Array], cut: float, unit: str) -> None:
    """In each box what it stands for and how long the two codes are, where there is room; inf where a box is cut."""
    c = st.colors
    shown = _Texts(st)
    for i, (x, w, own, other) in enumerate(zip(left, p, *tall, strict=True)):
        middle = x + w / 2
        if w > 0 and np.isinf(other):
            shown.write("inf", middle, cut, -1.0, c.model, points=10, bold=True)
        names = [
            f"outcome {i + 1}\np = {number(p[i])}\nq = {number(q[i])}",
            f"p = {number(p[i])}\nq = {number(q[i])}",
            f"{i + 1}",
        ]
        shown.first(names, middle, 0.0, 1.0, c.ink, w)
        k = per_nat(unit)
        for value, color in ((own, c.truth), (other, c.model)):
            if np.isfinite(value):
                length = amount(float(value) / k, unit)
                shown.first([length, number(float(value))], middle, float(value), -1.0, color, w)


class _Texts:
    """Small texts above (1) or under (-1) a height, each only where it fits its box and meets no earlier one."""

    def __init__(self, st: _style.Stage) -> None:
        self._stage = st
        self._taken: list[tuple[float, float, float, float]] = []

    def first(self, options: list[str], x: float, y: float, side: float, color: str, width: float) -> None:
        """The first option, longest first, that fits a box of this width and the space that is left."""
        ax = self._stage.ax
        room = float(np.diff(ax.transData.transform([(0, 0), (width, 0)])[:, 0])[0])
        for words in options:
            wide, _ = text_size(words, self._stage.size(9), ax.figure.dpi)
            if wide < room * 0.86 and self.write(words, x, y, side, color):
                return

    def write(
        self, words: str, x: float, y: float, side: float, color: str, *, points: float = 9, bold: bool = False
    ) -> bool:
        """Write `words` unless an earlier text is in the way."""
        st = self._stage
        size = st.size(points)
        wide, high = text_size(words, size, st.ax.figure.dpi)
        px, py = (float(v) for v in st.ax.transData.transform((x, y)))
        py += side * (high / 2 + 0.35 * size * st.ax.figure.dpi / 72)
        here = (px - wide / 2, py - high / 2, px + wide / 2, py + high / 2)
        floor = float(st.ax.bbox.y0)
        if here[1] < floor or any(
            here[0] < right and left < here[2] and here[1] < top and bottom < here[3]
            for left, bottom, right, top in self._taken
        ):
            return False
        self._taken.append(here)
        at = st.ax.transData.inverted().transform((px, py))
        back = {"boxstyle": "round,pad=0.1", "facecolor": st.colors.paper, "edgecolor": "none", "alpha": 0.8}
        weight = "bold" if bold else "normal"
        st.ax.text(
            *at,
            words,
            color=color,
            fontsize=size,
            fontweight=weight,
            ha="center",
            va="center",
            linespacing=1.2,
            zorder=9,
            bbox=back,
        )
        return True


def _write_sums(st: _style.Stage, rows: list[tuple[str, str, str]]) -> None:
    """The three sums at the top, each in the colour of its boxes, with where to see it when there is room."""
    ax, dpi = st.ax, st.ax.figure.dpi
    size = st.size(10)
    wide = max(text_size(words, size, dpi)[0] for _, words, where in rows if where) * 1.15
    roomy = wide + max(text_size(where, size, dpi)[0] for _, _, where in rows) < ax.bbox.width
    for i, (role, words, where) in enumerate(rows):
        down = (i + 0.7) * _ROW * size * dpi / 72
        y = 1 - down / ax.bbox.height
        color = getattr(st.colors, role)
        ax.text(
            0.01, y, words, transform=ax.transAxes, color=color, fontsize=size, fontweight="bold", va="center", zorder=9
        )
        if roomy:
            x = 0.01 + (wide + size * dpi / 72) / ax.bbox.width
            ax.text(x, y, where, transform=ax.transAxes, color=st.colors.ink, fontsize=size, va="center", zorder=9)
