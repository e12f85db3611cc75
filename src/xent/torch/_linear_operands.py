"""What the caller passed to the linear losses, as rows and positions: shapes and dtypes checked.

Ordinary weights (C, D) have one position. Weights (C, d1, ..., D) have P = d1 ..., and every row of the input has
P rows of logits.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

import torch

from xent._errors import ShapeError
from xent._forms import TopK
from xent.torch import _operands, _state
from xent.torch._operands import LABELS, Operands, floating, together


class LinearOperands(NamedTuple):
    """The arguments as rows. Labels: `target` (N, P); distributions (N, P, C); top-k: it and `probs` (N, P, k)."""

    input: torch.Tensor  # (N, D); or (..., D), of N rows in all, where only a copy would be (N, D)
    weight: torch.Tensor  # (C, P, D)
    bias: torch.Tensor | None  # (C, P)
    target: torch.Tensor
    probs: torch.Tensor | None
    classes: torch.Tensor | None  # (C,): the class weights
    tokens: torch.Tensor | None  # (N, P): the token weights
    spread: bool
    tail: bool  # is it said where the mass goes that a top-k target lacks?
    shape: tuple[int, ...]  # of the loss with reduction "none"

    @property
    def soft(self) -> bool:
        """Whether the targets are distributions."""
        return self.probs is not None or self.target.is_floating_point()

    def taken(self, at: slice | torch.Tensor) -> torch.Tensor:
        """The rows `at` of the input, (n, D)."""
        if self.input.dim() == 2:
            return self.input[at]
        at = torch.arange(at.start, at.stop, device=self.input.device) if isinstance(at, slice) else at
        where: list[torch.Tensor] = []
        for length in reversed(self.input.shape[:-1]):  # torch.unravel_index copies from the host
            where.insert(0, at % length)
            at = at // length
        return self.input[tuple(where)]

    def rows(self, logits: torch.Tensor) -> Operands:
        """The same arguments for `cross_entropy`, beside logits (N P, C)."""
        target = self.target.flatten(0, 1)
        probs = None if self.probs is None else self.probs.flatten(0, 1)
        tokens = None if self.tokens is None else self.tokens.flatten()
        return Operands(logits, target, probs, self.classes, tokens, self.spread, self.tail, self.shape)

    def check(self, ignore_index: int) -> None:
        """Read the targets; a DistributionError says which row is no class or no distribution, and why."""
        outcomes = self.weight.shape[0]
        rows = self.target.shape[0] * self.target.shape[1]
        _operands.check_target(self.rows(self.weight.new_empty(()).expand(rows, outcomes)), ignore_index)


def _shape(shape: Any) -> str:
    return str(tuple(shape))


def _layer(input: Any, weight: Any, bias: Any) -> None:
    floating("input", input)
    floating("linear_weight", weight)
    together("linear_weight", weight, "input", input)
    if input.dtype != weight.dtype:
        raise TypeError(f"`linear_weight` has dtype {weight.dtype} and `input` {input.dtype}; convert one of them.")
    shapes = f"`input` has shape {_shape(input.shape)} and `linear_weight` {_shape(weight.shape)}"
    if input.dim() == 0 or weight.dim() < 2 or input.shape[-1] != weight.shape[-1]:
        raise ShapeError(f"{shapes}; they are (..., D) and (C, D), of the same D.")
    if weight.dim() > 2 and input.dim() != 2:
        raise ShapeError(f"{shapes}; with weights (C, d1, ..., D) the input is (N, D).")
    if math.prod(weight.shape) == 0:
        raise ShapeError(f"`linear_weight` has shape {_shape(weight.shape)}; no length is 0.")
    if bias is None:
        return
    floating("linear_bias", bias)
    together("linear_bias", bias, "input", input)
    if bias.dtype != weight.dtype:
        raise TypeError(
            f"`linear_bias` has dtype {bias.dtype} and `linear_weight` {weight.dtype}; convert one of them."
        )
    if bias.shape != weight.shape[:-1]:
        raise ShapeError(
            f"`linear_bias` has shape {_shape(bias.shape)}; for this `linear_weight` it is {_shape(weight.shape[:-1])}."
        )


def linear_operands(
    input: Any,
    linear_weight: Any,
    target: Any,
    linear_bias: Any,
    weight: Any,
    token_weight: Any,
    *,
    most: int | None = None,
) -> LinearOperands:
    """The arguments of `linear_cross_entropy` as rows; a TypeError, ShapeError or ValueError says what does not fit.

    A top-k target names `most` classes at most; by default as many as there are weights.
    """
    _layer(input, linear_weight, linear_bias)
    outcomes, inner, features = linear_weight.shape[0], linear_weight.shape[1:-1], linear_weight.shape[-1]
    lead = input.shape[:-1]
    outer = (*lead, *inner)
    n, positions = math.prod(lead), math.prod(inner)
    if weight is not None:
        _operands.class_weight(weight, outcomes, "input", input)
    if token_weight is not None:
        _operands.token_weights(token_weight, outer, "input", input)
        token_weight = token_weight.reshape(n, positions)
    probs, spread, tail = None, False, True
    if isinstance(target, TopK):
        spread, tail = target.tail == "spread", target.tail is not None
        target, probs = _operands.top_k(target, outer, most or outcomes, input)
        whole = (n, positions, target.shape[-1])
        target, probs = target.reshape(whole), probs.reshape(whole)
    else:
        soft = (*lead, outcomes, *inner)
        target = _target(target, outer, soft, input)
        if target.is_floating_point():
            target = target.reshape(n, outcomes, positions).transpose(1, 2)
        else:
            target = target.reshape(n, positions)
    return LinearOperands(
        input if _only_copied(input) else input.reshape(n, features),
        linear_weight.reshape(outcomes, positions, features),
        None if linear_bias is None else linear_bias.reshape(outcomes, positions),
        target,
        probs,
        weight,
        token_weight,
        spread,
        tail,
        outer,
    )


def _only_copied(input: torch.Tensor) -> bool:
    """Whether only a copy of `input` would be rows, as of hidden[:, :-1]: then it is taken a chunk at a time."""
    if _state.seen() or input.dim() < 3:
        return False
    steps, lengths = input.stride(), input.shape
    return any(steps[i] != lengths[i + 1] * steps[i + 1] for i in range(input.dim() - 2))


def _target(target: Any, outer: tuple[int, ...], soft: tuple[int, ...], input: torch.Tensor) -> torch.Tensor:
    if not isinstance(target, torch.Tensor):
        raise TypeError(
            f"`target` is a {type(target).__name__}; it is a tensor of class indices or of probabilities, "
            "or `xent.TopK(indices, probs)`."
        )
    together("target", target, "input", input)
    if target.dtype in LABELS:
        if target.shape != outer:
            _refuse(target, outer, soft)
    elif not target.is_floating_point() or target.shape == outer:
        raise TypeError(
            f"`target` has dtype {target.dtype} and shape {_shape(target.shape)}; class indices are int64, int32 or "
            "uint8, probabilities floating."
        )
    else:
        floating("target", target)
        if target.shape != soft:
            _refuse(target, outer, soft)
    return target


def _refuse(target: torch.Tensor, outer: tuple[int, ...], soft: tuple[int, ...]) -> NoReturn:
    raise ShapeError(
        f"`target` has shape {_shape(target.shape)}; for this `input` and `linear_weight` class indices (integers) "
        f"have shape {_shape(outer)} and probabilities (floating) {_shape(soft)}."
    )
