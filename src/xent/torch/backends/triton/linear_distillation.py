"""Distillation of the last layer on a GPU, a chunk of rows at a time: both logits made, compared, and forgotten.

    z_s = x_s W_sᵀ + b_s, z_t = x_t W_tᵀ + b_t      dz from both, in the memory of z_s      dx = dz W_s, dW += dzᵀ x_s

Logits have the dtype of their layer. The gradients of the chunks are made for a sum of losses and are summed in
float32; what a mean is over, and one upstream gradient, multiply them at the end, before they are rounded once, so that
no dz underflows. Rows of weight 0 are zeros in every product: gathering the others would have to wait for their count.
"""

from __future__ import annotations

from typing import Any

import torch

from xent.torch import _state
from xent.torch._distillation_operands import Rule
from xent.torch._linear_distillation_autograd import NOTHING, Three, composed
from xent.torch._linear_distillation_loop import Found, Layers, Wanted
from xent.torch.backends.triton import flag, products
from xent.torch.backends.triton.distillation import over, reduced, rows


def plan(p: Layers, budget: int) -> int:
    """Rows a chunk, the chunks as equal as they can be and as few as the budget lets.

    A budget for no row is an error that names the least.
    """
    count, (outcomes, features) = len(p.input), p.weight.shape
    passed = products.passed(p.input.device, p.input.dtype, features, outcomes)
    row = outcomes * (p.input.itemsize + p.teacher_input.itemsize) + 32 + passed[1]
    if p.token_weight is not None:  # copies of the inputs, where some of their rows count nothing
        row += features * p.input.itemsize + p.teacher_input.shape[1] * p.teacher_input.itemsize
    call = 24 * count + 8 * outcomes + 4096 + passed[0]
    most = (budget - call) // row
    if most < 1:
        raise ValueError(
            f"`memory_budget` is {budget:,} bytes, too little for one row of logits of student and teacher; this call "
            f"needs at least {call + row:,}."
        )
    chunks = max(1, -(-count // most))
    return max(1, -(-count // chunks))


def _rows_of(input: torch.Tensor, tokens: torch.Tensor | None) -> torch.Tensor:
    return input if tokens is None else input.masked_fill((tokens == 0).unsqueeze(-1), 0.0)


def distill(p: Layers, rule: Rule, budget: int, wanted: Wanted, upstream: torch.Tensor | None = None) -> Found:
    """The loss, and the wanted gradients of upstream x loss in float32: with "none" for `upstream` (N,), else those of
    the sum of the losses.
    """
    n, size = len(p.input), plan(p, budget)
    p = Layers(*(None if a is None else a.detach() for a in p))  # pyright: ignore[reportArgumentType]  # in their order
    make = torch.empty if n else torch.zeros  # the first chunk fills them

    def sums(like: torch.Tensor) -> torch.Tensor:
        return make(like.shape, dtype=torch.float32, device=like.device)

    found = Found(
        torch.empty(n, dtype=torch.float32 if rule.reduction == "none" else torch.float64, device=p.input.device),
        sums(p.input) if wanted.input else None,
        sums(p.weight) if wanted.weight else None,
        sums(p.bias).zero_() if wanted.bias and p.bias is not None else None,
    )
    memory = [a.new_empty((size, len(p.weight))) for a in (p.input, p.teacher_input)]
    for start in range(0, n, size):
        at = slice(start, min(start + size, n))
        z, t = (a[: at.stop - at.start] for a in memory)
        _chunk(p, at, z, t, rule, found, None if upstream is None else upstream[at], back=any(wanted))
    by = over(n, p.token_weight, p.divisor, rule, p.input)
    return found._replace(loss=reduced(found.loss, by, rule))


def _chunk(
    p: Layers,
    at: slice,
    z: torch.Tensor,
    t: torch.Tensor,
    rule: Rule,
    found: Found,
    upstream: torch.Tensor | None,
    *,
    back: bool,
) -> None:
    """The rows `at`, in the memory `z` and `t` of their logits; `back`: gradients are wanted."""
    tokens = None if p.token_weight is None else p.token_weight[at]
    products.logits(_rows_of(p.teacher_input[at], tokens), p.teacher_weight, p.teacher_bias, t)
    x = _rows_of(p.input[at], tokens)
    products.logits(x, p.weight, p.bias, z)
    loss = rows(z, t, None, tokens, None, rule, want_loss=True, upstream=upstream, out=z if back else None)
    assert loss is not None  # it was asked for
    found.loss[at] = loss
    if found.input is not None:
        products.input_gradient(z, p.weight, found.input[at])
    if found.weight is not None:
        products.weight_gradient(z, x, found.weight, first=at.start == 0)
    if found.bias is not None:
        found.bias.add_(z.sum(0, dtype=torch.float32))


def _finished(found: Found, p: Layers, rule: Rule, upstream: torch.Tensor) -> Three:
    """The gradients in the dtypes of what they belong to, times one upstream gradient. The memory is given away."""
    scale = None
    if rule.reduction != "none":
        by = over(len(p.input), p.token_weight, p.divisor, rule, p.input)
        scale = upstream if by is None else upstream / by

    def one(gradient: torch.Tensor | None, like: torch.Tensor | None) -> torch.Tensor | None:
        if gradient is None or like is None:
            return None
        return (gradient if scale is None else gradient.mul_(scale)).to(like.dtype)

    return one(found.input, p.input), one(found.weight, p.weight), one(found.bias, p.bias)


def again(p: Layers, rule: Rule, budget: int, wanted: Wanted, upstream: torch.Tensor) -> Three:
    """The gradients of upstream x loss, from logits that are made again."""
    upstream = upstream.detach().resolve_neg()
    found = distill(p, rule, budget, wanted, upstream if rule.reduction == "none" else None)
    return _finished(found, p, rule, upstream)


def loss(p: Layers, rule: Rule, budget: int, gradient: str) -> torch.Tensor:
    """The loss, () or (N,), its gradients made where the choice says."""
    flag.raise_earlier()
    if gradient == "none":
        return distill(p, rule, budget, NOTHING).loss
    return _Distillation.apply(rule, budget, gradient == "in forward", *p)


class _Distillation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rule: Rule, budget: int, inside: bool, *tensors: torch.Tensor | None) -> torch.Tensor:
        p = Layers(*tensors)  # pyright: ignore[reportArgumentType]  # in their order
        found = distill(p, rule, budget, Wanted(*ctx.needs_input_grad[3:6]) if inside else NOTHING)
        ctx.save_for_backward(*tensors)
        ctx.found = found._replace(loss=found.loss.new_empty(0)) if inside else None
        ctx.settings = rule, budget
        return found.loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output
        made, ctx.found = ctx.found, None
        p, wanted = Layers(*ctx.saved_tensors), Wanted(*ctx.needs_input_grad[3:6])
        rule, budget = ctx.settings
        if torch.is_grad_enabled() or not _state.concrete(upstream):
            three = composed(p, rule, wanted, upstream)
        elif made is not None:
            three = _finished(made, p, rule, upstream)
        else:
            three = again(p, rule, budget, wanted, upstream)
        return (None, None, None, *three, *(None,) * 5)
