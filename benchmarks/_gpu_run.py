"""One case: each provider tried under a guard and checked against float64, then timed in turns, then its row."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from _gpu_cases import Case, Job
from _gpu_exact import Errors, errors
from _gpu_providers import Provider, obstacle
from _gpu_timing import GPU, Call, Times, alternate, peak, wall

from xent import BackendUnavailable

FIRST_CALL = 60  # seconds that a provider may take to compile and tune itself
MEMORY_RATE, PRODUCT_RATE = 4.8e12, 790e12  # bytes/s of the H200's data sheet; FLOP/s that the targets reckon with


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """A TimeoutError where it takes longer, once Python has its turn."""

    def ring(*_: Any) -> None:
        raise TimeoutError(f"the first call took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def backend(job: Job) -> Iterator[str]:
    """What runs ours. A dry run interprets the Triton kernels where there are any for the call."""
    if GPU:
        yield job.choice()
        return
    os.environ["XENT_BACKEND"] = "triton"
    try:
        found = job.choice()
    except BackendUnavailable:
        del os.environ["XENT_BACKEND"]
        found = job.choice()
    try:
        yield found
    finally:
        os.environ.pop("XENT_BACKEND", None)


def _prepared(provider: Provider, job: Job) -> tuple[Call, tuple[torch.Tensor, ...], Callable[[], torch.Tensor]]:
    """The step of a provider with fresh gradients, the leaves it works on, and its last loss."""
    leaves, before = job.leaves, None
    if provider.overwrites:
        first = job.leaves[0]
        own = first.detach().clone().requires_grad_(first.requires_grad)
        leaves = (own, *job.leaves[1:])

        def before() -> None:
            own.grad = None  # may be the very memory
            own.data.copy_(first.detach())

    last: list[torch.Tensor] = []

    def run() -> None:
        last.clear()
        for leaf in leaves:
            leaf.grad = None
        loss = provider.loss(*leaves)
        if loss.requires_grad:
            loss.backward()
        last.append(loss.detach())

    return Call(run, before), leaves, lambda: last[0]


def _outputs(leaves: tuple[torch.Tensor, ...]) -> int:
    """Bytes of the gradients that have memory of their own."""
    return sum(a.grad.nbytes for a in leaves if a.grad is not None and a.grad.data_ptr() != a.data_ptr())


def tried(job: Job, without: set[str]) -> tuple[dict[str, Call], dict[str, Errors], dict[str, Any], dict[str, str]]:
    """Calls of who can, their errors, the MiB they hold beyond their outputs; and why the others cannot."""
    exact = job.exact()
    calls: dict[str, Call] = {}
    found: dict[str, Errors] = {}
    memory: dict[str, Any] = {}
    out: dict[str, str] = {}
    for name, provider in job.providers.items():
        out[name] = "as asked" if name.split(",")[0] in without else obstacle(provider)
        if out[name]:
            continue
        try:
            call, leaves, last = _prepared(provider, job)
            with _within(FIRST_CALL):
                if call.before is not None:
                    call.before()
                call.run()
                found[name] = errors(exact, last(), leaves)
                memory[name] = peak(call, lambda leaves=leaves: _outputs(leaves))
            calls[name] = call
        except Exception as error:
            found.pop(name, None)
            out[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        for leaf in job.leaves:
            leaf.grad = None
        if GPU:
            torch.cuda.empty_cache()
    for call in job.floors.values():
        call.run()
    return calls, found, memory, {name: why for name, why in out.items() if why}


def run(case: Case, seconds: float, without: set[str]) -> dict[str, Any]:
    """Everything of one case, as kept in the results."""
    torch._dynamo.reset()
    job = case.make()
    with backend(job) as choice:
        calls, found, memory, out = tried(job, without)
        if case.calls:
            times = {"wall": wall(calls, seconds)}
        else:
            every = calls | job.floors
            times = {kind: alternate(every, kind == "cold", seconds / 2) for kind in ("cold", "hot")}
    row: dict[str, Any] = {
        "name": case.name,
        "case": case.title,
        "ours": choice,
        "bytes": job.bytes,
        "flops": job.flops,
        "times": {kind: {name: t._asdict() for name, t in by.items()} for kind, by in times.items()},
        "errors": {name: e._asdict() for name, e in found.items()},
        "extra_mib": memory,
        "budgets_mib": {name: b / 2**20 for name, b in job.budgets.items()} if GPU else {},
        "left_out": out,
        "floor_at_rate": max(job.bytes / MEMORY_RATE, job.flops / PRODUCT_RATE),
    }
    row["targets"] = _targets(case, times.get("cold", {}))
    return row


def _targets(case: Case, cold: dict[str, Times]) -> list[dict[str, Any]]:
    """What was asked for, and what was reached, of ours with every budget."""
    if case.target is None or not cold:
        return []
    limit, floor = case.target
    found = []
    for name, t in cold.items():
        if name.startswith("ours"):
            reached = t.median / cold[floor].median if floor else t.median * 1e3
            met = reached <= limit
            found.append({"provider": name, "limit": limit, "floor": floor, "reached": reached, "met": met})
    return found


def show(row: dict[str, Any]) -> None:
    """One case on the screen."""
    print(f"{row['case']}   (ours: {row['ours']})")
    for name in {**row["errors"], **{k: None for by in row["times"].values() for k in by}}:
        _show_provider(row, name)
    for name, why in row["left_out"].items():
        print(f"    {name:<30} left out: {why}")
    if row["times"].get("cold"):
        copy = row["times"]["cold"].get("copy")
        rate = "" if copy is None else f", {_copied(row) * 1e3:.4g} ms at the rate of the copy"
        print(
            f"    floor: {row['floor_at_rate'] * 1e3:.4g} ms at {MEMORY_RATE / 1e12} TB/s and {PRODUCT_RATE / 1e12:.0f} TFLOP/s{rate}"
        )
    for t in row["targets"]:
        unit = f"x {t['floor']}" if t["floor"] else " ms"
        print(
            f"    {t['provider']}: {t['reached']:.4g}{unit}, target {t['limit']:g}{unit}: {'met' if t['met'] else 'MISSED'}"
        )
    print(flush=True)


def _copied(row: dict[str, Any]) -> float:
    """Seconds that the bytes of a case take at the rate of its copy, which reads and writes the first leaf once."""
    reads_and_writes = {"loss only": 1, "backward": 3}
    factor = next((k for what, k in reads_and_writes.items() if what in row["case"]), 2)
    factor = 3 if row["name"].startswith(("binary", "distillation")) else factor
    return row["times"]["cold"]["copy"]["median"] * factor / 2


def _show_provider(row: dict[str, Any], name: str) -> None:
    parts = [f"    {name:<30}"]
    for kind, by in row["times"].items():
        if name in by:
            t = by[name]
            parts.append(f"{kind} {t['median'] * 1e3:9.4g} ms ({t['low'] * 1e3:.4g}-{t['high'] * 1e3:.4g})")
            if kind == "wall":
                parts.append(f"{1 / t['median']:,.0f} calls/s")
            elif kind == "cold":
                parts += _rates(row, name, t["median"])
    if (extra := row["extra_mib"].get(name)) is not None:
        bound = row["budgets_mib"].get(name)
        kept = "" if bound is None else f" (at most {bound:,.0f}: {'met' if extra <= bound else 'MISSED'})"
        parts.append(f"extra {extra:,.0f} MiB{kept}")
    if e := row["errors"].get(name):
        gradient = "" if e["gradient"] is None else f", gradient {e['gradient']:.1e}"
        parts.append(f"off by: loss {e['loss']:.1e}{gradient}" + ("  WRONG" if e["wrong"] else ""))
    print("  ".join(parts))


def _rates(row: dict[str, Any], name: str, seconds: float) -> list[str]:
    """GB/s of the bytes that must move, TFLOP/s of the products; a copy moves bytes of its own."""
    found = []
    if row["bytes"] and name != "copy":
        found.append(f"{row['bytes'] / seconds / 1e9:7,.0f} GB/s")
    if row["flops"]:
        found.append(f"{row['flops'] / seconds / 1e12:5,.0f} TFLOP/s")
    return found
