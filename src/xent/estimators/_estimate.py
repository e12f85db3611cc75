"""What every estimator answers: a value, how far it may be off, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Estimate:
    """An estimate from data, with what is known of its error.

    Attributes
    ----------
    value : float or numpy.ndarray
        The estimate, in the unit asked for; one for each data set of a batch.
    standard_error : float, numpy.ndarray or None
        The standard deviation of the estimate over data sets like this one; of a Bayesian method that of the posterior.
        None where no interval was asked for, or none is known.
    low, high : float, numpy.ndarray or None
        The ends of the confidence (of a Bayesian method: credible) interval.
    method : str
        The estimator, as `method=` takes it.
    n : int, float or numpy.ndarray
        How many observations there were; a pair for two samples.
    """

    value: Any
    standard_error: Any
    low: Any
    high: Any
    method: str
    n: Any

    def __float__(self) -> float:
        """The value, of one data set."""
        if np.ndim(self.value):
            raise TypeError(
                f"This estimate is a batch of shape {np.shape(self.value)}, no single number; see `.value`."
            )
        return float(self.value)

    def __repr__(self) -> str:
        """All fields, numbers to six digits."""
        fields = ("value", "standard_error", "low", "high", "method", "n")
        return f"Estimate({', '.join(f'{name}={_shown(getattr(self, name))}' for name in fields)})"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=6, threshold=8, edgeitems=3, separator=", ")
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, cast('tuple[Any, ...]', value)))})"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.6g}"
    return repr(value)


Estimate.__module__ = "xent.estimators"
