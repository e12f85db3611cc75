"""The last layer and its loss as one module."""

from __future__ import annotations

import math
from typing import Any

import torch

from xent._forms import TopK
from xent.torch._linear import linear_cross_entropy
from xent.torch._modules import Loss


class LinearCrossEntropyLoss(Loss):
    """A last layer, `linear`, and `linear_cross_entropy` of what it would give.

    Parameters
    ----------
    in_features : int
        D, the length of a row of the input.
    num_classes : int
        C.
    out_features : tuple of int
        (d1, ...), where every row of the input has many rows of logits.
    bias : bool
        Whether the layer has a bias.
    device, dtype
        Of the layer.
    weight, ignore_index, reduction, label_smoothing, z_loss, softcap, temperature, memory_budget
        As in `linear_cross_entropy`. `weight` is a buffer: it moves with the module.

    Examples
    --------
    >>> import torch, xent.torch
    >>> loss = xent.torch.LinearCrossEntropyLoss(4, 8, label_smoothing=0.1)
    >>> loss
    LinearCrossEntropyLoss(
      label_smoothing=0.1
      (linear): Linear(in_features=4, out_features=8, bias=False)
    )
    >>> loss(torch.zeros(3, 4), torch.arange(3)).item()
    2.079441547393799
    """

    function = staticmethod(linear_cross_entropy)

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        weight: torch.Tensor | None = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
        temperature: float = 1.0,
        memory_budget: int | None = None,
    ) -> None:
        """Options as in `linear_cross_entropy`."""
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
            z_loss=z_loss,
            softcap=softcap,
            temperature=temperature,
            memory_budget=memory_budget,
        )
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        # One matrix, as torch.nn.LinearCrossEntropyLoss keeps it: state dicts fit both.
        outputs = math.prod(self.out_features, start=num_classes)
        self.linear = torch.nn.Linear(in_features, outputs, bias=bias, device=device, dtype=dtype)

    def forward(
        self,
        input: torch.Tensor,
        target: torch.Tensor | TopK,
        *,
        token_weight: torch.Tensor | None = None,
        denominator: float | torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The loss; `token_weight` and `denominator` change from batch to batch, so they are given here."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, -1),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),  # pyright: ignore[reportUnnecessaryComparison]  # None without bias
            token_weight=token_weight,
            denominator=denominator,
            **self.options(),
        )
