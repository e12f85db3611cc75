"""Places of an integral that move with the ends of supports, where a parameter moves those.

The derivative of an integral whose range moves is that of the sum over places that keep their share of the way from
one end to the next one, or their distance from the only end (Leibniz' rule). Nothing moves but derivatives: places and
weights keep their values.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions._problem import Problem, weighted_sum
from xent.distributions._view import View
from xent.measures._namespace import detach, differentiates, namespace

Array = Any

_EPS = float(np.finfo(np.float64).eps)
_MOST_LOST = 1e-8  # of a derivative, by contributions of opposite sign


def moves(view: View) -> bool:
    """Whether a parameter that derivatives are asked of moves an end of the support."""
    return view.ends is not None and any(differentiates(end) for end in view.ends)


def moving_sum(problem: Problem, places: Any, weights: Any, between: tuple[Any, Any] | None) -> Array:
    """The weighted sum of the integrand, (lanes,), with the derivatives by the ends of supports."""
    torch = sys.modules["torch"]
    device = next(view.device for view in problem.views if view.library == "torch")
    change, known = _ends(torch, problem, device)
    why = _unknown(problem)
    if why is not None:
        plain = weighted_sum(problem, places, torch.tensor(weights, dtype=torch.float64, device=device), between)
        return plain + _refusal(change, why)
    left, right = (_neighbour(problem, known, places, side) for side in (-1.0, 1.0))
    of_left, of_right, low, width = _segments(torch, change, known, left, right)

    def tensor(a: Any) -> Array:
        return torch.tensor(a, dtype=torch.float64, device=device)

    def moved(x: Any) -> Array:
        """Whole with the only end, else by the share of the way between both."""
        share = np.where(right < 0, 0.0, np.where(left < 0, 1.0, (x - low) / width))
        share = tensor(share)
        return (tensor(x) + (1.0 - share) * of_left + share * of_right).requires_grad_(True)

    stretch = (of_right - of_left) / tensor(np.where((left < 0) | (right < 0), np.inf, width))
    place = moved(places)
    lines = None if between is None else (moved(between[0]), between[1])
    value = weighted_sum(problem, place, tensor(weights) * (1.0 + stretch), lines)
    if _lost(torch, place, value):
        why = "the density is not bounded there: rounding leaves no digit of this gradient"
        return value + _refusal(change, _said(problem, why))
    strips = _strips(torch, problem, change, places, weights)
    return value if strips is None else value + strips


def _unknown(problem: Problem) -> str | None:
    """Why the derivatives by the ends cannot be had, or None."""
    for view in problem.views:
        if view.library != "torch":
            return _said(
                problem, f"the derivative of `{view.name}` by the place, which this gradient needs, is not known"
            )
        if any(bool(end.isnan().any()) for end in view.ends or ()):
            return _said(problem, f"`{view.name}` is a mixture, whose parts end inside its support")
    return None


def _said(problem: Problem, why: str) -> str:
    name = next(view.name for view in problem.views if moves(view))
    return (
        f"A parameter moves an end of the support of `{name}`, and {why}. Take the gradient by other parameters "
        "(detach this one), from a closed form or by finite differences."
    )


def _refusal(change: Array, message: str) -> Array:
    """0, whose derivative by the ends is refused: values and other derivatives are there."""

    def refuse(_: Array) -> None:
        raise DistributionError(message)

    total = change.sum(axis=0)
    if not total.requires_grad:  # forward mode
        raise DistributionError(message)
    total.register_hook(refuse)
    return total


def _ends(torch: Any, problem: Problem, device: Any) -> tuple[Array, Any]:
    """What is 0 with the derivative of each end, and where the end is: rows of low and high of p, of q, and the range.

    Only `bounds` make the range another than the ends; they do not move.
    """
    rows: list[Array] = []
    for view in problem.views:
        for end in view.ends or (None, None):
            if end is None or not differentiates(end):
                rows.append(torch.zeros(problem.lanes, dtype=torch.float64, device=device))
                continue
            end = end.to(torch.float64).expand(problem.batch).reshape(-1)
            end = torch.where(torch.isfinite(end), end, 0.0)
            rows.append(end - detach(end))
    rows += [torch.zeros_like(rows[0])] * 2
    known = [a[i] for i in range(len(problem.views)) for a in (problem.low, problem.high)]
    return torch.stack(rows), np.stack([*known, problem.start, problem.end])


def _neighbour(problem: Problem, known: Any, places: Any, side: float) -> Any:
    """The row of the next end on one side of each place, (n, lanes); -1 where there is none."""
    found = np.full(places.shape, -1)
    best = np.full(places.shape, np.inf)
    lows, highs = range(0, len(known) - 2, 2), range(1, len(known) - 2, 2)
    # of ends that are one number the nearer one is p's, so that p rules nothing in that q rules out
    order = (*lows, *highs) if side < 0 else (*highs, *lows)
    inside = (known >= problem.start) & (known <= problem.end) & np.isfinite(known)
    for row in (*order, len(known) - 2, len(known) - 1):
        distance = side * (known[row] - places)
        take = inside[row] & (distance >= 0) & (distance < best)
        best, found = np.where(take, distance, best), np.where(take, row, found)
    return found


def _segments(torch: Any, change: Array, known: Any, left: Any, right: Any) -> tuple[Array, Array, Any, Any]:
    """The changes of the two ends of each place's segment, where its left one is, and its width; NaN without one."""
    padded = torch.cat([change, torch.zeros_like(change[:1])])  # the last row is that of -1
    lanes = np.broadcast_to(np.arange(known.shape[1]), left.shape)
    where = np.concatenate([known, np.full((1, known.shape[1]), np.nan)])
    low, high = where[left, lanes], where[right, lanes]
    at = torch.as_tensor(lanes.copy(), device=change.device)
    change_of = [padded[torch.as_tensor(row % len(padded), device=change.device), at] for row in (left, right)]
    return change_of[0], change_of[1], low, high - low


