"""The entropy behind counts: which estimators there are, what each may be asked, and its interval."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from xent import _units
from xent.estimators import _bootstrap, _corrected, _coverage, _dirichlet, _histograms, _intervals, _nsb, _shrinkage
from xent.estimators._estimate import Estimate
from xent.estimators._histograms import Array, Histograms, histograms

Interval = Literal["analytic", "bootstrap"] | None


class Method(NamedTuple):
    """An estimator: from histograms (and a prior) to values and, unless it takes the jackknife, variances.

    whole: only for whole numbers; possible: whether it depends on how many outcomes are possible; posterior: whether
    the variance is that of a posterior; assemblage: whether its bootstrap draws from more than the outcomes seen.
    """

    value: Callable[[Any], Array]
    variance: Callable[[Any], Array] | None = None
    posterior: Callable[[Any, Any], tuple[Array, Array]] | None = None
    whole: bool = False
    possible: bool = False
    assemblage: bool = False


def _given_prior(h: Histograms, prior: Any) -> tuple[Array, Array]:
    mean, variance = _dirichlet.posterior(h, _dirichlet.concentration(h, prior)[:, None])
    return mean[:, 0], variance[:, 0]


def _nsb_posterior(h: Histograms, _: Any) -> tuple[Array, Array]:
    return _nsb.nsb(h)


def _mean(h: Histograms) -> Array:
    raise NotImplementedError


METHODS = {
    "plug-in": Method(_corrected.plug_in, _corrected.plug_in_variance),
    "miller-madow": Method(_corrected.miller_madow, _corrected.plug_in_variance),
    "grassberger": Method(_corrected.grassberger, _corrected.plug_in_variance, whole=True),
    "chao-shen": Method(_coverage.chao_shen, whole=True, assemblage=True),
    "chao-wang-jost": Method(_coverage.chao_wang_jost, whole=True, assemblage=True),
    "shrinkage": Method(_shrinkage.shrinkage, possible=True),
    "dirichlet": Method(_mean, posterior=_given_prior, possible=True),
    "nsb": Method(_mean, posterior=_nsb_posterior, possible=True),
}
