"""A progress bar on stderr: only on a terminal, and only for what takes more than half a second."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from xent.cli import _manners as manners

DELAY = 0.5
"""Seconds; what is done by then shows no bar."""

Advance = Callable[[int, int | None], None]
"""Called with how much is done, and of how much if that is known."""


@contextmanager
def progress(words: str) -> Generator[Advance]:
    """A bar that says `words`; what is yielded moves it. It is gone when the block ends, however it ends."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _nowhere
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    plain = not manners.wants_color(manners.COLOR.get(), sys.stderr)
    console = Console(stderr=True, no_color=plain, highlight=False, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(words, total=None)
    # The bar draws itself in a thread of its own, which a long step without news does not hold up.
    timer = threading.Timer(DELAY, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def _nowhere(done: int, whole: int | None) -> None:
    """No terminal, no bar."""
