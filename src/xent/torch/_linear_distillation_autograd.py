"""`linear_distillation_loss` under autograd: gradients made in the forward pass are given away once, or made again."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from xent.torch import _linear_distillation_loop as loop
from xent.torch import _reference_distillation, _select, _state
from xent.torch._distillation_operands import Rule
from xent.torch._linear_distillation_loop import Found, Layers, Wanted
from xent.torch._reference import loss_dtype

Three = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]
NOTHING = Wanted(False, False, False)


def reference(p: Layers, rule: Rule) -> torch.Tensor:
    """All the logits by plain torch operations, and the definition on them; half precision multiplied in float32."""

    def logits(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        dtype = loss_dtype(input.dtype)
        if p.token_weight is not None:  # what a row of weight 0 holds reaches nothing
            input = input.masked_fill((p.token_weight == 0).unsqueeze(-1), 0.0)
        return F.linear(input.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype))

    return _reference_distillation.distillation(
        logits(p.input, p.weight, p.bias),
        logits(
            p.teacher_input.detach(),
            p.teacher_weight.detach(),
            None if p.teacher_bias is None else p.teacher_bias.detach(),
        ),
        None,
        p.token_weight,
        p.divisor,
        **rule._asdict(),
    )


def finished(found: Found, p: Layers, scale: float = 1.0) -> Three:
    """Scale x gradients in the dtypes of what they belong to. The memory of `found` is given away."""

    def one(gradient: torch.Tensor | None, like: torch.Tensor | None) -> torch.Tensor | None:
        if gradient is None or like is None:
            return None
        return (gradient if scale == 1.0 else gradient.mul_(scale)).to(like.dtype)

    return one(found.input, p.input), one(found.weight, p.weight), one(found.bias, p.bias)


def again(p: Layers, rule: Rule, budget: int, wanted: Wanted, upstream: torch.Tensor) -> Three:
    """The gradients of upstream x loss, from logits that are made again."""
    scale = upstream if rule.reduction == "none" else upstream.item()
    return finished(loop.distill(p, rule, budget, wanted, scale), p)


def composed(p: Layers, rule: Rule, wanted: Wanted, upstream: torch.Tensor) -> Three:
    """The gradients as torch operations, which can be differentiated again, batched and pushed."""
    _select.reference_for("a derivative of the gradient takes torch operations")
    create = torch.is_grad_enabled()
    asked = [a for a, want in zip(p[:3], wanted, strict=True) if want and a is not None]
    with torch.enable_grad():
        made = iter(torch.autograd.grad(reference(p, rule), asked, upstream, create_graph=create))
    first, second, third = (
        next(made) if want and a is not None else None for a, want in zip(p[:3], wanted, strict=True)
    )
    return first, second, third


class Distillation(torch.autograd.Function):
    """The loss with its gradients by the student; `inside`: they are made beside the loss."""

    @staticmethod
    def forward(ctx: Any, rule: Rule, budget: int, inside: bool, *tensors: torch.Tensor | None) -> torch.Tensor:
        """The loss, () or (N,)."""
        p = Layers(*tensors)  # pyright: ignore[reportArgumentType]  # in their order
        found = loop.distill(p, rule, budget, Wanted(*ctx.needs_input_grad[3:6]) if inside else NOTHING)
        ctx.save_for_backward(*tensors)
        ctx.found = found._replace(loss=torch.empty(0)) if inside else None
        ctx.settings = rule, budget
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output
        """The gradients by input, weight and bias that are wanted."""
        made, ctx.found = ctx.found, None
        p, wanted = Layers(*ctx.saved_tensors), Wanted(*ctx.needs_input_grad[3:6])
        rule, budget = ctx.settings
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            three = composed(p, rule, wanted, upstream)
        elif made is not None:
            three = finished(made, p, upstream.item())
        else:
            three = again(p, rule, budget, wanted, upstream)
        return (None, None, None, *three, *(None,) * 5)
