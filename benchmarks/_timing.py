"""Alternating medians: providers take turns in one process, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def alternate(
    calls: dict[str, Callable[[], Any]], seconds: float = 6.0, least: int = 5, inner: int = 1
) -> dict[str, float]:
    """Median seconds of each call; every round runs each of them once, after one untimed round."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < least:
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(inner):
                call()
            times[name].append((time.perf_counter() - start) / inner)
    return {name: statistics.median(t) for name, t in times.items()}


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next(
            (line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), model
        )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    import xent

    about = xent.about()
    return {
        "date": date.today().isoformat(),
        "commit": commit.stdout.strip(),
        "cpu": model,
        "python": platform.python_version(),
        "isa": about.isa or "no compiled core",
        "threads": about.threads,
        "libraries": {k: v for k, v in about.libraries.items() if v},
    }


def write(name: str, rows: list[dict[str, Any]], **facts: Any) -> None:
    """Keep the last run beside the scripts, with further `facts` of the machine."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine() | facts, "rows": rows}, indent=1) + "\n")
    print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}", file=sys.stderr)


def replace_section(name: str, lines: list[str], document: str = "performance") -> None:
    """Puts `lines` between the marks of one section of a file of docs."""
    path = Path(__file__).parent.parent / "docs" / f"{document}.md"
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = path.read_text().split(begin)
    path.write_text(begin.join([before, "\n".join(["", *lines, end]) + rest.split(end)[1]]))


def resident(what: str) -> float:
    """MiB that this process holds now (VmRSS), or has held at most (VmHWM). Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024
