"""The last layer and its loss, forward and backward, beside its bare matrix products, all the logits, and PyTorch's chunks.

    python benchmarks/torch_linear.py [--dtype float32|bfloat16] [--rows N] [--seconds S] [--sweep]

Ratios are of alternating medians in one process. Products of bfloat16 that the processor has no units for are timed on
few rows, once, and multiplied up: the output says so. Peak memory is that of a process of its own.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from _timing import alternate, machine, resident, write

import xent.torch
from xent.torch._products import bfloat16_units

D, V = 768, 50257
BUDGET = 256 << 20
FEW = 64  # rows of what takes minutes


def layer(n, dtype):
    torch.manual_seed(0)
    x = torch.randn(n, D).to(dtype).requires_grad_()
    w = (torch.randn(V, D) / D**0.5).to(dtype).requires_grad_()
    return x, w, torch.randint(0, V, (n,))


def products(n, dtype, chunk, only_logits=False):
    """z = x Wᵀ, dx = dz W, dW += dzᵀ x by torch.mm, in chunks of rows, into memory that is there."""
    x, w = torch.randn(n, D).to(dtype), torch.randn(V, D).to(dtype)
    z, dx = torch.empty(chunk, V, dtype=dtype), torch.empty(n, D, dtype=dtype)
    dw = torch.zeros(V, D, dtype=dtype)

    def run():
        for i in range(0, n, chunk):
            part = x[i : i + chunk]
            here = z[: len(part)]
            torch.mm(part, w.t(), out=here)
            if not only_logits:
                torch.mm(here, w, out=dx[i : i + chunk])
                dw.addmm_(here.t(), part)

    return run


def step(function, n, dtype):
    x, w, y = layer(n, dtype)

    def run():
        x.grad = w.grad = None
        function(x, w, y).backward()

    return run


def ours(budget):
    return lambda x, w, y: xent.torch.linear_cross_entropy(x, w, y, memory_budget=budget)


def full(x, w, y):
    return F.cross_entropy(F.linear(x, w), y)


def chunked(rows):
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=rows, chunking_method=None)
    return lambda x, w, y: F.linear_cross_entropy(x, w, y, options=options)


def torch_chunk(n):
    """The rows that PyTorch's own rule takes at a time: logits as large as the input."""
    return min(n, 1 << (-(-n // -(-V // D)) - 1).bit_length())


def once(call, times):
    call()
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * times


def without_gradient(n, dtype):
    x, w, y = layer(n, dtype)

    def run():
        with torch.no_grad():
            xent.torch.linear_cross_entropy(x, w, y, memory_budget=BUDGET)

    return run


def times(n, dtype, seconds):
    slow = dtype == torch.bfloat16 and not bfloat16_units()
    floor = torch.float32 if slow else dtype
    calls = {f"three products, {c} rows a chunk": products(n, floor, c) for c in (n // 4, n // 2)}
    calls["one product"] = products(n, floor, n // 2, only_logits=True)
    calls["xent"] = step(ours(BUDGET), n, dtype)
    calls["xent, loss only"] = without_gradient(n, dtype)
    if not slow:
        calls["all the logits"] = step(full, n, dtype)
        calls["F.linear_cross_entropy, chunked"] = step(chunked(torch_chunk(n)), n, dtype)
    found = alternate(calls, seconds, least=3)
    if slow:
        by = n / FEW
        print(f"bfloat16 by torch: {FEW} rows timed once, times {by:.0f} (this processor has no units for bfloat16)")
        found["three products of bfloat16 by torch.mm"] = once(products(FEW, dtype, FEW), by)
        found["all the logits"] = once(step(full, FEW, dtype), by)
        found["F.linear_cross_entropy, chunked"] = once(step(chunked(torch_chunk(n)), FEW, dtype), by)
    return found


def peak(name, n, dtype):
    """Most memory of a process that does one step, beyond inputs and gradients, in MiB."""
    command = [sys.executable, __file__, "--peak", name, "--rows", str(n), "--dtype", str(dtype).removeprefix("torch.")]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure_peak(name, n, dtype):
    function = {
        "xent": ours(BUDGET),
        "all the logits": full,
        "F.linear_cross_entropy, chunked": chunked(torch_chunk(n)),
    }
    step(function[name], 4, dtype)()  # libraries load, threads start
    run = step(function[name], n, dtype)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew (Linux)
    before = resident("VmRSS")
    run()
    gradients = (n + V) * D * dtype.itemsize
    print(resident("VmHWM") - before - gradients / 2**20)


def report(n, dtype, seconds):
    found = times(n, dtype, seconds)
    floor = min(v for k, v in found.items() if k.startswith("three products,"))
    limit = 1.10 if dtype == torch.float32 else 1.30
    for name, value in found.items():
        print(f"  {name:44s} {value:8.2f} s   {value / floor:6.2f} of the three products")
    best = found["xent"]
    name = str(dtype).removeprefix("torch.")
    ratios = {
        f"{name}: xent / three products (target {limit})": best / floor,
        f"{name}: all the logits / xent": found["all the logits"] / best,
        f"{name}: F.linear_cross_entropy chunked / xent": found["F.linear_cross_entropy, chunked"] / best,
        f"{name}: loss only / one product (target 1.15)": found["xent, loss only"] / found["one product"],
    }
    for what, ratio in ratios.items():
        print(f"  {what:60s} {ratio:6.2f}")
    memory = {k: peak(k, n if k == "xent" else min(n, 256), dtype) for k in ("xent",)}
    if dtype == torch.float32:
        memory["all the logits"] = peak("all the logits", n, dtype)
    for what, size in memory.items():
        print(f"  peak beyond inputs and gradients: {what:25s} {size:8.0f} MiB")
    return {"dtype": name, "rows": n, "seconds": found, "ratios": ratios, "peak_mib": memory}


def sweep(n, dtype, seconds):
    """How the budget changes the time: what the default was chosen by."""
    calls = {f"{m} MiB": step(ours(m << 20), n, dtype) for m in (16, 64, 128, 256, 512)}
    for name, value in alternate(calls, seconds, least=3).items():
        print(f"  {name:10s} {value:8.2f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtype", choices=["float32", "bfloat16"])
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--peak")
    arguments = parser.parse_args()
    dtypes = [getattr(torch, arguments.dtype)] if arguments.dtype else [torch.float32, torch.bfloat16]
    if arguments.peak:
        return measure_peak(arguments.peak, arguments.rows, dtypes[0])
    print(machine())
    rows = []
    for dtype in dtypes:
        print(f"{dtype}, {arguments.rows} x {D} x {V}, memory_budget 256 MiB")
        if arguments.sweep:
            sweep(arguments.rows, dtype, arguments.seconds)
        else:
            rows.append(report(arguments.rows, dtype, arguments.seconds))
    if rows and len(dtypes) == 2 and arguments.rows == 2048:
        write("torch_linear", rows)
    return None


if __name__ == "__main__":
    main()
