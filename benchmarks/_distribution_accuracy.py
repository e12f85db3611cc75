"""Errors of the closed forms over the grids of `_distribution_truths`, beside SciPy and torch.distributions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import torch
from _distribution_truths import Case, cases, exact

import xent

EPSILON = 2.0**-52
PLACES = 700  # digits: chances of 1e-300, and what differs by 1e-12 at 1e150


def number(call: Callable[[], Any]) -> float | None:
    """What a peer answers; None where it has no answer to give."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(call())
        except NotImplementedError:
            return None


def off(found: float | None, truth: Any, scale: Any) -> float | None:
    """The error over the spacing of floats at `scale`."""
    if found is None:
        return None
    if not math.isfinite(found):
        return 0.0 if math.isinf(found) and truth > mpmath.mpf(2) ** 1024 else math.inf
    if scale == 0:
        return 0.0 if found == 0 else math.inf
    floor = mpmath.mpf(2) ** -1022
    return float(abs(found - truth) / max(scale, floor) / EPSILON)


def measured(case: Case) -> dict[str, Any]:
    """The worst errors of a family: entropy of all, KL, cross-entropy."""
    worst: dict[str, tuple[float, Any]] = {}

    def note(what: str, error: float | None, where: Any) -> None:
        if error is not None and (what not in worst or not error <= worst[what][0]):
            worst[what] = (error, where)

    for p, q in case.pairs:
        for library, make, told in (("SciPy", case.scipy, case.scipy_exact), ("torch", case.torch, case.torch_exact)):
            if make is None:
                continue
            P, Q = make(*p), make(*q)
            x, y = exact(told(*p)), exact(told(*q))
            h = case.entropy(*x)
            note("entropy xent", off(number(lambda P=P: xent.entropy(P)), h, max(1, abs(h))), (library, p))
            note(f"entropy {library}", off(number(P.entropy), h, max(1, abs(h))), p)
            if case.kl is None:
                continue
            kl = case.kl(x, y)
            note("KL xent", off(number(lambda P=P, Q=Q: xent.kl_divergence(P, Q)), kl, kl), (library, p, q))
            size = max(1, abs(h) + kl)
            cross = number(lambda P=P, Q=Q: xent.cross_entropy(P, Q))
            note("cross-entropy xent", off(cross, h + kl, size), (library, p, q))
            if library == "torch":
                note("KL torch", off(number(lambda P=P, Q=Q: torch.distributions.kl_divergence(P, Q)), kl, kl), (p, q))
    return {"family": case.name, "pairs": len(case.pairs)} | {
        what: {"error": error, "at": repr(where)} for what, (error, where) in worst.items()
    }


COLUMNS = ("entropy xent", "entropy SciPy", "entropy torch", "KL xent", "KL torch", "cross-entropy xent")


def text(error: float | None) -> str:
    if error is None:
        return ""
    if error == math.inf:
        return "inf"
    return f"{error:.1f}" if error < 1000 else f"{error:.0e}"


def accuracy(quick: bool) -> list[dict[str, Any]]:
    rows = []
    for case in cases():
        chosen = case._replace(pairs=case.pairs[::7]) if quick else case
        with mpmath.workdps(_digits(case)):
            rows.append(measured(chosen))
        print(f"{case.name:<22}", *(f"{c} {text(_error(rows[-1], c)):>8}" for c in COLUMNS), flush=True)
    return rows


def _digits(case: Case) -> int:
    """Digits that the truth needs: few for slow functions."""
    return {"binomial": 60, "negative binomial": 60, "von Mises": 60, "Wishart": 60, "multivariate normal": 60}.get(
        case.name, 120 if case.name in ("gamma", "inverse gamma", "beta", "Dirichlet", "Student t") else PLACES
    )


def _error(row: dict[str, Any], column: str) -> float | None:
    return row[column]["error"] if column in row else None


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| family | pairs | entropy | SciPy | torch | KL | torch | cross-entropy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        cells = [text(_error(row, c)) for c in COLUMNS]
        lines.append(f"| {row['family']} | {row['pairs']} | " + " | ".join(cells) + " |")
    return lines
