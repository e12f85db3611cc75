"""The constants in the kernels are what the script prints."""

import subprocess
import sys
from pathlib import Path

NATIVE = Path(__file__).parents[2] / "native"


def test_constants_are_reproduced():
    done = subprocess.run(
        [sys.executable, NATIVE / "constants.py"], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == (NATIVE / "constants.hpp").read_text()
