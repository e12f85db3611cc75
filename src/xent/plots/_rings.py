"""Level sets of KL(p‖q) over q, solved ray by ray: exact points of each level instead of the crossings of a grid.

KL(p‖q) is convex in q and least at q = p, so along a ray from p to the edge of the simplex it only grows and meets each
level once.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from xent.measures import kl_divergence

Array = NDArray[np.float64]

_ROOT3_2 = math.sqrt(3) / 2


def first_two(q: Array) -> tuple[Array, Array]:
    """x = q1, y = q2."""
    return q[..., 0], q[..., 1]


def triangle(q: Array) -> tuple[Array, Array]:
    """The equilateral triangle with outcome 1 at (0, 0), 2 at (1, 0) and 3 at the top."""
    return q[..., 1] + q[..., 2] / 2, _ROOT3_2 * q[..., 2]


def edge_points(p: Array, count: int) -> Array:
    """About `count` points of the simplex' edge, evenly around p as seen in the triangle, the corners among them.

    Edges on which p itself lies are left out: they are no farther than p. What is left is one way round, closed when p
    is inside.
    """
    corners = np.eye(3)
    sides = [i for i in (2, 0, 1) if p[i] > 0]
    if len(sides) == 2:
        # Start behind the side that is missing, so that the two others join.
        gap = ({0, 1, 2} - set(sides)).pop()
        sides = [(gap + 1) % 3, (gap + 2) % 3]
    pieces = [_side(p, corners[(i + 1) % 3], corners[(i + 2) % 3], count) for i in sides]
    last = pieces[0][:1] if len(sides) == 3 else corners[[(sides[-1] + 2) % 3]]
    return np.concatenate([*pieces, last])


def _side(p: Array, start: Array, end: Array, count: int) -> Array:
    """Points from `start` up to, not including, `end`: at equal angles around p, and close to the corners."""
    at, a, b = (complex(*(float(v) for v in triangle(corner))) for corner in (p, start, end))
    if abs(a - at) == 0 or abs(b - at) == 0:
        return start[None]
    angle = float(np.angle((b - at) / (a - at)))
    steps = max(2, math.ceil(count * abs(angle) / (2 * math.pi)))
    way = (a - at) * np.exp(1j * np.linspace(0, angle, steps, endpoint=False))
    # Where the ray at + s way meets the side a + t (b - a); nowhere when p is within rounding of the side.
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.imag(np.conj(a - at) * way) / np.imag(np.conj(way) * (b - a))
    t = t[np.isfinite(t)]
    corners = 1 / (1 + np.exp(-np.linspace(-9, 9, count // 3)))
    t = np.unique(np.clip(np.concatenate([t, corners]), 0, 1))[:, None]
    return (1 - t) * start + t * end


def along(p: Array, edge: Array, levels: Array) -> Array:
    """How far from p to each edge point KL(p‖q) reaches each level, as log-odds of the share of the way.

    Shape (levels, points). Log-odds keep every digit both close to p and close to the edge.
    """
    shape = (len(levels), len(edge))
    low, high = np.full(shape, -40.0), np.full(shape, 700.0)
    for _ in range(52):
        middle = (low + high) / 2
        inside = kl_divergence(p, between(p, edge, middle), check=False) < levels[:, None]
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return (low + high) / 2


def between(p: Array, edge: Array, odds: Array) -> Array:
    """The point a share sigmoid(odds) of the way from p to each edge point; both shares in full precision."""
    far = (1 / (1 + np.exp(-odds)))[..., None]
    near = (1 / (1 + np.exp(np.minimum(odds, 709.0))))[..., None]
    return near * p + far * edge


def rings(p: Array, edge: Array, levels: Array) -> list[Array]:
    """For each level the points q, one on each ray, where KL(p‖q) reaches it."""
    return list(between(p, edge, along(p, edge, levels)))


def descent(p: Array, start: Array, rate: float, steps: int) -> Array:
    """Gradient descent on the three logits of q; the gradient of H(p, softmax(z)) in z is softmax(z) - p."""
    z = np.log(start)
    path = [start]
    for _ in range(steps):
        z = z - rate * (path[-1] - p)
        e = np.exp(z - z.max())
        path.append(e / e.sum())
    return np.array(path)
