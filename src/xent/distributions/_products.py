"""Measures that add over independent coordinates, each coordinate by its own best method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent._errors import ShapeError
from xent._objects import Details, How
from xent.distributions._libraries import to_numpy, together
from xent.distributions._product import Product
from xent.distributions._view import View
from xent.distributions._views import view

ADDITIVE = ("entropy", "cross_entropy", "kl_divergence", "renyi_divergence")
_ORDER = ("closed form", "quadrature", "Monte Carlo")

OfViews = Callable[[str, tuple[View, ...], How, dict[str, Any]], Details]


def answer(
    measure: str, products: tuple[Product, ...], how: How, parameters: dict[str, Any], of_views: OfViews
) -> Details:
    """The sum over the coordinates; bounds add, standard errors of independent draws add squared."""
    sizes = [len(product.parts) for product in products]
    if len(set(sizes)) > 1:
        raise ShapeError(f"`p` is a product of {sizes[0]} distributions, `q` of {sizes[1]}: they must be as many.")
    found: list[Details] = []
    for i, parts in enumerate(zip(*(product.parts for product in products), strict=True)):
        views = tuple(view(f"{name} part {i}", part) for name, part in zip(("p", "q"), parts, strict=False))
        seed = None if how.seed is None and i == 0 else (how.seed or 0) + i
        found.append(of_views(measure, views, how._replace(seed=seed), parameters))
    return _sum(found)


def _sum(found: list[Details]) -> Details:
    values = together(*(d.value for d in found))
    method = max((d.method for d in found), key=_ORDER.index)
    bounds = sum(np.asarray(0.0 if d.error_bound is None else d.error_bound) for d in found)
    variance = sum(to_numpy(0.0 if d.standard_error is None else d.standard_error) ** 2 for d in found)
    drawn = any(d.standard_error is not None for d in found)
    total = sum(values[1:], values[0])
    n = sum(d.n for d in found)
    if drawn:
        return Details(total, method, None, np.sqrt(variance)[()], n)
    return Details(total, method, np.asarray(bounds)[()], None, n)


__all__ = ["ADDITIVE", "answer"]
