"""Losses of xent.torch on the CPU beside PyTorch's, eager and compiled, beside the floor, with peak memory.

    python benchmarks/torch_cpu.py [--quick] [--only logits|tiny] [--document]

Without options it also runs torch_linear.py and torch_binary.py beside it, and writes the table of docs/performance.md.

Every backward makes a fresh gradient, as a training step does. Providers take turns in one process; each line prints
medians and ratios. The floor is one read and one write of the data (a copy into memory that is there already); "fresh"
is the same copy into memory that is not: what any new gradient pays to the operating system. Peak memory is measured
in a process of its own for each provider, over what it holds before the call.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from _timing import RESULTS, alternate, machine, replace_section, resident, write

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
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew (Linux)
    before = resident("VmRSS")
    step(PROVIDERS[name], *large)()
    print(resident("VmHWM") - before)


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
    t = seconds(calls, 20)
    row = {"case": f"cross_entropy {NAMES[dtype]} {n} x {v}, forward and backward", "seconds": t}
    row["peak_mib"] = {} if QUICK or case else peaks(case)
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
    t = seconds(calls, 8)
    row = {"case": f"cross_entropy {NAMES[dtype]} {n} x {v}, loss only", "seconds": t}
    return show(row, {"eager / ours": (t["eager"] / t["ours"], 1.5)})


def tiny() -> dict[str, Any]:
    x, y = batch(torch.float32, 32, 10)
    calls = {name: step(PROVIDERS[name], x, y) for name in ("ours", "eager")}
    t = seconds(calls, 6, inner=100)
    row = {"case": "cross_entropy float32 32 x 10, forward and backward", "seconds": t}
    return show(row, {"eager / ours": (t["eager"] / t["ours"], 1 / 1.3)})


def line(case: str, ours: float, other: str, theirs: float, target: float | None, most: bool = False) -> str:
    """One row of the table: how many times faster than another, or (`most`) how many times as long as a floor."""
    ratio = ours / theirs if most else theirs / ours
    goal = ""
    if target is not None:
        met = ratio <= target if most else ratio >= target
        goal = f"{'at most ' if most else ''}{target:.3g}x" + ("" if met else ", missed")
    took = f"{ratio:.2f}x as long" if most else f"{ratio:.2f}x"
    mine, other_ms = (f"{t * 1e3:,.0f}" if t >= 0.1 else f"{t * 1e3:.3g}" for t in (ours, theirs))
    return f"| {case} | {mine} | {other}, {other_ms} ms | {took} | {goal} |"


def logits_lines(rows: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        for name, r in row["ratios"].items():
            other, mine = name.split(" / ")
            case = row["case"] + ("" if mine == "ours" else f" ({mine.removeprefix('ours, ')} on)")
            lines.append(line(case, row["seconds"][mine], other, row["seconds"][other], r["target"]))
    return lines


def linear_lines() -> list[str]:
    lines: list[str] = []
    for row in json.loads((RESULTS / "torch_linear.json").read_text())["rows"]:
        t, case = row["seconds"], f"linear_cross_entropy {row['dtype']} {row['rows']} x 768 x 50257"
        best = min(v for k, v in t.items() if k.startswith("three products,"))
        half = row["dtype"] == "bfloat16"
        products = "three bare products" + (" (float32)" if half else "")
        lines += [
            line(case, t["xent"], products, best, 1.30 if half else 1.10, most=True),
            line(case, t["xent"], "all the logits", t["all the logits"], 1.0),
            line(
                case,
                t["xent"],
                "F.linear_cross_entropy in chunks",
                t["F.linear_cross_entropy, chunked"],
                15 if half else 4,
            ),
            line(case + ", loss only", t["xent, loss only"], "one product", t["one product"], 1.15, most=True),
        ]
    return lines


def binary_lines() -> list[str]:
    lines: list[str] = []
    for row in json.loads((RESULTS / "torch_binary.json").read_text())["rows"]:
        t = {name: ms / 1e3 for name, ms in row["ms"].items()}
        goal = 3.0 if row["name"].startswith("binary_cross_entropy_with_logits 10,000,000 float32") else None
        lines.append(line(row["name"], t["xent"], "eager", t["eager"], goal))
        if "compile" in t:
            lines.append(line(row["name"], t["xent"], "compiled", t["compile"], None))
    return lines


def document(rows: list[dict[str, Any]]) -> None:
    """The table of docs/performance.md."""
    facts = json.loads((RESULTS / "torch_cpu.json").read_text())["machine"]
    lines = [
        f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, {torch.get_num_threads()} threads, {facts['isa']},",
        f"torch {torch.__version__}. Forward and backward with fresh gradients unless it says otherwise.",
        "",
        "| case | xent, ms | against | ratio | target |",
        "|---|---:|---|---:|---:|",
        *logits_lines(rows),
        *linear_lines(),
        *binary_lines(),
        "",
        "Beside the floors, and peak memory over what stood before the step:",
        "",
        "| case | xent, ms | one read and one write, ms | a fresh copy, ms | peak MiB: xent | eager | compiled |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if row.get("peak_mib"):
            t, m = row["seconds"], row["peak_mib"]
            floor, fresh = t["floor: one read, one write"], t["fresh copy"]
            lines.append(
                f"| {row['case']} | {t['ours'] * 1e3:.3g} | {floor * 1e3:.3g} | {fresh * 1e3:.3g} "
                f"| {m['ours']:.0f} | {m['eager']:.0f} | {m['compiled']:.0f} |"
            )
    replace_section("torch-cpu", lines)


def main() -> None:
    if "--peak" in sys.argv:
        at = sys.argv.index("--peak")
        return peak(int(sys.argv[at + 1]), sys.argv[at + 2])
    if "--document" in sys.argv:  # the table, from the last run
        return document(json.loads((RESULTS / "torch_cpu.json").read_text())["rows"])
    print(machine(), f"torch threads {torch.get_num_threads()}")
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    rows: list[dict[str, Any]] = []
    if only in ("", "tiny"):
        rows.append(tiny())
    if only in ("", "logits"):
        rows += [logits(i) for i in range(len(LOGITS))] + [few_classes()] + [loss_only(i) for i in (0, 2)]
    if not QUICK and not only:
        write("torch_cpu", rows)
        for script in ("torch_linear.py", "torch_binary.py"):
            subprocess.run([sys.executable, str(Path(__file__).with_name(script))], check=True)
        document(rows)
    return None


if __name__ == "__main__":
    main()
