"""The empirical cross-entropy: the mean surprisal of samples under a distribution, and its standard error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xent._errors import DistributionError, ShapeError
from xent._forms import Samples
from xent._objects import Details
from xent._units import per_nat
from xent.distributions._draws import CHUNK, host, spread
from xent.distributions._moments import merged, moments
from xent.distributions._view import View
from xent.measures._namespace import detach, differentiates, graft, is_refused, library, namespace, working_dtype

Array = Any


def cross_entropy_of_samples(samples: Samples, q: View, unit: str = "nats") -> Details:
    r"""Mean surprisal of samples under q: an unbiased estimate of H(p, q), whatever p they were drawn from.

        -mean(log q(x_i))     with standard error sd / sqrt(n)

    Parameters
    ----------
    samples : Samples
        Of shape (n,) for numbers and (n, *event) for points, NumPy, torch, or lists.
    q : View
        The model, or a batch of them: one value for each.
    unit : {"nats", "bits", "bans"}
        Unit of the value and of its error.

    Returns
    -------
    Details
        Of method "Monte Carlo", n samples. torch where `q` is torch's, else NumPy.

    Raises
    ------
    DistributionError
        Samples that are NaN or infinite, none at all, or no integers where `q` is of integers.
    ShapeError
        Samples that are no outcomes of `q`.
    TypeError
        No numbers.

    Edge cases
    ----------
    a sample where q has density 0   inf, with a standard error of NaN
    n = 1                            a standard error of NaN

    Accuracy
    --------
    That of q's log densities; the mean adds a few ulp.

    Gradient
    --------
    Of torch: by the parameters of q and, where they are torch tensors, by the samples. A SciPy model has none.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, 2nd ed., section 11.2 (the log-likelihood of a sample).
    """
    value, error, n = _mean_surprisal(samples, q)
    scale = per_nat(unit)
    return Details(value * scale, "Monte Carlo", None, error * scale, n)


def perplexity_of_samples(samples: Samples, q: View) -> Details:
    r"""Perplexity of samples under q: exp of their mean surprisal, and its error by the slope of exp.

    Arguments, errors and edge cases are those of `cross_entropy_of_samples`; the exponential of an unbiased estimate is
    biased upwards, by half the squared standard error over the value.
    """
    mean, error, n = _mean_surprisal(samples, q)
    with np.errstate(over="ignore"):
        value = namespace(mean).exp(mean)
        return Details(value, "Monte Carlo", None, detach(value) * error, n)


def _mean_surprisal(samples: Samples, q: View) -> tuple[Array, Array, int]:
    """The mean, its standard error, both in the library of q, and the number of samples."""
    places = _checked(samples.values, q)
    n = int(places.shape[0])
    state, carrier, like = None, None, places
    step = n if _keeps_graph(places, q) else max(1, CHUNK // (math.prod((*q.batch, *q.event)) or 1))
    for start in range(0, n, step):
        logs = _log_density(q, places[start : start + step])
        like = logs
        columns = host(-logs).reshape(logs.shape[0], 1, -1).transpose(2, 1, 0)
        _check_logs(columns)
        part = moments(np.ascontiguousarray(columns))
        state = part if state is None else merged(state, part)
        carrier = -namespace(logs).mean(logs, axis=0)  # of use where there is one step only
    assert state is not None
    wild, count = state.wild[:, 0], n - 1
    value = np.where(wild, np.inf, state.mean[:, 0]).reshape(q.batch)
    deviation = np.sqrt(state.co[:, 0, 0] / count / n) if count else np.full(len(wild), np.nan)
    error = np.where(wild, np.nan, deviation).reshape(q.batch)
    if library(like) == "numpy":
        return value[()], error[()], n
    xp = namespace(like)
    value, error = (xp.asarray(a, dtype=like.dtype, device=like.device) for a in (value, error))
    dtype = getattr(xp, q.dtype)
    return xp.astype(graft(xp, value, carrier), dtype), xp.astype(error, dtype), n


def _keeps_graph(places: Array, q: View) -> bool:
    """Whether a derivative may be asked: then all samples are taken at once."""
    return q.library == "torch" and (differentiates(places) or differentiates(_log_density(q, places[:1])))


def _log_density(q: View, places: Array) -> Array:
    event, batch = q.event, q.batch
    n = places.shape[0]
    xp = namespace(places)
    shaped = xp.reshape(places, (n, *(1,) * len(batch), *event))
    logs = q.log_density(spread(shaped, batch, event))
    xp = namespace(logs)
    return xp.astype(logs, working_dtype(xp, logs))


def _checked(values: Any, q: View) -> Array:
    """The samples as places: NumPy float64, or the torch tensor itself where its own gradient is wanted."""
    array = _array(values)
    _check_shape(tuple(array.shape), q)
    numbers = host(array)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = np.argwhere(bad)[0]
        raise DistributionError(
            f"`p` has {int(bad.sum()):,} of {bad.size:,} samples NaN or infinite, as {numbers[tuple(row)]} at "
            f"sample {row[0]}. Leave them out: they were not drawn."
        )
    if q.discrete and (numbers != np.floor(numbers)).any():
        row = np.argwhere(numbers != np.floor(numbers))[0]
        raise DistributionError(
            f"`p` has {numbers[tuple(row)]:.6g} at sample {row[0]}, and `{q.name}` is a distribution of integers: it "
            "is no outcome of it."
        )
    return array if q.library == "torch" and differentiates(array) else numbers


def _array(values: Any) -> Array:
    why = is_refused(values)
    if why:
        raise TypeError(f"`p` is {why}; samples are plain arrays of numbers.")
    array = values if library(values) else np.asarray(values)
    kind = getattr(array.dtype, "kind", "c" if "complex" in str(array.dtype) else "f")
    if kind not in "biuf":
        raise TypeError(f"`p` holds samples of dtype {array.dtype}; they are real numbers.")
    return array


def _check_shape(shape: tuple[int, ...], q: View) -> None:
    what = "numbers" if not q.event else f"outcomes of shape {q.event}"
    asked = f"(n, {', '.join(map(str, q.event))})" if q.event else "(n,)"
    if len(shape) != 1 + len(q.event) or shape[1:] != q.event:
        raise ShapeError(f"`p` has samples of shape {shape}; `{q.name}` is of {what}: their shape is {asked}.")
    if shape[0] == 0:
        raise DistributionError("`p` has no samples: there is nothing to average.")


def _check_logs(surprisals: Any) -> None:
    """A density of 0 is an answer (inf); NaN is a trouble of the model."""
    if np.isnan(surprisals).any():
        raise DistributionError(
            f"`q` has a log density of NaN at {int(np.isnan(surprisals).sum()):,} of {surprisals.size:,} samples: "
            "look at its parameters."
        )
    if (surprisals == -np.inf).any():
        raise DistributionError(
            f"`q` has an infinite density at {int((surprisals == -np.inf).sum()):,} of {surprisals.size:,} samples, at "
            "an end of its support: their mean surprisal says nothing."
        )
