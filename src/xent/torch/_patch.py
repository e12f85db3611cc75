"""A causal language model whose class is swapped for one that makes its loss without logits.

torch swaps classes too (`fully_shard`, parametrizations). Unlike a `forward` set on the instance it holds for deep
copies, for the replicas of DataParallel and for wrappers that call `forward` themselves.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import torch

from xent.torch._deferred import Deferred, Hidden


def next_labels(labels: torch.Tensor, ignore_index: int) -> torch.Tensor:
    """The label after each, and `ignore_index` after the last: cheaper than to cut the logits."""
    return torch.nn.functional.pad(labels, (0, 1), value=ignore_index)[..., 1:]


def count(items: Any, device: torch.device) -> Any:
    """How many labels count, as a denominator; 1 for 0, since a loss of nothing is 0 whatever divides it."""
    if isinstance(items, torch.Tensor):
        items = items.to(device)
    return None if items is None else items + (items == 0)


def on(device: torch.device, options: dict[str, Any]) -> dict[str, Any]:
    """`options` with the class weights where the logits are."""
    weight = options["weight"]
    return options if weight is None else {**options, "weight": weight.to(device)}


def _head_obstacle(model: Any) -> str:
    """Why the last layer of this model cannot be left out; empty if it can."""
    head = model.get_output_embeddings() if callable(getattr(model, "get_output_embeddings", None)) else None
    if head is None:
        return "`get_output_embeddings()` gives no last layer"
    if getattr(type(head), "forward", None) is not torch.nn.Linear.forward or "forward" in vars(head):
        return f"its last layer, a {type(head).__name__}, is no plain torch.nn.Linear"
    return ""


def _model_obstacle(model: Any) -> str:
    """Why the loss of this model cannot be replaced, as far as its structure shows; empty if it can."""
    forward: Any = type(model).forward
    if "forward" in vars(model):
        return "its `forward` was replaced on the instance (by accelerate, perhaps); patch it before that"
    if "labels" not in inspect.signature(forward).parameters:
        return "its `forward` has no parameter `labels`; if it wraps a model, patch that one"
    code = getattr(inspect.unwrap(forward), "__code__", None)
    if code is None or "loss_function" not in code.co_names:
        return "its `forward` does not call `self.loss_function`"
    name = getattr(model.loss_function, "__name__", "unknown")
    return "" if name == "ForCausalLMLoss" else f"its loss is {name}, not ForCausalLMLoss"


def patch(model: Any, options: dict[str, Any]) -> None:
    """Swap the class of `model`, once; `options` hold from now on."""
    patched = getattr(type(model), "_xent_patched", False)
    if why := _head_obstacle(model) or ("" if patched else _model_obstacle(model)):
        raise TypeError(f"`model`, a {type(model).__name__}, cannot be patched: {why}. Train it with `causal_lm_loss`.")
    if not patched:
        model.__class__ = _patched(type(model))
    head = model.get_output_embeddings()
    if _without_product not in head._forward_pre_hooks.values():
        head.register_forward_pre_hook(_without_product)
        head._xent_deferring = False
    model._xent_options = options


def _without_product(head: Any, args: tuple[Any, ...]) -> Any:
    """A hook before the last layer: while its model makes a loss, the layer gets what makes no logits."""
    return (Hidden(*args),) if head._xent_deferring else None


def _loss(
    model: Any,
    logits: Any,
    labels: torch.Tensor,
    vocab_size: int,
    num_items_in_batch: Any = None,
    ignore_index: int = -100,
    shift_labels: torch.Tensor | None = None,
    **_: Any,  # what else the model was called with; ForCausalLMLoss ignores it too
) -> torch.Tensor:
    """ForCausalLMLoss of logits that are not there."""
    if not isinstance(logits, Deferred):
        raise TypeError(
            f"The logits that this {type(model).__name__} passed to its loss do not come straight from its last layer. "
            "If the layer was replaced since, patch the model again; else train it unpatched, with `causal_lm_loss`."
        )
    return logits.loss(
        next_labels(labels, ignore_index) if shift_labels is None else shift_labels,
        vocab_size,
        ignore_index=ignore_index,
        denominator=count(num_items_in_batch, logits.device),
        **on(logits.device, model._xent_options),
    )


@functools.cache
def _patched(cls: Any) -> Any:
    """A subclass of `cls`, of the same name: what is saved and looked up by name stays as it is."""
    names = list(inspect.signature(cls.forward).parameters)
    position = names.index("labels")  # `self` among them

    @functools.wraps(cls.forward)
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        labels = (self, *args)[position] if position <= len(args) else kwargs.get("labels")
        if labels is None:
            return cls.forward(self, *args, **kwargs)
        head = self.get_output_embeddings()
        head._xent_deferring = True
        try:
            return _without_logits(cls.forward(self, *args, **kwargs))
        finally:
            head._xent_deferring = False

    def loss_function(self: Any) -> Any:
        return functools.partial(_loss, self)

    body: dict[str, Any] = {
        "forward": forward,
        "loss_function": property(loss_function),
        "_xent_patched": True,
        **{name: getattr(cls, name) for name in ("__doc__", "__module__", "__qualname__")},
    }
    return type(cls)(cls.__name__, (cls,), body)


def _without_logits(outputs: Any) -> Any:
    """What the model returns, with None for logits."""
    if isinstance(outputs, Mapping):
        return type(outputs)(**{name: a for name, a in outputs.items() if not isinstance(a, Deferred)})
    if isinstance(outputs, tuple):
        return tuple(None if isinstance(a, Deferred) else a for a in outputs)
    return outputs
