"""What an evaluation returns: frozen dataclasses of plain numbers, and their strict JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

from xent._units import per_nat

SCHEMA_VERSION = 1
"""Raised when a field of the JSON changes its name, type or meaning; not when one is added."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error and 95 % interval, `value` ± t(G-1) · `se` over G rows or clusters.

    An infinite or undefined value, or a single row or cluster, has no `se`, `low` and `high`: they are NaN.
    """

    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Clipped:
    """What the cross-entropy would read if every probability below `eps` were raised to it, as other tools do."""

    eps: float
    cross_entropy: float


@dataclass(frozen=True, slots=True)
class Recalibration:
    """The map that mends the predictions best, fitted on all rows by maximum likelihood.

    Attributes
    ----------
    kind : str
        "affine" for two classes: logit q' = slope · logit q + intercept. "temperature" for more classes:
        q' ∝ q^(1/temperature).
    parameters : dict of str to float
        {"slope", "intercept"} or {"temperature"}. NaN where no map is best, as for separated data. Predictions that
        never change leave the slope open: it is 1 then. A temperature below 0 turns the ranking of the classes around.
    gain : Estimate
        Mean fall of the loss when each row is mapped by a fit without it and without its cluster (five folds); negative
        when the map does harm. In the unit of the evaluation.
    p_value : float
        Of the hypothesis that there is nothing to mend: the likelihood ratio, chi-squared with one degree of freedom a
        parameter; the score test with weights, and its cluster-robust form with clusters.
    """

    kind: str
    parameters: dict[str, float]
    gain: Estimate
    p_value: float


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in the table of classes.

    Attributes
    ----------
    name : str
        The class.
    n : int
        Rows with this label; with soft labels, rows that give it any mass.
    loss : float
        Their (weighted) mean loss in the unit of the evaluation; NaN without rows.
    share : float
        Their share of the total loss; NaN when that is 0 or infinite.
    frequency : float
        The (weighted) share of the rows that are of this class.
    mean_probability : float
        The (weighted) mean of the probability given to this class over all rows.
    """

    name: str
    n: int
    loss: float
    share: float
    frequency: float
    mean_probability: float


@dataclass(frozen=True, slots=True)
class WorstRow:
    """One of the costliest rows: its id or number from 0, its label, the probability given to that, and its loss.

    For soft labels `label` is the class with the largest mass.
    """

    row: int | str | None
    label: str
    probability: float
    loss: float


@dataclass(frozen=True, slots=True)
class Audit:
    """Counts of rows: what was read, left out, and used though it was not quite right.

    Attributes
    ----------
    rows : int
        Read.
    dropped : int
        Left out, rows of weight 0 among them.
    zero_probability_rows : int
        Probability 0 was given to what happened.
    unnormalized_rows : int
        Off 1 by more than rounding, at most by 0.01, and used as given.
    renormalized_rows : int
        Rescaled because that was asked for.
    """

    rows: int
    dropped: int
    zero_probability_rows: int
    unnormalized_rows: int
    renormalized_rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good predictions are, and why they are not better: what `xent.evaluate` returns.

        cross_entropy = uncertainty - discrimination + miscalibration

    Losses are in `unit`. Undefined numbers are NaN, a loss that is infinite is inf.

    Attributes
    ----------
    n : int
        Rows used.
    classes : tuple of str
        Names in the order of the columns; "0", "1", ... if none were given.
    unit : str
        "nats", "bits" or "bans".
    cross_entropy : Estimate
        The weighted mean loss; inf if a thing given probability 0 happened.
    finite_cross_entropy : Estimate
        The same over the rows with finite loss.
    clipped : tuple of Clipped
        The mean loss at the clips of other tools.
    uncertainty : float
        Entropy of the (weighted) label frequencies: the loss of always forecasting them.
    skill : Estimate
        1 - cross_entropy / uncertainty, its interval by the delta method.
    miscalibration : float
        What `recalibration` would save, fitted on all rows; >= 0.
    discrimination : float
        What the predictions know beyond the frequencies, once mended.
    recalibration : Recalibration
        The map, its parameters, its cross-fitted gain and its test.
    isotonic : None
        Reserved for the pool-adjacent-violators map of two classes; not computed by this version.
    per_class : tuple of ClassRow
        One entry a class, in the order of `classes`.
    worst_rows : tuple of WorstRow
        Up to 20 costliest rows, costliest first.
    tail_share : float
        Share of the total loss on the costliest 1 % of rows (rounded up).
    audit : Audit
        Counts of rows.
    """

    n: int
    classes: tuple[str, ...]
    unit: str
    cross_entropy: Estimate
    finite_cross_entropy: Estimate
    clipped: tuple[Clipped, ...]
    uncertainty: float
    skill: Estimate
    miscalibration: float
    discrimination: float
    recalibration: Recalibration
    isotonic: None
    per_class: tuple[ClassRow, ...]
    worst_rows: tuple[WorstRow, ...]
    tail_share: float
    audit: Audit

    @property
    def geometric_mean_probability(self) -> float:
        """The geometric mean of the probability given to what happened: exp(-loss), 0 if the loss is infinite."""
        return math.exp(-self.cross_entropy.value / per_nat(self.unit))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as dicts, lists, str, int and float; undefined and infinite numbers are nan and inf."""
        return _plain(dataclasses.asdict(self))

    def to_json(self) -> str:
        """Return one strict JSON document: the fields, `schema_version` and `nonfinite`.

        NaN and infinite numbers are null; the infinite ones are named in `nonfinite` by their dotted path, list places
        by number: `{"cross_entropy.value": "inf"}`. Finite floats read back to the bit.
        """
        return json.dumps(json_ready(self.to_dict()), allow_nan=False)


def json_ready(fields: dict[str, Any]) -> dict[str, Any]:
    """Return `fields` with `schema_version`, null for what JSON cannot say, and `nonfinite` for the infinite."""
    nonfinite: dict[str, str] = {}
    body = _without_nonfinite(fields, "", nonfinite)
    return {"schema_version": SCHEMA_VERSION, **body, "nonfinite": nonfinite}


def _plain(value: Any) -> Any:
    """Turn the tuples of `dataclasses.asdict` into the lists that JSON reads back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _without_nonfinite(value: Any, path: str, nonfinite: dict[str, str]) -> Any:
    prefix = f"{path}." if path else ""
    if isinstance(value, dict):
        return {key: _without_nonfinite(item, f"{prefix}{key}", nonfinite) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nonfinite(item, f"{prefix}{i}", nonfinite) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        if math.isinf(value):
            nonfinite[path] = "inf" if value > 0 else "-inf"
        return None
    return value
