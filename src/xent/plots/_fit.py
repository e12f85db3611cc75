"""One Gaussian for a truth of two bumps: what each direction of the KL divergence asks of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from xent._units import per_nat
from xent.plots import _arguments, _style
from xent.plots._description import remember
from xent.plots._gaussians import Gaussian, Mixture, kl, locked, log_density, matched
from xent.plots._kl_integrand import named, places
from xent.plots._labels import Labels, head
from xent.plots._words import amount

_BUMPS = ((0.6, -2.0, 0.8), (0.4, 2.5, 1.0))


def forward_reverse_fit(p: Any = _BUMPS, *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""The Gaussian q nearest to a truth of two bumps: of least KL(p‖q) it covers both, of least KL(q‖p) it takes one.

        forward: \min_q KL(p \| q)        reverse: \min_q KL(q \| p)

    The forward divergence is dear where q is small and p is not: its minimum has the mean and the variance of p. The
    reverse one is dear where q is and p is not: its minimum keeps out of the valley.

    Parameters
    ----------
    p : two of (weight, mean, standard deviation)
        The bumps of the truth, whose weights sum to 1; as two rows or as six numbers. Neither may be more than 30 times
        as wide, or as far off, as the other is wide.
    unit : {"nats", "bits", "bans"}
        Unit of the divergences.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the area `truth` and the lines `forward` and `reverse`, by their gid.

    Raises
    ------
    ValueError
        `p` is not two bumps, they cannot be seen in one figure, an unknown unit, or axes that are not flat.

    Edge cases
    ----------
    bumps that are one     both fits are the truth
    two equal minima       of reverse KL: the one that is found from the first bump

    Examples
    --------
    >>> from xent import plots
    >>> ax = plots.forward_reverse_fit(((0.5, -3, 1), (0.5, 3, 1)))
    >>> "covers" in plots.describe(ax)
    True
    """
    truth = _arguments.gaussians("p", p, weighted=True)
    _arguments.comparable("The bumps of `p`", truth)
    per_nat(unit)
    fits = matched(truth), locked(truth)
    words = [_divergences(truth, fit, unit) for fit in fits]
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 4.4), box=(0.1, 0.13, 0.87, 0.77))
        _draw(st, truth, fits, words)
    remember(
        st.ax,
        f"A truth of two bumps and the Gaussians nearest to it: the forward fit {named(fits[0])} covers both "
        f"({', '.join(words[0])}), the reverse fit {named(fits[1])} settles where p is large ({', '.join(words[1])}).",
    )
    return st.ax


def _divergences(p: Mixture, fit: Gaussian, unit: str) -> tuple[str, str]:
    forward, reverse = kl(p, (fit,)), kl((fit,), p)
    return f"KL(p‖q) = {amount(forward, unit)}", f"KL(q‖p) = {amount(reverse, unit)}"


def _draw(st: _style.Stage, p: Mixture, fits: tuple[Gaussian, Gaussian], words: list[tuple[str, str]]) -> None:
    ax, c, x = st.ax, st.colors, places((*p, *fits))
    truth, forward, reverse = (np.exp(log_density(g, x)) for g in (p, (fits[0],), (fits[1],)))
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(0, 1.32 * max(float(y.max()) for y in (truth, forward, reverse)))
    head(st, "One Gaussian for two bumps: forward KL covers them, reverse KL takes one", "x", "density")
    area = ax.fill_between(x, 0, truth, facecolor=to_rgba(c.truth, 0.18), edgecolor=c.truth, linewidth=1.4, zorder=2)
    area.set_gid("truth")
    ax.plot(x, forward, color=c.model, linewidth=2.4, linestyle=(0, (5, 2.2)), gid="forward", zorder=5)
    ax.plot(x, reverse, color=c.label_zero, linewidth=2.2, linestyle=(0, (6, 1.6, 1.2, 1.6)), gid="reverse", zorder=4)
    labels = Labels(st, [(x, y) for y in (truth, forward, reverse)])
    fitted = (
        ("reverse", reverse, fits[1], (words[1][0], f"{words[1][1]}, the least"), c.label_zero),
        ("forward", forward, fits[0], (f"{words[0][0]}, the least", words[0][1]), c.model),
    )
    for name, y, fit, parts, color in fitted:
        top = int(np.argmax(y))
        at = float(x[top]), float(y[top])
        text = "\n".join((f"{name}: q = {named(fit)}", *parts))
        labels.put(text, at, color=color, arrow=True, spots=_near(ax, at))
    other = max(p, key=lambda g: abs(g.mean - fits[1].mean))
    labels.put("truth p", (other.mean, float(np.interp(other.mean, x, truth))), color=c.truth, arrow=True)


def _near(ax: Axes, at: tuple[float, float]) -> list[tuple[float, float]]:
    """Places for a label of three lines over the whole axes, the nearest to its point first."""
    (left, right), top = ax.get_xlim(), ax.get_ylim()[1]
    spots = [(left + (right - left) * i / 40, top * j / 30) for i in range(6, 35) for j in range(9, 28)]
    return sorted(spots, key=lambda spot: ((spot[0] - at[0]) / (right - left)) ** 2 + ((spot[1] - at[1]) / top) ** 2)