def _lost(torch: Any, moved: Array, value: Array) -> bool:
    """Whether a density is so steep at a moving end that the parts of its derivative cancel to nothing."""
    if not value.requires_grad:
        return False
    (slope,) = torch.autograd.grad(value.sum(), moved, retain_graph=True, allow_unused=True)
    if slope is None:
        return False
    size = np.abs(slope.detach().cpu().numpy()).sum(axis=0)
    place = moved.detach().cpu().numpy()
    scale = np.median(np.abs(place - np.median(place, axis=0)), axis=0)
    lost = _EPS * size * scale / (1.0 + np.abs(value.detach().cpu().numpy()))
    return not np.all(lost <= _MOST_LOST)


def _strips(torch: Any, problem: Problem, change: Array, places: Any, weights: Any) -> Array | None:
    """What lies between an end of p and the same end of q, where they are one number but may move apart.

    q is there and p is not: its value is 0, its derivative is not.
    """
    if not problem.checks_q or problem.q is None:
        return None
    total = None
    for row, outermost, ends in ((0, np.min, problem.low), (1, np.max, problem.high)):
        tied = (ends[0] == ends[1]) & np.isfinite(ends[0])
        width = change[row] - change[row + 2] if row == 0 else change[row + 2] - change[row]
        if not tied.any() or not differentiates(width):
            continue
        unused = np.inf if row == 0 else -np.inf
        nearest = outermost(np.where(weights != 0, places, unused), axis=0)
        with torch.no_grad():
            lq = problem.q.log_density(nearest.reshape(1, *problem.batch)).to(torch.float64).reshape(-1)
            xp = namespace(lq)
            f = problem.integrand.term(xp, torch.full_like(lq, -torch.inf), lq)
            f = torch.where(torch.as_tensor(tied, device=f.device) & torch.isfinite(f), f, 0.0)
        total = f * width if total is None else total + f * width
    return total
