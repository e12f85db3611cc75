"""What each row of forecasts says about itself, in one read of the rows by the core, or in several by NumPy.

Sums over a row run from its first class to its last, so that both ways give the same bits of what is given as
probabilities; the exponentials of the other forms may differ in the last one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent import _native_evaluation as core
from xent._forms import Logits, LogProbs, Probs
from xent._native_evaluation import Facts
from xent.evaluation._arrays import widen
from xent.measures import surprisal as surprisal_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_FORMS = {"probs": Probs, "logprobs": LogProbs, "logits": Logits}

_BLOCK = 2**18
"""Numbers looked at a time, by NumPy: they stay in the cache."""


def row_facts(
    kind: str,
    values: NDArray[Any],
    labels: Ints | None,
    limit: float = np.inf,
    salts: Keys | None = None,
    probs: Floats | None = None,
) -> Facts:
    """Return the facts of forecasts (N, K): see `xent._native_evaluation.row_facts`."""
    if core.reads(values):
        return core.row_facts(kind, values, labels, limit, salts, probs)
    return _by_numpy(kind, values, labels, limit, salts, probs)


def _by_numpy(
    kind: str, values: NDArray[Any], labels: Ints | None, limit: float, salts: Keys | None, probs: Floats | None
) -> Facts:
    n, k = values.shape
    height = max(1, _BLOCK // k)
    parts = [slice(i, i + height) for i in range(0, n, height)] or [slice(0, 0)]
    with np.errstate(all="ignore"):
        found = [_part(kind, widen(values[p]), None if labels is None else labels[p], limit, salts) for p in parts]
    if probs is not None:
        for part, (_, p) in zip(parts, found, strict=True):
            probs[part] = p
    facts = [f for f, _ in found]
    bad = [part.start + f.bad for part, f in zip(parts, facts, strict=True) if f.bad >= 0]
    return Facts(
        loss=np.concatenate([f.loss for f in facts]),
        given=np.concatenate([f.given for f in facts]),
        said=np.concatenate([f.said for f in facts]),
        top=np.concatenate([f.top for f in facts]),
        brier=np.concatenate([f.brier for f in facts]),
        off_one=np.concatenate([f.off_one for f in facts]),
        keys=None if salts is None else np.concatenate([f.keys for f in facts if f.keys is not None]),
        bad=bad[0] if bad else -1,
    )


def _part(kind: str, x: Floats, labels: Ints | None, limit: float, salts: Keys | None) -> tuple[Facts, Floats]:
    rows = np.arange(len(x))
    surprisal = surprisal_of(Logits(x), check=False) if kind == "logits" else x
    p = x if kind == "probs" else np.exp(x if kind == "logprobs" else -surprisal)
    said = p.argmax(axis=1)
    loss = given = brier = np.empty(len(x))
    if labels is not None:
        own = surprisal[rows, labels]
        loss = own if kind == "logits" else surprisal_of(_FORMS[kind](own), check=False)
        given = p[rows, labels]
        brier = _brier(p, labels)
    bad = _bad(kind, x, limit)
    return Facts(
        loss=loss,
        given=given,
        said=said,
        top=p[rows, said],
        brier=brier,
        off_one=np.zeros(len(x)) if kind == "logits" else np.abs(_in_turn(p) - 1.0),
        keys=None if salts is None else _keys(x, salts),
        bad=int(np.argmax(bad)) if bad.any() else -1,
    ), p


def _brier(p: Floats, labels: Ints) -> Floats:
    if p.shape[1] == 2:
        return np.square(p[:, 1] - labels)
    rows = np.arange(len(p))
    miss = p.copy()
    miss[rows, labels] = 1.0 - p[rows, labels]
    return _in_turn(np.square(miss))


def _in_turn(x: Floats) -> Floats:
    """Sums of rows from the first to the last number: NumPy's own order depends on how many there are."""
    return np.add.accumulate(x, axis=1)[:, -1]


def _bad(kind: str, x: Floats, limit: float) -> NDArray[np.bool_]:
    if kind == "probs":
        return (~((x >= 0.0) & (x <= limit))).any(axis=1)
    if kind == "logprobs":
        return (~(x <= limit)).any(axis=1)
    return (~(x < np.inf)).any(axis=1) | (x == -np.inf).all(axis=1)


def _keys(x: Floats, salts: Keys) -> Keys:
    return mix(np.ascontiguousarray(x + 0.0).view(np.uint64) ^ salts).sum(axis=1, dtype=np.uint64)


def salts_of(classes: int) -> Keys:
    """The salt of each column, for the keys of rows."""
    return mix(np.arange(classes, dtype=np.uint64))


def mix(x: Keys) -> Keys:
    """SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of x."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
