"""The estimators of the entropy of counts by name, and what each may be asked."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np

from xent.estimators import _corrected, _coverage, _dirichlet, _nsb, _shrinkage
from xent.estimators._histograms import Array, Histograms


class Method(NamedTuple):
    """An estimator.

    Attributes
    ----------
    estimate : callable
        From histograms and a prior to values and variances; None for variances that the jackknife finds.
    whole : bool
        Only for whole numbers of observations.
    possible : bool
        Depends on how many outcomes are possible.
    posterior : bool
        The variance is that of a posterior.
    assemblage : bool
        Its bootstrap draws from a distribution with the outcomes that were not seen.
    """

    estimate: Callable[[Any, Any], tuple[Array, Array | None]]
    whole: bool = False
    possible: bool = False
    posterior: bool = False
    assemblage: bool = False


def _near_plug_in(value: Callable[[Histograms], Array]) -> Callable[[Any, Any], tuple[Array, Array | None]]:
    return lambda h, prior: (value(h), _corrected.plug_in_variance(h))


def _dirichlet_posterior(h: Histograms, prior: Any) -> tuple[Array, Array]:
    mean, variance = _dirichlet.posterior(h, _dirichlet.concentration(h, prior)[:, None])
    return mean[:, 0], variance[:, 0]


ENTROPY = {
    "plug-in": Method(_near_plug_in(_corrected.plug_in)),
    "miller-madow": Method(_near_plug_in(_corrected.miller_madow)),
    "grassberger": Method(_near_plug_in(_corrected.grassberger), whole=True),
    "chao-shen": Method(lambda h, prior: (_coverage.chao_shen(h), None), whole=True, assemblage=True),
    "chao-wang-jost": Method(lambda h, prior: (_coverage.chao_wang_jost(h), None), whole=True, assemblage=True),
    "shrinkage": Method(lambda h, prior: (_shrinkage.shrinkage(h), None), possible=True),
    "dirichlet": Method(_dirichlet_posterior, possible=True, posterior=True),
    "nsb": Method(lambda h, prior: _nsb.nsb(h), possible=True, posterior=True),
}


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
