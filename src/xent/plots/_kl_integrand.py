"""Where the KL divergence between two densities comes from, in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from xent._units import per_nat
from xent.plots import _arguments, _style
from xent.plots._description import remember
from xent.plots._gaussians import Gaussian, Mixture, kl, log_density
from xent.plots._labels import Labels, head
from xent.plots._words import amount, number


def kl_integrand(p: Any = (0.0, 1.0), q: Any = (1.5, 1.5), *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    r"""Two densities, and what stands under the integral of their KL divergence, in both directions.

        KL(p \| q) = \int p(x) \log(p(x) / q(x)) dx        KL(q \| p) = \int q(x) \log(q(x) / p(x)) dx

    Each integrand is negative where its own density is the smaller one: hatched above 0, dotted below. Hatched less
    dotted is the divergence, never below 0, and not the same in both directions.

    Parameters
    ----------
    p, q : (mean, standard deviation)
        The true Gaussian and the model's; neither may be more than 30 times as wide, or as far off, as the other is
        wide.
    unit : {"nats", "bits", "bans"}
        Unit of the integrands and of the divergences.
    ax : matplotlib.axes.Axes, optional
        Flat axes to draw on; without it a new figure is made.

    Returns
    -------
    Axes
        With the lines `truth`, `model`, `forward` and `reverse`, and the areas `forward-area` and `reverse-area`, by
        their gid.

    Raises
    ------
    ValueError
        `p` or `q` is no mean and standard deviation, they cannot be seen in one figure, an unknown unit, or axes that
        are not flat.

    Examples
    --------
    >>> from xent import plots
    >>> plots.describe(plots.kl_integrand((0, 1), (1, 1))).partition(": ")[2]
    'the areas of the integrands are KL(p‖q) = 0.5 nats and KL(q‖p) = 0.5 nats.'
    """
    truth, model = _arguments.gaussians("p", p), _arguments.gaussians("q", q)
    _arguments.comparable("`p` and `q`", (*truth, *model))
    per_nat(unit)
    totals = kl(truth, model), kl(model, truth)
    with _style.settings():
        st = _style.stage(ax, size=(7.2, 4.8), box=(0.1, 0.12, 0.87, 0.78))
        _draw(st, truth, model, totals, unit)
    remember(
        st.ax,
        f"Densities of p = {_named(truth)} and q = {_named(model)} over p log(p/q) and q log(q/p): the areas of the "
        f"integrands are KL(p‖q) = {amount(totals[0], unit)} and KL(q‖p) = {amount(totals[1], unit)}.",
    )
    return st.ax


def _draw(st: _style.Stage, p: Mixture, q: Mixture, totals: tuple[float, float], unit: str) -> None:
    ax, c, x = st.ax, st.colors, places((*p, *q))
    lp, lq = log_density(p, x), log_density(q, x)
    ratio = (lp - lq) * per_nat(unit)
    densities = np.exp(lp), np.exp(lq)
    terms = densities[0] * ratio, -densities[1] * ratio
    low, high = min(float(t.min()) for t in terms), max(float(a.max()) for a in (*terms, *densities))
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(min(1.6 * low, -0.16 * high), 1.18 * high)
    head(st, "Where KL comes from, in both directions", "x", f"density; integrand of KL ({unit})")
    ax.axhline(0, color=c.soft, linewidth=0.8, zorder=3)
    looks = (("forward", terms[0], c.gap, "////", "-"), ("reverse", terms[1], c.label_zero, "\\\\\\\\", (0, (1, 1.2))))
    for gid, term, color, hatch, dashes in looks:
        _signed_area(ax, x, term, color, hatch, gid)
        ax.plot(x, term, color=color, linewidth=1.6, linestyle=dashes, gid=gid, zorder=5)
    ax.plot(x, densities[0], color=c.truth, linewidth=2.2, gid="truth", zorder=6)
    ax.plot(x, densities[1], color=c.model, linewidth=2.2, linestyle=(0, (5, 2.2)), gid="model", zorder=6)
    labels = Labels(st, [(x, y) for y in (*densities, *terms)])
    bottom, top = ax.get_ylim()
    floor = bottom + 0.05 * (top - bottom)
    spots = [(float(x[0] + (x[-1] - x[0]) * share), floor) for share in (0.5, 0.8, 0.2, 0.65, 0.35)]
    labels.put("hatched adds, dotted takes away", (0, 0), color=c.soft, points=9, spots=spots)
    for words, y, color in ((f"p = {_named(p)}", densities[0], c.truth), (f"q = {_named(q)}", densities[1], c.model)):
        top = int(np.argmax(y))
        labels.put(words, (float(x[top]), float(y[top])), color=color)
    shares = ("KL(p‖q)", totals[0], terms[0], c.gap), ("KL(q‖p)", totals[1], terms[1], c.label_zero)
    for words, total, term, color in shares:
        top = int(np.argmax(term))
        at = (float(x[top]), 0.55 * float(term[top]))
        labels.put(f"{words} = {amount(total, unit)}", at, color=color, weight="bold", arrow=True)


def _signed_area(ax: Axes, x: Any, term: Any, color: str, hatch: str, gid: str) -> None:
    """The area of an integrand: hatched where it adds, dotted where it takes away."""
    for part, pattern, alpha in ((np.maximum(term, 0), hatch, 0.14), (np.minimum(term, 0), "..", 0.07)):
        area = ax.fill_between(
            x, 0, part, facecolor=to_rgba(color, alpha), edgecolor=to_rgba(color, 0.8), hatch=pattern, linewidth=0
        )
        area.set_gid(f"{gid}-area")


def places(bumps: Mixture) -> Any:
    """From where the first bump begins to where the last one ends, dense within each."""
    low, high = (f(g.mean + side * 3.6 * g.sd for g in bumps) for f, side in ((min, -1), (max, 1)))
    dense = [g.mean + g.sd * np.linspace(-5, 5, 201) for g in bumps]
    x = np.unique(np.concatenate([np.linspace(low, high, 201), *dense]))
    return x[(x >= low) & (x <= high)]


def _named(g: tuple[Gaussian, ...]) -> str:
    return named(g[0])


def named(g: Gaussian) -> str:
    """A Gaussian by its mean and standard deviation: N(0, 1.5²)."""
    return f"N({number(g.mean).replace('-', '−')}, {number(g.sd)}²)"
