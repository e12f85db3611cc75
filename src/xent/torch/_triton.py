"""Whether the Triton kernels can do a call, and why not. Triton itself is imported by `backends.triton` alone."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from types import ModuleType

import torch

_LISTED = 4096
_OLDEST = (8, 0)  # the first GPUs with bfloat16


_INSTALLED = importlib.util.find_spec("triton") is not None


def interpreted() -> bool:
    """Whether kernels run on the CPU, one number after the other: for tests. Settled when the kernels are imported."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in ("1", "true", "on", "yes", "y")


@functools.cache
def _capability(device: int) -> tuple[int, int]:
    return torch.cuda.get_device_capability(device)


def _too_old(device: int) -> str:
    # Where there is no GPU, tensors on one are stand-ins, for which nothing is launched.
    if torch.version.hip or not torch.cuda.is_available() or (found := _capability(device)) >= _OLDEST:
        return ""
    return f"the Triton kernels need a GPU of compute capability 8.0, and this one has {found[0]}.{found[1]}"


# What torch.compiler.assume_constant_result does; that imports the compiler, which takes a second or two.
_too_old._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]


def lacking(a: torch.Tensor, top: torch.Tensor | None = None) -> str:
    """Why the Triton kernels cannot work on tensors like `a`, with a top-k target `top`; empty when they can."""
    if top is not None and top.shape[-1] > _LISTED:
        return f"a target lists {top.shape[-1]} outcomes a row, more than the {_LISTED} that a kernel holds at once"
    if a.dtype == torch.float64:
        return "float64 is computed by torch operations"
    if not a.is_cuda and not (a.is_cpu and interpreted()):
        return f"the Triton kernels read tensors on a GPU, and these are on {a.device.type}"
    if not _INSTALLED:
        return 'Triton is not installed: pip install "xent[triton]"'
    return "" if a.is_cpu else _too_old(a.device.index or 0)


@functools.cache
def kernels(name: str = "loss") -> ModuleType:
    """A module of `backends.triton`: imported at the first call that needs it, since Triton takes a second to load."""
    return importlib.import_module(f"xent.torch.backends.triton.{name}")
