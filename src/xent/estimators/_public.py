"""The estimators as they are called: what the data hold says which of the two kinds answers."""

from __future__ import annotations

import importlib
from typing import Any

from xent._errors import DistributionError
from xent._forms import Counts, Form, Labels, Samples, TopK
from xent.estimators._estimate import Estimate

# The module that answers for counts, and the options that only counts, or only samples, have.
_COUNTS = {"entropy": "_counts", "kl_divergence": "_divergence", "mutual_information": "_tables"}
_FOR_COUNTS = {
    "entropy": {"outcomes", "prior"},
    "kl_divergence": {"axis", "prior"},
    "mutual_information": {"prior"},
}
_FOR_SAMPLES = {"k", "norm", "window"}


def entropy(
    data: Counts | Samples,
    /,
    *,
    method: str | None = None,
    axis: int | None = None,
    unit: str = "nats",
    outcomes: float | None = None,
    prior: str | float | None = None,
    k: int | None = None,
    norm: str | None = None,
    window: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    r"""Entropy of the distribution that the data were drawn from.

    The entropy of the observed shares is too small on average, by about (K - 1)/(2N): outcomes that were not seen
    are missing from it. `xent.entropy` computes that; the methods here estimate what it stands for.

    Parameters
    ----------
    data : Counts or Samples
        `xent.Counts(n)`: how often each outcome was seen, shape (..., K); or `xent.Samples(x)`: observations of a
        continuous variable, shape (n,) or (n, d), whose differential entropy is estimated.
    method : str, optional
        Of counts 'chao-wang-jost' (the default), 'chao-shen', 'grassberger', 'miller-madow', 'plug-in', 'shrinkage',
        'dirichlet' or 'nsb'; of samples 'kozachenko-leonenko' (the default), or by spacings 'vasicek', 'van-es',
        'ebrahimi' or 'correa'.
    axis : int, optional
        Of counts: the outcome axis, by default the last. Of samples, by spacings alone: the axis that holds them,
        where there are several samples at once. Other axes are a batch.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    outcomes : float, optional
        Of counts, for 'shrinkage', 'dirichlet' and 'nsb': how many outcomes are possible, by default the length of the
        axis. It may be as large as 1e50.
    prior : {"jeffreys", "laplace", "perks", "minimax"} or float, optional
        For 'dirichlet': the concentration of each outcome, 1/2 (the default), 1, 1/K, sqrt(N)/K, or any number above 0.
    k : int, optional
        Of samples, for 'kozachenko-leonenko': which nearest neighbour's distance stands for the density, by default 3.
        A larger one lowers the spread and raises the bias; it needs k + 1 samples.
    norm : {"euclidean", "max"}, optional
        Of samples, for 'kozachenko-leonenko': in which neighbours are nearest, by default "euclidean".
    window : int, optional
        Of samples, for spacings: how many places apart in the sorted sample two values are whose distance is one
        spacing, less than n/2; by default about the root of n.
    interval : {"auto", "analytic", "bootstrap"} or None
        Of counts "auto" is "analytic": the delta method to second order for 'plug-in', 'miller-madow' and
        'grassberger'; the jackknife for 'chao-shen', 'chao-wang-jost' and 'shrinkage', at least the plug-in's; the
        posterior for 'dirichlet' and 'nsb'. "bootstrap" draws 400 data sets. Of samples there is "analytic", for
        'kozachenko-leonenko' in one or two dimensions: in more the bias outgrows the spread, and "auto" gives the
        standard error alone; spacings have neither. None computes the value alone.
    confidence : float
        Of the interval.
    seed : int
        Of the bootstrap; at least 0.

    Returns
    -------
    Estimate
        `value`, `standard_error`, `low`, `high`, `method`, `n`; arrays in the shape of the batch.

    Raises
    ------
    DistributionError
        Data without a form; counts that are negative, not finite or all 0; fractions where numbers of observations are
        needed; more of them than the bootstrap can draw.
        Samples that are fewer than k + 1, not finite, integers, constant in a column or in a hyperplane, of columns
        whose scales are too unlike, or tied so often that a neighbour or a spacing is at distance 0: nothing is
        jittered.
    TypeError, ValueError
        A method or option that is not known, or that this kind of data does not have; fewer possible outcomes than
        were seen.

    Edge cases
    ----------
    one outcome seen       0, and an interval of no width, but for the Bayesian methods and 'grassberger'
    one observation        'shrinkage' is log K; where the jackknife finds the standard error, it is infinite
    none seen twice        'chao-shen' and 'chao-wang-jost' have an infinite standard error
    one outcome possible   0, but for 'grassberger': above 0 for an odd count, a little below for an even one
    interval               from 0 on; its upper end may lie above log K, but for a posterior's. Quantiles of a posterior
                           need not hold its mean: where it is far skewed, or the confidence is small

    Accuracy
    --------
    Of counts 1e-13 of the value, up to counts of 1e15; the integrals of 'nsb' to 1e-11. How far the estimate is from
    the truth is what `standard_error` says; its bias by method and N is in docs/estimators.md. In simulations of
    uniform, Zipf, geometric, peaked and Dirichlet distributions with 10 to 1000 outcomes and N/K from 0.3 to 10,
    'chao-wang-jost' kept its 95 % best of all methods, without knowing K (90 to 96 % on average, 90 % or more in 52 of
    60 cases, 29 % in the worst); 'nsb' had the least mean squared error where K is known.

    Gradient
    --------
    None: the data are numbers.

    References
    ----------
    Miller (1955); Harris (1975); Wolpert and Wolf (1995), Phys. Rev. E 52, 6841; Nemenman, Shafee and Bialek (2002),
    NIPS 14; Chao and Shen (2003), Environ. Ecol. Stat. 10, 429; Grassberger (2003), arXiv:physics/0307138; Hausser and
    Strimmer (2009), J. Mach. Learn. Res. 10, 1469; Chao, Wang and Jost (2013), Methods Ecol. Evol. 4, 1091.

    Examples
    --------
    >>> import xent
    >>> seen = xent.Counts([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])
    >>> xent.estimators.entropy(seen)
    Estimate(value=2.19712, standard_error=0.231498, low=1.74339, high=2.65084, method='chao-wang-jost', n=19)
    >>> round(xent.estimators.entropy(seen, method="nsb").value, 6)
    2.187774
    """
    options = _given(axis=axis, outcomes=outcomes, prior=prior, k=k, norm=norm, window=window)
    options.update(method=method, unit=unit, interval=interval, confidence=confidence, seed=seed)
    _require("data", data, (Counts, Samples))
    return _room(data, "entropy", options)(data.values, **options)


def kl_divergence(
    p: Counts | Samples,
    q: Counts | Samples,
    /,
    *,
    method: str | None = None,
    axis: int | None = None,
    unit: str = "nats",
    prior: str | float | None = None,
    k: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    r"""Divergence of the distribution behind the data `p` from the one behind the data `q`.

    Truth first, model second, each known by its own independent observations.

    Parameters
    ----------
    p, q : Counts or Samples, both of one kind
        Counts of the same outcomes, shape (..., K), whose batches broadcast; or samples of the same dimension.
    method : str, optional
        Of counts 'zhang-grabchak' (the default), 'plug-in' or 'dirichlet'; of samples 'nearest-neighbour'.
    axis : int, optional
        Of counts: the outcome axis, by default the last; samples have none.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    prior : {"jeffreys", "laplace", "perks", "minimax"} or float, optional
        For 'dirichlet', as in `entropy`; the same for both.
    k : int, optional
        Of samples: the number of the nearest neighbour in both, by default 3, as in `entropy`.
    interval : {"auto", "analytic", "bootstrap", "subsampling"} or None
        As in `entropy`; of counts the delta method to second order, or the posterior. Of samples "subsampling": they
        are dealt at random into 4 to 10 parts of at least 25 (k + 1), and the spread of the estimates of the parts
        gives the standard error of the whole; "auto" gives None where they are too few for that, and no interval from
        two dimensions on.
    confidence : float
        Of the interval.
    seed : int
        Of the bootstrap, and of how samples are dealt into parts; at least 0.

    Returns
    -------
    Estimate
        As `entropy`; `n` is a pair.

    Raises
    ------
    DistributionError, TypeError, ValueError
        As `entropy`; and data of two kinds.
    ShapeError
        Outcome axes of different length, or batches that do not broadcast.

    Edge cases
    ----------
    p seen, q not   'plug-in' is inf, and so is its standard error; the others are finite. By the bootstrap it is inf
                    too where any draw is: as soon as few were seen
    value below 0   'zhang-grabchak' corrects the bias and may fall below 0 where the divergence is small; it is not
                    cut, but the interval is: it starts at 0

    Accuracy
    --------
    Of counts 1e-13 of the largest term. 'zhang-grabchak' has the least bias and error of the three in simulation.

    Gradient
    --------
    None: the data are numbers.

    References
    ----------
    Zhang and Grabchak (2014), Neural Comput. 26, 2570; Wolpert and Wolf (1995), Phys. Rev. E 52, 6841; Wang, Kulkarni
    and Verdú (2009), IEEE Trans. Inf. Theory 55, 2392.

    Examples
    --------
    >>> import xent
    >>> p, q = xent.Counts([30, 50, 20]), xent.Counts([60, 25, 15])
    >>> xent.estimators.kl_divergence(p, q)
    Estimate(value=0.172061, standard_error=0.0889355, low=0, high=0.346371, method='zhang-grabchak', n=(100, 100))
    """
    options = _given(axis=axis, prior=prior, k=k)
    options.update(method=method, unit=unit, interval=interval, confidence=confidence, seed=seed)
    _require("p", p, (Counts, Samples))
    _require("q", q, (Counts, Samples))
    if p.kind != q.kind:
        raise DistributionError(
            f"`p` holds {p.kind} and `q` holds {q.kind}; both are `xent.Counts(...)`, or both `xent.Samples(...)`."
        )
    return _room(p, "kl_divergence", options)(p.values, q.values, **options)


def mutual_information(
    x: Counts | Samples | Labels,
    y: Samples | Labels | None = None,
    /,
    *,
    method: str | None = None,
    unit: str = "nats",
    prior: str | float | None = None,
    k: int | None = None,
    interval: str | None = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    r"""What one variable tells about the other, from a contingency table or from paired observations.

    Parameters
    ----------
    x : Counts, Samples or Labels
        `xent.Counts(table)`, shape (..., I, J), alone; or the observations of one variable.
    y : Samples or Labels
        The observations of the other, in the same order; one of the two at least is continuous.
    method : str, optional
        Of a table the methods of `entropy`, by default 'nsb'; of samples 'ksg1' (the default), 'ksg2' or 'gao';
        of labels and samples 'ross'.
    unit : {"nats", "bits", "bans"}
        Unit of the result.
    prior : {"jeffreys", "laplace", "perks", "minimax"} or float, optional
        For 'dirichlet': the concentration of each cell of the table.
    k : int, optional
        Of samples: the number of the nearest neighbour of a pair, by default 3; of labels and samples, of a sample
        among those of its own label.
    interval : {"auto", "analytic", "bootstrap", "subsampling"} or None
        Of a table as in `entropy`, but the jackknife for 'nsb' too, the delta method for 'shrinkage', and the
        posterior's second order for 'dirichlet'. Of samples "subsampling", as in `kl_divergence`, with k + 1 of each
        label in every part; no interval where x and y have more than three dimensions together, or x beside labels
        more than two.
    confidence : float
        Of the interval.
    seed : int
        Of the bootstrap, and of how samples are dealt into parts.

    Returns
    -------
    Estimate
        As `entropy`.

    Raises
    ------
    DistributionError, TypeError, ValueError
        As `entropy`; two labels, whose pairs are to be counted.
    ShapeError
        No table, or variables of different length.

    Edge cases
    ----------
    value below 0      estimates less their bias may fall below 0 where the variables are nearly independent: 'plug-in',
                       'shrinkage' and 'dirichlet' cannot. Nor is it cut above, at the log of the fewer of rows and
                       columns; but the interval starts at 0
    one row or column  0, and an interval of no width, but for 'grassberger'

    Accuracy
    --------
    Of a table 1e-13 of the entropies it is the difference of ('nsb' 1e-11); 'plug-in' is `xent.mutual_information`. In
    simulations of independent to strongly dependent tables of 4 to 64 cells and 1 to 30 observations a cell 'nsb' had
    the least error of all up to 10 observations a cell, and its 95 % interval held the truth 95 to 98 times of 100 on
    average, 70 in the worst case.

    Gradient
    --------
    None: the data are numbers.

    References
    ----------
    Hutter (2001), NIPS 14; Hausser and Strimmer (2009), J. Mach. Learn. Res. 10, 1469; Roulston (1999), Physica D 125,
    285; Kraskov, Stögbauer and Grassberger (2004), Phys. Rev. E 69, 066138; Ross (2014), PLoS ONE 9, e87357.

    Examples
    --------
    >>> import xent
    >>> xent.estimators.mutual_information(xent.Counts([[30, 10], [5, 25]]), method="miller-madow")
    Estimate(value=0.171572, standard_error=0.0647746, low=0.0446164, high=0.298528, method='miller-madow', n=70)
    """
    options = _given(prior=prior, k=k)
    options.update(method=method, unit=unit, interval=interval, confidence=confidence, seed=seed)
    if isinstance(x, Counts):
        if y is not None:
            raise DistributionError("A table of counts is one argument: `mutual_information(xent.Counts(table))`.")
        return _room(x, "mutual_information", options)(x.values, **options)
    _require("x", x, (Samples, Labels))
    if y is None:
        raise DistributionError("`y` is missing: it takes the observations of both variables, in the same order.")
    _require("y", y, (Samples, Labels))
    # `x` and `y` reach the other room as forms: it tells which of the two holds labels.
    return _room(x, "mutual_information", options)(x, y, **options)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _room(data: Form, measure: str, options: dict[str, Any]) -> Any:
    """What computes the measure of this kind of data; imported now, for it may need SciPy."""
    kind, other = ("counts", "samples") if isinstance(data, Counts) else ("samples", "counts")
    foreign = _FOR_SAMPLES if kind == "counts" else _FOR_COUNTS[measure]
    for name in options:
        if name in foreign:
            raise TypeError(f"`{name}` is for `xent.{other.capitalize()}`; of {kind} there is nothing it would change.")
    module = _COUNTS[measure] if kind == "counts" else "_samples"
    return getattr(importlib.import_module(f"xent.estimators.{module}"), measure)


def _require(name: str, data: Any, forms: tuple[type, ...]) -> None:
    if isinstance(data, forms):
        return
    if any(hasattr(data, density) for density in ("logpdf", "logpmf", "log_prob")):
        raise DistributionError(
            f"`{name}` is a distribution, {type(data).__name__}, of which nothing has to be estimated: "
            f"`xent.cross_entropy(xent.Samples(x), Q)` is the mean surprisal of samples under it."
        )
    what = f"`xent.{type(data).__name__}`" if isinstance(data, (Form, TopK)) else f"a {type(data).__name__}"
    raise DistributionError(
        f"`{name}` is {what}. Say what it holds: `xent.Counts(...)` for how often each outcome was seen, "
        f"`xent.Samples(...)` for observations of a continuous variable."
    )
