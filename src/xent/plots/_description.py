"""The one sentence that says what a figure shows, kept beside the axes it was computed for."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

# Beside the axes rather than on it: nothing of ours is written into matplotlib's objects.
_sentences: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


def remember(ax: Axes, sentence: str) -> None:
    """Keep the description of what was just drawn on `ax`."""
    _sentences[ax] = sentence


def describe(drawn: Axes | Figure | SubFigure) -> str:
    """What a figure shows, in one sentence with its main number; one sentence for each axes of a larger figure.

    Parameters
    ----------
    drawn : Axes or Figure
        What a function of `xent.plots` returned, or the figure around it.

    Returns
    -------
    str
        Empty when nothing of `xent.plots` was drawn there.

    Examples
    --------
    >>> from xent import plots
    >>> plots.describe(plots.entropy_tangent(0.3, 0.75)).partition(": ")[2]
    'at x = 0.3 the gap is KL = 0.446 nats.'
    """
    axes = [drawn] if isinstance(drawn, Axes) else drawn.axes
    return " ".join(_sentences[ax] for ax in axes if ax in _sentences)
