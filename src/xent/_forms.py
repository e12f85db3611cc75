"""Forms: small frozen wrappers that say what an array holds. A plain float array holds probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Form:
    """What an array holds; `values` is the array as given, never copied and never looked at here."""

    values: Any
    kind: ClassVar[str] = ""

    def __repr__(self) -> str:
        """Name and shape: the values themselves may be large."""
        shape = getattr(self.values, "shape", None)
        return f"xent.{type(self).__name__}({'...' if shape is None else f'shape {tuple(shape)}'})"


class Probs(Form):
    """Probabilities, which sum to 1 along the outcome axis. What a plain float array is taken for."""

    __slots__ = ()
    kind: ClassVar[str] = "probs"


class LogProbs(Form):
    """Natural logarithms of probabilities, used as given: their exponentials sum to 1."""

    __slots__ = ()
    kind: ClassVar[str] = "logprobs"


class Logits(Form):
    """Unnormalised log-probabilities: the distribution is their softmax; -inf is probability 0."""

    __slots__ = ()
    kind: ClassVar[str] = "logits"


class Labels(Form):
    """Class indices 0..K-1, one for each row: the truth that puts all its mass on one outcome."""

    __slots__ = ()
    kind: ClassVar[str] = "labels"


class Counts(Form):
    """Non-negative counts or weights (integers or floats): the distribution is their share of the row's sum."""

    __slots__ = ()
    kind: ClassVar[str] = "counts"


class Samples(Form):
    """Observations along the first axis, (n,) of numbers or (n, d) of points, drawn from a truth that is not known.

    `xent.cross_entropy(xent.Samples(x), Q)` is their mean surprisal under a distribution; what else they tell
    estimates `xent.estimators`.
    """

    __slots__ = ()
    kind: ClassVar[str] = "samples"


@dataclass(frozen=True, slots=True, eq=False)
class TopK:
    """The k largest probabilities of each row: `indices` and `probs`, both (..., k).

    With mass under 1, `tail` says what the other outcomes hold: "drop" (as given, nothing) or
    "spread" (what is missing, evenly over the other outcomes).
    """

    indices: Any
    probs: Any
    tail: Literal["drop", "spread"] | None = None
    kind: ClassVar[str] = "topk"
