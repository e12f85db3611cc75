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
from xent._native_evaluation import RowFacts
from xent.evaluation._arrays import widen
from xent.evaluation._mixing import Floats, Keys, salts, sum_of_mixed
from xent.measures import surprisal as surprisal_of

Ints = NDArray[np.int64]

_FORMS = {"probs": Probs, "logprobs": LogProbs, "logits": Logits}

_BLOCK = 2**18
"""Numbers looked at a time, by NumPy: they stay in the cache."""


def row_facts(
    kind: str,
    values: NDArray[Any],
    labels: Ints | None,
    limit: float = np.inf,
    salt: Keys | None = None,
    probs: Floats | None = None,
) -> RowFacts:
    """Return the facts of forecasts (N, K): see `xent._native_evaluation.row_facts`."""
    if core.reads(values):
        return core.row_facts(kind, values, labels, limit, salt, probs)
    return _by_numpy(kind, values, labels, limit, salt, probs)


def probabilities(kind: str, values: Floats) -> Floats:
    """Return forecasts (N, K) as probabilities."""
    if kind == "probs":
        return values
    probs = np.empty(values.shape)
    row_facts(kind, values, None, probs=probs)
    return probs


def hashes(table: Floats) -> Keys:
    """Return one key a row of a table."""
    keys = row_facts("probs", table, None, salt=salts(table.shape[1])).keys
    return keys if keys is not None else np.empty(0, dtype=np.uint64)


def _by_numpy(
    kind: str, values: NDArray[Any], labels: Ints | None, limit: float, salt: Keys | None, probs: Floats | None
) -> RowFacts:
    n, k = values.shape
    height = max(1, _BLOCK // k)
    parts = [slice(i, i + height) for i in range(0, n, height)] or [slice(0, 0)]
    with np.errstate(all="ignore"):
        found = [_part(kind, widen(values[p]), None if labels is None else labels[p], limit, salt) for p in parts]
    if probs is not None:
        for part, (_, p) in zip(parts, found, strict=True):
            probs[part] = p
    facts = [f for f, _ in found]
    bad = [part.start + f.bad for part, f in zip(parts, facts, strict=True) if f.bad >= 0]
    return RowFacts(
        loss=np.concatenate([f.loss for f in facts]),
        given=np.concatenate([f.given for f in facts]),
        said=np.concatenate([f.said for f in facts]),
        top=np.concatenate([f.top for f in facts]),
        brier=np.concatenate([f.brier for f in facts]),
        off_one=np.concatenate([f.off_one for f in facts]),
        keys=None if salt is None else np.concatenate([f.keys for f in facts if f.keys is not None]),
        bad=bad[0] if bad else -1,
    )


def _part(kind: str, x: Floats, labels: Ints | None, limit: float, salt: Keys | None) -> tuple[RowFacts, Floats]:
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
    return RowFacts(
        loss=loss,
        given=given,
        said=said,
        top=p[rows, said],
        brier=brier,
        off_one=np.zeros(len(x)) if kind == "logits" else np.abs(_in_turn(p) - 1.0),
        keys=None if salt is None else sum_of_mixed(x, salt),
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
    if kind == "logits":
        return np.logical_or.reduce(~(x < np.inf), axis=1) | np.logical_and.reduce(x == -np.inf, axis=1)
    fine = (x >= 0.0) & (x <= limit) if kind == "probs" else x <= limit
    return np.logical_or.reduce(~fine, axis=1)
