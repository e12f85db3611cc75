"""Which implementation computes a loss, and why: one pure function of a few facts.

    reference   plain torch operations: right everywhere, under every transform
    native      the compiled core: tensors on the CPU, fastest

and where the gradient is made: "in forward" beside the loss, "in backward" from two numbers a row, by "autograd" from
the reference's operations, or "none" is asked for. `XENT_BACKEND` names a backend; what it cannot do, it refuses.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch._C._functorch import TransformType, get_interpreter_stack
from torch._subclasses import FakeTensor
from torch.autograd import forward_ad

from xent import _native
from xent._errors import BackendUnavailable

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_BACKENDS = ("reference", "native", "triton")


@dataclass(frozen=True, slots=True)
class Choice:
    """What computes a call, where its gradient is made, and why."""

    backend: Literal["reference", "native"]
    gradient: Literal["in forward", "in backward", "autograd", "none"]
    reason: str


class Facts(NamedTuple):
    """What the choice depends on, and nothing else."""

    obstacle: str = ""  # why the core cannot read the tensors; empty when it can
    core: str = ""  # why there is no compiled core; empty when there is one
    differentiable: bool = False  # is a gradient by the logits wanted?
    other: str = ""  # another argument whose gradient is wanted, which only the reference gives
    reduced: bool = True  # reduction "mean" or "sum"
    half: bool = False  # float16: what is scaled down before the caller's loss scale may be lost
    compiling: bool = False  # torch.compile or torch.export is looking
    forced: str | None = None  # XENT_BACKEND


def select(facts: Facts) -> Choice:
    """The backend, where the gradient is made, and the reason for both."""
    why = facts.obstacle or facts.other or facts.core
    if facts.forced:
        if facts.forced not in _BACKENDS:
            raise ValueError(f"`XENT_BACKEND` is {facts.forced!r}; it is one of {', '.join(map(repr, _BACKENDS))}.")
        if facts.forced == "triton":
            raise BackendUnavailable("XENT_BACKEND=triton, but this loss has no Triton kernels. Unset it.")
        if facts.forced == "native" and why:
            raise BackendUnavailable(f"XENT_BACKEND=native, but {why}. Unset it, or set it to reference.")
        if facts.forced == "reference":
            why = "XENT_BACKEND=reference"
    wanted = facts.differentiable or bool(facts.other)
    if why:
        return Choice("reference", "autograd" if wanted else "none", why)
    if not wanted:
        return Choice("native", "none", "tensors on the CPU, no gradient asked for")
    if facts.compiling:
        return Choice("native", "in backward", "tensors on the CPU, as an operator that torch.compile calls")
    if not facts.reduced:
        return Choice("native", "in backward", "tensors on the CPU; each row has its own upstream gradient")
    if facts.half:
        return Choice("native", "in backward", "tensors on the CPU; a float16 gradient waits for the loss scale")
    return Choice("native", "in forward", "tensors on the CPU; one pass gives the loss and its gradient")


_select_cached = functools.lru_cache(maxsize=1024)(select)


def chosen(facts: Facts) -> Choice:
    """`select`, remembered where nothing but plain Python runs."""
    return select(facts) if torch.compiler.is_compiling() else _select_cached(facts)


def obstacle(*tensors: torch.Tensor | None) -> str:
    """Why the core cannot read these tensors as they are; empty when it can."""
    compiling = torch.compiler.is_compiling()
    for a in tensors:
        if a is None:
            continue
        if not a.is_cpu:
            return f"the compiled core reads tensors on the CPU, and these are on {a.device.type}"
        if compiling:
            continue
        if type(a) not in _PLAIN:
            return f"a {type(a).__name__} is not a plain tensor"
        if a.is_neg():
            return "the sign of a tensor is yet to be applied"
    if torch._C._are_functorch_transforms_active():
        return "a transform of torch.func (vmap, grad, jvp ...) is active"
    if compiling:
        return ""
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation is active"
    return "torch.jit.trace records torch operations alone" if torch._C._is_tracing() else ""


def seen() -> bool:
    """Whether something looks at the operations (torch.compile, export, a dispatch mode): then the core is called
    through operators that it can see."""
    return torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack() > 0


def concrete(upstream: torch.Tensor) -> bool:
    """Whether an upstream gradient is one tensor of plain numbers, not many under vmap nor one with a tangent."""
    return (
        type(upstream) is torch.Tensor
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
    )


def readable(a: torch.Tensor) -> bool:
    """Whether the values of `a` can be looked at: on the CPU, and not one of many under vmap or a stand-in."""
    if seen() or not a.is_cpu or isinstance(a, FakeTensor):
        return False
    if not torch._C._are_functorch_transforms_active():
        return True
    stack = get_interpreter_stack()
    return stack is None or all(layer.key() != TransformType.Vmap for layer in stack)


def forced() -> str | None:
    """The backend asked for by `XENT_BACKEND`, if any."""
    return os.environ.get("XENT_BACKEND")


def core() -> str:
    """Why there is no compiled core; empty when there is one."""
    return "" if _native.available() else _native.reason()


def reference_for(what: str) -> None:
    """Refuse to leave a backend that was asked for by name, for `what` only the reference does."""
    if forced() == "native":
        raise BackendUnavailable(f"XENT_BACKEND=native, but {what}. Unset it, or set it to reference.")


# function -> what prepares its call, from the same arguments: an object whose `choice` says what would run.
_PREPARE: dict[Any, Callable[..., Any]] = {}


def prepared_by(prepare: Callable[..., Any]) -> Callable[[Any], Any]:
    """Let `choice` know how the decorated function prepares a call: `prepare` takes every argument by name."""

    def register(function: Any) -> Any:
        _PREPARE[function] = prepare
        return function

    return register


def choice(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Choice:
    """Which implementation a call would use, and why. The arguments are checked; nothing is computed.

    Parameters
    ----------
    function : callable
        A loss of `xent.torch`, such as `xent.torch.cross_entropy`.
    *args, **kwargs
        What it would be called with.

    Returns
    -------
    Choice
        `backend`: "reference" (torch operations) or "native" (the compiled core). `gradient`: "in forward" (made
        beside the loss, in one pass), "in backward" (from two numbers a row), "autograd" (by torch, from the
        reference) or "none". `reason`: one sentence.

    Raises
    ------
    TypeError
        `function` is no loss of `xent.torch`, or does not take these arguments.
    BackendUnavailable
        `XENT_BACKEND` names a backend that cannot do this call.

    Examples
    --------
    >>> import torch, xent.torch
    >>> logits, target = torch.zeros(2, 3), torch.tensor([0, 2])
    >>> with torch.device("cpu"):
    ...     xent.torch.choice(xent.torch.cross_entropy, logits, target).gradient
    'none'
    """
    try:
        prepare = _PREPARE[function]
    except (KeyError, TypeError):
        names = ", ".join(sorted(f.__name__ for f in _PREPARE))
        raise TypeError(f"`function` is {function!r}; `choice` knows {names}.") from None
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return prepare(**bound.arguments).choice
