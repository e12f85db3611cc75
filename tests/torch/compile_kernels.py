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

from xent.torch.backends.triton import binary, launch, linear_autograd
from xent.torch.backends.triton.kernels.binary import binary_kernel
from xent.torch.backends.triton.kernels.distillation import distillation_kernel
from xent.torch.backends.triton.kernels.fused import fused_kernel
from xent.torch.backends.triton.kernels.gradient import gradient_kernel
from xent.torch.backends.triton.kernels.scale import scale_kernel
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
INTEGERS = (
    *ALIGNED, "count", "target_stride", "k", "ignore_index", "upstream_stride", "divisor", "weight_span",
    "weight_times", "pos_span", "pos_times", "upstream_span", "upstream_times", "student_stride", "teacher_stride",
    "steps",
)  # fmt: skip

# kernel -> (itself, constants of its own, pointers that are None): a line each.
SHARDLESS = ("first", "outcomes")
GIVEN = ("log_prob", "logsumexp", "entropy", "argmax")
KERNELS = {
    "statistics": (statistics_kernel, {"PARTIAL": False, "ENTROPY": False}, GIVEN),
    "statistics with entropy": (statistics_kernel, {"PARTIAL": False, "ENTROPY": True}, ("loss",)),
    "gradient": (gradient_kernel, {"UNLESS_ONE": True}, ("by_logsumexp", "by_entropy")),
    "gradient of statistics": (gradient_kernel, {"UNLESS_ONE": False}, ("divisor",)),
    "fused": (fused_kernel, {}, ()),
}

# kernel -> (itself, variants with their constants, warps): those whose arguments are their own.
BINARY = {
    "LOGITS": True, "WEIGHT_WHOLE": False, "POS_WHOLE": False, "UPSTREAM_WHOLE": False, "REDUCED": True,
    "UNLESS_ONE": False, "WIDE": True, "BLOCK": binary._BLOCK, "weight": None, "pos_weight": None, "upstream": None,
}  # fmt: skip
PAIR = {"UNLESS_ONE": False, "mass": None, "tokens": None, "upstream": None}
OTHERS = {
    "binary": (binary_kernel, {"logits": BINARY, "probabilities": {**BINARY, "LOGITS": False}}, 4),
    "distillation": (
        distillation_kernel,
        {kind: {**PAIR, "KIND": i} for i, kind in enumerate(("forward", "reverse", "js"))},
        0,
    ),
    "scale": (scale_kernel, {"in place": {"IN_PLACE": True, "B": linear_autograd._BLOCK}}, 8),
}


def compiled(name, dtype, variant, capability):
    """One kernel: what its numbers are."""
    kernel, constants, absent = KERNELS[name]
    chosen = {**PLAIN, **VARIANTS[variant]}
    none = {*SHARDLESS, *absent} | ({"tokens"} if variant != "all" else set())
    none |= {"weight"} if not chosen["WEIGHT"] else set()
    none |= {"probs"} if not chosen["TOPK"] else set()
    heavy = any(chosen[flag] for flag in ("CAP", "DENSE", "TOPK", "WEIGHT"))
    blocks = launch.blocks(COLUMNS, SIZE[dtype], heavy=heavy)
    constants = {**chosen, **constants, **blocks._asdict(), "EXACT": dtype == "fp32", **dict.fromkeys(none)}
    types = {name: kind.format(dtype) for name, kind in POINTERS.items()}
    types |= {"target": types["logits"]} if chosen["DENSE"] else {}
    aligned = {*ALIGNED, "target_stride"} if chosen["DENSE"] else {*ALIGNED}
    return facts(kernel, types, constants, aligned, blocks.num_warps, capability)


def other(name, dtype, variant, capability):
    """A kernel that is not one of `KERNELS`."""
    kernel, variants, warps = OTHERS[name]
    constants = dict(variants[variant])
    if "R" in kernel.arg_names:
        blocks = launch.blocks(COLUMNS, SIZE[dtype])._replace(G=1)
        constants |= {**blocks._asdict(), "EXACT": dtype == "fp32"}
        warps = blocks.num_warps
    types = {**POINTERS, **dict.fromkeys(("input", "target", "student", "teacher", "values"), "*{0}")}
    types = {argument: kind.format(dtype) for argument, kind in types.items()}
    if name == "binary":
        del types["divisor"]  # a number there
    aligned = {"columns", "count", "student_stride", "teacher_stride", "out_stride"}
    return facts(kernel, types, constants, aligned, warps, capability)


def facts(kernel, types, constants, aligned, warps, capability):
    """What the compiler makes of a kernel: pointers are of `types`, other arguments numbers."""
    signature, attributes = {}, {}
    for i, argument in enumerate(kernel.arg_names):
        if argument in constants:
            signature[argument] = "constexpr"
            continue
        signature[argument] = types.get(argument) or ("i32" if argument in INTEGERS else "fp32")
        if argument in types or argument in aligned:
            attributes[(i,)] = [["tt.divisibility", 16]]
    made = triton.compile(
        ASTSource(
            fn=kernel,
            signature=signature,
            constexprs={k: v for k, v in constants.items() if k in kernel.arg_names},
            attrs=attributes,
        ),
        target=GPUTarget("cuda", capability, 32),
        options=launch.compiling(warps, nvidia=True),
    )
    ptx = made.asm["ptx"]
    loads = re.findall(r"ld\.global\S*", ptx)
    return {
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
        print(json.dumps((compiled if wanted[0] in KERNELS else other)(*wanted)), flush=True)
