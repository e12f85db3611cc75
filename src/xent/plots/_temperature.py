"""What one temperature would give."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from xent.evaluation.results import Evaluation
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head

Array = NDArray[np.float64]
Point = tuple[float, float]


def temperature_curve(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    r"""The loss when all forecasts are tempered: above 1 less sure of themselves, below 1 surer.

        q' \propto q^{1/T}

    Parameters
    ----------
    evaluation : Evaluation
        Its `temperature_curve` is drawn, in its unit, with the best temperature of `recalibration` where that is one.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the line `loss`, the points `given` and `best`, and the `gap` between them, by their gid.

    Raises
    ------
    ValueError
        No curve in the evaluation, as when the loss is infinite, or axes that are not flat.

    Edge cases
    ----------
    two classes            recalibration is no temperature there: the best of those drawn is marked
    falling to the edge    the best temperature lies outside what is drawn; that is said

    Examples
    --------
    >>> import xent
    >>> found = xent.evaluate([0, 0, 1, 1, 0, 1], [0.2, 0.6, 0.4, 0.8, 0.1, 0.9])
    >>> if found.temperature_curve:
    ...     ax = xent.plots.temperature_curve(found)
    """
    t, loss = _points(evaluation)
    given = (1.0, evaluation.cross_entropy.value)
    best, edge = _best(evaluation, t, loss)
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 3.6), box=(0.14, 0.16, 0.82, 0.74))
        _axes(st, t, loss, given, best, evaluation.unit)
        _draw(st, t, loss, given, best)
        _words(st, (t, loss), given, best, edge, evaluation)
    remember(st.ax, _sentence(evaluation, given, best, edge))
    return st.ax


def _points(evaluation: Evaluation) -> tuple[Array, Array]:
    curve = sorted((p.temperature, p.cross_entropy) for p in evaluation.temperature_curve)
    kept = [(t, loss) for t, loss in curve if t > 0 and math.isfinite(t) and math.isfinite(loss)]
    if not kept:
        infinite = math.isinf(evaluation.cross_entropy.value)
        why = "the loss is infinite at every temperature" if infinite else "no temperature was tried"
        raise ValueError(f"the evaluation has no `temperature_curve` to draw: {why}.")
    return np.array([t for t, _ in kept]), np.array([loss for _, loss in kept])


def _best(evaluation: Evaluation, t: Array, loss: Array) -> tuple[Point, bool]:
    """The best temperature and its loss, and whether the curve still falls at the edge of what is drawn."""
    fitted = evaluation.recalibration.parameters.get("temperature", math.nan)
    if t[0] <= fitted <= t[-1] and not math.isnan(evaluation.miscalibration):
        return (fitted, evaluation.cross_entropy.value - evaluation.miscalibration), False
    least = int(np.argmin(loss))
    given = evaluation.cross_entropy.value
    if loss[least] >= given - 1e-12 * abs(given):
        return (1.0, given), False
    return (float(t[least]), float(loss[least])), len(t) > 1 and least in (0, len(t) - 1)


def _axes(st: _style.Stage, t: Array, loss: Array, given: Point, best: Point, unit: str) -> None:
    """Limits that show the valley: what is far above both points is left out, at the sides."""
    ax = st.ax
    gain = max(given[1] - best[1], 0.02 * abs(best[1]), 1e-9)
    top = min(float(loss.max()), best[1] + 6 * gain + 0.25 * abs(best[1]))
    top = max(top, given[1] + 0.5 * gain)
    low = best[1] - 0.22 * (top - best[1])
    near = np.flatnonzero(loss <= top)
    first, last = max(int(near[0]) - 1, 0), min(int(near[-1]) + 1, len(t) - 1)
    left, right = min(float(t[first]), 0.9), max(float(t[last]), 1.1)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.set_ylim(low, top + 0.04 * (top - low))
    ax.minorticks_off()
    ticks = [d * 10.0**p for p in range(-3, 4) for d in (1, 2, 5)]
    ticks = [float(f"{tick:.3g}") for tick in ticks if left * 0.999 <= tick <= right * 1.001]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.spines[["top", "right"]].set_visible(False)
    head(st, "The loss, were all forecasts tempered", "temperature (above 1: less sure)", f"cross-entropy ({unit})")


def _short(temperature: float) -> str:
    return f"{temperature:.3g}"


def _draw(st: _style.Stage, t: Array, loss: Array, given: Point, best: Point) -> None:
    c, ax = st.colors, st.ax
    order = np.argsort(np.concatenate([t, [given[0], best[0]]]), kind="stable")
    x = np.concatenate([t, [given[0], best[0]]])[order]
    y = np.concatenate([loss, [given[1], best[1]]])[order]
    ax.plot(x, y, color=c.model, linewidth=2.2, gid="loss", zorder=4)
    ax.plot([given[0], best[0]], [given[1]] * 2, color=c.soft, linewidth=0.9, linestyle=":", zorder=3)
    ax.plot([best[0]] * 2, [given[1], best[1]], color=c.gap, linewidth=3, solid_capstyle="butt", gid="gap", zorder=5)
    ax.plot(*given, "o", color=c.model, markersize=7, gid="given", zorder=6, clip_on=False)
    ax.plot(*best, "D", color=c.gap, markersize=6.5, gid="best", zorder=7, clip_on=False)


def _words(
    st: _style.Stage, line: tuple[Array, Array], given: Point, best: Point, edge: bool, evaluation: Evaluation
) -> None:
    c = st.colors
    gap = (np.full(40, best[0]), np.linspace(best[1], given[1], 40))
    level = (np.linspace(given[0], best[0], 40), np.full(40, given[1]))
    labels = Labels(st, [line, gap, level])
    places, unit = digits.digits_of(evaluation), evaluation.unit
    if abs(math.log(best[0])) < 0.01:
        words = f"best as given: {digits.loss(given[1], places)}"
        labels.put(words, given, color=c.gap, points=9.5, weight="bold")
        return
    labels.put(f"as given: {digits.loss(given[1], places)}", given, color=c.model, points=9.5, weight="bold")
    gain = given[1] - best[1]
    words = f"T = {_short(best[0])}: {digits.loss(best[1], places)}"
    if edge:
        words = f"still falling at T = {_short(best[0])}"
    labels.put(words, best, color=c.gap, points=9.5, weight="bold")
    if digits.loss(gain, places).strip("0.") and gain > 0:
        words = f"−{digits.loss(gain, places)} {unit}"
        part = f" ({digits.share(-gain / given[1])})" if given[1] > 0 else ""
        labels.put(words + part, (best[0], (best[1] + given[1]) / 2), color=c.gap, points=9, arrow=True)


def _sentence(evaluation: Evaluation, given: Point, best: Point, edge: bool) -> str:
    places, unit = digits.digits_of(evaluation), evaluation.unit
    now, then = (f"{digits.loss(value, places)} {unit}" for value in (given[1], best[1]))
    if edge:
        return f"The loss over the temperature: {now} as given, still falling at T = {_short(best[0])}, {then} there."
    return f"The loss over the temperature: {now} as given, lowest at T = {_short(best[0])}, {then} there."
