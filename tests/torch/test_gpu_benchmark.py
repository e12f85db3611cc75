"""benchmarks/gpu.py runs: where there is no GPU its dry run tries every step but the clock."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
CASES = 9  # of a quick run


def test_the_dry_run_computes_every_quick_case_and_finds_ours_right():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XENT_")}
    found = subprocess.run(
        [sys.executable, str(SCRIPT), "--dry-run", "--quick"],
        capture_output=True, text=True, check=False, env=environment | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert sum("(ours: " in line for line in lines) == CASES
    ours = [line for line in lines if line.startswith("    ours ")]
    assert len(ours) == CASES
    assert all("off by: loss" in line and "WRONG" not in line for line in ours)
    if importlib.util.find_spec("triton") is not None:
        assert any("(ours: triton" in line for line in lines)
    assert " ms" not in found.stdout  # nothing was measured
