"""Reading `q`: probabilities, log-probabilities or logits become probabilities and surprisals in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._check import sum_tolerance
from xent._errors import DistributionError, ShapeError
from xent._forms import Form, Logits, LogProbs, Probs, TopK
from xent._native_evaluation import RowFacts
from xent.evaluation._arrays import digits, first, is_float, require_numbers, show, to_numpy, widen
from xent.evaluation._row_facts import probabilities, row_facts
from xent.io import LARGEST_MISS
from xent.measures import binary_cross_entropy
from xent.measures import surprisal as surprisal_of

Floats = NDArray[np.float64]

_FORMS: dict[str, type[Form]] = {"probs": Probs, "logprobs": LogProbs, "logits": Logits}

_WORDS = {"probs": "probabilities", "logprobs": "log-probabilities", "logits": "logits"}


@dataclass(frozen=True, slots=True)
class Raw:
    """`q` before anything was computed: its values, what they are, and the bits of their significands as given."""

    values: NDArray[Any]
    kind: str
    classes: int
    digits: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.values.shape[0])

    @property
    def one_column(self) -> bool:
        """Whether the values are those of class 1 alone."""
        return self.values.ndim == 1


@dataclass(frozen=True)
class Forecasts:
    """The numbers as given, (N, K) or (N, 1) for class 1 alone, and what follows from them when needed."""

    kind: str
    values: NDArray[Any]
    facts: RowFacts | None = None
    """What each row says about itself; None if it was not looked at with hard labels, or is of one column."""

    @property
    def one_column(self) -> bool:
        """Whether the values are those of class 1 alone."""
        return self.values.shape[1] == 1

    @property
    def says(self) -> str:
        """What the values are, in words."""
        return f"{_WORDS[self.kind]}{' of class 1' if self.one_column else ''}"

    @staticmethod
    def again(says: str, content: Floats) -> Forecasts:
        """Forecasts from what `says` and `content` were."""
        kinds = {word: kind for kind, word in _WORDS.items()}
        return Forecasts(kinds[says.removesuffix(" of class 1")], content)

    @cached_property
    def content(self) -> Floats:
        """The numbers in float64: what a row is known by, whatever computes its surprisal."""
        return widen(self.values)

    @cached_property
    def surprisal(self) -> Floats:
        """-log q (N, K), inf where q is 0."""
        with np.errstate(all="ignore"):
            if not self.one_column:
                return surprisal_of(_FORMS[self.kind](self.content), check=False)
            # The loss of each outcome: -log of its probability, from whatever the column holds.
            form = _FORMS[self.kind](self.content[:, 0])
            return np.stack([binary_cross_entropy(k, form, check=False) for k in (0, 1)], axis=1)

    @cached_property
    def probs(self) -> Floats:
        """Probabilities (N, K)."""
        with np.errstate(all="ignore"):
            if not self.one_column:
                return probabilities(self.kind, self.content)
            first = self.content[:, 0]
            return np.stack([1.0 - first, first], axis=1) if self.kind == "probs" else np.exp(-self.surprisal)

    def surprisal_of_label(self, labels: NDArray[np.int64]) -> Floats:
        """-log q of one class a row: a single logarithm a row where the numbers given are probabilities."""
        if self.facts is not None:
            return self.facts.loss
        rows = np.arange(len(labels))
        if self.kind != "probs" or self.one_column:
            return self.surprisal[rows, labels]
        with np.errstate(all="ignore"):
            return surprisal_of(Probs(self.content[rows, labels]), check=False)


def raw_forecasts(q: Any) -> Raw:
    """Look at form, dtype and shape of `q`."""
    kind = _kind(q)
    given = q.values if isinstance(q, Form) else q
    values = to_numpy("q", given)
    require_numbers("q", values, "probabilities, as floats")
    if not isinstance(q, Form) and not is_float(values):
        raise DistributionError(
            f"`q` is an integer array ({values.dtype}). Pass probabilities as floats, scores as `xent.Logits(q)`."
        )
    if kind == "logits" and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2):
        raise ShapeError(f"`q` has shape {values.shape}; it is (rows, classes), or (rows,) for two classes.")
    classes = 2 if values.ndim == 1 else int(values.shape[1])
    if classes < 2:
        raise ShapeError(
            f"`q` has shape {values.shape}, {classes} class; at least two are needed. For two, `q` may be (rows,)."
        )
    if values.shape[0] == 0:
        raise ShapeError("`q` has no row; there is nothing to evaluate.")
    return Raw(values, kind, classes, min(digits(given), digits(values)))


def read_forecasts(
    raw: Raw, row: NDArray[np.int64], labels: NDArray[np.int64] | None
) -> tuple[Forecasts, NDArray[np.bool_]]:
    """Check every value; also say which rows are off 1 beyond rounding. `row` numbers the rows for messages."""
    if raw.one_column:
        values = widen(raw.values)
        _refuse_outside(raw, values, row)
        return Forecasts(raw.kind, values[:, None]), np.zeros(len(row), dtype=bool)
    facts = row_facts(raw.kind, raw.values, labels, _limit(raw))
    if facts.bad >= 0:
        bad = slice(facts.bad, facts.bad + 1)
        _refuse_outside(raw, widen(raw.values[bad]), row[bad])
    off_one = _off_one("q", facts.off_one, raw.values, raw.kind, raw.digits, row)
    return Forecasts(raw.kind, raw.values, None if labels is None else facts), off_one


def sums_off_one(name: str, probs: Floats, bits: int, row: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows sum to 1 only roughly; refuse those that do not at all."""
    return _off_one(name, np.abs(probs.sum(axis=1) - 1.0), probs, "probs", bits, row)


