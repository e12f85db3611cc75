"""The bar: on a terminal only, after half a second only, and gone in the end."""

import io
import time

import pytest

from xent.cli import _progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def work(seconds):
    with _progress.progress("reading") as advance:
        advance(1, 2)
        time.sleep(seconds)
        advance(2, 2)


def test_a_long_step_shows_a_bar_that_is_gone_at_the_end(terminal, monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.01)
    work(0.4)
    text = terminal.getvalue()
    assert "reading" in text
    assert "50%" in text
    assert text.rstrip().endswith("\x1b[2K")  # the line is erased


def test_a_quick_step_shows_nothing(terminal):
    work(0.0)
    assert terminal.getvalue() == ""


def test_no_bar_where_nobody_looks(monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    work(0.1)
    assert stream.getvalue() == ""


def test_no_bar_on_a_dumb_terminal(terminal, monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setenv("TERM", "dumb")
    work(0.1)
    assert terminal.getvalue() == ""


def test_an_interrupt_takes_the_bar_away(terminal, monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.01)
    with pytest.raises(KeyboardInterrupt), _progress.progress("reading"):
        time.sleep(0.3)
        raise KeyboardInterrupt
    before = terminal.getvalue()
    assert before.rstrip().endswith("\x1b[2K")
    time.sleep(0.3)
    assert terminal.getvalue() == before
