"""The shortest way through: the mean loss of a few rows of labels, all options as they come, with its gradient.

A call of 32 rows takes a tenth of a millisecond in all, so every question asked in Python shows. Here the same core is
called with the same numbers as by the long way, and gives the same bits; what is not at its plainest goes the long way.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import math
from typing import Any

import torch
from torch.autograd import forward_ad

from xent import _native
from xent.torch import _native_loss, _state
from xent.torch._operands import operands
from xent.torch._options import PLAIN

_LARGEST = 1 << 15  # elements: above, the work itself outweighs every question
_core = _native._core
# dtype -> its number in native/api.hpp, bytes an element, and the dtype of the loss.
_FLOATS = {
    torch.float64: (0, 8, torch.float64),
    torch.float32: (1, 4, torch.float32),
    torch.bfloat16: (3, 2, torch.float32),
}
_LABELS = {torch.int32: (6, 4), torch.int64: (7, 8), torch.uint8: (8, 1)}
TYPES = (float, float, float, int)  # of the options that go this way: True equals 1.0, but is refused
_KINDS = (torch.Tensor, torch.nn.Parameter)


def fits(input: Any, target: Any) -> bool:
    """Whether the short way is open: a few rows that want a gradient and their labels, and nothing looks on."""
    return (
        not torch.compiler.is_compiling()
        and type(input) in _KINDS
        and type(target) is torch.Tensor
        and input.requires_grad
        and torch.is_grad_enabled()
        and input.dim() == 2
        and target.dim() == 1
        and input.size(0) == target.size(0)
        and input.dtype in _FLOATS
        and target.dtype in _LABELS
        and input.layout is target.layout is torch.strided
        and input.is_cpu
        and target.is_cpu
        and 0 < input.numel() <= _LARGEST
        and input.is_contiguous()
        and target.is_contiguous()
        and not input.is_neg()
        and not torch._C._are_functorch_transforms_active()
        and not torch._C._len_torch_dispatch_stack()
        and forward_ad._current_level < 0
        and not torch._C._is_tracing()
        and not _state.hooked()
        and _core is not None
        and _state.addressed(input)
        and _state.addressed(target)
    )


class Mean(torch.autograd.Function):
    """The mean loss; its gradient is made beside it and handed out once, as in `_native_loss`."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        n, v = logits.shape
        number, size, dtype = _FLOATS[logits.dtype]
        kind, step = _LABELS[target.dtype]
        gradient = torch.empty_like(logits)
        result = torch.empty((), dtype=dtype, device="cpu")
        bad, row = _core.loss_rows(
            0, logits.data_ptr(), number, n, v, v * size, 0, target.data_ptr(), kind, step, 0, 0, False, 0.0, 0, 0,
            -100, 1, 0.0, 0.0, 0.0, 1.0, math.nan, 0, 1.0, 0, result.data_ptr(), gradient.data_ptr(), v * size,
        )  # fmt: skip
        if bad:
            _native_loss.explain(operands(logits, target, None, None), PLAIN, row)
        ctx.save_for_backward(logits, target)
        ctx.gradient = gradient
        return result

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output, one upstream gradient
        kept, ctx.gradient = ctx.gradient, None
        if kept is not None and not torch.is_grad_enabled() and _state.concrete(upstream) and upstream.item() == 1.0:
            return kept, None
        logits, target = ctx.saved_tensors
        return _native_loss.again(upstream, operands(logits, target, None, None), PLAIN, None, None, kept), None
