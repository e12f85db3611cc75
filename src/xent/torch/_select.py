"""Which implementation computes a loss, and why: one pure function of a few facts.

    reference   plain torch operations: right everywhere, under every transform
    native      the compiled core: tensors on the CPU, fastest
    triton      the Triton kernels: tensors on a GPU, fastest

and where the gradient is made: "in forward" beside the loss, "in backward" from two numbers a row, by "autograd" from
the reference's operations, or "none" is asked for. `XENT_BACKEND` names a backend; what it cannot do, it refuses.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch

from xent import _native
from xent._errors import BackendUnavailable
from xent.torch import _triton

# What os.environ keeps its pairs in, and the key as it keeps it: os.environ.get takes ten times as long to say no.
_ENVIRONMENT = os.environ._data  # pyright: ignore
_KEY = os.environ.encodekey("XENT_BACKEND")
_BACKENDS = ("reference", "native", "triton")


class Choice(NamedTuple):
    """What computes a call, where its gradient is made, and why."""

    backend: Literal["reference", "native", "triton"]
    gradient: Literal["in forward", "in backward", "autograd", "none"]
    reason: str


class Facts(NamedTuple):
    """What the choice depends on, and nothing else."""

    obstacle: str = ""  # why no kernel can read the tensors as they are; empty when one can
    core: str = ""  # why the compiled core cannot do it; empty when it can
    kernels: str = "these are on the CPU"  # why the Triton kernels cannot do it; empty when they can
    gpu: bool = False  # are the tensors on a GPU?
    differentiable: bool = False  # is a gradient by the logits wanted?
    other: str = ""  # another argument whose gradient is wanted, which only the reference gives
    reduced: bool = True  # reduction "mean" or "sum"
    half: bool = False  # float16: what is scaled down before the caller's loss scale may be lost
    operators: bool = False  # something looks at the operations, such as torch.compile
    forced: str | None = None  # XENT_BACKEND
    hooked: bool = False  # what is saved for the backward pass goes elsewhere


def select(facts: Facts) -> Choice:
    """The backend, where the gradient is made, and the reason for both."""
    lacks = {"reference": "", "native": facts.core, "triton": facts.kernels}
    why = facts.obstacle or facts.other
    backend = "native" if not facts.core else "triton" if not facts.kernels else "reference"
    if facts.forced:
        if facts.forced not in _BACKENDS:
            raise ValueError(f"`XENT_BACKEND` is {facts.forced!r}; it is one of {', '.join(map(repr, _BACKENDS))}.")
        backend = facts.forced
        if backend != "reference" and (lack := why or lacks[backend]):
            raise BackendUnavailable(f"XENT_BACKEND={backend}, but {lack}. Unset it, or set it to reference.")
    wanted = facts.differentiable or bool(facts.other)
    if why or backend == "reference":
        reason = why or (f"XENT_BACKEND={facts.forced}" if facts.forced else facts.kernels if facts.gpu else facts.core)
        return Choice("reference", "autograd" if wanted else "none", reason)
    where = "tensors on a GPU" if facts.gpu else "tensors on the CPU"
    if not wanted:
        return Choice(backend, "none", f"{where}, no gradient asked for")
    if facts.operators:
        return Choice(backend, "in backward", f"{where}, through an operator that torch can see")
    if not facts.reduced:
        return Choice(backend, "in backward", f"{where}; each row has its own upstream gradient")
    if facts.half:
        return Choice(backend, "in backward", f"{where}; a float16 gradient waits for the loss scale")
    if facts.hooked:
        return Choice(backend, "in backward", f"{where}; what is saved is to go elsewhere, or nowhere")
    return Choice(backend, "in forward", f"{where}; one pass gives the loss and its gradient")


_select_cached = functools.lru_cache(maxsize=1024)(select)


def chosen(facts: Facts) -> Choice:
    """`select`, remembered where nothing but plain Python runs."""
    return select(facts) if torch.compiler.is_compiling() else _select_cached(facts)


def forced() -> str | None:
    """The backend asked for by `XENT_BACKEND`, if any; read at every call, so that it is quick where there is none."""
    return os.environ.get("XENT_BACKEND") if _KEY in _ENVIRONMENT else None


def backends(a: torch.Tensor, top: torch.Tensor | None = None) -> tuple[str, str, bool]:
    """Why the compiled core, and why the Triton kernels, cannot work on tensors like `a`; and is it on a GPU?

    `top` are the probabilities of a top-k target, if it is one. On the CPU kernels are interpreted, number by number:
    only where they are asked for by name.
    """
    if a.is_cpu:
        core = "" if _native.available() else _native.reason()
        return core, _triton.lacking(a, top) if forced() == "triton" else "these tensors are on the CPU", False
    core = f"the compiled core reads tensors on the CPU, and these are on {a.device.type}"
    return core, _triton.lacking(a, top), True


def reference_for(what: str) -> None:
    """Refuse to leave a backend that was asked for by name, for `what` only the reference does."""
    if (name := forced()) in ("native", "triton"):
        raise BackendUnavailable(f"XENT_BACKEND={name}, but {what}. Unset it, or set it to reference.")


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
        `backend`: "reference" (torch operations), "native" (the compiled core, on the CPU) or "triton" (the Triton
        kernels, on a GPU). `gradient`: "in forward" (made
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
        found = (
            getattr(function, "__name__", None) or f"a {type(function).__name__}"
        )  # a module shows itself in many lines
        raise TypeError(f"`function` is {found}; `choice` knows {names}.") from None
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return prepare(**bound.arguments).choice
