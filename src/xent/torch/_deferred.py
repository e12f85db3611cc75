"""The logits of a last layer that are not computed: what a model does to them is written down until its loss asks."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import torch

from xent._errors import ShapeError
from xent.torch._linear import linear_cross_entropy


def _refuse(what: str, kind: type[Exception] = TypeError) -> NoReturn:
    raise kind(
        f"This model uses {what} between its last layer and its loss. Without logits only `*` and `/` by numbers above "
        "0, one tanh, and conversions to float32 can be followed; train it unpatched, with `causal_lm_loss`."
    )


class Hidden:
    """What goes into the last layer in place of its input; `torch.nn.functional.linear` makes it `Deferred`."""

    def __init__(self, states: torch.Tensor) -> None:
        """`states` is the input, (..., D)."""
        self.states = states

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The functions of torch that the layer calls: `linear` and no other."""
        if function is not torch.nn.functional.linear or not isinstance(args[0], cls) or kwargs:
            _refuse(f"`{getattr(function, '__name__', function)}`")
        return Deferred(args[0].states, *args[1:])

    def __getattr__(self, name: str) -> NoReturn:
        """Nothing else is known of the input."""
        _refuse(f"`.{name}`", AttributeError)


class Deferred:
    """The logits softcap(hidden weight^T + bias) / temperature. Whoever asks for their values is refused."""

    def __init__(
        self,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
        softcap: float | None = None,
        temperature: float = 1.0,
    ) -> None:
        """The operands of the product, and what was done to it."""
        self.hidden, self.weight, self.bias, self.softcap, self.temperature = hidden, weight, bias, softcap, temperature

    @property
    def shape(self) -> torch.Size:
        """Of the logits."""
        return torch.Size((*self.hidden.shape[:-1], self.weight.shape[0]))

    @property
    def dtype(self) -> torch.dtype:
        """Of the product, without autocast."""
        return self.hidden.dtype

    @property
    def device(self) -> torch.device:
        """Of the product."""
        return self.hidden.device

    def _changed(self, softcap: float | None, temperature: float) -> Deferred:
        return Deferred(self.hidden, self.weight, self.bias, softcap, temperature)

    def __truediv__(self, by: Any) -> Deferred:
        """`logits / by`: a temperature."""
        return self._changed(self.softcap, self.temperature * _factor(by))

    def __mul__(self, by: Any) -> Deferred:
        """`logits * by`: the inverse of a temperature."""
        return self._changed(self.softcap, self.temperature / _factor(by))

    __rmul__ = __mul__

    def tanh(self) -> Deferred:
        """With t the temperature so far, tanh(a / t) = softcap(a) / t where softcap(a) = t tanh(a / t)."""
        if self.softcap is not None:
            _refuse("two `tanh`")
        return self._changed(self.temperature, self.temperature)

    def float(self) -> Deferred:
        """The loss is computed in float32 or wider anyway."""
        return self

    def contiguous(self) -> Deferred:
        """There is no memory to lie in."""
        return self

    def to(self, to: Any = None, dtype: Any = None) -> Deferred:
        """Only to a dtype that loses nothing, and to where they are."""
        for a in (to, dtype):
            if a is not None and a not in (torch.float32, torch.float64, self.dtype, self.device):
                _refuse(f"`.to({a})`")
        return self

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """`torch.tanh` and no other function of torch."""
        if function is torch.tanh and isinstance(args[0], cls) and not kwargs:
            return args[0].tanh()
        _refuse(f"`{getattr(function, '__name__', function)}`")

    def __getattr__(self, name: str) -> NoReturn:
        """Nothing else is known of the logits."""
        _refuse(f"`.{name}` of the logits", AttributeError)

    def __getitem__(self, at: Any) -> NoReturn:
        """No part of what is not there."""
        _refuse("a part of the logits")

    def __setitem__(self, at: Any, value: Any) -> NoReturn:
        """No change of a part."""
        _refuse("a change of some logits")

    def loss(self, target: torch.Tensor, outcomes: int, **options: Any) -> torch.Tensor:
        """`linear_cross_entropy` of `target`, of as many `outcomes` as the model says it has."""
        if outcomes != self.weight.shape[0]:
            raise ShapeError(
                f"The last layer has {self.weight.shape[0]} rows and the model's `vocab_size` is {outcomes}; set "
                "`config.vocab_size`, or call `resize_token_embeddings`."
            )
        return linear_cross_entropy(
            self.hidden,
            self.weight,
            target.to(self.device),
            linear_bias=self.bias,
            softcap=self.softcap,
            temperature=self.temperature,
            **options,
        )


def _factor(by: Any) -> float:
    """`by`, refused unless it is a number that a temperature can be."""
    if isinstance(by, bool) or not isinstance(by, (int, float)):
        _refuse(f"`*` or `/` by a {type(by).__name__}")
    if not 0.0 < by < math.inf:
        _refuse(f"`*` or `/` by {by}")
    return by
