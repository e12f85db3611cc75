"""The cases: inputs, providers, what is exact, the floor, the bytes and operations counted, the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import _gpu_providers as providers
import torch
from _gpu_exact import Exact, divergence, of_linear, of_logits, said, spelled_out
from _gpu_providers import Provider
from _gpu_timing import DEVICE, GPU, Call

import xent.torch as xt

ALL = {"label_smoothing": 0.1, "z_loss": 1e-4, "weight": True, "softcap": 30.0, "temperature": 1.5}
MiB = 1 << 20
DEFAULT_BUDGET = 1280 * MiB
Tensors = tuple[torch.Tensor, ...]


class Target(NamedTuple):
    """At most `limit` milliseconds, or times as long as the floor."""

    limit: float
    floor: str = ""


class Job(NamedTuple):
    """A case whose inputs are there."""

    leaves: Tensors  # what gradients are asked of; none where they require none
    providers: dict[str, Provider]
    exact: Callable[[], Exact]
    floors: dict[str, Call]
    choice: Callable[[], str]
    bytes: float = 0.0  # that must move, logits or values read and gradients written
    flops: float = 0.0  # of the matrix products
    budgets: dict[str, int] = {}  # bytes that a provider may hold beyond its outputs  # noqa: RUF012


class Case(NamedTuple):
    """One line of the plan."""

    name: str
    title: str
    make: Callable[[], Job]
    target: Target | None = None
    quick: bool = False
    calls: bool = False  # how many calls a second, not how long the GPU takes


def size(n: int, least: int) -> int:
    """A dry run is of little."""
    return n if GPU else min(n, least)


def filled(*shape: int, dtype: torch.dtype = torch.bfloat16, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator(DEVICE).manual_seed(seed)
    return torch.empty(shape, dtype=dtype, device=DEVICE).normal_(0.0, scale, generator=generator)


def labels(n: int, v: int, ignored: bool = False) -> torch.Tensor:
    y = torch.randint(v, (n,), generator=torch.Generator(DEVICE).manual_seed(1), device=DEVICE)
    if ignored:
        y[1::2] = -100
    return y


def with_weight(options: dict[str, Any], v: int) -> dict[str, Any]:
    """`weight` True stands for numbers around 1, which bfloat16 holds too."""
    return options | {"weight": (filled(v, seed=2).abs() + 0.5).float()} if "weight" in options else options


def _mean(y: torch.Tensor, options: dict[str, Any]) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """What rows add to the mean loss."""
    weight = options.get("weight")
    by = (torch.ones_like(y, dtype=torch.float64) if weight is None else weight.double()[y.clamp(min=0)])[y != -100]
    divisor = by.sum()
    return lambda z, rows: spelled_out(z, y[rows], **options)[0].sum() / divisor


def _copy(x: torch.Tensor) -> dict[str, Call]:
    room = torch.empty_like(x, requires_grad=False)
    plain = x.detach()
    return {"copy": Call(lambda: room.copy_(plain))}


def logits(n: int, v: int, dtype: torch.dtype, options: dict[str, Any], compiled: bool, gradient: bool = True) -> Job:
    n, v = size(n, 5), size(v, 37)
    x, y = filled(n, v, dtype=dtype, scale=3.0).requires_grad_(gradient), labels(n, v)
    options = with_weight(options, v)
    return Job(
        (x,),
        providers.logits(y, options, compiled),
        lambda: of_logits(x, _mean(y, options)),
        _copy(x),
        lambda: providers.choice(xt.cross_entropy, x, y, **options),
        bytes=(2 if gradient else 1) * x.numel() * x.element_size(),
    )


def _products(x: torch.Tensor, w: torch.Tensor, names: str) -> Callable[[], None]:
    """z = x W^T, dX = dz W, dW = dz^T x, by cuBLAS, all rows at once, into memory that is there."""
    x, w = x.detach(), w.detach()
    z = torch.empty(len(x), len(w), dtype=x.dtype, device=x.device)
    by_x, by_w = torch.empty_like(x), torch.empty_like(w)

    def run() -> None:
        for name in names:
            if name == "z":
                torch.mm(x, w.t(), out=z)
            elif name == "x":
                torch.mm(z, w, out=by_x)
            else:
                torch.mm(z.t(), x, out=by_w)

    return run


def _layer(n: int, d: int, v: int, gradient: bool) -> Tensors:
    x = filled(n, d).requires_grad_(gradient)
    return x, filled(v, d, seed=3, scale=3.0 / d**0.5).requires_grad_(gradient)


def linear(
    n: int,
    options: dict[str, Any],
    compiled: bool = False,
    gradient: bool = True,
    ignored: bool = False,
    budgets: tuple[int | None, ...] = (None,),
    rivals: bool = True,
) -> Job:
    n, d, v = size(n, 6), size(4096, 16), size(128256, 40)
    x, w = _layer(n, d, v, gradient)
    y = labels(n, v, ignored)
    options = with_weight(options, v)
    kept = n // 2 if ignored else n
    floor = "three products" if gradient else "one product"
    found = providers.linear(y, options, budgets, compiled, rivals)
    return Job(
        (x, w),
        found,
        lambda: of_linear(x, w, _mean(y, options)),
        {floor: Call(_products(x[:kept], w, "zxw" if gradient else "z"))},
        lambda: providers.choice(xt.linear_cross_entropy, x, w, y, **options),
        flops=(6.0 if gradient else 2.0) * kept * d * v,
        budgets={
            name: (b or DEFAULT_BUDGET) + (4 * w.numel() if gradient else 0)  # and the float32 sums of dW
            for name, b in zip([k for k in found if k.startswith("ours")], budgets, strict=True)
        },
    )


def linear_statistics(n: int, compiled: bool) -> Job:
    n, d, v = size(n, 6), size(4096, 16), size(131072, 40)
    x, w = _layer(n, d, v, True)
    y, upstream = labels(n, v), filled(n, dtype=torch.float32, seed=4)
    return Job(
        (x, w),
        providers.linear_statistics(y, upstream, compiled),
        lambda: of_linear(x, w, lambda z, rows: said(z, y[rows], upstream[rows])),
        {"four products": Call(_products(x, w, "zzxw"))},
        lambda: providers.choice(xt.linear_token_statistics, x, w, y),
        flops=8.0 * n * d * v,
        budgets={"ours": DEFAULT_BUDGET + 4 * w.numel()},
    )


def statistics(n: int, v: int, compiled: bool) -> Job:
    n, v = size(n, 5), size(v, 37)
    x, y, upstream = filled(n, v, scale=3.0).requires_grad_(), labels(n, v), filled(n, dtype=torch.float32, seed=4)
    return Job(
        (x,),
        providers.statistics(y, upstream, compiled),
        lambda: of_logits(x, lambda z, rows: said(z, y[rows], upstream[rows])),
        _copy(x),
        lambda: providers.choice(xt.token_statistics, x, y),
        bytes=3.0 * x.numel() * x.element_size(),
    )


def binary(n: int, dtype: torch.dtype) -> Job:
    n = size(n, 1000)
    x, y = filled(n, dtype=dtype, scale=3.0).requires_grad_(), (filled(n, seed=5) > 0).to(dtype)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    return Job(
        (x,),
        providers.binary(y),
        lambda: of_logits(x, lambda z, rows: loss(z, y[rows].double(), reduction="sum") / n),
        _copy(x),
        lambda: providers.choice(xt.binary_cross_entropy_with_logits, x, y),
        bytes=3.0 * x.numel() * x.element_size(),
    )


def distillation(n: int, v: int, kind: str, compiled: bool, temperature: float = 2.0) -> Job:
    n, v = size(n, 5), size(v, 37)
    x, teacher = filled(n, v, scale=3.0).requires_grad_(), filled(n, v, scale=3.0, seed=6)
    return Job(
        (x,),
        providers.distillation(teacher, kind, temperature, compiled),
        lambda: of_logits(x, lambda z, rows: divergence(z, teacher[rows].double(), kind, temperature) / n),
        _copy(x),
        lambda: providers.choice(xt.distillation_loss, x, teacher, kind=kind, temperature=temperature),
        bytes=3.0 * x.numel() * x.element_size(),
    )


def _plan_logits() -> list[Case]:
    half, single = torch.bfloat16, torch.float32
    target = Target(1.05)

    def case(name: str, n: int, v: int, dtype: torch.dtype, options: dict[str, Any], **rest: Any) -> Case:
        compiled, gradient = rest.pop("compiled", False), rest.pop("gradient", True)
        what = "loss and gradient" if gradient else "loss only"
        if options:
            what += ", " + ("every option" if len(options) == len(ALL) else next(iter(options)).replace("_", " "))
        title = f"cross_entropy {str(dtype)[6:]} {n} x {v}, {what}"
        return Case(name, title, lambda: logits(n, v, dtype, options, compiled, gradient), **rest)

    return [
        case("logits", 8192, 128256, half, {}, target=target, quick=True, compiled=True),
        case("logits-loss", 8192, 128256, half, {}, target=Target(0.55), quick=True, compiled=True, gradient=False),
        case("logits-all", 8192, 128256, half, ALL, target=target, quick=True, compiled=True),
        *(case(f"logits-{k.split('_')[0]}", 8192, 128256, half, {k: v}, target=target) for k, v in ALL.items()),
        case("logits-float32", 8192, 128256, single, {}, compiled=True),
        case("logits-32000", 32768, 32000, half, {}, compiled=True),
        case("logits-50257", 16384, 50257, half, {}, compiled=True),  # rows that do not begin at 16 bytes
        case("logits-1000", 65536, 1000, half, {}, compiled=True),
        case("logits-10", 262144, 10, half, {}, compiled=True),
    ]


def _plan_linear() -> list[Case]:
    target = Target(1.10, "three products")

    def case(name: str, n: int, what: str, options: dict[str, Any] | None = None, **rest: Any) -> Case:
        own = {k: rest.pop(k) for k in ("compiled", "gradient", "ignored", "budgets", "rivals") if k in rest}
        title = f"linear_cross_entropy bfloat16 {n} x 4096 x 128256, {what}"
        return Case(name, title, lambda: linear(n, options or {}, **own), **rest)

    both = "loss and gradients"
    budgets = (None, 256 * MiB, 512 * MiB, 1024 * MiB, 2560 * MiB)
    return [
        case("linear", 4096, both, target=target, quick=True, compiled=True),
        case("linear-all", 4096, f"{both}, every option", ALL, target=target, quick=True),
        case("linear-budgets", 4096, f"{both}, budgets", target=target, budgets=budgets, rivals=False),
        case("linear-1024", 1024, both, target=target),
        case("linear-2048", 2048, both, target=target),
        case("linear-8192", 8192, both, target=target),
        case("linear-ignored", 8192, f"{both}, every second row ignored", target=target, ignored=True),
        case("linear-16384", 16384, both, target=target),
        case("linear-32768", 32768, both, target=target),
        case("linear-loss", 4096, "loss only", gradient=False),
    ]


def _plan_rest() -> list[Case]:
    half, single = torch.bfloat16, torch.float32
    shape = "4096 x 128256"
    return [
        Case("statistics", "linear_token_statistics bfloat16 4096 x 4096 x 131072, with backward",
             lambda: linear_statistics(4096, True), Target(1.10, "four products"), quick=True),
        Case("statistics-logits", "token_statistics bfloat16 8192 x 128256, with backward",
             lambda: statistics(8192, 128256, True)),
        Case("binary", "binary_cross_entropy_with_logits bfloat16 100,000,000", lambda: binary(100_000_000, half),
             quick=True),
        Case("binary-float32", "binary_cross_entropy_with_logits float32 100,000,000",
             lambda: binary(100_000_000, single)),
        *(Case(f"distillation-{kind}", f"distillation_loss bfloat16 {shape}, {kind}",
               lambda kind=kind: distillation(4096, 128256, kind, kind == "forward"), quick=kind == "forward")
          for kind in ("forward", "reverse", "js")),
        Case("calls-10", "cross_entropy float32 32 x 10, calls", lambda: logits(32, 10, single, {}, True),
             quick=True, calls=True),
        Case("calls-1000", "cross_entropy bfloat16 1024 x 1000, calls", lambda: logits(1024, 1000, half, {}, True),
             calls=True),
    ]  # fmt: skip


def plan() -> list[Case]:
    """All cases, those of a quick run first: what time runs out for is the least asked for."""
    cases = _plan_logits() + _plan_linear() + _plan_rest()
    return sorted(cases, key=lambda case: not case.quick)
