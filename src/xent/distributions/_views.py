"""From what a caller gave to a view: who knows this object?"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from xent import _check
from xent._errors import DistributionError, ShapeError
from xent._forms import Form
from xent.distributions import _from_torch, _generic, _scipy, _tabled
from xent.distributions._libraries import together
from xent.distributions._product import Product
from xent.distributions._view import Family, View
from xent.measures import _namespace as ns

_RECOGNISERS = (_scipy.recognise, _from_torch.recognise, _generic.recognise)


def view(name: str, value: Any) -> View:
    """The distribution `value`, of any library; probabilities of the outcomes 0, 1, ... K-1 count as one."""
    if isinstance(value, View):
        return value
    if isinstance(value, Product):
        return _product(name, value)
    if isinstance(value, (Form, list, tuple)) or ns.is_array(value):
        return _tabled.view(name, value)
    if not isinstance(value, type):
        for recognise in _RECOGNISERS:
            found = recognise(name, value)
            if found is not None:
                return found
    _refuse(name, value)


def _refuse(name: str, value: Any) -> NoReturn:
    if isinstance(value, type) or type(value).__name__.endswith(("_gen", "_generic")):
        shown = value.__name__ if isinstance(value, type) else type(value).__name__
        raise TypeError(f"`{name}` is {shown}, a family without its parameters: call it with them first.")
    raise TypeError(
        f"`{name}` is of type {type(value).__name__}; pass a distribution, which has `logpdf`, `logpmf` or `log_prob`, "
        "or an array, a list of numbers, or a form such as `xent.Logits(...)`."
    )


def check_pair(p: View, q: View) -> tuple[int, ...]:
    """The shape of the batch of the two; refuses outcomes of different kinds."""
    if p.event != q.event:
        raise ShapeError(
            f"Outcomes of `p` have shape {p.event}, those of `q` {q.event}: they must be the same. Objects of your own "
            "say theirs by `event_shape`; `torch.distributions.Independent` makes outcomes of the last axes of a batch."
        )
    if p.discrete != q.discrete:
        kinds = ["a distribution of integers" if v.discrete else "a density" for v in (p, q)]
        raise DistributionError(
            f"`p` is {kinds[0]} and `q` is {kinds[1]}: probabilities and densities cannot be compared."
        )
    return _check.broadcast(["p", "q"], [p.batch, q.batch], "Batch shapes")


def _product(name: str, value: Product) -> View:
    """Independent numbers as a point."""
    parts = [view(f"{name} part {i}", part) for i, part in enumerate(value.parts)]
    for part in parts:
        if part.event:
            raise ShapeError(f"`{part.name}` has outcomes of shape {part.event}; a product is made of numbers.")
    kinds = {part.discrete for part in parts}
    batch = np.broadcast_shapes(*(part.batch for part in parts))
    torches = [part for part in parts if part.library == "torch"]
    families = [part.family for part in parts]
    known = tuple(f for f in families if f is not None)

    def log_density(x: Any) -> Any:
        terms = together(*(part.log_density(x[..., i]) for i, part in enumerate(parts)))
        return sum(terms[1:], terms[0])

    def draw(n: int, rng: np.random.Generator) -> Any:
        columns = together(*(part.draw(n, rng) for part in parts if part.draw is not None))
        xp = ns.namespace(columns[0])
        return xp.stack([xp.broadcast_to(c, (n, *batch)) for c in columns], axis=-1)

    return View(
        name=name,
        origin=value,
        library="torch" if torches else "numpy",
        dtype="float64" if any(t.dtype == "float64" for t in torches) or not torches else "float32",
        device=torches[0].device if torches else None,
        batch=batch,
        event=(len(parts),),
        discrete=kinds == {True},
        low=None,
        high=None,
        log_density=log_density,
        quantile=None,
        draw=draw if all(part.draw is not None for part in parts) else None,
        reparametrised=all(part.reparametrised for part in parts),
        family=Family("product", {"parts": known, "axes": 0}) if len(known) == len(families) else None,
    )
