"""Losses of xent.torch on a GPU beside PyTorch, liger-kernel, quack-kernels and cut-cross-entropy, beside the floors.

    python benchmarks/gpu.py [--quick] [--only NAME] [--without PROVIDER ...] [--minutes M]
    python benchmarks/gpu.py --profile NAME | --tune | --count | --list | --document | --dry-run

One process, all providers in turns, events around each call, medians and quartiles; behind a cache that was overwritten
(cold) and left as it is (hot). Each provider's loss and gradients are checked against float64 first; who fails is named
with the reason, and left out. `extra` is the most memory of a call beyond inputs and outputs. GB/s and TFLOP/s are of
the bytes and operations that the loss needs at least, so that they compare. Without options the results are kept in
results/gpu.json and in docs/performance.md; `--document` writes the latter from the former, without a GPU. `--count`
counts the instructions of the compiled kernels there, without a GPU either.
`--dry-run` runs every case once at tiny sizes on the CPU, the kernels interpreted, and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from _gpu_cases import Case, plan
from _gpu_providers import versions
from _gpu_run import run, show
from _gpu_timing import DRY, GPU, state
from _timing import RESULTS, machine, replace_section, write


def facts(commit: str) -> dict[str, Any]:
    """What the machine is, beyond its processor."""
    found = {"gpu": state(), "cuda": torch.version.cuda, "torch": torch.__version__, "rivals": versions()}
    return found | ({"commit": commit} if commit else {})


def measured(
    cases: list[Case], arguments: argparse.Namespace, keep: Callable[[list[dict[str, Any]]], None]
) -> tuple[list[dict[str, Any]], int]:
    """The rows of the cases that there is time for, kept after each; and how many cases failed."""
    rows: list[dict[str, Any]] = []
    failed = 0
    end = time.perf_counter() + 60 * arguments.minutes
    seconds = 1.0 if arguments.quick else 3.0
    for case in cases:
        if time.perf_counter() > end:
            print(f"{case.title}: not run, {arguments.minutes:g} minutes are over")
            continue
        try:
            rows.append(run(case, seconds, set(arguments.without)))
            if GPU:
                torch.cuda.empty_cache()
        except Exception as error:
            failed += 1
            print(f"{case.title}: failed, {type(error).__name__}: {error}\n")
            continue
        show(rows[-1])
        keep(rows)
    return rows, failed


def document() -> None:
    """The table of docs/performance.md, from the last run."""
    kept = json.loads((RESULTS / "gpu.json").read_text())
    m = kept["machine"]
    lines = [
        f"Measured {m['date']} at {m['commit']}: {m['gpu'].get('name', 'GPU')}, driver {m['gpu'].get('driver_version')}, "
        f"torch {m['torch']}, " + ", ".join(f"{k} {v}" for k, v in m["rivals"].items()) + ".",
        "",
        "| case | provider | cold, ms | hot, ms | GB/s | TFLOP/s | extra, MiB | target |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in kept["rows"]:
        lines += document_case(row)
    replace_section("gpu", lines)


def document_case(row: dict[str, Any]) -> list[str]:
    """A line a provider."""
    lines = []
    cold, hot = row["times"].get("cold") or row["times"]["wall"], row["times"].get("hot", {})
    for name, t in cold.items():
        goal = "; ".join(
            f"{g['reached']:.3g} of {g['limit']:g} {'x ' + g['floor'] if g['floor'] else 'ms'}" + ("" if g["met"] else ", missed")
            for g in row["targets"] if g["provider"] == name
        )  # fmt: skip
        rates = [
            f"{done / t['median'] / by:,.0f}" if done and name != "copy" and hot else ""
            for done, by in ((row["bytes"], 1e9), (row["flops"], 1e12))
        ]
        extra = row["extra_mib"].get(name)
        wrong = " (wrong)" if row["errors"].get(name, {}).get("wrong") else ""
        cells = [
            row["case"], name + wrong, f"{t['median'] * 1e3:.4g}", f"{hot[name]['median'] * 1e3:.4g}" if hot else "",
            *rates, "" if extra is None else f"{extra:,.0f}", goal,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the main cases, in about two minutes")
    parser.add_argument("--only", default="", help="the cases whose names begin so")
    parser.add_argument("--without", nargs="*", default=[], help="providers to leave out, such as liger")
    parser.add_argument("--minutes", type=float, default=8.0, help="no case begins later")
    parser.add_argument("--commit", default="", help="of what is measured, where there is no repository")
    parser.add_argument("--profile", metavar="NAME", help="times of the kernels of one case")
    parser.add_argument("--tune", action="store_true", help="times of the logits kernels by the blocks of launch.py")
    parser.add_argument(
        "--count", action="store_true", help="instructions of the logits kernels, to docs/performance.md"
    )
    parser.add_argument("--list", action="store_true", help="the names of the cases")
    parser.add_argument("--document", action="store_true", help="docs/performance.md from the last results")
    parser.add_argument("--dry-run", action="store_true", help="every case once, tiny, on the CPU")
    return parser.parse_args()


def main() -> int:
    arguments = asked()
    cases = [c for c in plan() if c.name.startswith(arguments.only) and (c.quick or not arguments.quick)]
    if arguments.profile:
        cases = [c for c in plan() if c.name == arguments.profile]
    if arguments.list or not cases:
        print("\n".join(f"{c.name:<22} {c.title}{'   (quick)' if c.quick else ''}" for c in plan()))
        return 0 if arguments.list else 2
    if arguments.document:
        document()
        return 0
    if arguments.count:
        import _gpu_count

        _gpu_count.count()
        return 0
    if not GPU and not DRY:
        print("there is no GPU here; --dry-run tries the script without one", file=sys.stderr)
        return 2
    if arguments.profile or arguments.tune:
        import _gpu_tune

        if arguments.tune:
            _gpu_tune.tune(arguments.quick)
        else:
            _gpu_tune.profile(cases[0])
        return 0
    if DRY:
        print("a dry run: sizes are tiny, whatever the titles say, and nothing is measured")
    before = facts(arguments.commit)
    print(machine() | before, "\n")
    whole = not DRY and not arguments.quick and not arguments.only
    rows, failed = measured(cases, arguments, lambda rows: write("gpu", rows, **before) if whole else None)
    print(state())
    if whole and rows:
        write("gpu", rows, **before, gpu_after=state())
        document()
    for row in rows:
        failed += any(e["wrong"] for name, e in row["errors"].items() if name.startswith("ours"))
        failed += any(name.startswith("ours") and why != "as asked" for name, why in row["left_out"].items())
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
