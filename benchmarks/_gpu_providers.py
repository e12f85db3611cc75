"""Who takes part: ours, PyTorch, and the packages that are installed, each called as its own documentation says.

A function of this module gives name -> provider for one kind of loss and its options; who cannot do those is not in it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from _gpu_exact import divergence, policy, said, spelled_out
from _gpu_timing import GPU

import xent.torch

PACKAGES = ("liger-kernel", "quack-kernels", "cut-cross-entropy")


class Provider(NamedTuple):
    """A loss of the leaves, and who cannot be run how."""

    loss: Callable[..., torch.Tensor]
    needs_gpu: bool = False  # also what compiles for long: a dry run leaves it out
    overwrites: bool = False  # the first leaf is left holding the gradient


def versions() -> dict[str, str]:
    """Of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _compiled(f: Callable[..., torch.Tensor]) -> Provider:
    return Provider(torch.compile(f, fullgraph=True, dynamic=False), needs_gpu=True)


def _package(path: str, call: Callable[..., torch.Tensor], overwrites: bool = False) -> Provider:
    """`call(function, *leaves)` with the function at `path`, imported at the first call."""
    module, name = path.split(":")
    return Provider(lambda *leaves: call(getattr(importlib.import_module(module), name), *leaves), True, overwrites)


def _only(options: dict[str, Any], *known: str) -> bool:
    return set(options) <= set(known)


def _in_torch(x: torch.Tensor, y: torch.Tensor, **options: Any) -> torch.Tensor:
    """PyTorch wants class weights in the dtype of the logits."""
    return F.cross_entropy(x, y, **{k: v.to(x.dtype) if k == "weight" else v for k, v in options.items()})


def _mean(x: torch.Tensor, y: torch.Tensor, **options: Any) -> torch.Tensor:
    """The loss spelled out in float32, for torch.compile."""
    losses, weights = spelled_out(x.float(), y, **options)
    return losses.sum() / weights.sum()


def logits(y: torch.Tensor, options: dict[str, Any], compiled: bool, rivals: bool = True) -> dict[str, Provider]:
    """Leaf: the logits."""
    in_torch = _only(options, "weight", "label_smoothing")

    def theirs(x: torch.Tensor) -> torch.Tensor:
        return _in_torch(x, y, **options) if in_torch else _mean(x, y, **options)

    found = {"ours": Provider(lambda x: xent.torch.cross_entropy(x, y, **options))}
    if in_torch:
        found["eager"] = Provider(theirs)
    if compiled:
        found["compiled"] = _compiled(theirs)
    if rivals and _only(options, "label_smoothing", "z_loss", "softcap"):
        renamed = {"lse_square_scale" if k == "z_loss" else k: v for k, v in options.items()}
        found["liger"] = _package(
            "liger_kernel.transformers.functional:liger_cross_entropy", lambda f, x: f(x, y, **renamed), True
        )
    if rivals and _only(options, "weight"):
        found["quack"] = _package("quack.cross_entropy:cross_entropy", lambda f, x: f(x, y, **options))
    return found


def _missing(*_: torch.Tensor) -> torch.Tensor:
    raise NotImplementedError(f"torch {torch.__version__} does not have it; 2.13 does")


def _chunked_torch(y: torch.Tensor, options: dict[str, Any]) -> dict[str, Provider]:
    """torch 2.13 and later: with the chunks that it picks, and in chunks of 4096 rows."""
    if not hasattr(F, "linear_cross_entropy"):
        return {"F.linear_cross_entropy": Provider(_missing, needs_gpu=True)}
    found = {}
    for name, how in {"auto": {}, "4096": {"batch_chunk_size": 4096, "chunking_method": None}}.items():
        chunks = torch.nn.LinearCrossEntropyOptions(**how)
        found[f"F.linear_cross_entropy, chunks {name}"] = Provider(
            lambda x, w, chunks=chunks: F.linear_cross_entropy(x, w, y, options=chunks, **options), needs_gpu=True
        )
    return found


