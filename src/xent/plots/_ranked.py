"""Ranked lists: pairs of classes, and classes, by the loss on them."""

from __future__ import annotations

from matplotlib.axes import Axes

from xent.evaluation.results import Evaluation
from xent.plots import _style
from xent.plots._description import remember


def confusion_losses(evaluation: Evaluation, *, most: int = 10, ax: Axes | None = None) -> Axes:
    """Draw."""
    if not evaluation.confusions:
        raise ValueError("the evaluation has no `confusions` to draw.")
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 3.5), box=(0.05, 0.17, 0.9, 0.72))
    remember(st.ax, "")
    return st.ax


def class_losses(evaluation: Evaluation, *, most: int = 20, ax: Axes | None = None) -> Axes:
    """Draw."""
    with _style.settings():
        st = _style.stage(ax, size=(5.4, 3.5), box=(0.05, 0.17, 0.9, 0.72))
    remember(st.ax, "")
    return st.ax
