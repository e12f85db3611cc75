"""Adaptive Gauss-Kronrod quadrature of one-dimensional densities, all lanes of a batch at once.

The range is cut at the ends of the supports and at landmarks of the densities, then panels are halved until the
difference of the two rules, which is far above the error of the better one, is small enough. What lies beyond the
last float is added from the way the integrand falls, with its own bound; what rounding does is measured by moving the
log densities.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.distributions._adaptive import adapt, totals
from xent.distributions._integrands import Integrand
from xent.distributions._landmarks import landmarks
from xent.distributions._moving import moves, moving_sum
from xent.distributions._nodes import PLACES
from xent.distributions._panels import Panels, first_panels, tables
from xent.distributions._problem import Integral, Problem, conclude, missing, nothing, pose, with_derivatives
from xent.distributions._refusals import check_convergence, check_mass, check_underflow
from xent.distributions._view import View


def integrate(
    integrand: Integrand,
    p: View,
    q: View | None,
    *,
    bounds: tuple[float, float] | None = None,
    rtol: float | None = None,
) -> Integral:
    """The measure of one-dimensional densities, with a bound of its error, for each member of the broadcast batch.

    `bounds` is where the mass lies, `rtol` the relative error to reach (1e-13 unless told; where rounding or the shape
    of the densities does not allow it, the bound says what was reached). Infinity where p has mass that q rules out.
    DistributionError where p does not integrate to 1, NotConverged where the integral is not finite.
    """
    problem = pose(integrand, p, q, bounds)
    if not problem.lanes:
        return nothing(problem)
    panels, measured = adapt(problem, first_panels(problem, *landmarks(problem)), rtol)
    found = totals(problem, panels, measured)
    if np.any(missing(problem, found) > 1e-9):  # a bump was not seen
        panels, measured = adapt(problem, first_panels(problem, *landmarks(problem, thorough=True)), rtol)
        found = totals(problem, panels, measured)
    check_underflow(problem, panels, measured)
    check_mass(problem, found)
    check_convergence(problem, panels, measured, found.infinite)
    carrier = None if np.any(found.infinite) else _carrier(problem, panels)
    n = PLACES * int(np.max(np.bincount(panels.lane, minlength=1)))
    return conclude(problem, found, carrier, n)


def _carrier(problem: Problem, panels: Panels) -> Any:
    """The integral again at the final places, whose weights are constants, by the library that differentiates."""
    if all(view.library != "torch" for view in problem.views):
        return None
    place, weight, other, share = tables(problem, panels)
    between = (other, share) if np.any(share != 0) else None
    if any(moves(view) for view in problem.views):
        return moving_sum(problem, place, weight, between)
    return with_derivatives(problem, place, weight, between)
