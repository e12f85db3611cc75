"""The bar: on a terminal only, after half a second only, and gone in the end."""

import io
import time
from contextlib import redirect_stderr

import pytest

from xent.cli import _progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def work(stream, seconds):
    with redirect_stderr(stream), _progress.progress("reading") as advance:
        advance(1, 2)
        time.sleep(seconds)
        advance(2, 2)
    return stream.getvalue()


def test_a_long_step_shows_a_bar_that_is_gone_at_the_end(monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.01)
    text = work(Terminal(), 0.4)
    assert "reading" in text
    assert "50%" in text
    assert text.rstrip().endswith("\x1b[2K")  # the line is erased


def test_a_quick_step_shows_nothing():
    assert work(Terminal(), 0.0) == ""


def test_no_bar_where_nobody_looks(monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    assert work(io.StringIO(), 0.1) == ""


def test_no_bar_on_a_dumb_terminal(monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setenv("TERM", "dumb")
    assert work(Terminal(), 0.1) == ""


def interrupted(stream):
    with redirect_stderr(stream), _progress.progress("reading"):
        time.sleep(0.3)
        raise KeyboardInterrupt


def test_an_interrupt_takes_the_bar_away(monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.01)
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt):
        interrupted(stream)
    before = stream.getvalue()
    assert before.rstrip().endswith("\x1b[2K")
    time.sleep(0.3)
    assert stream.getvalue() == before
