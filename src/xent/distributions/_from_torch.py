"""Distributions of `torch.distributions` as views. torch is not imported: the objects have brought it along."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from xent._errors import DistributionError
from xent.distributions._torch_density import drawing, masked
from xent.distributions._torch_families import family_of
from xent.distributions._torch_support import ends, is_discrete, moving_ends
from xent.distributions._view import View
from xent.measures._namespace import dtype_name

Array = Any
_BISECTIONS = 60


def recognise(name: str, value: object) -> View | None:
    """The view of a torch distribution, or None where `value` is none; `name` is what messages call it."""
    torch: Any = sys.modules.get("torch")
    found: Any = value
    if torch is None or not isinstance(found, torch.distributions.Distribution):
        return None
    _check(name, torch, found)
    parameters = [a for a in _tensors(torch, found, set()) if a.is_floating_point()]
    dtype = torch.get_default_dtype()
    for a in parameters:
        dtype = a.dtype if a is parameters[0] else torch.promote_types(dtype, a.dtype)
    device = parameters[0].device if parameters else torch.device("cpu")
    event = tuple(found.event_shape)
    low, high = (None, None) if event else ends(torch, found)
    return View(
        name=name,
        origin=found,
        library="torch",
        dtype=dtype_name(dtype),
        device=device,
        batch=tuple(found.batch_shape),
        event=event,
        discrete=is_discrete(found),
        low=low,
        high=high,
        log_density=_log_density(torch, found, dtype, device),
        quantile=_quantile(torch, found, dtype, device),
        draw=drawing(torch, found, device),
        reparametrised=bool(found.has_rsample),
        family=family_of(torch, found),
        ends=None if event else moving_ends(torch, found),
    )


def _check(name: str, torch: Any, d: Any) -> None:
    """Refuse infinite parameters, and those outside their domain where torch was told not to look at them."""
    for part in vars(d).values():
        if isinstance(part, torch.distributions.Distribution):
            _check(name, torch, part)
    for key, constraint in getattr(d, "arg_constraints", {}).items():
        given = vars(d).get(key)
        if not torch.is_tensor(given) or not given.is_floating_point():
            continue
        if key != "logits" and not bool(torch.isfinite(given).all()):
            _refuse(name, d, key, given[~torch.isfinite(given)], "be finite")
        if d._validate_args or constraint.event_dim:
            continue
        good = constraint.check(given)
        if not bool(good.all()):
            _refuse(name, d, key, given[~good], f"satisfy {constraint}")


def _refuse(name: str, d: Any, key: str, wrong: Any, must: str) -> NoReturn:
    value = wrong.flatten()[0].item()
    raise DistributionError(
        f"`{name}` is torch.distributions.{type(d).__name__} with {key} = {value!r}; it must {must}."
    )


def _tensors(torch: Any, thing: Any, seen: set[int]) -> Any:
    """The tensors that a distribution is made of, those of its parts and transforms included."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if torch.is_tensor(thing):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for part in thing:
            yield from _tensors(torch, part, seen)
    elif isinstance(thing, (torch.distributions.Distribution, torch.distributions.Transform)):
        for part in list(vars(thing).values()):
            yield from _tensors(torch, part, seen)


def _log_density(torch: Any, d: Any, dtype: Any, device: Any) -> Callable[[Array], Array]:
    """Log densities of places: NumPy's, or tensors with their gradients."""
    density = masked(torch, d, device)
    batch, event = tuple(d.batch_shape), tuple(d.event_shape)
    # float32 has no integers beyond 2^24: places of numbers stay float64, which torch promotes its parameters to
    exact = torch.float64 if not event and device.type != "mps" else dtype
    kept = torch.promote_types(dtype, torch.float32)  # rounded to fewer digits no integral of it settles

    def log_density(x: Array) -> Array:
        held = x if torch.is_tensor(x) else torch.as_tensor(np.array(x, dtype=np.float64))
        places = held.to(device=device).to(exact)
        lead = tuple(places.shape[: places.ndim - len(event)])
        return density(places.expand((*np.broadcast_shapes(lead, batch), *event))).to(kept)

    return log_density


def _quantile(torch: Any, d: Any, dtype: Any, device: Any) -> Callable[[Array], Array] | None:
    """From probabilities to places, where torch has an inverse distribution function, or mixes what has one."""
    if d.event_shape:
        return None
    mixed = type(d) is torch.distributions.MixtureSameFamily
    real = torch.distributions.constraints.real
    if mixed and vars(type(d.component_distribution)).get("support") is not real:
        return None  # torch refuses places that are outside the support of one component
    inverse = _mixed_quantile(torch, d) if mixed else d.icdf

    def quantile(u: Array) -> Array:
        with torch.no_grad():
            found = inverse(torch.as_tensor(np.array(u, dtype=np.float64), device=device).to(dtype))
        return found.cpu().double().numpy()  # NumPy has no bfloat16

    try:
        quantile(np.full(tuple(d.batch_shape), 0.5))
    except NotImplementedError:
        return None
    return quantile


def _mixed_quantile(torch: Any, d: Any) -> Callable[[Array], Array]:
    """The quantile of a mixture, by bisection between those of its components."""
    parts, weights = d.component_distribution, d.mixture_distribution.probs

    def inverse(u: Array) -> Array:
        each = parts.icdf(u[..., None].expand(*u.shape, weights.shape[-1]))
        low, high = each.min(-1).values, each.max(-1).values
        for _ in range(_BISECTIONS):
            middle = 0.5 * low + 0.5 * high
            below = (parts.cdf(middle[..., None]) * weights).sum(-1) < u
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return high

    return inverse
