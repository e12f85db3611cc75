"""The loss of one yes/no label, against the predicted probability or against the logit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from xent._forms import Logits
from xent._units import per_nat
from xent.measures import binary_cross_entropy
from xent.plots import _arguments, _style
from xent.plots._description import remember
from xent.plots._labels import Labels, head
from xent.plots._words import LOG, amount, in_nats_and_bits

_COIN = math.log(2)


def binary_cross_entropy_curves(*, against: str = "probability", unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""Loss of one label: nearly nothing when confident and right, without bound when confident and wrong.

        y = 1: -\log x        y = 0: -\log(1 - x)        (x the predicted probability of 1)

    Parameters
    ----------
    against : {"probability", "logit"}
        What the horizontal axis is: the probability on (0, 1), or its logit z on [-8, 8], where the curves are
        softplus(-z) and softplus(z).
    unit : {"nats", "bits", "bans"}
        Unit of the loss.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the lines `y1` and `y0` and the point `coin` (a prediction of one half, loss ln 2), by their gid.

    Raises
    ------
    ValueError
        An unknown `against` or `unit`, or axes that are not flat.

    Examples
    --------
    >>> from xent import plots
    >>> ax = plots.binary_cross_entropy_curves(unit="bits")
    >>> ax.get_ylabel()
    'loss (bits)'
    """
    _arguments.option("against", against, ("probability", "logit"))
    scale = per_nat(unit)
    logit = against == "logit"
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 4.6), box=(0.09, 0.13, 0.87, 0.77))
        # Even steps of the logit: fine where the loss is steep, and one half exactly.
        z = np.linspace(-8, 8, 321) if logit else np.linspace(-12, 12, 481)
        x = z if logit else 1 / (1 + np.exp(-z))
        model = Logits(z) if logit else x
        one, zero = (binary_cross_entropy(y, model, unit=unit) for y in (1.0, 0.0))
        top = (8.5 if logit else _style.CUT_NATS) * scale
        st.ax.set_xlim((-8, 8) if logit else (0, 1))
        st.ax.set_ylim(0, top)
        st.ax.plot(x, one, color=st.colors.label_one, linewidth=2.2, gid="y1", zorder=4)
        st.ax.plot(x, zero, color=st.colors.label_zero, linewidth=2.2, linestyle=(0, (5, 2.2)), gid="y0", zorder=4)
        st.ax.plot(
            [0.0 if logit else 0.5], [_COIN * scale], "o", color=st.colors.ink, markersize=6, gid="coin", zorder=6
        )
        where = (
            "z, the logit (log-odds) that the label is 1"
            if logit
            else "ŷ, the predicted probability that the label is 1"
        )
        head(st, "One yes/no label: confident and wrong costs most", where, f"loss ({unit})")
        _name_parts(st, unit, logit, [(x, one), (x, zero)])
    remember(
        st.ax,
        f"Loss of one yes/no label against the predicted {against}: it falls towards 0 when confident and right, grows "
        f"without bound when confident and wrong, and is {in_nats_and_bits(_COIN, unit)} for a prediction of one half.",
    )
    return st.ax


def _name_parts(st: _style.Stage, unit: str, logit: bool, lines: list[tuple[Any, Any]]) -> None:
    """The label beside each curve, the coin's number and, where the curves leave the picture, that they do."""
    k = per_nat(unit)
    log = LOG[unit]
    labels = Labels(st, lines)
    one = "label 1: softplus(−z)" if logit else f"label 1: −{log} ŷ"
    zero = "label 0: softplus(z)" if logit else f"label 0: −{log}(1 − ŷ)"
    at_one, at_zero = ((-5.0, 5.0), (5.0, 5.0)) if logit else ((0.11, 2.2), (0.89, 2.2))
    middle = 0.0 if logit else 0.5
    labels.put(
        f"a coin toss, ŷ = ½:\nln 2 = {in_nats_and_bits(_COIN, unit)}",
        (middle, _COIN * k),
        color=st.colors.ink,
        arrow=True,
        spots=[
            (middle, (_COIN + rise * (2.2 if logit else 1.0)) * k) for rise in (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4)
        ],
    )
    labels.put(one, (at_one[0], at_one[1] * k), color=st.colors.label_one)
    labels.put(zero, (at_zero[0], at_zero[1] * k), color=st.colors.label_zero)
    if not logit:
        labels.put(
            f"cut at {amount(_style.CUT_NATS, unit)}: both go on to inf",
            (0.5, 4 * k),
            color=st.colors.soft,
            points=9,
            spots=[(0.5, 3.8 * k)],
        )
