"""Binary losses and distillation beside PyTorch, eager and compiled: `python benchmarks/torch_binary.py [part of a name]`.

Forward and backward, fresh gradients. The floors are a copy of the input into fresh memory and into memory used before:
what one reading and one writing of the data cost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from _timing import alternate, write

import xent.torch as xt

torch.manual_seed(0)


def steps(losses: dict[str, Callable[[torch.Tensor], torch.Tensor]], x: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """Forward and backward of each loss of x, and the floors."""

    def step(loss: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], None]:
        def run() -> None:
            x.grad = None
            loss(x).backward()

        return run

    reused = torch.empty_like(x, requires_grad=False)
    plain = x.detach()
    return {name: step(loss) for name, loss in losses.items()} | {
        "copy, fresh memory": lambda: plain.clone(),
        "copy, used memory": lambda: reused.copy_(plain),
    }


def report(name: str, calls: dict[str, Callable[[], Any]], seconds: float = 6.0, inner: int = 1) -> dict[str, Any]:
    """One row: milliseconds of each, and how many times faster than PyTorch we are."""
    for x in calls.values():
        x()
    times = alternate(calls, seconds, inner=inner)
    ours = times["xent"]
    ratios = {n: round(t / ours, 2) for n, t in times.items() if n != "xent"}
    print(f"{name:48}", "  ".join(f"{n} {t * 1e3:.4g} ms" for n, t in times.items()))
    print(" " * 48, "  ".join(f"{n} / xent {r:.2f}" for n, r in ratios.items()))
    return {"name": name, "ms": {n: round(t * 1e3, 4) for n, t in times.items()}, "times_ours": ratios}


def binary(n: int, dtype: torch.dtype, inner: int = 1) -> dict[str, Any]:
    x, y = torch.randn(n).to(dtype).requires_grad_(), torch.rand(n).round().to(dtype)
    compiled = torch.compile(F.binary_cross_entropy_with_logits)
    losses = {
        "xent": lambda a: xt.binary_cross_entropy_with_logits(a, y),
        "eager": lambda a: F.binary_cross_entropy_with_logits(a, y),
        "compile": lambda a: compiled(a, y),
    }
    name = f"binary_cross_entropy_with_logits {n:,} {str(dtype)[6:]}"
    return report(name, steps(losses, x), inner=inner)


def probabilities(n: int, dtype: torch.dtype) -> dict[str, Any]:
    x, y = torch.rand(n).to(dtype).requires_grad_(), torch.rand(n).round().to(dtype)
    losses = {
        "xent": lambda a: xt.binary_cross_entropy(a, y),
        "eager": lambda a: F.binary_cross_entropy(a, y),
    }
    return report(f"binary_cross_entropy {n:,} {str(dtype)[6:]}", steps(losses, x))


def distillation(rows: int, outcomes: int, dtype: torch.dtype, kind: str, temperature: float = 2.0) -> dict[str, Any]:
    student = torch.randn(rows, outcomes).to(dtype).requires_grad_()
    teacher = torch.randn(rows, outcomes).to(dtype)

    def theirs(s: torch.Tensor) -> torch.Tensor:
        p, q = F.log_softmax(s / temperature, -1), F.log_softmax(teacher / temperature, -1)
        first, second = (q, p) if kind == "reverse" else (p, q)
        return F.kl_div(first, second, reduction="batchmean", log_target=True) * temperature**2

    compiled = torch.compile(theirs)
    losses = {
        "xent": lambda s: xt.distillation_loss(s, teacher, kind=kind, temperature=temperature),
        "eager": theirs,
        "compile": compiled,
    }
    return report(f"distillation {kind} {rows}x{outcomes} {str(dtype)[6:]}", steps(losses, student), seconds=10.0)


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "binary tiny": lambda: binary(320, torch.float32, inner=200),
    "binary float32": lambda: binary(10_000_000, torch.float32),
    "binary bfloat16": lambda: binary(10_000_000, torch.bfloat16),
    "probabilities float32": lambda: probabilities(10_000_000, torch.float32),
    "distillation forward float32": lambda: distillation(4096, 32000, torch.float32, "forward"),
    "distillation forward bfloat16": lambda: distillation(4096, 32000, torch.bfloat16, "forward"),
    "distillation reverse float32": lambda: distillation(4096, 32000, torch.float32, "reverse"),
}


def main() -> None:
    wanted = " ".join(sys.argv[1:])
    rows = [case() for name, case in CASES.items() if wanted in name]
    if not wanted:
        write("torch_binary", rows)


if __name__ == "__main__":
    main()
