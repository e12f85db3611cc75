"""Distributions of any make: whatever has `logpdf`, `logpmf` or `log_prob` is one, and is asked for the rest."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xent._errors import DistributionError
from xent.distributions._sampling import drawing_of
from xent.distributions._view import View
from xent.measures._namespace import dtype_name, is_array, is_floating, library, namespace

Array = Any

_DENSITIES = ("logpdf", "logpmf", "log_prob")
_QUANTILES = ("ppf", "icdf", "quantile")
_ENDS = (("lower", "upper"), ("lower_bound", "upper_bound"), ("low", "high"))


@dataclass(frozen=True, slots=True)
class _Caller:
    """A log density, and how it wants its places."""

    function: Callable[[Any], Any]
    tensors: bool
    device: Any

    def __call__(self, places: Any) -> Any:
        if self.tensors:
            return self.function(sys.modules["torch"].as_tensor(places, device=self.device))
        return self.function(places)


def recognise(name: str, value: Any) -> View | None:
    """The view of an object with `logpdf`, `logpmf` or `log_prob`; None for anything else.

    `support` (a function, a pair, or an object with `lower` and `upper`), `ppf`, `icdf` or `quantile`, and `rvs` or
    `sample` are used where they are there. Integers are the outcomes of `logpmf`, and of what says `is_discrete`.
    """
    density = _density_of(value)
    if density is None:
        return None
    discrete = density[0] == "logpmf" or _is_discrete(value)
    support = _support_of(value)
    event = _shape(value, "event_shape")
    low, high = support if support is not None and not event else (None, None)
    probe = _probe(low, high, event, discrete)
    caller, found = _called(name, value, density[1], probe)
    batch = _shape(value, "batch_shape") if hasattr(value, "batch_shape") else tuple(int(k) for k in np.shape(found))
    kind = "torch" if library(found) == "torch" else "numpy"
    log_density = _vectorised(name, caller, probe, batch, event)
    draw, reparametrised = drawing_of(name, value, kind, batch, event)
    return View(
        name=name,
        origin=value,
        library=kind,
        dtype=dtype_name(found.dtype) if is_array(found) and is_floating(found) else "float64",
        device=found.device if kind == "torch" else None,
        batch=batch,
        event=event,
        discrete=discrete,
        low=_end(low, batch),
        high=_end(high, batch),
        log_density=log_density if low is None else _within(log_density, low, high, probe),
        quantile=_quantile_of(value, caller, batch),
        draw=draw,
        reparametrised=reparametrised,
        family=None,
    )


# -- what the object says ----------------------------------------------------------------------------------------------


def _density_of(value: Any) -> tuple[str, Callable[[Any], Any]] | None:
    if isinstance(value, type) or is_array(value):
        return None
    for name in _DENSITIES:
        function = getattr(value, name, None)
        if callable(function):
            return name, function
    return None


def _is_discrete(value: Any) -> bool:
    for source in (value, getattr(value, "support", None)):
        said = getattr(source, "is_discrete", None)
        if isinstance(said, bool):
            return said
    dtype = getattr(value, "dtype", None)  # of outcomes, in TensorFlow Probability
    return dtype is not None and dtype_name(dtype).startswith(("int", "uint"))


def _support_of(value: Any) -> tuple[Any, Any] | None:
    """The ends of the support, None where it is not told."""
    support = getattr(value, "support", None)
    if callable(support):
        with contextlib.suppress(TypeError):  # a constraint, which is called with a value
            support = support()
    if isinstance(support, tuple | list) and len(support) == 2:
        return _number(support[0]), _number(support[1])
    for lower, upper in _ENDS:
        if hasattr(support, lower) or hasattr(support, upper):
            return _number(getattr(support, lower, -math.inf)), _number(getattr(support, upper, math.inf))
    return None


def _number(end: Any) -> Any:
    if library(end) == "torch":
        end = end.detach().cpu()
    return np.asarray(end, dtype=np.float64)


def _shape(value: Any, name: str) -> tuple[int, ...]:
    shape: Any = getattr(value, name, ())
    shape = shape() if callable(shape) else shape
    return tuple(int(k) for k in shape)


def _end(end: Any, batch: tuple[int, ...]) -> Any:
    return None if end is None else np.broadcast_to(end, batch)


def _probe(low: Any, high: Any, event: tuple[int, ...], discrete: bool) -> Any:
    """A place in the support, of the shape of its ends, or of an outcome."""
    if low is None:
        return np.zeros(event) if event else np.float64(0.0 if discrete else 0.5)
    start = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - 1.0, 0.0))
    end = np.where(np.isfinite(high), high, start + 1.0)
    return (np.ceil(start) if discrete else 0.5 * (start + end))[()]


# -- its log density ---------------------------------------------------------------------------------------------------


def _called(name: str, value: Any, function: Callable[[Any], Any], probe: Any) -> tuple[_Caller, Any]:
    """How the function is called, and what it says of one place: of arrays or, where torch is loaded, of tensors."""
    torch = sys.modules.get("torch")
    held = [a for a in getattr(value, "__dict__", {}).values() if torch is not None and isinstance(a, torch.Tensor)]
    arrays, tensors = _Caller(function, False, None), _Caller(function, True, held[0].device if held else None)
    order = (tensors, arrays) if held else (arrays, tensors) if torch is not None else (arrays,)
    reasons: list[str] = []
    for caller in order:
        try:
            with np.errstate(all="ignore"):
                found = caller(probe)
        except Exception as error:
            reasons.append(f"{type(error).__name__}: {error}")
            continue
        return caller, found if is_array(found) else np.float64(found)
    raise DistributionError(f"`{name}` has a log density that fails at {probe}: {reasons[0]}") from None


def _vectorised(
    name: str, caller: _Caller, probe: Any, batch: tuple[int, ...], event: tuple[int, ...]
) -> Callable[[Any], Array]:
    """The log density of many places: by one call where the function takes arrays, else place by place."""
    shape = (3, *batch)
    places = np.broadcast_to(probe, (*shape, *event)).copy()

    def at_once(places: Any) -> Array:
        found = caller(places)
        return found if is_array(found) else np.asarray(found, dtype=np.float64)

    try:
        with np.errstate(all="ignore"):
            together = tuple(at_once(places).shape) == shape
    except Exception:  # whatever a function for single numbers says of an array
        together = False
    if together:
        return lambda places: _plain(at_once(_contiguous(places)))
    if batch or event:
        raise DistributionError(
            f"`{name}` has log densities of one outcome for a batch of shape {batch}, but not of arrays of outcomes: "
            f"let its log density take an array of shape {(*shape, *event)} and return one of shape {shape}."
        )
    return lambda places: _one_by_one(caller, places)


def _contiguous(places: Any) -> Any:
    """Draws that carry gradients are tensors, and stay so."""
    return places if library(places) == "torch" else np.ascontiguousarray(places)


def _plain(found: Array) -> Array:
    """NumPy float64 or a torch tensor; arrays of JAX and others as NumPy."""
    return found if library(found) == "torch" else np.asarray(found, dtype=np.float64)


def _one_by_one(caller: _Caller, places: Any) -> Array:
    drawn = library(places) == "torch"
    found = [_single(caller, place if drawn else float(place)) for place in places.reshape(-1)]
    if any(library(a) == "torch" for a in found):
        torch = sys.modules["torch"]
        return torch.stack([torch.as_tensor(a) for a in found]).reshape(tuple(places.shape))
    return np.array([float(a) for a in found], dtype=np.float64).reshape(np.shape(places))


def _single(caller: _Caller, place: Any) -> Any:
    """One log density; -inf where Python's own functions have no value, which is outside the support or far out."""
    try:
        return caller(place)
    except (ValueError, OverflowError, ZeroDivisionError):
        return -math.inf


