"""Log densities and draws of torch distributions: everywhere, and from a NumPy generator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from xent.distributions._torch_support import inside

Array = Any


def masked(torch: Any, d: Any, device: Any) -> Callable[[Array], Array]:
    """The log density at tensors of shape (..., *batch, *event), -inf outside the support.

    torch refuses places outside the support, and its formulas have slopes there that would poison a gradient: it is
    asked about another place, inside, in their stead.
    """
    if type(d) is torch.distributions.MixtureSameFamily:
        return _mixed(torch, d, device)
    log_prob = _unclamped(torch, d)
    event = len(d.event_shape)
    anchors: list[Any] = []

    def anchor() -> Any:
        if not anchors:
            with torch.no_grad():
                anchors.append(drawing(torch, d, device)(1, np.random.default_rng(0))[0].detach())
        return anchors[0]

    def density(places: Array) -> Array:
        shape = places.shape[: places.ndim - event]
        with torch.no_grad():
            good = inside(torch, d, places).expand(shape)
            unknown = torch.isnan(places).flatten(len(shape)).any(-1) if event else torch.isnan(places)
        if bool(good.all()):
            return log_prob(places).expand(shape)
        mask = good.reshape((*shape, *(1,) * event))
        found = log_prob(torch.where(mask, places, anchor().to(places.dtype))).expand(shape)
        return torch.where(good, found, torch.where(unknown, torch.nan, -torch.inf).to(found.dtype))

    return density


def _mixed(torch: Any, d: Any, device: Any) -> Callable[[Array], Array]:
    """The log density of a mixture, where torch refuses places that are outside the support of one component."""
    component = masked(torch, d.component_distribution, device)
    event = len(d.event_shape)

    def density(places: Array) -> Array:
        each = places.unsqueeze(places.ndim - event)
        count = d.component_distribution.batch_shape[-1]
        each = each.expand((*places.shape[: places.ndim - event], count, *d.event_shape))
        log_weights = torch.log_softmax(d.mixture_distribution.logits, dim=-1)
        parts = component(each) + log_weights
        nowhere = (parts == -torch.inf).all(-1)  # where logsumexp has no slope
        found = torch.logsumexp(torch.where(nowhere[..., None], 0.0, parts), dim=-1)
        return torch.where(nowhere, -torch.inf, found)

    return density


def _unclamped(torch: Any, d: Any) -> Callable[[Array], Array]:
    """`log_prob`; of few outcomes, given by probabilities, that of the probabilities as they are.

    torch moves them away from 0 and 1 by the rounding of their dtype, so that what is impossible has a density.
    """
    kind = type(d)
    told = next((key for key in vars(d) if key in ("probs", "logits")), "")
    if kind is torch.distributions.Bernoulli and told == "probs":
        return lambda x: _log(torch, torch.where(x > 0.5, d.probs, 1.0 - d.probs))
    if kind is torch.distributions.Categorical and told == "probs":
        return lambda x: _log(torch, _chosen(torch, d.probs, x))
    return d.log_prob


def _chosen(torch: Any, probs: Array, x: Array) -> Array:
    shape = torch.broadcast_shapes(x.shape, probs.shape[:-1])
    index = x.expand(shape).long()[..., None]
    return probs.expand(*shape, probs.shape[-1]).gather(-1, index)[..., 0]


def _log(torch: Any, p: Array) -> Array:
    possible = p > 0
    return torch.where(possible, torch.where(possible, p, 1.0).log(), -torch.inf)


def drawing(torch: Any, d: Any, device: Any) -> Callable[[int, np.random.Generator], Array]:
    """Draws that the NumPy generator determines; torch's own generators are as they were afterwards."""

    def draw(n: int, generator: np.random.Generator) -> Array:
        seed = int(generator.integers(2**63))
        elsewhere = [] if device.type == "cpu" else [device.index or 0]
        kind = "cuda" if device.type == "cpu" else device.type
        with torch.random.fork_rng(devices=elsewhere, device_type=kind):
            torch.default_generator.manual_seed(seed)
            if elsewhere:
                module = getattr(torch, device.type)
                with module.device(elsewhere[0]):
                    module.manual_seed(seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a Wishart's singular draws, which torch draws again
                return d.rsample((n,)) if d.has_rsample else d.sample((n,))

    return draw
