"""What torch is doing at this moment: transforms, tracing, compiling. The only room that asks torch's internals.

Each function is one question of a fact that has no public name; the tests of transforms fail when an answer changes.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import torch
from torch._C._autograd import _top_saved_tensors_default_hooks  # pyright: ignore  # not among torch's own stubs
from torch._C._functorch import TransformType, get_interpreter_stack, is_legacy_batchedtensor
from torch._subclasses import FakeTensor
from torch.autograd import forward_ad

_PLAIN = (torch.Tensor, torch.nn.Parameter)


def seen() -> bool:
    """Whether something looks at the operations (torch.compile, export, a dispatch mode).

    Then kernels are called through operators that it can see.
    """
    return torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack() > 0


def fake(a: object) -> bool:
    """Whether `a` is a stand-in without numbers, outside of the mode that computes with those."""
    return not torch.compiler.is_compiling() and isinstance(a, FakeTensor) and not seen()


def hooked() -> bool:
    """Whether what autograd saves goes elsewhere, as in a checkpoint: then nothing large may be kept beside it."""
    return not torch.compiler.is_compiling() and _top_saved_tensors_default_hooks(True) is not None  # pyright: ignore[reportUnnecessaryComparison]  # the stub leaves None out


def obstacle(*tensors: torch.Tensor | None) -> str:
    """Why no kernel can read these tensors as they are; empty when one can."""
    compiling = torch.compiler.is_compiling()
    for a in tensors:
        if a is None:
            continue
        if compiling:
            continue
        if type(a) not in _PLAIN and not (type(a) is FakeTensor and seen()):
            return f"a {type(a).__name__} is not a plain tensor"
        if a.is_neg():
            return "the sign of a tensor is yet to be applied"
        if a._is_zerotensor():
            return "a tensor of zeros has no memory"
    if torch._C._are_functorch_transforms_active():
        return "a transform of torch.func (vmap, grad, jvp ...) is active"
    if compiling:
        return ""
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation is active"
    return "torch.jit.trace records torch operations alone" if torch._C._is_tracing() else ""


def addressed(a: torch.Tensor) -> bool:
    """Whether the numbers of a plain tensor lie somewhere: where nothing is held, the address is the offset alone."""
    return a.data_ptr() != a.storage_offset() * a.element_size()


def freed(a: torch.Tensor) -> bool:
    """Whether `a` has numbers and no memory for them: reading them would end the process."""
    if torch.compiler.is_compiling() or type(a) not in _PLAIN:
        return False
    try:
        return not (addressed(a) or a.numel() == 0 or a.is_meta or a._is_zerotensor())
    except RuntimeError:  # one of many under a transform, which has no address
        return False


def differentiable(a: torch.Tensor) -> bool:
    """Whether a derivative by `a` may be asked for: backward, or forward along a tangent."""
    if torch.is_grad_enabled() and a.requires_grad:
        return True
    return forward_ad._current_level >= 0 and forward_ad.unpack_dual(a).tangent is not None


def concrete(upstream: torch.Tensor) -> bool:
    """Whether an upstream gradient is one tensor of plain numbers, not many under vmap nor one with a tangent."""
    return (
        type(upstream) is torch.Tensor
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
        and not upstream._is_zerotensor()
        and not is_legacy_batchedtensor(upstream)  # autograd.grad(..., is_grads_batched=True)
    )


def readable(a: torch.Tensor) -> bool:
    """Whether the values of `a` can be looked at: on the CPU, and not one of many under vmap or a stand-in."""
    if seen() or torch._C._is_tracing() or not a.is_cpu or isinstance(a, FakeTensor):
        return False
    if not torch._C._are_functorch_transforms_active():
        return True
    return all(layer.key() != TransformType.Vmap for layer in get_interpreter_stack() or ())
