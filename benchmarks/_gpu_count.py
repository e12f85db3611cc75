"""Instructions an element of the logits kernels, counted in what Triton compiles for an H200. Needs no GPU.

The public function is called with two rows on the CPU, and what it would start is compiled in place of being started.
Every instruction of a multiprocessor takes one of four places a clock cycle for 32 threads, and 2^x, 1/x and their like
(MUFU) are made at an eighth of that rate. The least time that follows is an estimate: no waiting, the highest clock.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import torch
import triton
from _gpu_cases import ALL, with_weight
from _timing import replace_section
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

import xent.torch
from xent.torch import _triton
from xent.torch.backends.triton import launch

ROWS, COLUMNS = 8192, 128256
CLOCK = 132 * 1.98e9  # multiprocessors times cycles a second
_TYPES = {torch.bfloat16: "bf16", torch.float32: "fp32", torch.float64: "fp64", torch.int64: "i64"}
_SHORTEST = 40  # instructions of a walk over a row; other loops are shorter


class Started(NamedTuple):
    """What a call would have started."""

    kernel: Any
    options: dict[str, Any]
    arguments: dict[str, Any]


def started(dtype: torch.dtype, options: dict[str, Any], gradient: bool) -> Started:
    """The first kernel of a call."""
    seen: list[Started] = []

    def keep(kernel: Any, programs: int, on: torch.Tensor, **given: Any) -> None:
        arguments = {k: v for k, v in given.items() if k in kernel.arg_names}
        seen.append(Started(kernel, {k: v for k, v in given.items() if k not in arguments}, arguments))

    kept = launch.start, _triton.interpreted
    launch.start, _triton.interpreted = keep, lambda: True
    os.environ["XENT_BACKEND"] = "triton"
    try:
        x = torch.zeros(2, COLUMNS, dtype=dtype, requires_grad=gradient)
        options = {k: v.cpu() if isinstance(v, torch.Tensor) else v for k, v in with_weight(options, COLUMNS).items()}
        xent.torch.cross_entropy(x, torch.zeros(2, dtype=torch.int64), **options)
    finally:
        launch.start, _triton.interpreted = kept
        del os.environ["XENT_BACKEND"]
    return seen[0]


def cubin(found: Started) -> bytes:
    """It, compiled for compute capability 9.0."""
    signature, constants, attributes = {}, {}, {}
    for i, parameter in enumerate(found.kernel.params):
        name, value = parameter.name, found.arguments[parameter.name]
        special = not parameter.do_not_specialize
        if parameter.is_constexpr or value is None or (special and isinstance(value, int) and value == 1):
            signature[name], constants[name] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[name] = f"*{_TYPES[value.dtype]}"
            attributes[(i,)] = [["tt.divisibility", 16]]
        elif isinstance(value, float):
            signature[name] = "fp32"
        else:
            signature[name] = "i32"
            if special and value % 16 == 0:
                attributes[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=found.kernel, signature=signature, constexprs=constants, attrs=attributes)
    options = launch.compiling(found.options["num_warps"], nvidia=True)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["cubin"]


def loops(code: bytes) -> list[Counter[str]]:
    """Instructions by name of every loop that reads memory."""
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(code)
        file.flush()
        text = subprocess.run([tool, "--dump-sass", file.name], capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s+/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+ )?([A-Z0-9]+)(.*);", text, re.MULTILINE)
    found = []
    for at, name, rest in lines:
        to = re.search(r"0x([0-9a-f]+)", rest) if name == "BRA" else None
        if to and int(to[1], 16) < int(at, 16):
            body = Counter(n for a, n, _ in lines if int(to[1], 16) <= int(a, 16) <= int(at, 16))
            if body.total() >= _SHORTEST and body["LDG"]:
                found.append(body)
    return found


def line(name: str, dtype: torch.dtype, options: dict[str, Any], gradient: bool = True) -> str:
    """One kernel: what an element costs, and the least time of all of them beside that of memory."""
    it = started(dtype, options, gradient)
    blocks = launch.Blocks(*(it.arguments[k] for k in "RGLE"), it.options["num_warps"])
    span = blocks.G * blocks.L * blocks.E
    # Forward by whole blocks and by the one that is left; back by all of them.
    turns = [COLUMNS // span, int(COLUMNS % span > 0), *([-(-COLUMNS // span)] if gradient else [])]
    walks = loops(cubin(it))
    if len(walks) != len(turns):
        raise SystemExit(f"{it.kernel.fn.__name__} has {len(walks)} loops over a row, not {len(turns)}.")
    each = 32 * blocks.num_warps / (blocks.R * COLUMNS)
    instructions = each * sum(w.total() * times for w, times in zip(walks, turns, strict=True))
    special = each * sum(w["MUFU"] * times for w, times in zip(walks, turns, strict=True))
    elements = ROWS * COLUMNS
    by_issue, by_special = elements * instructions / (128 * CLOCK), elements * special / (16 * CLOCK)
    memory = elements * dtype.itemsize * (2 if gradient else 1) / 4.8e12
    return (
        f"| {name} | {instructions:.1f} | {special:.1f} | {by_issue * 1e3:.2f} | {by_special * 1e3:.2f} "
        f"| {memory * 1e3:.2f} |"
    )


def count() -> None:
    """The table of docs/performance.md."""
    half = torch.bfloat16
    lines = [
        f"Counted in what Triton {triton.__version__} compiles for compute capability 9.0. Times are of {ROWS} x {COLUMNS}.",
        "",
        "| loss and gradient | instructions | 2^x, 1/x | by instructions, ms | by 2^x, 1/x, ms | by memory, ms |",
        "|---|---:|---:|---:|---:|---:|",
        line("bfloat16", half, {}),
        *(line(f"bfloat16, {k.replace('_', ' ')}", half, {k: v}) for k, v in ALL.items()),
        line("bfloat16, all of these", half, ALL),
        line("float32", torch.float32, {}),
        line("bfloat16, loss only", half, {}, gradient=False),
    ]
    print("\n".join(lines))
    replace_section("gpu-count", lines)
