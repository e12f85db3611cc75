"""The plug-in estimate of the entropy, and two that correct its bias: Miller-Madow and Grassberger."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent._forms import Counts
from xent.estimators._gamma import halfway_excess, log_excess
from xent.estimators._histograms import Histograms, Multiplicities
from xent.measures import entropy

Array = np.ndarray[Any, Any]


def plug_in(h: Histograms) -> Array:
    """The entropy of the observed shares, (B,)."""
    return entropy(Counts(h.dense), check=False)


def miller_madow(h: Histograms) -> Array:
    """The plug-in plus (outcomes seen - 1)/(2N), the first term of its bias (Miller 1955)."""
    return plug_in(h) + (h.seen - 1) / (2 * h.total)


def grassberger(h: Histograms) -> Array:
    """log N - sum n G(n)/N, G(n) = psi(n) + (-1)^n/2 [psi((n+1)/2) - psi(n/2)] (Grassberger 2003, equation 29).

    Derived for a random N: for a fixed one the value is about 1/(2N) too large, most visibly for a single outcome.
    G(n) is log 2 + psi(floor(n/2) + 1/2): added to the plug-in is n/N times log(n/2) - psi(n/2) of an odd n, and
    log(n/2) - psi(n/2 + 1/2) of an even one.
    """
    half = h.counts / 2
    lacking = np.where(h.counts % 2 == 0, halfway_excess(half), log_excess(half))
    return plug_in(h) + (h.multiplicity * h.counts * lacking).sum(axis=1) / h.total


def surprisal(m: Multiplicities) -> Array:
    """-log(n/N) of every distinct count, (B, D), right also where n/N is nearly 1."""
    return np.log1p((m.total[:, None] - m.counts) / m.counts)


def plug_in_variance(h: Histograms) -> Array:
    """The variance of the plug-in to second order in 1/N (Harris 1975), (B,).

    The delta method alone would be sure of itself where all shares are equal: its second term is what is left there.
    """
    share = h.multiplicity * h.counts / h.total[:, None]
    spread = (share * (surprisal(h) - plug_in(h)[:, None]) ** 2).sum(axis=1)
    return spread / h.total + (h.seen - 1) / (2 * h.total**2)
