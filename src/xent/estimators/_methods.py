"""The estimators of the entropy of counts by name, and what each may be asked."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np

from xent.estimators import _corrected, _coverage, _dirichlet, _intervals, _nsb, _shrinkage
from xent.estimators._histograms import Array, Histograms, Multiplicities


class Method(NamedTuple):
    """An estimator.

    Attributes
    ----------
    estimate : callable
        From histograms and a prior to values, and to the variances of a posterior; None for other methods.
    whole : bool
        Only for whole numbers of observations.
    possible : bool
        Depends on how many outcomes are possible.
    near_plug_in : bool
        The variance is that of the plug-in; where it is not, and there is no posterior, the jackknife finds it.
    left_out : callable, optional
        From histograms to the estimates without one observation, less any constant, where there is a shorter way than
        to compute them all (`left_out` below).
    assemblage : bool
        Its bootstrap draws from a distribution with the outcomes that were not seen.
    """

    estimate: Callable[[Any, Any], tuple[Array, Array | None]]
    whole: bool = False
    possible: bool = False
    near_plug_in: bool = False
    left_out: Callable[[Multiplicities], Array] | None = None
    assemblage: bool = False


def _dirichlet_posterior(h: Histograms, prior: Any) -> tuple[Array, Array]:
    mean, variance = _dirichlet.posterior(h, _dirichlet.concentration(h, prior)[:, None])
    return mean[:, 0], variance[:, 0]


ENTROPY = {
    "plug-in": Method(lambda h, prior: (_corrected.plug_in(h), None), near_plug_in=True),
    "miller-madow": Method(lambda h, prior: (_corrected.miller_madow(h), None), near_plug_in=True),
    "grassberger": Method(lambda h, prior: (_corrected.grassberger(h), None), near_plug_in=True, whole=True),
    "chao-shen": Method(lambda h, prior: (_coverage.chao_shen(h), None), whole=True, assemblage=True),
    "chao-wang-jost": Method(
        lambda h, prior: (_coverage.chao_wang_jost(h), None),
        whole=True,
        left_out=_coverage.chao_wang_jost_left_out,
        assemblage=True,
    ),
    "shrinkage": Method(lambda h, prior: (_shrinkage.shrinkage(h), None), possible=True),
    "dirichlet": Method(_dirichlet_posterior, possible=True),
    "nsb": Method(lambda h, prior: _nsb.nsb(h), possible=True),
}


def left_out(method: Method, m: Multiplicities) -> Array:
    """The estimate without one observation of an outcome that has each of the distinct counts, (B, D)."""
    if method.left_out is not None:
        return method.left_out(m)
    return _intervals.left_out(lambda fewer: method.estimate(fewer, None)[0], m)


def chosen(method: Any, default: str, known: Collection[str]) -> str:
    """The method asked for; the default for None."""
    if method is None:
        return default
    if isinstance(method, str) and method in known:
        return method
    near = difflib.get_close_matches(str(method).lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"`method` is {method!r}; from counts it is one of {', '.join(map(repr, known))}.{hint}")


def check_options(method: str, prior: Any, outcomes: Any, possible: Collection[str]) -> Any:
    """The prior, where the method takes one; options that would change nothing are refused."""
    if prior is not None and method != "dirichlet":
        raise ValueError(f"`prior` is for 'dirichlet'; {method!r} has none to choose.")
    if outcomes is not None and method not in possible:
        raise ValueError(
            f"`outcomes` is for {', '.join(map(repr, possible))}; {method!r} does not depend on how many are possible."
        )
    return "jeffreys" if prior is None else prior


def batched(value: Any, shape: tuple[int, ...]) -> Any:
    """The values of a batch in its shape; a float for one."""
    return float(value[0]) if shape == () else np.reshape(value, shape)
