"""Compile the Triton kernels for NVIDIA's processors, which needs none of them, and print what came of each as JSON.

Run as a program of its own: Triton compiles only where nothing is to be interpreted.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from xent.torch.backends.triton import launch
from xent.torch.backends.triton.kernels.fused import fused_kernel
from xent.torch.backends.triton.kernels.gradient import gradient_kernel
from xent.torch.backends.triton.kernels.statistics import statistics_kernel

COLUMNS = 128256
SIZE = {"bf16": 2, "fp16": 2, "fp32": 4}
PLAIN = {
    **dict.fromkeys(("CAP", "HEAT", "BASE", "DENSE", "TOPK", "SPREAD", "WHOLE", "WEIGHT"), False),
    "K": 1,
}
VARIANTS = {
    "plain": {},
    "all": {"CAP": True, "HEAT": True, "BASE": True, "WEIGHT": True},
    "dense": {"DENSE": True},
    "top-k": {"TOPK": True, "K": 64},
    "spread": {"TOPK": True, "SPREAD": True, "BASE": True, "K": 64},
}

# The types of arguments; a row of logits is {0}, and the numbers of 128-bit loads are whole multiples of 16.
POINTERS = {
    "logits": "*{0}", "out": "*{0}", "probs": "*fp32", "weight": "*fp32", "tokens": "*fp32", "upstream": "*fp32",
    "by_logsumexp": "*fp32", "by_entropy": "*fp32", "log_prob": "*fp32", "logsumexp": "*fp32", "entropy": "*fp32",
    "state": "*fp64", "divisor": "*fp64", "loss": "*fp64", "target": "*i64", "flag": "*i64", "argmax": "*i64",
    "first": "*i64", "outcomes": "*i64",
}  # fmt: skip
ALIGNED = ("logits_stride", "columns", "out_stride")
INTEGERS = (*ALIGNED, "count", "target_stride", "k", "ignore_index", "upstream_stride")

# kernel -> (itself, constants of its own, pointers that are None): a line each.
SHARDLESS = ("first", "outcomes")
GIVEN = ("log_prob", "logsumexp", "entropy", "argmax")
KERNELS = {
    "statistics": (statistics_kernel, {"PARTIAL": False, "ENTROPY": False}, (*SHARDLESS, *GIVEN)),
    "statistics with entropy": (statistics_kernel, {"PARTIAL": False, "ENTROPY": True}, (*SHARDLESS, "loss")),
    "part of a shard": (statistics_kernel, {"PARTIAL": True, "ENTROPY": False}, ("flag", "loss", *GIVEN)),
    "gradient": (gradient_kernel, {"UNLESS_ONE": True}, (*SHARDLESS, "by_logsumexp", "by_entropy")),
    "gradient of statistics": (gradient_kernel, {"UNLESS_ONE": False}, (*SHARDLESS, "divisor")),
    "gradient of a shard": (gradient_kernel, {"UNLESS_ONE": False}, ()),
    "fused": (fused_kernel, {}, SHARDLESS),
}


def compiled(name, dtype, variant, capability):
    """One kernel: what its numbers are."""
    kernel, constants, absent = KERNELS[name]
    chosen = {**PLAIN, **VARIANTS[variant]}
    none = {*absent} | ({"tokens"} if variant != "all" else set())
    none |= {"weight"} if not chosen["WEIGHT"] else set()
    none |= {"probs"} if not chosen["TOPK"] else set()
    heavy = any(chosen[flag] for flag in ("CAP", "DENSE", "TOPK", "WEIGHT"))
    blocks = launch.blocks(COLUMNS, SIZE[dtype], heavy=heavy)
    constants = {**chosen, **constants, **blocks._asdict(), "EXACT": dtype == "fp32", **dict.fromkeys(none)}
    signature, attributes = {}, {}
    for i, argument in enumerate(kernel.arg_names):
        if argument in constants:
            signature[argument] = "constexpr"
        elif argument in POINTERS:
            dense = argument == "target" and chosen["DENSE"]
            signature[argument] = (POINTERS["logits"] if dense else POINTERS[argument]).format(dtype)
        else:
            signature[argument] = "i32" if argument in INTEGERS else "fp32"
        aligned = argument in POINTERS or argument in ALIGNED or (argument == "target_stride" and chosen["DENSE"])
        if argument not in constants and aligned:
            attributes[(i,)] = [["tt.divisibility", 16]]
    constants = {k: v for k, v in constants.items() if k in kernel.arg_names}
    made = triton.compile(
        ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes),
        target=GPUTarget("cuda", capability, 32),
        options=launch.compiling(blocks.num_warps, nvidia=True),
    )
    ptx = made.asm["ptx"]
    loads = re.findall(r"ld\.global\S*", ptx)
    return {
        "kernel": name,
        "dtype": dtype,
        "variant": variant,
        "capability": capability,
        **resources(made.asm["cubin"]),
        "wide loads": sum(".v4." in load or ".v8." in load for load in loads),
        "wide stores": len(re.findall(r"st\.global\S*\.v4\.", ptx)),
        "float atomics": len(re.findall(r"\b(?:atom|red)\.\S*\.(?:f16|bf16|f32|f64)", ptx)),
        "64-bit products": len(re.findall(r"\b(?:mul\.lo|mad\.lo)\.s64|\bmul\.wide\.[su]32|\bmad\.wide\.[su]32", ptx)),
    }


def resources(cubin):
    """Registers, and bytes of stack and local memory, a thread."""
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        said = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    found = re.search(r"REG:(\d+) STACK:(\d+) SHARED:\d+ LOCAL:(\d+)", said.stdout)
    return dict(zip(("registers", "stack", "local"), map(int, found.groups()), strict=True))


if __name__ == "__main__":
    for wanted in json.loads(sys.argv[1]):
        print(json.dumps(compiled(*wanted)), flush=True)
