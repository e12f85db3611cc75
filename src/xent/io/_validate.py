"""Whether columns hold what they are said to hold: probabilities, logits or log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._check import sum_tolerance
from xent.io._layout import Kind, Scores, columns_of
from xent.io._limits import LARGEST_MISS
from xent.io._table import Floats
from xent.io._text import message, printable

# Sums of rows that were meant to be distributions stay within this.
_NEAR_ONE = 0.2
# Sums of so many numbers in [0, 1], in their own precision, are within a thousandth.
_PLAIN_WIDTH = 4096


def check_scores(shown: str, scores: Scores, kind: Kind, values: Floats, rows: NDArray[np.int64]) -> None:
    """ValueError at the first row whose numbers cannot be what `kind` says."""
    if kind == "probs" and values.ndim == 2 and _plainly_probs(values):
        return
    checks = {"probs": _check_probs, "logits": _check_logits, "logprobs": _check_logprobs}
    _check_nan(shown, scores, values, rows)
    # Infinite and huge values are what is looked for: sums of them are no cause for a warning.
    with np.errstate(all="ignore"):
        checks[kind](shown, scores, values, rows)


def renormalize(shown: str, values: Floats, rows: NDArray[np.int64]) -> tuple[Floats, int]:
    """Rows that are off 1 by more than rounding divided by their sum, and how many they are."""
    if values.ndim == 1:
        raise ValueError(
            f"{shown}: --renormalize needs a probability for each class; there is one column for two classes"
        )
    with np.errstate(all="ignore"):
        sums = values.sum(axis=1, dtype=np.float64)
    empty = np.flatnonzero(~(sums > 0) | ~np.isfinite(sums))
    if empty.size:
        raise ValueError(f"{shown}: row {rows[empty[0]]} sums to {sums[empty[0]]:.6g} and cannot be renormalized")
    off = np.abs(sums - 1) > _rounding(values)
    scaled = values.astype(np.float64)
    scaled[off] /= sums[off, None]
    return scaled, int(off.sum())


def _rounding(values: Floats) -> float:
    return sum_tolerance(int(np.finfo(values.dtype).nmant) + 1, values.shape[-1])


def _plainly_probs(values: Floats) -> bool:
    """A quick look that is sure where it says yes: its sums are off by less than what it leaves as margin."""
    if values.dtype.itemsize < 4 or values.shape[1] > _PLAIN_WIDTH or not values.size:
        return False
    if not (values.min() >= 0 and values.max() <= 1):
        return False
    # Which way is the quicker one depends on how the numbers lie.
    off = values.sum(axis=1) if values.flags.f_contiguous else np.einsum("ij->i", values)
    off -= 1
    return bool(np.abs(off, out=off).max() <= LARGEST_MISS / 2)


def _check_nan(shown: str, scores: Scores, values: Floats, rows: NDArray[np.int64]) -> None:
    bad = np.isnan(values)
    if bad.any():
        raise ValueError(f"{shown}: {_place(scores, bad, rows)} is nan; every row needs a number there")


def _check_probs(shown: str, scores: Scores, values: Floats, rows: NDArray[np.int64]) -> None:
    outside = (values < 0) | (values > 1)
    if values.ndim == 1:
        if outside.any():
            raise _not_probs(shown, scores, values, outside, rows, None)
        return
    # A probability above 1 by rounding alone belongs to a row whose sum is right.
    outside = (values < 0) | (values > 1 + _rounding(values))
    sums = values.sum(axis=1, dtype=np.float64)
    off = ~(np.abs(sums - 1) <= max(LARGEST_MISS, _rounding(values)))
    if outside.any() or off.any():
        raise _not_probs(shown, scores, values, outside, rows, sums)


def _not_probs(
    shown: str, scores: Scores, values: Floats, outside: NDArray[Any], rows: NDArray[np.int64], sums: Floats | None
) -> ValueError:
    low, high = float(values.min()), float(values.max())
    mean = "" if sums is None else f", rows sum to {float(sums.mean()):.4g} on average"
    first = f"{shown}: {columns_of(scores)} not probabilities: values from {low:.6g} to {high:.6g}{mean}"
    if outside.any():
        where = f"the first outside [0, 1] is {_place(scores, outside, rows)}, {_value(values, outside):.6g}"
        return ValueError(message(first, where, _advice(values, outside)))
    return ValueError(message(first, *_about_sums(values if sums is None else sums, rows)))


def _about_sums(sums: Floats, rows: NDArray[np.int64]) -> tuple[str, str]:
    off = np.flatnonzero(~(np.abs(sums - 1) <= LARGEST_MISS))
    first = f"the first is row {rows[off[0]]}, {sums[off[0]]:.6g}"
    return (
        f"{off.size:,} of {sums.size:,} rows are off 1 by more than {LARGEST_MISS:.2g}; {first}",
        "if a column is missing, name them all with --probs; to rescale each row by its sum: --renormalize",
    )


def _advice(values: Floats, outside: NDArray[Any]) -> str:
    """What numbers outside [0, 1] most likely are."""
    if (values <= 0).all() and values.ndim == 2:
        sums = np.exp(values.astype(np.float64)).sum(axis=1)
        if bool((np.abs(sums - 1) <= LARGEST_MISS).all()):
            return "these look like log-probabilities: add --logprobs"
    if (values >= 0).all():
        return _advice_without_negatives(values)
    rows = outside.any(axis=-1) if values.ndim == 2 else outside
    return "these look like logits: add --logits" if rows.mean() > 0.01 or len(values) < 100 else ""


def _advice_without_negatives(values: Floats) -> str:
    """Logits of many rows are hardly ever all positive: unless the sums are scattered, it is the scale that is off."""
    if values.ndim == 1:
        if values.max() <= 1 + 10 * LARGEST_MISS:
            return "these look like probabilities that were computed or rounded beyond 1: mend them where they are made"
        return "these look like percentages: divide them by 100" if 2 < values.max() <= 100 else ""
    sums = values.sum(axis=1, dtype=np.float64)
    if (np.abs(sums - 100) < 1).all():
        return "these look like percentages: divide them by 100"
    if (np.abs(sums - 1) <= _NEAR_ONE).all() or np.ptp(sums) <= LARGEST_MISS * sums.mean():
        return "to rescale each row by its sum: --renormalize"
    return "if these are logits: --logits; if they are counts or weights: --renormalize"


def doubtful(scores: Scores, kind: Kind, values: Floats) -> str | None:
    """What to warn of: numbers that are used as logits and look like probabilities."""
    if kind != "logits" or values.ndim == 1 or not bool(((values >= 0) & (values <= 1)).all()):
        return None
    if not bool((np.abs(values.sum(axis=1, dtype=np.float64) - 1) <= LARGEST_MISS).all()):
        return None
    return f"{columns_of(scores)} used as logits, but all are in [0, 1] and every row sums to 1, as probabilities do"


def _check_logits(shown: str, scores: Scores, values: Floats, rows: NDArray[np.int64]) -> None:
    if values.ndim == 1:
        return
    bad = np.isposinf(values)
    if bad.any():
        raise ValueError(f"{shown}: {_place(scores, bad, rows)} is a logit of inf; its softmax is undefined")
    empty = np.isneginf(values).all(axis=1)
    if empty.any():
        raise ValueError(
            f"{shown}: row {rows[int(np.flatnonzero(empty)[0])]} has every logit -inf; its softmax is undefined"
        )


def _check_logprobs(shown: str, scores: Scores, values: Floats, rows: NDArray[np.int64]) -> None:
    slack = 0.0 if values.ndim == 1 else _rounding(values)
    bad = values > slack
    if bad.any():
        first = f"{shown}: {_place(scores, bad, rows)} is {_value(values, bad):.6g}; a log-probability is at most 0"
        raise ValueError(message(first, "if these are logits: --logits instead of --logprobs"))
    if values.ndim == 1:
        return
    sums = np.exp(values.astype(np.float64)).sum(axis=1)
    off = ~(np.abs(sums - 1) <= max(LARGEST_MISS, _rounding(values)))
    if off.any():
        row = int(np.flatnonzero(off)[0])
        first = f"{shown}: row {rows[row]}: the probabilities of its log-probabilities sum to {sums[row]:.6g}, not 1"
        raise ValueError(message(first, "if these are logits: --logits instead of --logprobs"))


def _place(scores: Scores, bad: NDArray[Any], rows: NDArray[np.int64]) -> str:
    """`row 3 of p_cat`: the first marked number, row by row."""
    first = int(np.flatnonzero(bad)[0])
    row, column = (first, 0) if bad.ndim == 1 else divmod(first, bad.shape[1])
    name = scores.columns[column] if scores.shape == "wide" else scores.columns[0]
    where = f" (class {column})" if scores.shape == "list" else ""
    return f"row {rows[row]} of {printable(name, 60)}{where}"


def _value(values: Floats, bad: NDArray[Any]) -> float:
    return float(values.reshape(-1)[int(np.flatnonzero(bad)[0])])
