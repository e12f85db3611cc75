"""The binary losses as modules."""

from __future__ import annotations

import torch

from xent.torch import _binary_operands
from xent.torch._binary import binary_cross_entropy, binary_cross_entropy_with_logits
from xent.torch._modules import Loss


class BCELoss(Loss):
    """`binary_cross_entropy` as a module.

    Parameters
    ----------
    weight, reduction
        As in `binary_cross_entropy`. `weight` is a buffer: it moves with the module.

    Examples
    --------
    >>> import torch, xent.torch
    >>> loss = xent.torch.BCELoss(reduction="sum")
    >>> loss
    BCELoss(reduction='sum')
    >>> loss(torch.tensor([0.5, 0.25]), torch.tensor([1, 1])).item()
    2.079441547393799
    """

    function = staticmethod(binary_cross_entropy)

    def __init__(self, weight: torch.Tensor | None = None, *, reduction: str = "mean") -> None:
        """Options as in `binary_cross_entropy`."""
        _binary_operands.reduction(reduction)
        super().__init__(weight=weight, reduction=reduction)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss."""
        return binary_cross_entropy(input, target, **self.options())


class BCEWithLogitsLoss(Loss):
    """`binary_cross_entropy_with_logits` as a module.

    Parameters
    ----------
    weight, reduction, pos_weight
        As in `binary_cross_entropy_with_logits`. `weight` and `pos_weight` are buffers: they move with the module.

    Examples
    --------
    >>> import torch, xent.torch
    >>> loss = xent.torch.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
    >>> loss
    BCEWithLogitsLoss(pos_weight=tensor of shape (1,))
    >>> loss(torch.zeros(3, 1), torch.ones(3, 1)).item()
    1.3862943649291992
    """

    function = staticmethod(binary_cross_entropy_with_logits)

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        *,
        reduction: str = "mean",
        pos_weight: torch.Tensor | None = None,
    ) -> None:
        """Options as in `binary_cross_entropy_with_logits`."""
        _binary_operands.reduction(reduction)
        super().__init__(weight=weight, reduction=reduction, pos_weight=pos_weight)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss."""
        return binary_cross_entropy_with_logits(input, target, **self.options())
