"""What a report is about: an evaluation, the file it is of, and what was said of the costliest rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xent._errors import DistributionError, ShapeError
from xent._forms import Labels
from xent.evaluation import Evaluation, WorstRow, evaluate
from xent.io import Facts, Predictions


@dataclass(frozen=True, slots=True)
class Said:
    """The class that got most of a row's probability."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Subject:
    """All that a report shows. `said` goes with `evaluation.worst_rows`, place by place.

    `separated` says whether the forecasts rank what happened above all that did not, or below it.
    """

    evaluation: Evaluation
    facts: Facts
    accuracy: float
    said: tuple[Said, ...]
    weighted: bool
    clusters: int | None
    seed: int
    separated: Literal["no", "perfectly", "reversed"] = "no"


def examine(predictions: Predictions, *, unit: str = "nats", seed: int = 0) -> Subject:
    """Evaluate what was read; rows go by the names they have in the file, and the audit counts the file's rows."""
    facts = predictions.facts
    try:
        found = evaluate(
            Labels(predictions.labels),
            predictions.q,
            classes=predictions.classes,
            weight=predictions.weight,
            cluster=predictions.cluster,
            unit=unit,
            seed=seed,
        )
    except (DistributionError, ShapeError) as error:
        raise type(error)(f"{facts.file}: {error}") from None
    places = [int(row.row) for row in found.worst_rows if row.row is not None]
    audit = replace(
        found.audit,
        rows=facts.rows,
        dropped=found.audit.dropped + facts.dropped + facts.weightless,
        renormalized_rows=facts.renormalized,
    )
    return Subject(
        evaluation=replace(found, worst_rows=_renamed(found.worst_rows, predictions), audit=audit),
        facts=facts,
        accuracy=_accuracy(predictions),
        said=tuple(_said(predictions, place) for place in places),
        weighted=predictions.weight is not None,
        clusters=None if predictions.cluster is None else len(np.unique(predictions.cluster)),
        seed=seed,
        separated=_separated(predictions),
    )


def _separated(predictions: Predictions) -> Literal["no", "perfectly", "reversed"]:
    scores, labels = predictions.scores, predictions.labels
    if len(predictions.classes) > 2:
        given = scores[np.arange(len(labels)), labels]
        over, under = bool((given == scores.max(axis=1)).all()), bool((given == scores.min(axis=1)).all())
    else:
        # A difference of logits ranks as the probability does.
        rank = scores if scores.ndim == 1 else scores[:, 1] - scores[:, 0]
        ones, zeros = rank[labels == 1], rank[labels == 0]
        if not (ones.size and zeros.size):
            return "no"
        over, under = bool(ones.min() >= zeros.max()), bool(ones.max() <= zeros.min())
    return "perfectly" if over and not under else "reversed" if under and not over else "no"


def _renamed(rows: tuple[WorstRow, ...], predictions: Predictions) -> tuple[WorstRow, ...]:
    return tuple(row if row.row is None else replace(row, row=predictions.row_name(int(row.row))) for row in rows)


def _accuracy(predictions: Predictions) -> float:
    """The (weighted) share of rows whose likeliest class happened; a tie goes to the first."""
    scores = predictions.scores
    if scores.ndim == 1:
        middle = {"probs": 0.5, "logits": 0.0, "logprobs": -float(np.log(2))}[predictions.form]
        right = (scores > middle) == (predictions.labels == 1)
    else:
        right = scores.argmax(axis=1) == predictions.labels
    return float(np.average(right, weights=predictions.weight))


def _said(predictions: Predictions, place: int) -> Said:
    q = _probabilities(predictions.scores[place], predictions.form)
    top = int(q.argmax())
    return Said(predictions.classes[top], float(q[top]))


def _probabilities(row: NDArray[Any], form: str) -> NDArray[np.float64]:
    """One row as probabilities of every class."""
    values = np.asarray(row, dtype=np.float64)
    if form == "logits":
        z = values if values.ndim else np.array([0.0, float(values)])
        powers = np.exp(z - z.max()) if np.isfinite(z.max()) else (z == z.max()).astype(np.float64)
        return powers / powers.sum()
    q = np.exp(values) if form == "logprobs" else values
    return q if q.ndim else np.array([1 - float(q), float(q)])
