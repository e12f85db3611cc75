"""The losses as modules: each holds the options of its function and says those that are not the default."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from xent._forms import TopK
from xent.torch._cross_entropy import cross_entropy


class Loss(torch.nn.Module):
    """What the shells share: options kept by name, tensors among them as buffers, shown where not the default."""

    function: Callable[..., torch.Tensor]

    def __init__(self, **options: Any) -> None:
        """`options` are keyword arguments of `function`."""
        super().__init__()
        self._options = tuple(options)
        for name, value in options.items():
            if name in ("weight", "pos_weight"):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def options(self) -> dict[str, Any]:
        """The keyword arguments that `function` is called with."""
        return {name: getattr(self, name) for name in self._options}

    def extra_repr(self) -> str:
        """The options that are not the default."""
        parameters = inspect.signature(type(self).function).parameters
        shown: list[str] = []
        for name, value in self.options().items():
            if isinstance(value, torch.Tensor):
                shown.append(f"{name}=tensor of shape {tuple(value.shape)}")
            elif value != parameters[name].default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)


class CrossEntropyLoss(Loss):
    """`cross_entropy` as a module.

    Parameters
    ----------
    weight, ignore_index, reduction, label_smoothing, z_loss, softcap, temperature
        As in `cross_entropy`. `weight` is a buffer: it moves with the module.

    Examples
    --------
    >>> import torch, xent.torch
    >>> loss = xent.torch.CrossEntropyLoss(label_smoothing=0.1)
    >>> loss
    CrossEntropyLoss(label_smoothing=0.1)
    >>> round(loss(torch.zeros(4, 8), torch.arange(4)).item(), 6)
    2.079442
    """

    function = staticmethod(cross_entropy)

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
        temperature: float = 1.0,
    ) -> None:
        """Options as in `cross_entropy`."""
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
            z_loss=z_loss,
            softcap=softcap,
            temperature=temperature,
        )

    def forward(
        self,
        input: torch.Tensor,
        target: torch.Tensor | TopK,
        *,
        token_weight: torch.Tensor | None = None,
        denominator: float | torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The loss; `token_weight` and `denominator` change from batch to batch, so they are given here."""
        return cross_entropy(input, target, token_weight=token_weight, denominator=denominator, **self.options())
