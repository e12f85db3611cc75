"""The measures of joint distributions over the last two axes, in nats, for arrays of any library.

Kinds as for rows ("probs", "logprobs", "logits", "counts"); the table as a whole is one distribution.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent.measures import _rows
from xent.measures._distributions import Row, row, scaled
from xent.measures._exact import exact_row
from xent.measures._namespace import detach, graft, smallest_normal
from xent.measures._primitives import (
    Pair,
    contrast,
    exact_sum,
    kl_terms,
    log_ratio,
    minus_log,
    times,
    total,
    two_product,
    two_sum,
)


def _flat(xp: Any, a: Any) -> Any:
    """The table as one row."""
    return xp.reshape(a, (*a.shape[:-2], a.shape[-2] * a.shape[-1]))


def joint_entropy(xp: Any, kind: str, a: Any) -> Any:
    """-sum p log p over the table."""
    return _rows.entropy(xp, kind, _flat(xp, a))


def _table(xp: Any, kind: str, a: Any) -> Row:
    """The probabilities of the table, and what their rounding lost."""
    cells = row(xp, kind, _flat(xp, a))
    p, low, absent = (xp.reshape(x, a.shape) for x in (cells.p, cells.low, cells.absent))
    return Row(p, low, absent, cells.surprisal)


@_rows.measured
def conditional_entropy(xp: Any, kind: str, a: Any, given: int) -> Any:
    """-sum p log(p/m), m the marginal of what is known: of the rows (`given` 0) or of the columns (1).

    m - p, the mass of the other outcomes, is summed exactly, so that a nearly certain outcome keeps its digits.
    """
    cells = _table(xp, kind, a)
    p, low, absent = (x if given == 0 else xp.matrix_transpose(x) for x in (cells.p, cells.low, cells.absent))
    high, lost = _marginal(xp, p, low)
    marginal = xp.expand_dims(graft(xp, high, xp.sum(p, axis=-1)), axis=-1)
    others = (marginal - p) + (xp.expand_dims(lost, axis=-1) - low)
    one = xp.ones_like(p)
    safe = xp.where(absent, one, p)
    close = (others < safe) & ~absent
    near = xp.log1p(xp.where(close, others, one) / xp.where(close, safe, one))
    far = -log_ratio(xp, p, xp.broadcast_to(marginal, p.shape))
    return total(xp, _flat(xp, times(xp, p, xp.where(close, near, far), absent)))


def _marginal(xp: Any, p: Any, low: Any) -> tuple[Any, Any]:
    """The sums along the last axis and what their rounding lost."""
    high, lost = exact_sum(xp, p)
    return two_sum(high, lost + xp.sum(low, axis=-1))


@_rows.measured
def mutual_information(xp: Any, kind: str, a: Any) -> Any:
    """Divergence of the table n/N from the product of its marginals r/N and c/N.

    n N - r c is exact to twice the working precision, so that nearly independent variables keep their digits, and
    independent integers give exactly 0.
    """
    flat, flat_low = _shares(xp, kind, _flat(xp, a))
    n, low = xp.reshape(flat, a.shape), xp.reshape(flat_low, a.shape)
    turned, turned_low = xp.matrix_transpose(n), xp.matrix_transpose(low)
    whole, r, c = (_sum(xp, *x) for x in ((flat, flat_low), (n, low), (turned, turned_low)))
    whole = _Sum(*(x[..., None, None] for x in whole))
    r, c = _Sum(*(x[..., :, None] for x in r)), _Sum(*(x[..., None, :] for x in c))
    p, q = n / whole.high, (r.high / whole.high) * (c.high / whole.high)
    s = contrast(xp, n * whole.high, r.high * c.high, _dependence(xp, n, low, whole, r, c))
    cell = Pair(p, q, s, _dependence_ratio(xp, p, q, r.high / whole.high, c.high / whole.high), xp.abs(s) < 0.5, n == 0)
    return total(xp, _flat(xp, kl_terms(xp, cell)))


class _Sum(NamedTuple):
    """A sum with its derivative, and what its rounding lost."""

    high: Any
    low: Any


def _sum(xp: Any, a: Any, low: Any) -> _Sum:
    high, lost = _marginal(xp, a, low)
    return _Sum(graft(xp, high, xp.sum(a, axis=-1)), lost)


def _shares(xp: Any, kind: str, a: Any) -> tuple[Any, Any]:
    """Numbers in proportion to the probabilities, and what their rounding lost."""
    if kind in ("counts", "probs"):
        return scaled(xp, a), xp.zeros_like(a)
    (p, low), _ = exact_row(xp, kind, a)
    return graft(xp, p, row(xp, kind, a).p), low


def _dependence(xp: Any, n: Any, low: Any, whole: _Sum, r: _Sum, c: _Sum) -> Any:
    """n N - r c, to twice the working precision, with the derivative of the plain expression."""
    m, high = detach(n), detach(whole.high)
    joint, joint_lost = two_product(xp, m, high)
    rows, columns = detach(r.high), detach(c.high)
    product, product_lost = two_product(xp, rows, columns)
    lost = (joint_lost + m * whole.low + low * high) - (product_lost + rows * c.low + columns * r.low)
    return graft(xp, (joint - product) + lost, n * whole.high - r.high * c.high)


def _dependence_ratio(xp: Any, p: Any, q: Any, rows: Any, columns: Any) -> Any:
    """log(p/q), also where the product q of the marginals underflowed."""
    small = q < 4.0 * smallest_normal(q)
    one = xp.ones_like(q)
    rows, columns = xp.broadcast_arrays(rows, columns)
    parts = log_ratio(xp, p, rows) + minus_log(xp, xp.where(small, columns, one), p == 0)
    return xp.where(small, parts, log_ratio(xp, xp.where(small, one, p), xp.where(small, one, q)))
