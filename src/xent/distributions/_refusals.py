"""What an integral or a sum is refused for: densities that are no numbers, lost mass, and no convergence."""

from __future__ import annotations

import numpy as np

from xent._errors import DistributionError, NotConverged
from xent.distributions._adaptive import Measured
from xent.distributions._panels import Panels
from xent.distributions._problem import Array, Problem, Totals, member
from xent.distributions._view import View

_MASS = 1e-6  # how far from 1 a density may integrate
# A log density that goes down to the first before it is -inf is that of a number that underflows; the log of none of
# them is below the second: one that goes down so far overflowed itself.
_UNDERFLOWS, _OVERFLOWS = -50.0, -746.0


def check_mass(problem: Problem, found: Totals) -> None:
    """That p, and q where its mass counts, integrates (or adds up) to 1 in every lane that is not infinite."""
    if not problem.integrand.normalised:
        return
    _check_mass(problem, problem.p, found.mass, found)
    if problem.q is not None and problem.checks_q:
        _check_mass(problem, problem.q, found.mass_q, found)


def _check_mass(problem: Problem, view: View, mass: Array, found: Totals) -> None:
    good = np.abs(mass - 1.0) <= _MASS + found.mass_error + 1e3 * problem.eps
    off = np.flatnonzero(~good & ~found.infinite)
    if off.size:
        lane = int(off[0])
        does = "adds up" if view.discrete else "integrates"
        raise DistributionError(
            f"`{view.name}`{member(problem, lane)} {does} to {mass[lane]:.6g} from {problem.start[lane]:.6g} to "
            f"{problem.end[lane]:.6g}, not to 1. If its mass lies where it was not found, give `bounds=(low, high)` "
            "around it; what is not normalised has to be."
        )


def check_underflow(problem: Problem, panels: Panels, measured: Measured) -> None:
    """That no lane is infinite because a density underflowed to 0 before its log was taken, or its log overflowed."""
    floor = np.zeros(problem.lanes)
    np.minimum.at(floor, panels.lane, measured.floor)
    outside = np.zeros(problem.lanes, dtype=bool)
    outside[panels.lane[measured.infinite & ~measured.within]] = True
    bad = np.flatnonzero(measured.within & ~outside[panels.lane] & (floor[panels.lane] < _UNDERFLOWS))
    if bad.size and problem.q is not None:
        panel = int(bad[0])
        lane = int(panels.lane[panel])
        place = panels.origin[panel] + panels.side[panel] * panels.far[panel]
        found = (
            f"`{problem.q.name}`{member(problem, lane)} has a log density of -inf near {place:.6g}, within its "
            f"support, where `{problem.p.name}` has mass: it"
        )
        if floor[lane] < _OVERFLOWS:
            raise NotConverged(
                f"{found} is beyond the floats. The measure is infinite or out of reach; `bounds=(low, high)` gives "
                "the part within them."
            )
        raise DistributionError(
            f"{found} is the log of a number that underflows. Give a distribution whose log density is computed as "
            "such."
        )


def check_convergence(problem: Problem, panels: Panels, measured: Measured, infinite: Array) -> None:
    """That nothing is known to grow without end, but in lanes that are infinite anyway."""
    bad = np.flatnonzero(measured.diverges & ~infinite[panels.lane])
    if not bad.size:
        return
    panel = int(bad[0])
    lane = int(panels.lane[panel])
    so_far = np.sum(measured.value[panels.lane == lane])
    to = panels.near[panel] if panels.open[panel] < 0 else panels.far[panel]
    what = "sum" if problem.p.discrete else "integral"
    names = " and ".join(f"`{view.name}`" for view in problem.views)
    raise NotConverged(
        f"The {what} over {names}{member(problem, lane)} does not converge: at a distance of {to:.3g} from "
        f"{panels.origin[panel]:.6g} it has come to {so_far:.6g} and its terms do not fall. The measure is infinite or "
        "out of reach."
    )
