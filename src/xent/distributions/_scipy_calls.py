"""SciPy's functions, called without warnings and in float64."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


def quietly(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function in float64, without the warnings of NumPy, and of SciPy's compiled quantiles."""

    def run(x: Array) -> Array:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(function(np.asarray(x, dtype=np.float64)), dtype=np.float64)

    return run


def quantiles(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Places of probabilities; NaN where SciPy's search for them gives up."""
    run = quietly(function)

    def places(u: Array) -> Array:
        try:
            return run(u)
        except (ArithmeticError, RuntimeError, ValueError):
            return np.full(np.shape(u), np.nan)

    return places


def within(function: Callable[[Array], Array], low: Array, high: Array) -> Callable[[Array], Array]:
    """A log density, -inf outside the support whatever SciPy answers there; NaN at NaN."""
    run = quietly(function)

    def log_density(x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        inside = (x >= low) & (x <= high) & np.isfinite(x)
        return np.where(inside, run(x), np.where(np.isnan(x), np.nan, -np.inf))

    return log_density
