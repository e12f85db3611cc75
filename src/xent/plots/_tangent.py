"""Entropy, cross-entropy and the gap between them, for a yes/no outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from xent._units import per_nat
from xent.measures import binary_cross_entropy, binary_entropy, binary_kl_divergence
from xent.plots import _arguments, _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head
from xent.plots._words import amount, number


def entropy_tangent(
    p: float = 0.3, q: float = 0.75, *, vary: str = "truth", unit: str = "nats", ax: Axes | None = None
) -> Axes:
    r"""Cross-entropy is never below entropy: the gap between them is the KL divergence, 0 only where p = q.

        H(x, q) = H(q) + (x - q) H'(q) \ge H(x)        H(p, q) - H(p) = KL(p \| q)

    With the truth x on the axis, H(x, q) is a straight line: the tangent of the concave H at x = q.

    Parameters
    ----------
    p, q : float
        Probability of "yes" under the truth and under the model, in [0, 1].
    vary : {"truth", "model"}
        What the horizontal axis is. With "model", H(p, x) is drawn over the level H(p) and all the gap is filled.
    unit : {"nats", "bits", "bans"}
        Unit of the vertical axis.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the lines `entropy` and `cross-entropy` and the `gap`, by their gid.

    Raises
    ------
    ValueError
        `p` or `q` outside [0, 1], an unknown option, or axes that are not flat.

    Examples
    --------
    >>> from xent import plots
    >>> ax = plots.entropy_tangent(0.3, 0.75)
    >>> any("KL = 0.446" in text.get_text() for text in ax.texts)
    True
    """
    truth, model = _arguments.probability("p", p), _arguments.probability("q", q)
    _arguments.option("vary", vary, ("truth", "model"))
    per_nat(unit)
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 4.6), box=(0.1, 0.13, 0.86, 0.77))
        draw = _vary_truth if vary == "truth" else _vary_model
        draw(st, truth, model, unit)
    gap = amount(float(binary_kl_divergence(truth, model)), unit)
    p_, q_ = number(truth), number(model)
    if vary == "truth":
        what = f"Entropy H(x) of a yes/no outcome under the straight cross-entropy H(x, {q_}): at x = {p_}"
    else:
        what = f"Cross-entropy H({p_}, x) of a yes/no outcome over the level entropy H({p_}): at x = {q_}"
    remember(st.ax, f"{what} the gap is KL = {gap}.")
    return st.ax


def _grid(*exact: float) -> Any:
    """Points of [0, 1], denser towards its ends, with the values of interest among them exactly."""
    even = np.round((1 - np.cos(np.linspace(0, np.pi, 401))) / 2, 12)
    return np.unique(np.concatenate([even, np.array([0.5, *exact])]))


def _vary_truth(st: _style.Stage, p: float, q: float, unit: str) -> None:
    k = per_nat(unit)
    x = _grid(p, q)
    low, high = binary_entropy(x) * k, binary_cross_entropy(x, q) * k
    at_p, over_p = float(binary_entropy(p)) * k, float(binary_cross_entropy(p, q)) * k
    ends = [float(v) for v in high if np.isfinite(v)]
    top, cut = _top(max(ends), not np.isfinite(high).all(), k)
    _axes(st, top, "x, the true probability of “yes”", f"entropy, cross-entropy ({unit})")
    ax, c = st.ax, st.colors
    head(st, "Expecting q costs more than the truth’s own entropy, except at x = q")
    ax.plot(x, low, color=c.truth, linewidth=2.4, gid="entropy", zorder=4)
    ax.plot(x, high, color=c.model, linewidth=2.2, linestyle=(0, (5, 2.2)), gid="cross-entropy", zorder=5)
    reach = over_p if np.isfinite(over_p) else top
    ax.plot(
        [p, p],
        [at_p, over_p if np.isfinite(over_p) else top],
        color=c.gap,
        linewidth=3,
        gid="gap",
        zorder=6,
        solid_capstyle="butt",
    )
    ax.plot([p], [at_p], "o", color=c.truth, markersize=5, zorder=7)
    if np.isfinite(over_p):
        ax.plot([p], [over_p], "o", color=c.model, markersize=5, zorder=7)
    at_q = float(binary_entropy(q)) * k
    ax.plot([q], [at_q], "o", markerfacecolor=c.paper, markeredgecolor=c.model, markersize=6, zorder=7)
    labels = Labels(st, [(x, low), (x, high), (np.full(60, p), np.linspace(0, reach, 60)), ([q], [at_q])])
    middle = (at_p + min(reach, top)) / 2
    labels.put(
        f"KL = {amount(float(binary_kl_divergence(p, q)), unit)}", (p, middle), color=c.gap, weight="bold", arrow=True
    )
    labels.put(f"touches at q = {number(q)}", (q, at_q), color=c.model, points=9, arrow=True)
    labels.put("entropy H(x)", (0.5, float(binary_entropy(0.5)) * k * 0.5), color=c.truth, spots=_across(0.28 * k))
    endless = not 0 < q < 1
    line = f"cross-entropy H(x, {number(q)})" + (f" = inf but at x = {number(q)}" if endless else "")
    labels.put(line, (0.5, 0.5), color=c.model, spots=_across(0.85 * top) if endless else _beside(x, high, top))
    labels.put(f"p = {number(p)}", (p, 0), color=c.truth, points=9)
    ax.plot([p, p], [0, at_p], color=c.truth, linewidth=0.9, linestyle=":", zorder=3)
    _cut_note(st, labels, cut, unit, top)


def _vary_model(st: _style.Stage, p: float, q: float, unit: str) -> None:
    k = per_nat(unit)
    x = _grid(p, q)
    flat = np.full(x.shape, float(binary_entropy(p)) * k)
    high = binary_cross_entropy(p, x) * k
    at_q = float(binary_cross_entropy(p, q)) * k
    top = min(_style.CUT_NATS, max(2.0, at_q / k * 1.15 if np.isfinite(at_q) else 0)) * k
    ax, c = st.ax, st.colors
    _axes(st, top, "x, the model’s probability of “yes”", f"entropy, cross-entropy ({unit})")
    head(st, "Any model but the truth costs more: the extra is KL")
    drawn = np.isfinite(high)
    gap = ax.fill_between(
        x[drawn],
        flat[drawn],
        high[drawn],
        facecolor=(*_rgb(c.gap), 0.18),
        edgecolor=c.gap,
        hatch="///",
        linewidth=0,
        zorder=2,
    )
    gap.set_gid("gap")
    ax.plot(x, flat, color=c.truth, linewidth=2.4, gid="entropy", zorder=4)
    ax.plot(x, high, color=c.model, linewidth=2.2, linestyle=(0, (5, 2.2)), gid="cross-entropy", zorder=5)
    reach = at_q if np.isfinite(at_q) else top
    ax.plot([q, q], [flat[0], reach], color=c.gap, linewidth=3, zorder=6, solid_capstyle="butt")
    ax.plot([p], [flat[0]], "o", color=c.truth, markersize=6, zorder=7)
    lines = [(x, flat), (x, high), (np.full(60, q), np.linspace(flat[0], reach, 60))]
    labels = Labels(st, lines)
    labels.put(
        f"KL = {amount(float(binary_kl_divergence(p, q)), unit)}",
        (q, (flat[0] + min(reach, top)) / 2),
        color=c.gap,
        weight="bold",
        arrow=True,
    )
    labels.put(f"equal at x = p = {number(p)}", (p, flat[0]), color=c.truth, points=9, arrow=True)
    labels.put(
        f"entropy H(p) = {amount(float(binary_entropy(p)), unit)}",
        (0.5, flat[0] / 2),
        color=c.truth,
        spots=_across(flat[0] - 0.09 * top) if flat[0] > 0.2 * top else _across(flat[0] + 0.09 * top),
    )
    labels.put(f"cross-entropy H({number(p)}, x)", (0.5, 0.5), color=c.model, spots=_beside(x, high, top))
    _cut_note(st, labels, True, unit, top)


def _axes(st: _style.Stage, top: float, x: str, y: str) -> None:
    st.ax.set_xlim(0, 1)
    st.ax.set_ylim(0, top)
    head(st, "", x, y)


def _top(highest: float, infinite: bool, k: float) -> tuple[float, bool]:
    """The upper limit, and whether something is cut there."""
    if infinite:
        return max(highest * 1.1, 1.6 * k), True
    if highest > _style.CUT_NATS * k:
        return _style.CUT_NATS * k, True
    return highest * 1.18, False


def _across(y: float) -> list[tuple[float, float]]:
    """Places for a label at one height, the middle first."""
    return [(x, y) for x in (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8)]


def _beside(x: Any, y: Any, top: float) -> list[tuple[float, float]]:
    """Places for a label near a curve, above before below, the middle of the axes before its sides."""
    keep = np.flatnonzero(np.isfinite(y) & (y < top))
    near = sorted(keep[::6], key=lambda i: abs(float(x[i]) - 0.5))
    shifts = (0.06, 0.09, 0.12, 0.16, 0.2, 0.26)
    spots = [(float(x[i]), float(y[i]) + sign * shift * top) for sign in (1, -1) for shift in shifts for i in near]
    return spots or _across(0.9 * top)


def _cut_note(st: _style.Stage, labels: Labels, cut: bool, unit: str, top: float) -> None:
    if cut:
        words = f"cut at {amount(top / per_nat(unit), unit)}; goes on to inf"
        spots = [(x, top * 0.95) for x in (0.5, 0.4, 0.6, 0.3, 0.7)]
        labels.put(words, (0.5, top), color=st.colors.soft, points=9, spots=spots)


def _rgb(color: str) -> tuple[float, float, float]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]
