"""From what is read to what a report is about: the one place where files meet the evaluation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from xent._errors import DistributionError, ShapeError
from xent._forms import Labels
from xent.evaluation import Audit, Evaluator, LossOnly, threads
from xent.io import Facts, Predictions, Scan
from xent.report._subject import Subject

Advance = Callable[[int, int | None], None]

_MOST_WORKERS = 4
"""Evaluators side by side: each holds some rows before it has a grid, which is most of the memory."""


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
    batches, whole = (iter([found]), len(found)) if isinstance(found, Predictions) else (found, found.rows_total)
    weighted, done = False, 0

    def told(batch: Predictions) -> None:
        nonlocal weighted, done
        weighted = weighted or batch.weight is not None
        done = int(batch.rows[-1]) + 1
        advance(done, whole)

    def empty() -> Evaluator:
        return (LossOnly if loss_only else Evaluator)(classes=found.classes, unit=unit, seed=seed)

    workers = min(threads(), _MOST_WORKERS)
    try:
        evaluation = gathered(batches, empty, told, workers).result()
    except (DistributionError, ShapeError) as error:
        raise type(error)(f"{found.facts.file}: {error}") from None
    facts = found.facts
    audit = audited(facts, evaluation.audit)
    return Subject(replace(evaluation, audit=audit), facts, seed, weighted, loss_only)


def gathered(
    batches: Iterator[Predictions], empty: Callable[[], Evaluator], told: Callable[[Predictions], None], workers: int
) -> Evaluator:
    """All batches in one evaluator, taken in by as many as there are workers: how they are dealt changes no digit.

    `told` hears of each batch in turn. Of several errors the one in the first batch is raised, as if there were no
    threads: a batch is only read once those before it are on their way.
    """
    if workers == 1:
        whole = empty()
        for batch in batches:
            take(whole, batch)
            told(batch)
        return whole
    idle = [empty() for _ in range(workers)]
    underway: deque[Future[Predictions]] = deque()

    def work(batch: Predictions) -> Predictions:
        mine = idle.pop()
        try:
            take(mine, batch)
        finally:
            idle.append(mine)
        return batch

    pool = ThreadPoolExecutor(workers)
    try:
        while (batch := _next(batches, underway)) is not None:
            underway.append(pool.submit(work, batch))
            if len(underway) > workers:
                told(underway.popleft().result())
        for future in underway:
            told(future.result())
    finally:
        pool.shutdown(cancel_futures=True)
    whole = idle.pop()
    for other in idle:
        whole.merge(other)
    return whole


def _next(batches: Iterator[Predictions], underway: deque[Future[Predictions]]) -> Predictions | None:
    """The next batch; an error in reading it comes after those in the batches before it."""
    try:
        return next(batches, None)
    except Exception:
        for future in underway:
            future.result()
        raise


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
