"""The loss over temperatures."""

from __future__ import annotations

from matplotlib.axes import Axes

from xent.evaluation.results import Evaluation
from xent.plots import _style
from xent.plots._description import remember


def temperature_curve(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    """Draw."""
    if not evaluation.temperature_curve:
        raise ValueError("the evaluation has no `temperature_curve` to draw.")
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 3.5), box=(0.12, 0.17, 0.84, 0.72))
    remember(st.ax, "")
    return st.ax
