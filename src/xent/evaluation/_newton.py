"""Newton's method for convex functions of one or two parameters whose sums are exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 200
_HALVINGS = 60

_INVISIBLE = 1e-9
"""A predicted fall this small against the value is near rounding: there the step is to be trusted, not the value."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Value, gradient (k,) and Hessian (k, k) at one place."""

    value: float
    gradient: Floats
    hessian: Floats


def minimize(
    function: Callable[[Floats], Slope], start: Floats, tolerance: float, here: Slope | None = None
) -> Floats | None:
    """Return the minimum of a convex `function`, or None where none is found; `here` is `function(start)` if known.

    Steps are halved while the value rises. The last step is shorter than `tolerance` relative to the parameters; as
    convergence is quadratic, what is left is of the order of its square.
    """
    theta, here = start, here or function(start)
    for _ in range(_STEPS):
        step = _step(here)
        if step is None:
            return None
        if np.all(np.abs(step) <= tolerance * (1.0 + np.abs(theta))):
            return theta - step
        if float(step @ here.gradient) <= _INVISIBLE * abs(here.value):
            theta, here = theta - step, function(theta - step)
            continue
        moved = _descend(function, theta, step, here.value)
        if moved is None:
            return None
        theta, here = moved
    return None


def _descend(
    function: Callable[[Floats], Slope], theta: Floats, step: Floats, value: float
) -> tuple[Floats, Slope] | None:
    """Go the longest of step, step/2, step/4, ... that does not raise the value; None if none does."""
    for _ in range(_HALVINGS):
        there = function(theta - step)
        if there.value <= value:
            return theta - step, there
        step = step / 2.0
    return None


def _step(here: Slope) -> Floats | None:
    """Return hessian⁻¹ · gradient; None if the numbers allow none."""
    if not (np.isfinite(here.gradient).all() and np.isfinite(here.hessian).all()):
        return None
    scale = float(np.max(np.abs(here.hessian)))
    if scale == 0.0:
        return None
    # Where the curvature has died out in floating point, this much of it keeps the step finite and downhill.
    ridge = scale * 1e-15 * np.eye(len(here.gradient))
    step: Floats = np.linalg.solve(here.hessian + ridge, here.gradient).astype(np.float64)
    return step if np.isfinite(step).all() and float(step @ here.gradient) >= 0.0 else None