def linear(
    y: torch.Tensor, options: dict[str, Any], budgets: tuple[int | None, ...], compiled: bool, rivals: bool = True
) -> dict[str, Provider]:
    """Leaves: hidden states, and the weight of the last layer."""
    in_torch = _only(options, "weight", "label_smoothing")

    def theirs(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        z = F.linear(x, w)
        return _in_torch(z, y, **options) if in_torch else _mean(z, y, **options)

    found = {
        "ours" if b is None else f"ours, {b >> 20} MiB": Provider(
            lambda x, w, b=b: xent.torch.linear_cross_entropy(x, w, y, memory_budget=b, **options)
        )
        for b in budgets
    }
    if rivals:
        found["all the logits"] = Provider(theirs)
        found |= _chunked_torch(y, options) if in_torch else {}
    if compiled:
        found["all the logits, compiled"] = _compiled(theirs)
    if rivals and _only(options, "label_smoothing", "z_loss", "softcap"):
        renamed = {"lse_square_scale" if k == "z_loss" else k: v for k, v in options.items()}
        path = "liger_kernel.transformers.functional:liger_fused_linear_cross_entropy"
        found["liger"] = _package(path, lambda f, x, w: f(x, w, y, **renamed))
    if rivals and not options:
        path = "quack.linear_cross_entropy:chunked_linear_cross_entropy"
        found["quack"] = _package(path, lambda f, x, w: f(x, w, y, chunk_size=min(4096, len(x))))
    if rivals and _only(options, "softcap"):
        found["cut-cross-entropy"] = _package(
            "cut_cross_entropy:linear_cross_entropy", lambda f, x, w: f(x, w, y, **options)
        )
    return found


def statistics(y: torch.Tensor, upstream: torch.Tensor, compiled: bool) -> dict[str, Provider]:
    """Leaf: the logits. A policy's loss of log-probability and entropy."""

    def ours(x: torch.Tensor) -> torch.Tensor:
        s = xent.torch.token_statistics(x, y)
        return policy(s.log_prob, s.entropy, upstream)

    def theirs(x: torch.Tensor) -> torch.Tensor:
        return said(x.float(), y, upstream)

    return {"ours": Provider(ours), "eager": Provider(theirs)} | ({"compiled": _compiled(theirs)} if compiled else {})


def linear_statistics(y: torch.Tensor, upstream: torch.Tensor, compiled: bool) -> dict[str, Provider]:
    """Leaves: hidden states, and the weight of the last layer."""

    def ours(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        s = xent.torch.linear_token_statistics(x, w, y)
        return policy(s.log_prob, s.entropy, upstream)

    def theirs(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return said(F.linear(x, w).float(), y, upstream)

    found = {"ours": Provider(ours), "all the logits": Provider(theirs)}
    return found | ({"all the logits, compiled": _compiled(theirs)} if compiled else {})


def binary(y: torch.Tensor) -> dict[str, Provider]:
    """Leaf: the logits."""

    def theirs(x: torch.Tensor) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(x, y)

    ours = Provider(lambda x: xent.torch.binary_cross_entropy_with_logits(x, y))
    return {"ours": ours, "eager": Provider(theirs), "compiled": _compiled(theirs)}


def distillation(teacher: torch.Tensor, kind: str, temperature: float, compiled: bool) -> dict[str, Provider]:
    """Leaf: the student's logits."""

    def theirs(x: torch.Tensor) -> torch.Tensor:
        return divergence(x.float(), teacher.float(), kind, temperature) / len(x)

    ours = Provider(lambda x: xent.torch.distillation_loss(x, teacher, kind=kind, temperature=temperature))
    return {"ours": ours, "eager": Provider(theirs)} | ({"compiled": _compiled(theirs)} if compiled else {})


def choice(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """What runs ours."""
    found = xent.torch.choice(function, *arguments, **options)
    return f"{found.backend}, gradient {found.gradient}"


def obstacle(provider: Provider) -> str:
    """Why it is left out before it is tried."""
    return "needs a GPU" if provider.needs_gpu and not GPU else ""
