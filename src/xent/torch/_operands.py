"""What the caller passed, as rows: shapes and dtypes checked, K-dimensional input brought to (N, V).

`operands` looks at shapes and dtypes alone; `check_target` reads the values, where they can be read.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

import torch

from xent import _check
from xent._errors import DistributionError, ShapeError
from xent._forms import TopK
from xent.torch import _products, _state
from xent.torch._rows import DIGITS

_BLOCK = 3600  # elements: from here on torch transposes by blocks
LABELS = (torch.int64, torch.int32, torch.uint8)


class Operands(NamedTuple):
    """The arguments as rows. Labels: `target` (N,); distributions: (N, V); top-k: `target` and `probs` (N, k)."""

    logits: torch.Tensor  # (N, V)
    target: torch.Tensor
    probs: torch.Tensor | None
    weight: torch.Tensor | None  # (V,)
    token_weight: torch.Tensor | None  # (N,)
    spread: bool
    tail: bool  # is it said where the mass goes that a top-k target lacks?
    shape: tuple[int, ...]  # of the loss with reduction "none"

    @property
    def soft(self) -> bool:
        """Whether the targets are distributions."""
        return self.probs is not None or self.target.is_floating_point()


def _shape(shape: Any) -> str:
    return str(tuple(shape))


def floating(name: str, a: Any) -> None:
    """Refuse what is no tensor of float64, float32, bfloat16 or float16."""
    if not isinstance(a, torch.Tensor):
        raise TypeError(f"`{name}` is a {type(a).__name__}; it is a torch.Tensor.")
    if a.dtype not in DIGITS:
        raise TypeError(f"`{name}` has dtype {a.dtype}; it is float64, float32, bfloat16 or float16.")
    strided(name, a)


def strided(name: str, a: torch.Tensor) -> None:
    """Refuse sparse and other layouts, whose numbers do not lie in rows, and memory that was given back."""
    if a.layout is not torch.strided:
        raise TypeError(f"`{name}` has layout {a.layout}; it is a dense tensor. Convert it: `{name}.to_dense()`.")
    if _state.freed(a):
        raise ValueError(f"`{name}` of shape {_shape(a.shape)} has no memory: its storage was freed. Free it later.")


def together(name: str, a: torch.Tensor, other: str, b: torch.Tensor) -> None:
    """Refuse two tensors on two devices."""
    if a.device != b.device:
        raise ValueError(f"`{name}` is on {a.device} and `{other}` on {b.device}; move one of them.")


def class_weight(weight: Any, outcomes: int, name: str, logits: torch.Tensor) -> None:
    """Refuse a `weight` that is not one floating number a class."""
    floating("weight", weight)
    together("weight", weight, name, logits)
    if weight.shape != (outcomes,):
        raise ShapeError(
            f"`weight` has shape {_shape(weight.shape)}; it holds one number a class, shape ({outcomes},)."
        )
    if _state.readable(weight):
        finite_weight(weight)


def finite_weight(weight: torch.Tensor) -> None:
    """Refuse an infinite or NaN `weight`: times the nothing of another class it would be NaN, or nothing."""
    if not math.isfinite(weight.detach().sum(dtype=torch.float64)):
        wrong = weight.detach().isfinite().logical_not()
        if wrong.any():  # the sum of what is large may be infinite too
            j = int(wrong.to(torch.uint8).argmax())
            raise ValueError(f"`weight` has {weight[j].item():g} at class {j}; a class weight is a finite number.")


def token_weights(token_weight: Any, shape: tuple[int, ...], name: str, logits: torch.Tensor) -> None:
    """Refuse a `token_weight` that is not one floating number a row."""
    if isinstance(token_weight, torch.Tensor) and not token_weight.is_floating_point():
        raise TypeError(
            f"`token_weight` has dtype {token_weight.dtype}; it is floating. Convert it: `token_weight.float()`."
        )
    floating("token_weight", token_weight)
    together("token_weight", token_weight, name, logits)
    if token_weight.shape != shape:
        raise ShapeError(
            f"`token_weight` has shape {_shape(token_weight.shape)}; it holds one number a row, shape {_shape(shape)}."
        )


def checked_denominator(denominator: Any, reduction: str) -> float | torch.Tensor:
    """`denominator` as a float, or as the tensor of one number that it is. Only a mean has one."""
    if reduction != "mean":
        raise ValueError(f'`denominator` is for `reduction="mean"`; it makes no sense with "{reduction}".')
    if isinstance(denominator, torch.Tensor):
        if denominator.numel() != 1:
            raise ShapeError(f"`denominator` has shape {_shape(denominator.shape)}; it is one real number.")
        if denominator.is_complex() or denominator.dtype == torch.bool:
            raise TypeError(f"`denominator` has dtype {denominator.dtype}; it is one real number.")
        return denominator.reshape(())
    try:
        value = math.nan if isinstance(denominator, (bool, str, bytes)) else float(denominator)
    except OverflowError:
        value = math.inf
    except (TypeError, ValueError):
        value = math.nan
    if not isinstance(denominator, float) and value != value:
        raise TypeError(f"`denominator` is {denominator!r}; it is a number or a tensor of one number.")
    return positive_denominator(value)


def positive_denominator(value: float) -> float:
    """`value`, refused unless it can be divided by."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"`denominator` is {value:g}; it is a finite number above 0.")
    return value