def _within(log_density: Callable[[Any], Array], low: Any, high: Any, probe: Any) -> Callable[[Any], Array]:
    """The log density, -inf outside the support, where the function is not asked."""

    def of(places: Any) -> Array:
        drawn = library(places) == "torch"
        at = places.detach().cpu().double().numpy() if drawn else places
        outside = ~((at >= low) & (at <= high))
        if drawn:  # with its gradients, which places inside have
            mask, inside = (places.new_tensor(a) for a in (outside, np.broadcast_to(probe, outside.shape)))
            found = log_density(namespace(places).where(mask.bool(), inside, places))
        else:
            found = log_density(np.where(outside, probe, places))
        if not np.any(outside):
            return found
        xp = namespace(found)
        mask = xp.asarray(outside) if library(found) == "numpy" else xp.asarray(outside, device=found.device)
        return xp.where(mask, xp.full_like(found, -math.inf), found)

    return of


def _quantile_of(value: Any, caller: _Caller, batch: tuple[int, ...]) -> Callable[[Any], Any] | None:
    """The quantile function, where there is one that works on arrays."""
    for name in _QUANTILES:
        function = getattr(value, name, None)
        if not callable(function):
            continue
        ask = _Caller(function, caller.tensors, caller.device)

        def quantile(levels: Any, ask: _Caller = ask) -> Any:
            found = ask(np.ascontiguousarray(levels))
            return np.asarray(found.detach().cpu() if library(found) == "torch" else found, dtype=np.float64)

        levels = np.broadcast_to(np.array([0.25, 0.5, 0.75]).reshape(3, *(1,) * len(batch)), (3, *batch))
        try:
            found = quantile(levels)
        except Exception:  # not there after all: the density is looked at instead
            continue
        if found.shape == levels.shape and np.all(np.isfinite(found)) and np.all(np.diff(found, axis=0) >= 0):
            return quantile
    return None
