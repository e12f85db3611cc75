"""The estimators as they are called: what the data are says which room answers."""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

from xent._errors import DistributionError
from xent._forms import Counts, Form, Labels, Samples
from xent.estimators._estimate import Estimate


def entropy(data: Any, /, *, method: str | None = None, **options: Any) -> Estimate:
    """Entropy of the distribution that `data` were drawn from."""
    if isinstance(data, Counts):
        return _room("_counts").entropy(data.values, method=method, **options)
    if isinstance(data, Samples):
        return _room("_samples").entropy(data.values, method=method, **options)
    _refuse("data", data)


def kl_divergence(p: Any, q: Any, /, *, method: str | None = None, **options: Any) -> Estimate:
    """Divergence of the distribution behind the data `p` from the one behind the data `q`."""
    for name, data in (("p", p), ("q", q)):
        if not isinstance(data, (Counts, Samples)):
            _refuse(name, data)
    if isinstance(p, Counts) and isinstance(q, Counts):
        return _room("_divergence").kl_divergence(p.values, q.values, method=method, **options)
    if isinstance(p, Samples) and isinstance(q, Samples):
        return _room("_samples").kl_divergence(p.values, q.values, method=method, **options)
    raise DistributionError(
        f"`p` holds {p.kind} and `q` holds {q.kind}; both are `xent.Counts(...)`, or both `xent.Samples(...)`."
    )


def mutual_information(x: Any, y: Any = None, /, *, method: str | None = None, **options: Any) -> Estimate:
    """Mutual information of the two variables of a contingency table, or of paired observations."""
    if isinstance(x, Counts):
        if y is not None:
            raise DistributionError("A table of counts is one argument: `mutual_information(xent.Counts(table))`.")
        return _room("_tables").mutual_information(x.values, method=method, **options)
    for name, data in (("x", x), ("y", y)):
        if not isinstance(data, (Samples, Labels)):
            _refuse(name, data)
    # `x` and `y` reach the other room as forms: it tells which of the two holds labels.
    return _room("_samples").mutual_information(x, y, method=method, **options)


def _room(name: str) -> Any:
    return importlib.import_module(f"xent.estimators.{name}")


def _refuse(name: str, data: Any) -> NoReturn:
    what = f"`xent.{type(data).__name__}`" if isinstance(data, Form) else f"a {type(data).__name__}"
    raise DistributionError(
        f"`{name}` is {what}. Say what it holds: `xent.Counts({name})` for how often each outcome was seen, "
        f"`xent.Samples({name})` for observations of a continuous variable."
    )
