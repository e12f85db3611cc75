"""A closer look: the kernels of one case by torch's profiler, and the logits kernels by what a program holds."""

from __future__ import annotations

import _gpu_cases as cases
import torch
from _gpu_cases import Case, Job
from _gpu_run import backend, tried
from _gpu_timing import GPU, alternate

from xent.torch.backends.triton import launch

GROUPS, LANES = (1, 2, 4, 8), (256, 512, 1024)


def profile(case: Case, times: int = 5) -> None:
    """Device times of every kernel of every provider, the mean of a few calls."""
    job = case.make()
    with backend(job):
        _profile(case, job, times)


def _profile(case: Case, job: Job, times: int) -> None:
    calls, _, _, out = tried(job, set())
    kinds = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * GPU
    for name, call in (calls | job.floors).items():
        with torch.profiler.profile(activities=kinds) as found:
            for _ in range(times):
                if call.before is not None:
                    call.before()
                call.run()
            if GPU:
                torch.cuda.synchronize()
        print(f"{case.title}: {name}, {times} calls")
        by = "self_device_time_total" if GPU else "self_cpu_time_total"
        print(found.key_averages().table(sort_by=by, row_limit=12, max_name_column_width=60))
    for name, why in out.items():
        print(f"{name}: left out: {why}")


def _columns(quick: bool) -> dict[str, Job]:
    n, v, half = 8192, 128256, torch.bfloat16
    found = {"bf16": cases.logits(n, v, half, {}, False)}
    if not quick:
        found["bf16, every option"] = cases.logits(n, v, half, cases.ALL, False)
        found["bf16, loss only"] = cases.logits(n, v, half, {}, False, gradient=False)
        found["float32"] = cases.logits(n // 2, v, torch.float32, {}, False)
    return found


def tune(quick: bool) -> None:
    """Milliseconds of `cross_entropy` behind a cold cache, for each choice of stretches and lanes of a row."""
    jobs = _columns(quick)
    rivals = {name for job in jobs.values() for name in job.providers} - {"ours"}
    print(f"{'G':>3} {'L':>5} {'warps':>5}  " + "  ".join(f"{name:>20}" for name in jobs))
    chosen = launch.blocks
    for lanes in LANES:
        for groups in GROUPS:
            launch.blocks = lambda columns, itemsize, *_, g=groups, lanes=lanes, **__: launch.Blocks(
                1, g, lanes, 16 // itemsize, lanes // 32
            )
            cells = [_cell(job, rivals) for job in jobs.values()]
            print(f"{groups:>3} {lanes:>5} {lanes // 32:>5}  " + "  ".join(f"{cell:>20}" for cell in cells), flush=True)
    launch.blocks = chosen
    print(f"now: {[launch.blocks(128256, itemsize) for itemsize in (2, 4)]}")


def _cell(job: Job, rivals: set[str]) -> str:
    with backend(job):
        calls, found, _, out = tried(job, rivals)
        if "ours" in out:
            return out["ours"][:20]
        times = alternate(calls, True, 0.3)
    wrong = " WRONG" if found["ours"].wrong else ""
    return (f"{times['ours'].median * 1e3:.4g} ms" if times else "ran") + wrong
