"""The same examination on Dask workers: an evaluator a part of the input, merged to the digits of one process.

The scheduler is the one that Dask's configuration names (`DASK_SCHEDULER_ADDRESS`), else a cluster of processes on this
machine, which ends with the report. Workers open the files themselves, by the same paths.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from xent.evaluation import Evaluator, LossOnly
from xent.io import Facts, Part, printable, scan_part
from xent.report._examine import Advance, audited, take
from xent.report._subject import Subject

_TOGETHER = 8
"""States merged by one task."""

_PATIENCE = "10s"
"""How long a scheduler may take to answer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all evaluators of one report share."""

    classes: tuple[str, ...]
    unit: str
    seed: int
    loss_only: bool

    def evaluator(self) -> Evaluator:
        """A new one."""
        kind = LossOnly if self.loss_only else Evaluator
        return kind(classes=self.classes, unit=self.unit, seed=self.seed)


@dataclass(frozen=True, slots=True)
class Examined:
    """One part, or several: the evaluator, the facts, and whether rows have weights."""

    evaluator: Evaluator
    facts: Facts
    weighted: bool


def examine_parts(
    parts: Sequence[Part], *, shown: str, unit: str, seed: int, loss_only: bool, advance: Advance
) -> Subject:
    """Evaluate the parts on workers; `shown` names the files, `advance` is told of the parts that are done."""
    settings = Settings(parts[0].classes, unit, seed, loss_only)
    with _client() as client, _workers_end(shown):
        whole = _merged(client, _submitted(client, _numbered(client, parts), settings, advance), settings)
    facts = replace(whole.facts, file=shown)
    try:
        found = whole.evaluator.result()
    except ValueError as error:
        raise type(error)(f"{shown}: {error}") from None
    return Subject(replace(found, audit=audited(facts, found.audit)), facts, seed, whole.weighted, loss_only)


@contextmanager
def _client() -> Generator[Any]:
    """A client of the scheduler that is configured, or of processes of our own."""
    import logging
    import tempfile

    import dask.config
    from distributed import Client, LocalCluster

    address = dask.config.get("scheduler-address", None)
    if address:
        try:
            client = Client(address, timeout=_PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise ValueError(f"no Dask scheduler answers at {printable(address, 100)}: {error}") from None
        with client:
            yield client
        return
    with (
        tempfile.TemporaryDirectory(prefix="xent-dask-") as folder,
        LocalCluster(
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,  # pyright: ignore[reportArgumentType]  # None: no dashboard, no port
            silence_logs=logging.CRITICAL,
            local_directory=folder,
            env={"XENT_NUM_THREADS": "1"},  # there is a process for each core
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _workers_end(shown: str) -> Generator[None]:
    """Say it where workers were lost: too often for one part, or with all that they were doing."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        yield
    except (KilledWorker, CancelledError):
        raise ValueError(f"{shown}: a Dask worker ended, perhaps for want of memory; give workers more of it") from None


def _numbered(client: Any, parts: Sequence[Part]) -> list[Part]:
    """The parts with the numbers of their first rows, for which those of unknown length are counted."""
    if len(parts) == 1 or all(part.rows is not None for part in parts):
        return list(parts)
    counts = client.gather([client.submit(_count, part, pure=False) for part in parts])
    starts = [sum(counts[:place]) for place in range(len(parts))]
    return [part.starting_at(start) for part, start in zip(parts, starts, strict=True)]


def _count(part: Part) -> int:
    with scan_part(part) as scan:
        for _ in scan:
            pass
        return scan.facts.rows


def _submitted(client: Any, parts: Sequence[Part], settings: Settings, advance: Advance) -> list[Any]:
    from distributed import as_completed

    futures = [client.submit(_examine, part, settings, pure=False) for part in parts]
    for done, future in enumerate(as_completed(futures), start=1):
        if future.status != "finished":
            # The first part that has an error, not the one that was quickest to find one.
            _first_error(futures)
        advance(done, len(parts))
    return futures


def _first_error(futures: Sequence[Any]) -> None:
    for future in futures:
        error = future.exception()
        if error is not None:
            raise error


def _examine(part: Part, settings: Settings) -> Examined:
    evaluator, weighted = settings.evaluator(), False
    with scan_part(part) as scan:
        for batch in scan:
            take(evaluator, batch)
            weighted = weighted or batch.weight is not None
        return Examined(evaluator, scan.facts, weighted)


def _merged(client: Any, futures: Sequence[Any], settings: Settings) -> Examined:
    level = list(futures)
    while len(level) > 1:
        groups = [level[i : i + _TOGETHER] for i in range(0, len(level), _TOGETHER)]
        level = [client.submit(_merge, group, settings, pure=False) for group in groups]
    return level[0].result()


def _merge(parts: Sequence[Examined], settings: Settings) -> Examined:
    evaluator = settings.evaluator()
    for part in parts:
        evaluator.merge(part.evaluator)
    return Examined(evaluator, _together([part.facts for part in parts]), any(part.weighted for part in parts))


def _together(facts: Sequence[Facts]) -> Facts:
    """The counts of all, with what is said of the first; each doubt once."""
    return replace(
        facts[0],
        format=", ".join(dict.fromkeys(fact.format for fact in facts)),
        rows=sum(fact.rows for fact in facts),
        dropped=sum(fact.dropped for fact in facts),
        renormalized=sum(fact.renormalized for fact in facts),
        weightless=sum(fact.weightless for fact in facts),
        doubts=tuple(dict.fromkeys(doubt for fact in facts for doubt in fact.doubts)),
    )
