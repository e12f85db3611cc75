"""Spans of a file read two at a time, and handed on in the order of the file."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from threading import Condition, Thread, main_thread
from typing import Any

_READERS = 2
_HELD_BYTES = 32 * 2**20
"""What may lie read before its turn; a single batch may always."""

_PATIENCE = 0.5
"""Seconds between two looks at whether the main thread has ended."""

Open = Callable[[], Iterator[Any]]


def in_turn(spans: Sequence[Open]) -> Generator[Any]:
    """All batches of all spans in their order; an error comes where a single reader would have met it."""
    readers = min(_READERS, len(spans), os.cpu_count() or 1)
    if readers < 2:
        for span in spans:
            yield from span()
        return
    shelf = _Shelf(len(spans))
    threads = [Thread(target=_read, args=(spans, shelf)) for _ in range(readers)]
    try:
        for thread in threads:
            thread.start()
        yield from shelf.all()
    finally:
        shelf.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _read(spans: Sequence[Open], shelf: _Shelf) -> None:
    """Read one span after another, each the first that nobody has begun."""
    while (number := shelf.begin()) is not None:
        try:
            for batch in spans[number]():
                if not shelf.put(number, batch):
                    return
        except BaseException as error:
            # Raised to whoever takes the batches, when it is this span's turn.
            shelf.end(number, error)
        else:
            shelf.end(number, None)


class _Shelf:
    """Batches of each span that nobody has taken yet."""

    def __init__(self, spans: int) -> None:
        self._changed = Condition()
        self._spans: list[deque[Any]] = [deque() for _ in range(spans)]
        self._errors: list[BaseException | None] = [None] * spans
        self._ended = [False] * spans
        self._begun = 0
        self._turn = 0
        self._bytes = 0
        self._stopped = False

    def begin(self) -> int | None:
        """The next span to read, or None."""
        with self._changed:
            if self._stopped or self._begun == len(self._spans):
                return None
            self._begun += 1
            return self._begun - 1

    def put(self, number: int, batch: Any) -> bool:
        """Put a batch down once there is room; False when nobody wants it any more."""

        def room() -> bool:
            wanted = number == self._turn and not self._spans[number]
            return self._stopped or wanted or self._bytes < _HELD_BYTES

        with self._changed:
            # Python waits for its threads when it ends: one whose batches are forgotten must notice. (A pool's threads
            # could not: those it waits for while the main thread is still alive.)
            while not self._changed.wait_for(room, _PATIENCE) and main_thread().is_alive():
                pass
            if self._stopped or not room():
                return False
            self._spans[number].append(batch)
            self._bytes += batch.nbytes
            self._changed.notify_all()
            return True

    def end(self, number: int, error: BaseException | None) -> None:
        """A span has no more batches, or it has an error behind those."""
        with self._changed:
            self._ended[number] = True
            self._errors[number] = error
            self._changed.notify_all()

    def stop(self) -> None:
        """Nobody takes batches any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def all(self) -> Generator[Any]:
        """Every batch, when its turn has come."""
        for number, span in enumerate(self._spans):
            while (batch := self._take(number, span)) is not None:
                yield batch

    def _take(self, number: int, span: deque[Any]) -> Any:
        with self._changed:
            self._turn = number
            self._changed.notify_all()
            self._changed.wait_for(lambda: span or self._ended[number])
            if span:
                batch = span.popleft()
                self._bytes -= batch.nbytes
                self._changed.notify_all()
                return batch
            error = self._errors[number]
        if error is not None:
            raise error
        return None
