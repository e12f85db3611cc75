"""Where the loss comes from: label entropy, less what the forecasts explain, plus what miscalibration costs."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from xent.evaluation.results import Evaluation
from xent.plots import _digits as digits
from xent.plots import _style
from xent.plots._description import remember
from xent.plots._labels import head
from xent.plots._rows import Rows

_WHY = {
    "separated": "no map is best: labels separated",
    "reversed": "no map is best: ranked backwards",
    "infinite": "the loss is infinite",
    "undefined": "no best map was found",
}


class _Step(NamedTuple):
    """One bar: its gid, its words, from where to where it goes, its value as written, and a remark."""

    gid: str
    title: str
    start: float
    stop: float
    value: str
    note: str


def identity_bar(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    """Where the loss comes from, as a waterfall: each bar begins where the one above ends.

        cross-entropy = label entropy - explained + miscalibration

    Parameters
    ----------
    evaluation : Evaluation
        Its `uncertainty`, `discrimination`, `miscalibration`, `cross_entropy` and `skill` are drawn, in its unit.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the bars `uncertainty`, `explained`, `miscalibration` and `cross-entropy`, by their gid.

    Raises
    ------
    ValueError
        Axes that are not flat.

    Edge cases
    ----------
    infinite loss      the last bar runs off the axes and says inf; the parts between are undefined
    no best map        explained and miscalibration are undefined and have no bar; the reason is given

    Examples
    --------
    >>> import xent
    >>> found = xent.evaluate([0, 0, 1, 1], [0.2, 0.6, 0.4, 0.8])
    >>> ax = xent.plots.identity_bar(found)
    >>> [bar.get_gid() for bar in ax.patches if bar.get_gid()]
    ['uncertainty', 'explained', 'miscalibration', 'cross-entropy']
    """
    steps = _steps(evaluation)
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 3.3), box=(0.05, 0.17, 0.9, 0.7))
        head(st, "Where the loss comes from", evaluation.unit)
        _limits(st, steps)
        rows = Rows(st, len(steps))
        free = [_draw(st, rows, i, step) for i, step in enumerate(steps)]
        _joints(st, steps, free)
    remember(st.ax, _sentence(evaluation, steps))
    return st.ax


def _steps(e: Evaluation) -> list[_Step]:
    whole, better, bad, total = e.uncertainty, e.discrimination, e.miscalibration, e.cross_entropy.value
    texts = _texts(e)
    known = not math.isnan(better) and not math.isnan(bad)
    why = "" if known else _WHY.get(e.recalibration.state, _WHY["undefined"]) if whole > 0 else "one class only"
    part = f"{digits.share(better / whole)} of it" if known and whole > 0 else ""
    middle = whole - better if known else math.nan
    if math.isinf(total):
        remark = f"{digits.loss(e.finite_cross_entropy.value, digits.digits_of(e))} over rows with a finite loss"
    else:
        remark = (
            f"skill {digits.share(e.skill.value)}"
            if not math.isnan(e.skill.value)
            else "skill undefined: one class only"
        )
    return [
        _Step("uncertainty", "label entropy", 0.0, whole, texts[0], "loss of always forecasting the frequencies"),
        _Step("explained", "− explained", whole if known else math.nan, middle, texts[1], part or why),
        _Step("miscalibration", "+ miscalibration", middle, total if known else math.nan, texts[2], ""),
        _Step("cross-entropy", "= cross-entropy", 0.0, total, texts[3], remark),
    ]


def _texts(e: Evaluation) -> list[str]:
    """The four values; what is explained is computed from the others as they are written, so that they add up."""
    places = digits.digits_of(e)
    values = (e.uncertainty, e.discrimination, e.miscalibration, e.cross_entropy.value)
    if all(math.isfinite(value) for value in values):
        whole, _, bad, total = (Decimal(f"{value:.{places}f}") + 0 for value in values)
        written = [whole, whole + bad - total, bad, total]
        texts = [str(value).replace("-", "−") for value in written]
    else:
        texts = [digits.loss(value, places) for value in values]
    return [text if text == "undefined" else f"{text} {e.unit}" for text in texts]


def _limits(st: _style.Stage, steps: list[_Step]) -> None:
    ends = [0.0, *(end for step in steps for end in (step.start, step.stop) if math.isfinite(end))]
    low, high = min(ends), max(ends)
    if any(math.isinf(step.stop) for step in steps):
        high *= 1.25
    st.ax.set_xlim(low, high if high > low else 1.0)
    st.ax.locator_params(axis="x", nbins=6)
    st.ax.spines["bottom"].set_position(("outward", 2))


def _draw(st: _style.Stage, rows: Rows, i: int, step: _Step) -> tuple[float, float]:
    """Row i; what its words leave free, in fractions of the width."""
    c, ax = st.colors, st.ax
    color = {"explained": c.ink, "miscalibration": c.gap, "cross-entropy": c.model}.get(step.gid, c.truth)
    free = rows.line(i + 0.27, step.title, step.value, note=step.note, color=color)
    if math.isnan(step.stop):
        return free
    edge = float(ax.get_xlim()[1])
    left, right = sorted((step.start, min(step.stop, edge)))
    _bar(st, step.gid, left, right, i)
    if math.isinf(step.stop):
        ax.plot([edge], [i + 0.66], ">", color=c.model, markersize=rows.size * 1.1, clip_on=False, gid="inf", zorder=6)
    elif right == left:
        ax.plot([left, left], [i + 0.48, i + 0.84], color=color, linewidth=1.2, clip_on=False, zorder=4)
    return free


def _joints(st: _style.Stage, steps: list[_Step], free: list[tuple[float, float]]) -> None:
    """From where each bar ends to where the next begins; only under the bar where words are in the way."""
    low, high = st.ax.get_xlim()
    for i, (step, following) in enumerate(itertools.pairwise(steps)):
        if not math.isfinite(step.stop) or math.isnan(following.stop):
            continue
        left, right = free[i + 1]
        clear = left < (step.stop - low) / (high - low) < right
        ends = [i + 0.84, i + (1.48 if clear else 1.0)]
        st.ax.plot([step.stop] * 2, ends, color=st.colors.soft, linewidth=0.8, clip_on=False, zorder=2)


def _bar(st: _style.Stage, gid: str, left: float, right: float, i: int) -> None:
    """The bar of row i. What is hatched is two bars: a see-through colour would fade the hatch over it."""
    c = st.colors
    looks: dict[str, list[dict[str, Any]]] = {
        "uncertainty": [{"facecolor": c.truth}],
        "explained": [{"facecolor": to_rgba(c.truth, 0.25)}],
        "miscalibration": [
            {"facecolor": to_rgba(c.gap, 0.2)},
            {"facecolor": "none", "edgecolor": c.gap, "hatch": "////", "linewidth": 0.8},
        ],
        "cross-entropy": [{"facecolor": c.model}],
    }
    for look in looks[gid]:
        whole: dict[str, Any] = {"linewidth": 0, "clip_on": False, **look}
        bar = Rectangle((left, i + 0.48), right - left, 0.36, **whole)
        if look is looks[gid][-1]:
            bar.set_gid(gid)
        st.ax.add_patch(bar)


def _sentence(e: Evaluation, steps: list[_Step]) -> str:
    whole, explained, bad, total = (step.value for step in steps)
    if math.isnan(e.discrimination) or math.isnan(e.miscalibration):
        what = f"what is between is undefined ({steps[1].note})"
        return f"The cross-entropy is {total}, the label entropy {whole}; {what}."
    return (
        f"The cross-entropy of {total} is the label entropy of {whole}, less {explained} explained, "
        f"plus {bad} of miscalibration."
    )