def operands(input: torch.Tensor, target: Any, weight: Any, token_weight: Any, *, most: int | None = None) -> Operands:
    """The arguments of `cross_entropy` as rows; a TypeError, ShapeError or ValueError says what does not fit.

    A top-k target names `most` classes at most; by default those of `input`.
    """
    floating("input", input)
    shape = input.shape
    if not shape:
        raise ShapeError("`input` is a single number; its shape is (C,), (N, C) or (N, C, d1, ...).")
    axis = 0 if len(shape) == 1 else 1
    outcomes, outer = shape[axis], (*shape[:axis], *shape[axis + 1 :])
    if outcomes == 0:
        raise ShapeError(f"`input` has shape {_shape(shape)}: no class along axis {axis}. A row needs at least one.")
    if weight is not None:
        class_weight(weight, outcomes, "input", input)
    if token_weight is not None:
        token_weights(token_weight, outer, "input", input)
        token_weight = token_weight.reshape(-1)
    if isinstance(target, TopK):
        indices, probs = top_k(target, outer, most or outcomes, input)
        spread, tail = target.tail == "spread", target.tail is not None
        return Operands(_rows(input), indices, probs, weight, token_weight, spread, tail, outer)
    if not isinstance(target, torch.Tensor):
        raise TypeError(
            f"`target` is a {type(target).__name__}; it is a tensor of class indices or of probabilities, "
            "or `xent.TopK(indices, probs)`."
        )
    strided("target", target)
    together("target", target, "input", input)
    if target.dtype in LABELS:
        if target.shape != outer:
            _refuse_label_shape(target, shape, outer)
        target = target if len(shape) == 2 else target.reshape(-1)
    elif target.dtype in DIGITS and target.shape == shape:
        target = _rows(target)
    else:
        _refuse_target(target, shape, outer)
    return Operands(_rows(input), target, None, weight, token_weight, False, True, outer)


def _rows(a: torch.Tensor) -> torch.Tensor:
    """(C,), (N, C) or (N, C, d1, ...) as (N, C), (N d1 ..., C): a view where there is one."""
    if a.dim() == 2:
        return a
    if a.dim() == 1:
        return a.unsqueeze(0)
    large = a.shape[1:].numel() >= _BLOCK and a.size(1) > 1
    if large and a.is_cpu and a.is_contiguous() and not _state.seen() and not _state.obstacle(a):
        return _Images.apply(a)
    return a.movedim(1, -1).flatten(0, -2)


class _Images(torch.autograd.Function):
    """Contiguous (N, C, d1, ...) as rows, an image at a time: torch transposes two axes by blocks, more one by one.

    On the CPU, where the memory that they are copied to lies.
    """

    @staticmethod
    def forward(ctx: Any, a: torch.Tensor) -> torch.Tensor:
        ctx.apart = a.size(0), *a.shape[2:]
        rows = _products.empty((a.size(0), a.shape[2:].numel(), a.size(1)), a.dtype)
        for i in range(a.size(0)):
            rows[i].copy_(a[i].flatten(1).t())
        return rows.flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output, one upstream gradient
        return upstream.unflatten(0, ctx.apart).movedim(-1, 1)