def _off_one(
    name: str, off: Floats, values: NDArray[Any], kind: str, bits: int, row: NDArray[np.int64]
) -> NDArray[np.bool_]:
    tolerance = sum_tolerance(bits, values.shape[1])
    far = off > max(tolerance, LARGEST_MISS)
    if far.any():
        i = first(far)
        total = probabilities(kind, widen(values[i : i + 1])).sum()
        advice = f" If these are logits, pass `xent.Logits({name})`; to rescale them, `xent.normalize({name})`."
        raise DistributionError(f"`{name}` row {row[i]} sums to {total:.6g}, not 1.{advice if name == 'q' else ''}")
    return off > tolerance


def _kind(q: Any) -> str:
    if isinstance(q, TopK) or (isinstance(q, Form) and not isinstance(q, (Probs, LogProbs, Logits))):
        raise DistributionError(
            f"`q` is given as `xent.{type(q).__name__}`; it is probabilities, `xent.LogProbs` or `xent.Logits`."
        )
    return q.kind if isinstance(q, Form) else "probs"


def _refuse_outside(raw: Raw, values: Floats, row: NDArray[np.int64]) -> None:
    with np.errstate(all="ignore"):
        bad = _outside(raw, values)
    if not bad.any():
        return
    i = first(bad)
    where = f"`q` row {row[i]}"
    if raw.one_column:
        value = values[i]
    else:
        k = int(np.argmax(bad[i])) if bad.ndim == 2 else 0
        value, where = values[i, k], f"{where}, class {k},"
    rule = {
        "probs": "a probability is in [0, 1]. If these are logits, pass `xent.Logits(q)`.",
        "logprobs": "a log-probability is at most 0. If these are logits, pass `xent.Logits(q)`.",
        "logits": "a logit is finite, or -inf for probability 0, and not every logit of a row is -inf.",
    }
    raise DistributionError(f"{where} is {show(value)}; {rule[raw.kind]}")


def _limit(raw: Raw) -> float:
    """The largest value allowed. A row of probabilities may exceed 1 by rounding, as its sum may."""
    slack = 0.0 if raw.one_column else sum_tolerance(raw.digits, raw.classes)
    return {"probs": 1.0 + slack, "logprobs": math.log1p(slack), "logits": math.inf}[raw.kind]


def _outside(raw: Raw, values: Floats) -> NDArray[np.bool_]:
    """Mark the values that the form does not allow."""
    if raw.kind == "probs":
        return ~((values >= 0.0) & (values <= _limit(raw)))
    if raw.kind == "logprobs":
        return ~(values <= _limit(raw))
    if raw.one_column:
        return np.isnan(values)
    impossible = (values == -np.inf).all(axis=1)
    return ~(values < np.inf) | impossible[:, None]
