"""From what is read to what a report is about: the one place where files meet the evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from xent._errors import DistributionError, ShapeError
from xent._forms import Labels
from xent.evaluation import Audit, Evaluator, LossOnly
from xent.io import Facts, Predictions, Scan
from xent.report._subject import Subject

Advance = Callable[[int, int | None], None]


def examine(
    found: Predictions | Scan,
    *,
    unit: str = "nats",
    seed: int = 0,
    loss_only: bool = False,
    advance: Advance = lambda done, whole: None,
) -> Subject:
    """Evaluate what is read, batch by batch; rows go by their names in the file, the audit counts the file's rows.

    `advance` is told how many rows are done, and of how many where that is known.
    """
    batches, whole = ([found], len(found)) if isinstance(found, Predictions) else (found, found.rows_total)
    evaluator = (LossOnly if loss_only else Evaluator)(classes=found.classes, unit=unit, seed=seed)
    weighted, done = False, 0
    try:
        for batch in batches:
            take(evaluator, batch)
            weighted = weighted or batch.weight is not None
            done = int(batch.rows[-1]) + 1
            advance(done, whole)
        evaluation = evaluator.result()
    except (DistributionError, ShapeError) as error:
        raise type(error)(f"{found.facts.file}: {error}") from None
    facts = found.facts
    audit = audited(facts, evaluation.audit)
    return Subject(replace(evaluation, audit=audit), facts, seed, weighted, loss_only)


def take(evaluator: Evaluator, batch: Predictions) -> None:
    """Pass a batch on, with the names of its rows."""
    evaluator.update(
        Labels(batch.labels),
        batch.q,
        weight=batch.weight,
        cluster=batch.cluster,
        slices=batch.slices or None,
        id=_names(batch),
    )


def _names(batch: Predictions) -> NDArray[Any]:
    """What the rows are called: by their ids, and those without one by their numbers in the file."""
    if batch.id is None:
        return batch.rows
    if batch.unnamed is None or not batch.unnamed.any():
        return batch.id
    names = batch.id.astype(object)
    names[batch.unnamed] = batch.rows[batch.unnamed]
    return names


def audited(facts: Facts, used: Audit) -> Audit:
    """The audit of the evaluated rows, with what was left out before."""
    dropped = used.dropped + facts.dropped + facts.weightless
    return replace(used, rows=facts.rows, dropped=dropped, renormalized_rows=facts.renormalized)
