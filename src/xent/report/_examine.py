"""From what was read to what a report is about: the one place where files meet the evaluation."""

from __future__ import annotations

from dataclasses import replace

from xent._errors import DistributionError, ShapeError
from xent._forms import Labels
from xent.evaluation import WorstRow, evaluate
from xent.io import Predictions
from xent.report._subject import Subject


def examine(predictions: Predictions, *, unit: str = "nats", seed: int = 0, loss_only: bool = False) -> Subject:
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
    audit = replace(
        found.audit,
        rows=facts.rows,
        dropped=found.audit.dropped + facts.dropped + facts.weightless,
        renormalized_rows=facts.renormalized,
    )
    named = replace(found, worst_rows=_renamed(found.worst_rows, predictions), audit=audit)
    return Subject(named, facts, seed, predictions.weight is not None, loss_only)


def _renamed(rows: tuple[WorstRow, ...], predictions: Predictions) -> tuple[WorstRow, ...]:
    return tuple(row if row.row is None else replace(row, row=predictions.row_name(int(row.row))) for row in rows)
