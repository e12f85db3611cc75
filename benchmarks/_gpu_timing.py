"""Times of a GPU: events around each call, providers in turns, behind a cache that was overwritten or left as it is.

The GPU is kept busy for a moment before each call, so that the call's kernels wait in its queue and the time is that of
the GPU, not of Python; what a call costs Python is measured by `wall`. A call that waits for the GPU itself pays for it.
Without a GPU (a dry run) everything runs once and nothing is measured.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

DRY = "--dry-run" in sys.argv
if DRY:
    os.environ["TRITON_INTERPRET"] = "1"  # settled when Triton is imported, which nothing has done yet
GPU = torch.cuda.is_available() and not DRY
DEVICE = torch.device("cuda" if GPU else "cpu")
_AHEAD = 1_000_000  # clock cycles, about half a millisecond
_QUERY = "name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.draw,power.limit,temperature.gpu"


class Call(NamedTuple):
    """What is timed, and what is done before, untimed."""

    run: Callable[[], Any]
    before: Callable[[], Any] | None = None


class Times(NamedTuple):
    """Seconds: the median of the rounds, and the quartiles."""

    median: float
    low: float
    high: float
    rounds: int


def _overwriter() -> Callable[[], Any]:
    """Writes to more memory than the second level of the cache holds."""
    size = max(4 * torch.cuda.get_device_properties(DEVICE).L2_cache_size, 256 << 20)
    room = torch.empty(size, dtype=torch.int8, device=DEVICE)
    return room.zero_


def alternate(calls: dict[str, Call], cold: bool, seconds: float, least: int = 5, most: int = 50) -> dict[str, Times]:
    """Every round runs each of the calls once, after an untimed one, in which memory is asked for."""
    if not GPU:
        return {}
    overwrite = _overwriter() if cold else None
    for call in calls.values():
        _timed(call, overwrite)
    found: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    for done in range(most):
        if done >= least and time.perf_counter() > end:
            break
        events = {name: _timed(call, overwrite) for name, call in calls.items()}
        torch.cuda.synchronize()
        for name, (first, last) in events.items():
            found[name].append(first.elapsed_time(last) / 1e3)
    return {name: _times(t) for name, t in found.items()}


def _timed(call: Call, overwrite: Callable[[], Any] | None) -> tuple[torch.cuda.Event, torch.cuda.Event]:
    if call.before is not None:
        call.before()
    if overwrite is not None:
        overwrite()
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda._sleep(_AHEAD)
    first.record()
    call.run()
    last.record()
    return first, last


def _times(seconds: list[float]) -> Times:
    quartiles = statistics.quantiles(seconds, n=4)
    return Times(statistics.median(seconds), quartiles[0], quartiles[2], len(seconds))


def wall(calls: dict[str, Call], seconds: float, inner: int = 200) -> dict[str, Times]:
    """Seconds of a call as Python sees it: many in a row, the GPU waited for after the last."""
    if not GPU:
        return {}
    found: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(found.values()))) < 5:
        for name, call in calls.items():
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(inner):
                call.run()
            torch.cuda.synchronize()
            found[name].append((time.perf_counter() - start) / inner)
    return {name: _times(t) for name, t in found.items()}


def peak(call: Call, outputs: Callable[[], int]) -> float | None:
    """MiB that a call holds at most beyond what was there before and beyond its `outputs`, in bytes."""
    if not GPU:
        return None
    if call.before is not None:
        call.before()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call.run()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before - outputs()) / 2**20


def state() -> dict[str, str]:
    """Name, driver, clocks, power and heat of the GPU as it is now."""
    if not GPU or not shutil.which("nvidia-smi"):
        return {}
    command = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader", "--id=0"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return dict(zip(_QUERY.split(","), said.split(", "), strict=False))
