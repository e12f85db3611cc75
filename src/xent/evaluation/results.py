"""What an evaluation returns: frozen dataclasses of plain numbers, and their strict JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

from xent._rendering import Shown
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
    state : str
        "fitted"; or why no map is best: "separated" (the forecasts rank all that happened above all that did not),
        "reversed" (below it), "infinite" (the loss is), "undefined" (the search found none).
    """

    kind: str
    parameters: dict[str, float]
    gain: Estimate
    p_value: float
    state: str


@dataclass(frozen=True, slots=True)
class Classwise:
    """Three or more classes: a slope and an offset a class, to see whether one temperature is enough.

        log q'_k = slope_k · log q_k + offset_k - log of the sum over classes

    Fitted on at most 32,768 rows, chosen by content and seed.

    Attributes
    ----------
    slope : tuple of float
        One a class; equal slopes are 1/temperature.
    offset : tuple of float
        One a class, in nats; they sum to 0.
    gain : Estimate
        Cross-fitted fall of the loss against the forecasts as given, in the unit of the evaluation.
    p_value : float
        Of the hypothesis that one temperature is enough: likelihood ratio, chi-squared with 2K - 2 degrees of freedom;
        NaN with weights or clusters, under which it would be wrong.
    rows : int
        Rows the map was fitted on.
    """

    slope: tuple[float, ...]
    offset: tuple[float, ...]
    gain: Estimate
    p_value: float
    rows: int


@dataclass(frozen=True, slots=True)
class Isotonic:
    """The best non-decreasing map of a binary forecast, by pool-adjacent-violators, and what chance alone gives it.

    Attributes
    ----------
    miscalibration : float
        What the map saves in sample, in the unit of the evaluation; above 0 for a perfectly calibrated forecast too.
    discrimination : float
        uncertainty - (loss after the map): `uncertainty - discrimination + miscalibration` is the loss.
    null_mean : float
        Mean of `miscalibration` over label sets drawn from the forecasts themselves.
    null_high : float
        Their 95 % point.
    p_value : float
        (1 + sets with at least as much) / (1 + sets).
    """

    miscalibration: float
    discrimination: float
    null_mean: float
    null_high: float
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
    slope, intercept : float
        Of this class against the rest: logit P(class | q) = slope · logit q + intercept, maximum likelihood; NaN where
        none is best.
    """

    name: str
    n: int
    loss: float
    share: float
    frequency: float
    mean_probability: float
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """What happened beside the likeliest forecast, where they differ: how many rows, and the nats lost on them.

    Attributes
    ----------
    label, said : str
        The class that happened, and the one with the largest probability (a tie goes to the first).
    n : int
        Rows.
    loss : float
        Their (weighted) mean loss, in the unit of the evaluation.
    share : float
        Their share of the total loss; NaN when that is 0 or infinite.
    """

    label: str
    said: str
    n: int
    loss: float
    share: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows that hold one value of a slice column.

    Attributes
    ----------
    column, value : str
        The column and its value.
    n : int
        Rows.
    cross_entropy : Estimate
        Their loss, in the unit of the evaluation.
    uncertainty : float
        Entropy of their own label frequencies.
    skill : Estimate
        1 - cross_entropy / uncertainty.
    share : float
        Their share of the total loss; NaN when that is 0 or infinite.
    accuracy : float
        The (weighted) share of them whose likeliest class happened.
    mean_gap : float
        Two classes: mean forecast of class 1 less its frequency; more: mean top probability less the accuracy.
    """

    column: str
    value: str
    n: int
    cross_entropy: Estimate
    uncertainty: float
    skill: Estimate
    share: float
    accuracy: float
    mean_gap: float


@dataclass(frozen=True, slots=True)
class Also:
    """Numbers that others print. None of them says where the loss comes from.

    Attributes
    ----------
    accuracy : float
        The (weighted) share of rows whose likeliest class happened; a tie goes to the first class.
    brier : float
        Two classes: mean of (q - y)²; more: mean over rows of the sum over classes of (q_k - y_k)².
    auc : float
        Two classes: the chance that a row of class 1 gets a higher forecast than one of class 0, ties counting half;
        else NaN.
    ece : float
        Mean gap between the probability of the likeliest class and its frequency, over 15 bins of equal width.
    """

    accuracy: float
    brier: float
    auc: float
    ece: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often what was forecast happened: the isotonic line at up to 65 forecasts, its band, and the density.

    Attributes
    ----------
    kind : str
        "class": forecasts of `name`, against it happening; "top_label": the largest probability of a row, against that
        class happening.
    name : str
        The class; "" for the top label.
    forecast : tuple of float
        Forecasts, rising.
    frequency : tuple of float
        The isotonic line there.
    low, high : tuple of float
        Where 95 % of such lines lie when the forecasts are right (pointwise); NaN where it was not simulated.
    density : tuple of float
        Share of the rows in each of 20 bins of equal width of [0, 1].
    miscalibration, null_mean, p_value : float
        As in `Isotonic`, of this binary forecast; in the unit of the evaluation.
    """

    kind: str
    name: str
    forecast: tuple[float, ...]
    frequency: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    density: tuple[float, ...]
    miscalibration: float
    null_mean: float
    p_value: float


@dataclass(frozen=True, slots=True)
class LossBin:
    """Rows whose loss lies in [low, high), in the unit of the evaluation: their share of the rows and of the loss.

    The last bin ends at inf. Infinite losses are counted in its `rows`; `loss` is then of the finite total.
    """

    low: float
    high: float
    rows: float
    loss: float


@dataclass(frozen=True, slots=True)
class TemperaturePoint:
    """The loss when all forecasts are tempered, q' ∝ q^(1/temperature)."""

    temperature: float
    cross_entropy: float


