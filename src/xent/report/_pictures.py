"""The pictures of a page: figures of `xent.plots` as SVG in the page's own colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from xent.evaluation import Evaluation
from xent.io import printable
from xent.report import _tables as tables

_CLASSES = 3  # reliability pictures of single classes; the table has the others

_HEADROOM = 0.03


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure: the drawing, and the sentence that says what it shows."""

    svg: str
    words: str


def identity(evaluation: Evaluation) -> Picture:
    """Where the loss comes from."""
    from xent import plots

    return _picture(plots.identity_bar(evaluation), "identity")


def histogram(evaluation: Evaluation) -> list[Picture]:
    """Which losses the rows have, and which of them make up the whole."""
    from xent import plots

    return [_picture(plots.loss_histogram(evaluation), "losses")] if evaluation.loss_histogram else []


def temperature(evaluation: Evaluation) -> list[Picture]:
    """The loss over temperatures."""
    from xent import plots

    return [_picture(plots.temperature_curve(evaluation), "temperature")] if evaluation.temperature_curve else []


def confusions(evaluation: Evaluation) -> list[Picture]:
    """Where the loss goes, by what happened and what was said."""
    from xent import plots

    known = any(math.isfinite(row.share) for row in evaluation.confusions)
    return [_picture(plots.confusion_losses(evaluation), "confusions")] if known else []


def reliability(evaluation: Evaluation) -> list[Picture]:
    """Of class 1 of two; of the likeliest class and the classes that cost most of more."""
    from xent import plots

    if not evaluation.reliability:
        return []
    found = [_picture(plots.reliability(evaluation), "reliability")]
    if len(evaluation.classes) > 2:
        there = {row.name for row in evaluation.reliability if row.kind == "class"}
        costly = [row.name for row in tables.costliest(evaluation) if row.name in there][:_CLASSES]
        found += [_picture(plots.reliability(evaluation, of=name), f"class-{i}") for i, name in enumerate(costly)]
    return found


def _picture(axes: Any, prefix: str) -> Picture:
    """The drawing without its title: the page has a heading there, and the room above goes with it."""
    from xent import plots

    words = printable(plots.describe(axes))
    axes.set_title("")
    left, bottom, width, height = axes.get_position().bounds
    kept = min(bottom + height + _HEADROOM, 1.0)
    wide, high = axes.figure.get_size_inches()
    axes.figure.set_size_inches(wide, high * kept)
    axes.set_position((left, bottom / kept, width, height / kept))
    return Picture(plots.svg(axes, prefix=prefix), words)
