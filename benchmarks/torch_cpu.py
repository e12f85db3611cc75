"""Losses of xent.torch on the CPU beside PyTorch's, eager and compiled, beside the floor, with peak memory.

    python benchmarks/torch_cpu.py [--quick] [--only logits|tiny|linear|binary]

Every backward makes a fresh gradient, as a training step does. Providers take turns in one process; each line prints
medians and ratios. The floor is one read and one write of the data (a copy into memory that is there already); "fresh"
is the same copy into memory that is not: what any new gradient pays to the operating system. Peak memory is measured
in a process of its own for each provider, over what it holds before the call.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from _timing import alternate, machine, replace_section, write

import xent
import xent.torch

QUICK = "--quick" in sys.argv
LOGITS = ((torch.float32, 1024, 128256), (torch.float32, 65536, 1000), (torch.bfloat16, 1024, 128256))
NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


def batch(dtype: torch.dtype, n: int, v: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.empty(n, v, dtype=dtype).normal_(generator=generator).mul_(3)
    return logits.requires_grad_(), torch.randint(v, (n,), generator=generator)


def eager(x, y):
    return F.cross_entropy(x, y)


compiled = torch.compile(eager, fullgraph=True, dynamic=False)


def ours(x, y):
    return xent.torch.cross_entropy(x, y)


def ours_all(x, y):
    return xent.torch.cross_entropy(x, y, label_smoothing=0.1, z_loss=1e-4)


PROVIDERS: dict[str, Callable[..., torch.Tensor]] = {
    "ours": ours,
    "ours, smoothing and z-loss": ours_all,
    "eager": eager,
    "compiled": compiled,
}


def step(function: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> Callable[[], None]:
    """Forward and backward with fresh gradients."""

    def run() -> None:
        for tensor in tensors:
            tensor.grad = None
        function(*tensors).backward()

    return run


def peaks(case: int) -> dict[str, float]:
    """MiB over what stood before the step, of every provider in its own process."""
    return {
        name: float(subprocess.run([sys.executable, __file__, "--peak", str(case), name],
                                   capture_output=True, text=True, check=True).stdout.split()[-1])
        for name in PROVIDERS
    }  # fmt: skip


def peak(case: int, name: str) -> None:
    small, large = batch(torch.float32, 8, 128256), batch(*LOGITS[case])
    step(PROVIDERS[name], *small)()  # libraries, threads and compilers are there before the measurement
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step(PROVIDERS[name], *large)()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def show(row: dict[str, Any], ratios: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """One case: its times, then each ratio beside its target."""
    print(row["case"])
    for name, seconds in row["seconds"].items():
        memory = f"{row['peak_mib'][name]:10.0f} MiB" if name in row.get("peak_mib", {}) else ""
        print(f"    {name:<30}{seconds * 1e3:12.4g} ms{memory}")
    row["ratios"] = {}
    for name, (ratio, target) in ratios.items():
        row["ratios"][name] = {"ratio": ratio, "target": target, "met": ratio >= target}
        print(f"    {name:<44}{ratio:8.2f}x  target {target:g}x  {'ok' if ratio >= target else 'MISSED'}")
    return row


def seconds(calls: dict[str, Callable[[], Any]], length: float, inner: int = 1) -> dict[str, float]:
    return alternate(calls, seconds=length / 4 if QUICK else length, least=3 if QUICK else 5, inner=inner)


def logits(case: int) -> dict[str, Any]:
    dtype, n, v = LOGITS[case]
    x, y = batch(dtype, n, v)
    data, room = x.detach(), torch.empty(n, v, dtype=dtype).fill_(0)
    calls: dict[str, Callable[[], Any]] = {name: step(f, x, y) for name, f in PROVIDERS.items()}
    calls["floor: one read, one write"] = lambda: room.copy_(data)
    calls["fresh copy"] = data.clone
    t = seconds(calls, 40)
    row = {"case": f"cross_entropy {NAMES[dtype]} {n} x {v}, forward and backward", "seconds": t}
    row["peak_mib"] = {} if QUICK else peaks(case)
    targets = {"eager": 2.5, "compiled": 1.4}
    ratios = {
        f"{name} / {mine}": (t[name] / t[mine], target)
        for mine in ("ours", "ours, smoothing and z-loss")
        for name, target in targets.items()
    }
    return show(row, ratios)


def few_classes() -> dict[str, Any]:
    x, y = batch(torch.float32, 262144, 10)
    t = seconds({name: step(f, x, y) for name, f in PROVIDERS.items()}, 10)
    return show(
        {"case": "cross_entropy float32 262144 x 10, forward and backward", "seconds": t},
        {"compiled / ours": (t["compiled"] / t["ours"], 1.2)},
    )


def loss_only(case: int) -> dict[str, Any]:
    dtype, n, v = LOGITS[case]
    x, y = batch(dtype, n, v)
    data = x.detach()
    calls = {name: (lambda f=f: f(data, y)) for name, f in PROVIDERS.items() if name != "compiled"}
    calls["floor: one read"] = data.sum
    t = seconds(calls, 15)
    row = {"case": f"cross_entropy {NAMES[dtype]} {n} x {v}, loss only", "seconds": t}
    return show(row, {"eager / ours": (t["eager"] / t["ours"], 1.5)})


def tiny() -> dict[str, Any]:
    x, y = batch(torch.float32, 32, 10)
    calls = {name: step(PROVIDERS[name], x, y) for name in ("ours", "eager")}
    t = seconds(calls, 10, inner=500)
    row = {"case": "cross_entropy float32 32 x 10, forward and backward", "seconds": t}
    return show(row, {"eager / ours": (t["eager"] / t["ours"], 1 / 1.3)})


def document(rows: list[dict[str, Any]]) -> None:
    """The table of docs/performance.md."""
    facts = machine()
    lines = [
        f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, {torch.get_num_threads()} threads, {facts['isa']},",
        f"torch {torch.__version__}. Fresh gradients; medians of alternating runs. Regenerate with `make bench`.",
        "",
        "| case | xent, ms | against | ratio | target |",
        "|---|---:|---|---:|---:|",
    ]
    for row in rows:
        for name, r in row["ratios"].items():
            other, mine = name.split(" / ")
            target = f"{r['target']:.3g}x" + ("" if r["met"] else ", missed")
            note = "" if mine == "ours" else f" ({mine.removeprefix('ours, ')} on)"
            lines.append(
                f"| {row['case']}{note} | {row['seconds'][mine] * 1e3:.4g} | {other}, {row['seconds'][other] * 1e3:.4g} ms "
                f"| {r['ratio']:.2f}x | {target} |"
            )
    replace_section("torch-cpu", lines)


def main() -> None:
    if "--peak" in sys.argv:
        at = sys.argv.index("--peak")
        return peak(int(sys.argv[at + 1]), sys.argv[at + 2])
    print(machine(), f"torch threads {torch.get_num_threads()}")
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    rows: list[dict[str, Any]] = []
    if only in ("", "tiny"):
        rows.append(tiny())
    if only in ("", "logits"):
        rows += [logits(i) for i in range(len(LOGITS))] + [few_classes()] + [loss_only(i) for i in (0, 2)]
    if not QUICK and not only:
        write("torch_cpu", rows)
        document(rows)
    return None


if __name__ == "__main__":
    main()
