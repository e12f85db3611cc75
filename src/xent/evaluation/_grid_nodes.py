"""What tempering does to rows, at fixed inverse temperatures, added up without rounding what is added.

At b a row loses f(b) = log sum_k e^(b d_k), d_k = log q_k - sum_j y_j log q_j, and less its loss l as given that is
δ(b) = f(b) - l. Eight numbers a row and node are rounded to whole multiples of 2**-30 and added as integers, so that
order, batches and threads change nothing:

    m δ/s, m f', m f'', m f''', m² δ²/s², m² δ f'/s, m² δ/s, m² f'       s = max(1, b)

where m in [1/2, 1) is the weight without its power of two, and d is measured in a power of two that keeps it below 128.
"""

from __future__ import annotations

import numpy as np

from xent import _native_evaluation
from xent.evaluation._exact import Floats, Ints

FAMILIES, DOUBLINGS, LOWEST = 4, 13, -6
"""Nodes at b = 2**(LOWEST + i + r / FAMILIES), i below DOUBLINGS: e**(2 b d) is the square of e**(b d)."""

BASES = tuple(float(2.0 ** (r / FAMILIES)) * 2.0**LOWEST for r in range(FAMILIES))
NODES = np.array([-BASES[0], 0.0] + [BASES[r] * 2.0**i for i in range(DOUBLINGS) for r in range(FAMILIES)])
"""Ascending. One below 0: forecasts that say nothing have their best b on either side of 0."""

ONE = 2 - LOWEST * FAMILIES
"""The place of b = 1."""

QUANTITIES = 8
REACH = 128.0
"""|d| is below this in its unit."""

BITS = 30
_LIMB = 32
_BLOCK = 4096
"""Rows whose integers, below 2**51 each, are added before they are carried."""


def node_sums(surprisal: Floats, target: Floats, unit: Floats, mantissa: Floats | None, row: Ints) -> Ints:
    """Return the sums (nodes, 8, 2) over some rows as low and high limbs of 32 bits.

    `surprisal` is (N, K); `target` (N,) is the loss as given, of a normalized label; `unit` (N,) is the power of two in
    which d = target - surprisal is below 128; `mantissa` (N,) is m, None for 1. `row` says which rows.
    """
    sums = np.zeros((len(NODES), QUANTITIES, 2), dtype=np.int64)
    if _native_evaluation.tempers():
        _native_evaluation.temperature_sums(surprisal, target, 1.0 / unit, mantissa, row, np.array(BASES), sums)
        return sums
    step = max(2, min(_BLOCK, 2**16 // surprisal.shape[1]))
    with np.errstate(all="ignore"):
        for i in range(0, len(row), step):
            part = row[i : i + step]
            d = target[part, None] - surprisal[part]
            carry(sums, _Block(d, target[part], unit[part], None if mantissa is None else mantissa[part]).sums())
    return sums


def carry(sums: Ints, more: Ints) -> None:
    """Add whole numbers (nodes, 8) to limbs."""
    sums[..., 0] += more & (2**_LIMB - 1)
    sums[..., 1] += more >> _LIMB
    settle(sums)


def settle(sums: Ints) -> None:
    """Bring the low limbs below 2**32."""
    sums[..., 1] += sums[..., 0] >> _LIMB
    sums[..., 0] &= 2**_LIMB - 1


class _Block:
    """Rows side by side: operations along the classes see one class at a time, so neighbours change nothing."""

    def __init__(self, d: Floats, target: Floats, unit: Floats, mantissa: Floats | None) -> None:
        if len(d) == 1:
            # NumPy adds up a single column in another order than several: a second one that counts for nothing.
            d, target, unit = np.repeat(d, 2, axis=0), np.repeat(target, 2), np.repeat(unit, 2)
            mantissa = np.array([1.0 if mantissa is None else mantissa[0], 0.0])
        u = np.ascontiguousarray(d.T) / unit
        self.out = np.isinf(u)
        self.u = np.where(self.out, 0.0, u)
        self.top = u.max(axis=0)
        self.bottom = np.where(self.out, np.inf, u).min(axis=0)
        self.unit = unit
        self.target = target / unit
        self.mantissa = mantissa

    def sums(self) -> Ints:
        """The whole numbers of the block, (nodes, 8)."""
        sums = np.zeros((len(NODES), QUANTITIES), dtype=np.int64)
        # From the class with the largest term, exponents are <= 0 and the moments of confident rows do not cancel.
        v = self.u - self.bottom
        sums[0] = self._node(-BASES[0], self._exponentials(-BASES[0], v), self.bottom, v)
        v = self.u - self.top
        sums[1] = self._node(0.0, self._exponentials(0.0, v), self.top, v)
        for r, base in enumerate(BASES):
            e = self._exponentials(base, v)
            for i in range(DOUBLINGS):
                if i:
                    e *= e
                sums[2 + i * FAMILIES + r] = self._node(base * 2.0**i, e, self.top, v)
        return sums

    def _exponentials(self, b: float, v: Floats) -> Floats:
        return np.where(self.out, 0.0, np.exp(b * (self.unit * v)))

    def _node(self, b: float, e: Floats, origin: Floats, v: Floats) -> Ints:
        mass = e.sum(axis=0)
        t = e * v
        m1 = t.sum(axis=0) / mass
        t *= v
        m2 = t.sum(axis=0) / mass
        t *= v
        m3 = t.sum(axis=0) / mass
        s = max(1.0, b)
        delta = (b * origin + (np.log(mass) / self.unit - self.target)) / s
        slope = origin + m1
        bent = np.maximum(m2 - m1 * m1, 0.0)
        third = m3 - m1 * (3.0 * m2 - 2.0 * m1 * m1)
        one = np.ones(len(mass)) if self.mantissa is None else self.mantissa
        two = one * one
        values = (
            *(one * x for x in (delta, slope, bent, third)),
            *(two * x for x in (delta * delta, delta * slope, delta, slope)),
        )
        return np.array([np.rint(x * 2.0**BITS).astype(np.int64).sum() for x in values])
