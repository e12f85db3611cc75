"""Probabilities in an array, or in any form, as a distribution over the integers 0, 1, ... K-1."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent._errors import DistributionError, ShapeError
from xent.distributions._libraries import to_numpy
from xent.distributions._view import Family, View
from xent.measures import _namespace as ns
from xent.measures import entropy, surprisal
from xent.measures._operands import DISTRIBUTIONS, take


def view(name: str, value: Any) -> View:
    """The rows of an array as a batch of distributions; refused for the reasons that the measures of arrays have."""
    operand = take(name, value, DISTRIBUTIONS)
    if ns.library(operand.array) not in ("numpy", "torch"):
        found = ns.library(operand.array)
        raise TypeError(f"`{name}` is a {found} array; beside a distribution it has to be NumPy's or torch's.")
    try:
        entropy(value)  # looks at every row
    except (DistributionError, ShapeError) as error:
        raise type(error)(f"{error} If it holds observations, pass `xent.Samples({name})`.") from None
    log_probs = 0.0 - surprisal(value)
    torch = ns.library(log_probs) == "torch"
    batch, k = tuple(log_probs.shape[:-1]), log_probs.shape[-1]
    return View(
        name=name,
        origin=value,
        library="torch" if torch else "numpy",
        dtype=ns.dtype_name(log_probs.dtype) if torch else "float64",
        device=log_probs.device if torch else None,
        batch=batch,
        event=(),
        discrete=True,
        low=np.zeros(batch),
        high=np.full(batch, k - 1.0),
        log_density=lambda x: looked_up(log_probs, x),
        quantile=lambda u: _quantile(to_numpy(log_probs), u),
        draw=lambda n, rng: _quantile(to_numpy(log_probs), rng.random((n, *batch))),
        reparametrised=False,
        family=Family("categorical", {"log_probs": log_probs, "loc": np.zeros(())}),
    )


def looked_up(log_probs: Any, x: Any) -> Any:
    """The log-probabilities (..., K) at integer places; -inf elsewhere."""
    xp = ns.namespace(log_probs)
    k = log_probs.shape[-1]
    x = np.asarray(x, dtype=np.float64)
    shape = np.broadcast_shapes(x.shape, tuple(log_probs.shape[:-1]))
    inside = np.broadcast_to((x >= 0) & (x < k) & (x == np.floor(x)), shape)
    index = np.where(inside, np.broadcast_to(x, shape), 0).astype(np.int64)
    device = ns.helper_device(log_probs)
    rows = xp.broadcast_to(log_probs, (*shape, k))
    found = xp.take_along_axis(rows, xp.asarray(index, device=device)[..., None], axis=-1)[..., 0]
    return xp.where(xp.asarray(inside.copy(), device=device), found, xp.full_like(found, -xp.inf))


def _quantile(log_probs: Any, u: Any) -> Any:
    """The first outcome whose cumulated probability reaches u."""
    with np.errstate(under="ignore"):
        cumulated = np.cumsum(np.exp(log_probs), axis=-1)
    last = log_probs.shape[-1] - 1
    return np.minimum((np.asarray(u)[..., None] > cumulated).sum(axis=-1), last).astype(np.float64)
