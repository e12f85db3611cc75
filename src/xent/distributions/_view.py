"""What every distribution looks like from inside: one view, whatever library it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True, slots=True)
class Family:
    """A distribution whose formulas are known: the name of its family and its parameters.

    The parameters are arrays of one library (NumPy float64, or torch tensors of their own dtype, with their gradients)
    that broadcast against the batch; those of an outcome of several dimensions have their axes last. The parameters of
    each family are listed in its file in `families/`.
    """

    name: str
    parameters: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class View:
    """A distribution, or a batch of them.

    Attributes
    ----------
    name : str
        "p" or "q": what messages call it.
    origin : object
        What was given.
    library : {"numpy", "torch"}
        The library of its densities and of results.
    dtype : str
        The floating dtype of results: "float64", or that of torch parameters.
    device : object
        The torch device, None for NumPy.
    batch : tuple of int
        Shape of the batch: one value of a measure for each.
    event : tuple of int
        Shape of one outcome: () for numbers, (d,) for points, (d, d) for matrices.
    discrete : bool
        Whether outcomes are integers (of which `log_density` is the log of the probability), not real numbers.
    low, high : numpy.ndarray or None
        Ends of the support, float64 of shape `batch`, possibly infinite; None for outcomes of several dimensions, and
        where nobody knows. The density outside is 0.
    log_density : callable
        From places (NumPy float64, leading axes before `batch`, then `event`) to log densities of `library`, without
        the event's axes; -inf outside the support, and never an error. Of torch: with the gradients of its
        parameters, and of places that are a tensor.
    quantile : callable or None
        From probabilities (NumPy, leading axes before `batch`) to places, NumPy float64; None where nobody knows.
    draw : callable or None
        From (n, numpy.random.Generator) to n outcomes, shape (n, *batch, *event), of `library`; of torch with the
        gradients of its parameters where `reparametrised`. None where nobody can.
    reparametrised : bool
        Whether `draw` carries gradients.
    family : Family or None
        Where formulas are known.
    ends : tuple of two or None
        `low` and `high` as torch tensors with the gradients of its parameters, where these move them; NaN of a mixture,
        whose parts they move too.
    """

    name: str
    origin: Any
    library: str
    dtype: str
    device: Any
    batch: tuple[int, ...]
    event: tuple[int, ...]
    discrete: bool
    low: np.ndarray[Any, Any] | None
    high: np.ndarray[Any, Any] | None
    log_density: Callable[[Any], Array]
    quantile: Callable[[Any], Any] | None
    draw: Callable[[int, np.random.Generator], Array] | None
    reparametrised: bool
    family: Family | None
    ends: tuple[Array, Array] | None = None


def rounding(dtype: str) -> float:
    """The spacing of numbers of a dtype at 1; NumPy does not know bfloat16."""
    return 2.0**-7 if dtype == "bfloat16" else float(np.finfo(dtype).eps)
