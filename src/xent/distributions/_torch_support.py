"""Where the densities of torch distributions live: seen through their transforms, which torch's own answer is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.measures._namespace import differentiates

Array = Any
Ends = tuple[np.ndarray[Any, Any] | None, np.ndarray[Any, Any] | None]


def _transforms(d: Any) -> list[Any] | None:
    """The transforms of a `TransformedDistribution`; None for another, and for one that tells its support itself."""
    plain = any(c.__name__ == "TransformedDistribution" and type(d).support is c.support for c in type(d).__mro__)
    return d.transforms if plain else None


def _circular(d: Any) -> bool:
    return type(d).__name__ == "VonMises"


def is_discrete(d: Any) -> bool:
    """Whether outcomes are integers, or made of them."""
    transforms = _transforms(d)
    if transforms is not None:
        return is_discrete(d.base_dist)
    try:
        return bool(d.support.is_discrete)
    except NotImplementedError:
        return False


def inside(torch: Any, d: Any, x: Array) -> Array:
    """Whether places, shape (..., *event), are in the support. Infinite places are not: no density is above 0 there."""
    good = torch.isfinite(x).flatten(x.ndim - len(d.event_shape)).all(-1) if d.event_shape else torch.isfinite(x)
    if _circular(d):
        return good & (x >= -np.pi) & (x <= np.pi)
    if hasattr(d, "component_distribution"):
        each = x.unsqueeze(x.ndim - len(d.event_shape))
        return good & inside(torch, d.component_distribution, each).any(-1)
    transforms = _transforms(d)
    if transforms is None:
        if type(d).__name__ == "Independent":
            base = inside(torch, d.base_dist, x)
            return good & base.flatten(base.ndim - d.reinterpreted_batch_ndims).all(-1)
        try:
            return good & d.support.check(x)
        except NotImplementedError:
            return good
    y = x
    for transform in reversed(transforms):
        good = good & _all(transform.codomain.check(y), good)
        y = transform.inv(y)
    base = d.base_dist
    found = inside(torch, base, y)
    return good & _all(found, good)


def _all(mask: Array, like: Array) -> Array:
    """The mask of places, where the axes of an outcome are still apart."""
    return mask.flatten(like.ndim).all(-1) if mask.ndim > like.ndim else mask


def ends(torch: Any, d: Any) -> Ends:
    """Ends of the support of a distribution of numbers, float64 of the batch's shape; None where nobody knows."""
    with torch.no_grad():
        low, high = _ends(torch, d)
    if low is None or high is None:
        return None, None
    shape = tuple(d.batch_shape)
    return _array(torch, low, shape), _array(torch, high, shape)


def moving_ends(torch: Any, d: Any) -> tuple[Array, Array] | None:
    """The same ends as tensors with the gradients of its parameters; None where none moves them."""
    low, high = _ends(torch, d)
    if low is None or high is None or not any(torch.is_tensor(end) and differentiates(end) for end in (low, high)):
        return None
    hidden = torch.nan if _mixed(d) else 0.0
    low, high = (hidden + torch.as_tensor(end, dtype=torch.float64).expand(tuple(d.batch_shape)) for end in (low, high))
    return low, high


def _mixed(d: Any) -> bool:
    """Whether it is, or is made from, a mixture."""
    parts = (part for part in vars(d).values() if hasattr(part, "log_prob"))
    return hasattr(d, "component_distribution") or any(_mixed(part) for part in parts)


def _array(torch: Any, end: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    if torch.is_tensor(end):
        end = end.detach().cpu().to(torch.float64).numpy()
    return np.array(np.broadcast_to(np.asarray(end, dtype=np.float64), shape))


def _ends(torch: Any, d: Any) -> tuple[Any, Any]:
    if _circular(d):
        return -np.pi, np.pi
    if hasattr(d, "component_distribution"):
        low, high = _ends(torch, d.component_distribution)
        if low is None or high is None:
            return None, None
        shape = tuple(d.component_distribution.batch_shape)
        low, high = (torch.as_tensor(end, dtype=torch.float64).expand(shape) for end in (low, high))
        return low.amin(-1), high.amax(-1)
    transforms = _transforms(d)
    if transforms is None:
        try:
            return _constraint_ends(torch, d.support)
        except NotImplementedError:
            return None, None
    low, high = _ends(torch, d.base_dist)
    for transform in transforms:
        if low is None or not transform.bijective or transform.domain.event_dim:
            return None, None
        if np.all(_isinf(torch, low)) and np.all(_isinf(torch, high)):
            low, high = _constraint_ends(torch, transform.codomain)  # transforms stop short of their limits
            continue
        low, high = (_carried(torch, transform, torch.as_tensor(end, dtype=torch.float64)) for end in (low, high))
        low, high = torch.minimum(low, high), torch.maximum(low, high)
    return low, high


def _carried(torch: Any, transform: Any, end: Array) -> Array:
    """The end after a transform, whose parameters do not move an infinite one."""
    with torch.no_grad():
        found = transform(end)
    known = torch.isfinite(end.expand(found.shape))
    if not bool(known.any()):
        return found
    end = end.expand(found.shape)
    return torch.where(known, transform(torch.where(known, end, end[known][0].detach())), found)


def _isinf(torch: Any, end: Any) -> Any:
    return np.isinf(_array(torch, end, np.shape(end)))


def _constraint_ends(torch: Any, constraint: Any) -> tuple[Any, Any]:
    """The ends that a constraint of torch tells."""
    if hasattr(constraint, "lower_bound") or hasattr(constraint, "upper_bound"):
        return getattr(constraint, "lower_bound", -np.inf), getattr(constraint, "upper_bound", np.inf)
    if constraint is torch.distributions.constraints.real:
        return -np.inf, np.inf
    if constraint is torch.distributions.constraints.boolean:
        return 0.0, 1.0
    return None, None
