"""The measures in mpmath, of the given floats, and errors in units of the last place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from mpmath import mp, mpf

mp.dps = 400  # log(1 + e^-700) needs 304 digits before the first that counts

ZERO, ONE, INF = mpf(0), mpf(1), mpf("inf")
LARGEST = {np.float64: 1.8e308, np.float32: 3.4028235e38, np.float16: 65504.0}


def ulp(got: Any, want: mpf, dtype: Any = np.float64) -> float:
    """How many units of the last place of `want` lie between; inf where one is NaN or infinite and the other is not."""
    got = float(got)
    if mp.isnan(want) or mp.isinf(want) or not math.isfinite(got):
        return 0.0 if mpf(got) == want or (math.isnan(got) and mp.isnan(want)) else math.inf
    unit = mpf(float(np.spacing(np.abs(dtype(float(want))))))
    return float(abs(mpf(got) - want) / unit)


def probabilities(kind: str, row: Iterable[Any]) -> list[mpf]:
    """A row of any form as probabilities: as given, or normalised exactly (logits, counts)."""
    x = [mpf(float(v)) for v in row]
    if kind == "probs":
        return x
    if kind != "counts":
        x = [mp.exp(v) if v != -INF else ZERO for v in x]
    if kind == "logprobs":
        return x
    total = mp.fsum(x)
    return [v / total for v in x]


def xlog(a: mpf, b: mpf) -> mpf:
    """a log b, 0 where a is 0."""
    if a == 0:
        return ZERO
    return -INF if b == 0 else a * mp.log(b)


def entropy(p: list[mpf]) -> mpf:
    return -mp.fsum(xlog(a, a) for a in p)


def cross_entropy(p: list[mpf], q: list[mpf]) -> mpf:
    return -sum((xlog(a, b) for a, b in zip(p, q, strict=True)), ZERO)


def kl(p: list[mpf], q: list[mpf]) -> mpf:
    """In Bregman terms, the reading of probabilities as given."""
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return INF
    return mp.fsum((a * mp.log(a / b) if a > 0 else ZERO) - a + b for a, b in zip(p, q, strict=True))


def normalised(p: list[mpf]) -> list[mpf]:
    total = mp.fsum(p)
    return [a / total for a in p]


def js(p: list[mpf], q: list[mpf]) -> mpf:
    def term(a: mpf, b: mpf) -> mpf:
        return (xlog(a, 2 * a / (a + b) if a else ONE) + xlog(b, 2 * b / (a + b) if b else ONE)) / 2

    P, Q = mp.fsum(p), mp.fsum(q)
    return (mp.fsum(term(a, b) for a, b in zip(p, q, strict=True)) - term(P, Q)) / ((P + Q) / 2)


def logsumexp(z: Iterable[float]) -> mpf:
    return mp.log(mp.fsum(mp.exp(mpf(float(v))) for v in z if v > -math.inf))


def two(kind: str, x: Any) -> list[mpf]:
    """Probabilities of the outcomes 1 and 0."""
    v = mpf(float(x))
    if kind == "logits":
        e = mp.exp(-abs(v)) if not mp.isinf(v) else ZERO
        large, small = 1 / (1 + e), e / (1 + e)
        return [large, small] if v >= 0 else [small, large]
    if kind == "logprobs":
        return [mp.exp(v), -mp.expm1(v)] if v != -INF else [ZERO, ONE]
    return [v, 1 - v]


def joint(name: str, table: np.ndarray[Any, Any]) -> mpf:
    """Of the exactly normalised table."""
    p = [[mpf(float(v)) for v in row] for row in table]
    total = mp.fsum(v for row in p for v in row)
    p = [[v / total for v in row] for row in p]
    rows, columns = [mp.fsum(r) for r in p], [mp.fsum(c) for c in zip(*p, strict=True)]
    cells = [(v, rows[i], columns[j]) for i, r in enumerate(p) for j, v in enumerate(r) if v > 0]
    values = {
        "joint_entropy": lambda v, r, c: -mp.log(v),
        "given 0": lambda v, r, c: mp.log(r / v),
        "given 1": lambda v, r, c: mp.log(c / v),
        "mutual_information": lambda v, r, c: mp.log(v / (r * c)),
    }
    return mp.fsum(v * values[name](v, r, c) for v, r, c in cells)