def top_k(
    target: TopK,
    outer: tuple[int, ...],
    outcomes: int,
    input: torch.Tensor,
    name: str = "target",
    beside: str = "input",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices and probabilities (N, k) of the argument `name`; what does not fit is refused."""
    indices, probs = target.indices, target.probs
    if not isinstance(indices, torch.Tensor) or indices.dtype not in LABELS:
        found = indices.dtype if isinstance(indices, torch.Tensor) else type(indices).__name__
        raise TypeError(f"`{name}.indices` is {found}; it is a tensor of int64, int32 or uint8.")
    strided(f"{name}.indices", indices)
    floating(f"{name}.probs", probs)
    together(f"{name}.indices", indices, beside, input)
    together(f"{name}.probs", probs, beside, input)
    if target.tail not in (None, "drop", "spread"):
        raise ValueError(f'`{name}.tail` is {target.tail!r}; it is "drop", "spread" or None.')
    if indices.shape != probs.shape or indices.dim() == 0 or indices.shape[:-1] != outer:
        raise ShapeError(
            f"`{name}.indices` has shape {_shape(indices.shape)} and `{name}.probs` {_shape(probs.shape)}; "
            f"for this input both are {_shape((*outer, 'k')).replace(chr(39), '')}."
        )
    k = indices.shape[-1]
    if k > outcomes:
        raise ShapeError(f"`{name}` has {k} outcomes a row, more than the {outcomes} classes there are.")
    n = math.prod(outer)
    return indices.reshape(n, k), probs.reshape(n, k)


def _refuse_label_shape(target: torch.Tensor, shape: tuple[int, ...], outer: tuple[int, ...]) -> NoReturn:
    if target.shape == shape:
        raise ShapeError(
            f"`target` has the shape of `input`, {_shape(shape)}, and holds integers ({target.dtype}). "
            f"Class indices have shape {_shape(outer)}; probabilities are floating: `target.to(input.dtype)`."
        )
    raise ShapeError(
        f"`target` has shape {_shape(target.shape)}; for `input` of shape {_shape(shape)} class indices have shape "
        f"{_shape(outer)} and probabilities {_shape(shape)}."
    )


def _refuse_target(target: torch.Tensor, shape: tuple[int, ...], outer: tuple[int, ...]) -> NoReturn:
    if target.dtype not in DIGITS:
        raise TypeError(
            f"`target` has dtype {target.dtype}; class indices are int64, int32 or uint8, probabilities floating."
        )
    if target.shape == outer:
        raise TypeError(
            f"`target` has the shape of class indices, {_shape(outer)}, but dtype {target.dtype}. "
            "Convert it: `target.long()`."
        )
    raise ShapeError(
        f"`target` has shape {_shape(target.shape)}; for `input` of shape {_shape(shape)} probabilities have the same "
        f"shape and class indices (integers) {_shape(outer)}."
    )


def check_target(o: Operands, ignore_index: int) -> None:
    """Read the targets; a DistributionError says which row is no class or no distribution, and why."""
    outcomes = o.logits.shape[-1]
    if o.probs is not None:
        check_top_k(o.target, o.probs, outcomes, o.shape, tail=o.tail)
    elif o.soft:
        check_distributions(o.target, o.shape)
    else:
        check_labels(o.target, outcomes, ignore_index, o.shape)


def check_labels(target: torch.Tensor, outcomes: int, ignore_index: int, shape: tuple[int, ...]) -> None:
    """Every label is a class, or `ignore_index`."""
    target = target.detach().to(torch.int64)  # uint8 would wrap the numbers it is compared with
    if ((target < 0) | (target >= outcomes)).logical_and_(target != ignore_index).any():
        _check.bad_labels("target", target.reshape(shape).numpy(), outcomes, skip=ignore_index)


def check_distributions(target: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Every row holds no negative number and sums to 1."""
    target = target.detach()
    tolerance = _check.sum_tolerance(DIGITS[target.dtype], target.shape[-1])
    off = (target.sum(-1, dtype=torch.float64) - 1).abs()
    good = (off <= tolerance) & (target >= 0).all(-1)
    if not good.all():
        row = int(good.logical_not().to(torch.uint8).argmax())
        _check.bad_soft_target("target", target[row].double().numpy(), _check.position(row, shape), tolerance)


def check_top_k(
    indices: torch.Tensor,
    probs: torch.Tensor,
    outcomes: int,
    shape: tuple[int, ...],
    *,
    tail: bool,
    name: str = "target",
) -> None:
    """Indices are distinct classes; probabilities are not negative and sum to 1, or to less where `tail` was said."""
    indices, probs = indices.detach().to(torch.int64), probs.detach()
    if ((indices < 0) | (indices >= outcomes)).any():
        whole = (*shape, indices.shape[-1])
        _check.bad_labels(f"{name}.indices", indices.reshape(whole).numpy(), outcomes)
    order = indices.sort(-1).values
    twice = (order[:, 1:] == order[:, :-1]).any(-1)
    if twice.any():
        row = int(twice.to(torch.uint8).argmax())
        raise DistributionError(f"`{name}.indices` row {_check.position(row, shape)} names an outcome twice.")
    tolerance = _check.sum_tolerance(DIGITS[probs.dtype], outcomes)
    total = probs.sum(-1, dtype=torch.float64)
    good = (total - 1 <= tolerance) & (probs >= 0).all(-1)
    whole = good & (total - 1 >= -tolerance)
    if not good.all() or not (tail or whole.all()):
        row = int((good if not good.all() else whole).logical_not().to(torch.uint8).argmax())
        place = _check.position(row, shape)
        if good[row]:
            raise DistributionError(
                f"`{name}.probs` row {place} sums to {float(total[row]):.6g}. Say where the rest is: "
                '`tail="drop"` (nowhere) or `tail="spread"` (evenly over the other outcomes).'
            )
        _check.bad_soft_target(f"{name}.probs", probs[row].double().numpy(), place, tolerance)
