"""Which of two models is better, as shipped and recalibrated."""

from __future__ import annotations

from matplotlib.axes import Axes

from xent.evaluation.results import Comparison
from xent.plots import _style
from xent.plots._description import remember


def comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw."""
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 2.6), box=(0.05, 0.2, 0.9, 0.66))
    remember(st.ax, "")
    return st.ax
