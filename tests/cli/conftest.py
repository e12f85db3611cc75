import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import xent as package

SOURCE = Path(package.__file__).parents[1]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def xent_process(tmp_path) -> Run:
    """Run `python -m xent` in a process of its own, in an empty folder, with both streams on pipes."""

    def run(*args: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        keep = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
        return subprocess.run(
            [sys.executable, "-m", "xent", *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**keep, "PYTHONPATH": str(SOURCE), **environment},
        )

    return run


@pytest.fixture
def xent(tmp_path, monkeypatch) -> Run:
    """The same within this process, which is much quicker."""
    from xent.cli._app import run as run_xent

    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["xent", *args])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run_xent(list(args))
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return subprocess.CompletedProcess(args, code, *texts)

    return run


@pytest.fixture
def good(tmp_path) -> Path:
    """Sixty rows of three classes, well enough calibrated."""
    lines = ["id,label,p_cat,p_dog,p_fish"]
    rows = [
        ("cat", ".7,.2,.1"),
        ("dog", ".25,.5,.25"),
        ("fish", ".125,.125,.75"),
        ("cat", ".5,.25,.25"),
        ("dog", ".5,.25,.25"),
    ]
    lines += [f"r{place},{label},{q}" for place, (label, q) in enumerate(rows * 12)]
    path = tmp_path / "good.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
