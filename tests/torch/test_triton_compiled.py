"""The Triton kernels as they are compiled for NVIDIA's processors: no GPU is needed to look at what comes out."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = [
    ("statistics", "bf16", "plain", 90),
    ("statistics", "fp16", "spread", 80),
    ("statistics", "fp32", "all", 90),
    ("statistics", "bf16", "dense", 90),
    ("statistics with entropy", "bf16", "plain", 90),
    ("statistics with entropy", "fp32", "plain", 80),
    ("gradient", "bf16", "plain", 90),
    ("gradient", "fp32", "all", 80),
    ("gradient", "bf16", "dense", 90),
    ("gradient", "fp16", "spread", 90),
    ("gradient of statistics", "bf16", "plain", 90),
    ("part of a shard", "bf16", "all", 90),
    ("gradient of a shard", "bf16", "spread", 90),
    ("fused", "bf16", "plain", 80),
    ("fused", "bf16", "plain", 90),
    ("fused", "bf16", "all", 90),
    ("fused", "fp32", "all", 90),
    ("fused", "bf16", "dense", 90),
    ("fused", "bf16", "top-k", 90),
    ("fused", "bf16", "spread", 90),
    ("binary", "bf16", "logits", 90),
    ("binary", "fp32", "probabilities", 90),
    ("distillation", "bf16", "forward", 90),
    ("distillation", "fp32", "reverse", 80),
    ("distillation", "bf16", "js", 90),
    ("scale", "bf16", "in place", 90),
]


def compiled(folder):
    """Case -> what came of it, all from one process in which nothing is interpreted."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(folder)
    script = Path(__file__).with_name("compile_kernels.py")
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(CASES)], capture_output=True, text=True, env=environment, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(CASES, map(json.loads, done.stdout.splitlines()), strict=True))


def faults(name, found):
    """What is wrong with one kernel."""
    most = 128 if name == "binary" else 64  # a program of it has 128 threads, of the others 512
    rules = {
        "registers are spilled": found["local"] == found["stack"] == 0,
        "too few programs fit a multiprocessor": found["registers"] <= most,
        "no loads of 128 bits": found["wide loads"] >= (2 if name == "fused" else 1),
        "no stores of 128 bits": found["wide stores"] >= (0 if name.startswith(("statistics", "part of")) else 1),
        "the order of sums is not fixed": found["float atomics"] == 0,
        "offsets of rows would wrap at 2^31": found["64-bit products"] > 0,
    }
    return [fault for fault, kept in rules.items() if not kept]


@pytest.mark.slow
def test_what_the_compiler_makes(tmp_path):
    """One test for all cases: several would compile them again in every worker of pytest-xdist."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    made = compiled(tmp_path)
    wrong = [f"{case}: {fault}: {found}" for case, found in made.items() for fault in faults(case[0], found)]
    assert not wrong, "\n".join(wrong)
