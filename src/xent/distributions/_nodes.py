"""The Gauss-Kronrod rule of 21 places, also for places that rounding has moved."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# The non-negative nodes on [-1, 1] and their weights; every second node is one of the 10-point Gauss rule. The rule is
# the only one of 21 places around those 10 that is exact to degree 31 (QUADPACK, qk21), which a test checks.
_HALF_NODES = (
    0.0,
    0.14887433898163122,
    0.2943928627014602,
    0.4333953941292472,
    0.5627571346686047,
    0.6794095682990244,
    0.7808177265864169,
    0.8650633666889845,
    0.9301574913557082,
    0.9739065285171717,
    0.9956571630258081,
)
_HALF_KRONROD = (
    0.1494455540029169,
    0.14773910490133849,
    0.14277593857706009,
    0.13470921731147334,
    0.12349197626206584,
    0.10938715880229764,
    0.09312545458369761,
    0.07503967481091996,
    0.054755896574351995,
    0.032558162307964725,
    0.011694638867371874,
)
_HALF_GAUSS = (0.29552422471475287, 0.26926671930999635, 0.21908636251598204, 0.1494513491505806, 0.06667134430868814)

PLACES = 21
_GAUSS = slice(1, PLACES, 2)


def _mirrored(half: tuple[float, ...], sign: float) -> Array:
    return np.array([sign * x for x in reversed(half[1:])] + list(half))


def _gauss() -> Array:
    weights = np.zeros(PLACES)
    weights[_GAUSS] = [*reversed(_HALF_GAUSS), *_HALF_GAUSS]
    return 0.5 * weights


# On [0, 1].
NODES: Array = 0.5 * (1.0 + _mirrored(_HALF_NODES, -1.0))
KRONROD: Array = 0.5 * _mirrored(_HALF_KRONROD, 1.0)
GAUSS: Array = _gauss()

_NOTICED = 1e-14  # a shift that changes no weight beyond rounding


def weights_at(shift: Array) -> tuple[Array, Array]:
    """Kronrod and Gauss weights, shape (n, 21) each, where every node was moved by `shift`, a part of the panel.

    The places are floats (or integers): near a large number they are not where the rule wants them. These weights
    integrate the polynomial through the places where they really are.
    """
    kronrod = np.broadcast_to(KRONROD, shift.shape)
    gauss = np.broadcast_to(GAUSS, shift.shape)
    moved = np.flatnonzero(np.max(np.abs(shift), axis=1) > _NOTICED)
    if moved.size:
        kronrod, gauss = kronrod.copy(), gauss.copy()
        nodes = NODES + shift[moved]
        kronrod[moved] = _interpolatory(nodes)
        gauss[moved, _GAUSS] = _interpolatory(nodes[:, _GAUSS])
    return kronrod, gauss


def _interpolatory(nodes: Array) -> Array:
    """Weights on [0, 1] for `nodes`, shape (n, places): only the first Legendre polynomial has an integral."""
    places = nodes.shape[1]
    legendre = np.polynomial.legendre.legvander(2.0 * nodes - 1.0, places - 1)
    moments = np.zeros((nodes.shape[0], places, 1))
    moments[:, 0] = 1.0
    return np.linalg.solve(np.swapaxes(legendre, 1, 2), moments)[..., 0]