@dataclass(frozen=True, slots=True)
class WorstRow:
    """One of the costliest rows: its id or number from 0, its label, the probability given to that, and its loss.

    For soft labels `label` is the class with the largest mass. `said` is the class with the largest probability.
    """

    row: int | str | None
    label: str
    probability: float
    loss: float
    said: str
    said_probability: float


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
class Evaluation(Shown):
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
    isotonic : Isotonic or None
        Two classes only: the best non-decreasing map.
    classwise : Classwise or None
        Three to 32 classes: a slope and an offset a class.
    per_class : tuple of ClassRow
        One entry a class, in the order of `classes`.
    worst_rows : tuple of WorstRow
        Up to 20 costliest rows, costliest first.
    tail_share : float
        Share of the total loss on the costliest 1 % of rows (rounded up).
    audit : Audit
        Counts of rows.
    clusters : int or None
        How many clusters there are; None if each row is its own.
    confusions : tuple of Confusion
        Up to 20 pairs of what happened and what was said instead, by the loss on them.
    slices : tuple of Slice
        One entry a value of each slice column, columns in the order given, values by their loss's share.
    also : Also
        Accuracy, Brier score, AUC and ECE.
    reliability : tuple of Reliability
        Two classes: of class 1. More: of the top label, then of each class (of the 20 with most of the loss).
    loss_histogram : tuple of LossBin
        Rows and loss by size of loss.
    temperature_curve : tuple of TemperaturePoint
        The loss over temperatures; () if the loss is infinite.
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
    isotonic: Isotonic | None
    classwise: Classwise | None
    per_class: tuple[ClassRow, ...]
    worst_rows: tuple[WorstRow, ...]
    tail_share: float
    audit: Audit
    clusters: int | None
    confusions: tuple[Confusion, ...]
    slices: tuple[Slice, ...]
    also: Also
    reliability: tuple[Reliability, ...]
    loss_histogram: tuple[LossBin, ...]
    temperature_curve: tuple[TemperaturePoint, ...]

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


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """Where a difference of two models comes from: the rows of one class.

    `difference` is the mean of l_A - l_B over them, `share` what they add to the whole difference (weighted), both in
    the unit of the comparison.
    """

    name: str
    n: int
    difference: float
    share: float


@dataclass(frozen=True, slots=True)
class Mover:
    """One of the rows on which two models differ most; losses in the unit of the comparison."""

    row: int | str | None
    label: str
    loss_a: float
    loss_b: float


@dataclass(frozen=True, slots=True)
class Averaging:
    """Both forecasts averaged, (q_A + q_B) / 2.

    Attributes
    ----------
    cross_entropy : Estimate
        The loss of the average.
    gain : Estimate
        Mean fall of the loss against the better of the two alone; below 0 where averaging harms.
    """

    cross_entropy: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class JoinAudit:
    """Rows joined, and left out for want of a partner."""

    matched: int
    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class Comparison(Shown):
    """Two models on the same rows: what `xent.compare` returns. Losses are in `unit`.

    Attributes
    ----------
    n : int
        Rows compared.
    unit : str
        "nats", "bits" or "bans".
    names : (str, str)
        Of A and B.
    a, b : Evaluation
        Each alone, exactly as `evaluate` gives it.
    difference : Estimate
        Mean of l_A - l_B, paired: negative is better for A.
    recalibrated_difference : Estimate
        The same after the cross-fitted recalibration of each: `difference - a.gain + b.gain`.
    correlation : float
        Of l_A and l_B over the rows, unweighted.
    unpaired_se : float
        Root of the sum of both squared standard errors: what pairing saves.
    wins : (float, float)
        Share of the rows where A's, B's loss is the smaller.
    audit : JoinAudit
        Rows joined and left out.
    per_class : tuple of ClassDifference
        Where the difference comes from, largest share first.
    movers : tuple of Mover
        Up to 10 rows where A loses most to B, then up to 10 where B loses most to A.
    averaging : Averaging
        What averaging the two would give.
    """

    n: int
    unit: str
    names: tuple[str, str]
    a: Evaluation
    b: Evaluation
    difference: Estimate
    recalibrated_difference: Estimate
    correlation: float
    unpaired_se: float
    wins: tuple[float, float]
    audit: JoinAudit
    per_class: tuple[ClassDifference, ...]
    movers: tuple[Mover, ...]
    averaging: Averaging

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as dicts, lists, str, int and float; undefined and infinite numbers are nan and inf."""
        return _plain(dataclasses.asdict(self))

    def to_json(self) -> str:
        """Return one strict JSON document, as `Evaluation.to_json` does."""
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
