"""How every command speaks: where text goes, whether it is coloured, and how things end."""

from __future__ import annotations

import dis
import os
import sys
import traceback
from collections.abc import Iterable
from contextvars import ContextVar
from typing import IO, Any

import click

OK, GATE_FAILED, WRONG_CALL, OUR_BUG, INTERRUPTED = 0, 1, 2, 101, 130
_OURS = {"DistributionError", "ShapeError", "UnsafeFile", "BackendUnavailable"}
_MOST = 2000  # characters of an error, all lines together
_EXTRA: dict[str, str] = dict.fromkeys(("click", "rich", "jinja2", "duckdb", "pyarrow", "matplotlib"), "report") | {
    "dask": "dask",
    "distributed": "dask",
}
COLOR: ContextVar[str] = ContextVar("color", default="auto")
"""What --color says, for stderr, where lines are written from many places."""
_RED, _YELLOW, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[0m"


def wants_color(when: str, stream: IO[str]) -> bool:
    """Whether to colour what goes to `stream`: the flag, then NO_COLOR, FORCE_COLOR, TERM=dumb, then a terminal."""
    if when != "auto":
        return when == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def clean(text: str) -> str:
    """`text` with every character that is not printable replaced; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def write_result(text: str) -> None:
    """Write to stdout. A reader that has gone away is no error, and hears no complaint."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        raise type(error)(error.errno, error.strerror, "standard output") from None


def open_streams() -> None:
    """Python has no stream where the caller closed one (`>&-`): what is written there fails as in any other program."""
    # In the order of their numbers, each takes the lowest that is free: no other file can come to stand there.
    for name, flags, mode in (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            stream = open(os.open(os.devnull, flags), mode, encoding="utf-8")  # noqa: SIM115 - as long as the process
            setattr(sys, name, stream)


def silence_stdout() -> None:
    """Send what is still to be flushed nowhere, so that the interpreter's exit is quiet too."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process


def say(text: str) -> None:
    """A line on stderr: what was done, left out or guessed."""
    sys.stderr.write(clean(text) + "\n")


def warn(text: str) -> None:
    """A `warning:` line on stderr."""
    mark = f"{_YELLOW}warning:{_PLAIN}" if wants_color(COLOR.get(), sys.stderr) else "warning:"
    sys.stderr.write(f"{mark} {clean(text)}\n")


def complain(first: str, more: Iterable[str] = ()) -> None:
    """An `error:` line on stderr and at most three indented lines of help."""
    help_lines = [f"  {clean(line)[:400]}" for line in list(more)[:3]]
    room = _MOST - 100 - sum(len(line) + 1 for line in help_lines)
    line = clean(first).replace("\n", " ")
    if len(line) > room:
        line = line[: room - 1] + "…"
    mark = f"{_RED}error:{_PLAIN}" if wants_color(COLOR.get(), sys.stderr) else "error:"
    sys.stderr.write("\n".join([f"{mark} {line}", *help_lines]) + "\n")


def explain(error: BaseException, *, debug: bool) -> int:
    """Say on stderr what went wrong, in one line; the exit code it stands for."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else OK
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        complain(*_usage(error))
        return WRONG_CALL
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in _EXTRA:
        module = (error.name or "").split(".")[0]
        complain(
            str(error) if "pip install" in str(error) else f"this needs {module}: pip install 'xent[{_EXTRA[module]}]'"
        )
        return WRONG_CALL
    if isinstance(error, ImportError) and "pip install" in str(error):
        complain(str(error))  # a room that says itself what it is missing
        return WRONG_CALL
    if isinstance(error, OSError):
        name = "" if error.filename is None else f"{os.fsdecode(error.filename) or repr('')}: "
        complain(f"{name}{error.strerror or error}")
        return WRONG_CALL
    if _is_about_the_call(error):
        first, *more = str(error).split("\n")
        complain(first or type(error).__name__, more)
        return WRONG_CALL
    complain(
        f"a bug in xent, not in your data: {type(error).__name__}: {error}",
        ["run it again with --debug and report what it prints"],
    )
    return OUR_BUG


def _is_about_the_call(error: BaseException) -> bool:
    """Errors that the rooms below raise on purpose, about arguments, files and what is installed."""
    if isinstance(error, MemoryError):
        error.args = ("not enough memory for a file of this size",)
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & _OURS) or (isinstance(error, ValueError) and _raised_here(error))


def _raised_here(error: BaseException) -> bool:
    """Whether a `raise` of this package made it: what NumPy or int() complain of inside our code is our bug."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return False
    frame = place.tb_frame
    ours = str(frame.f_globals.get("__name__", "")).split(".")[0] == __name__.split(".")[0]
    return ours and frame.f_code.co_code[place.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _usage(error: click.ClickException) -> tuple[str, list[str]]:
    """Click's message in our manner: no capital, no full stop, the nearest word, and where the help is."""
    context: Any = getattr(error, "ctx", None)
    more = [] if context is None else [f"see {context.command_path} --help"]
    if isinstance(error, click.NoSuchOption):
        near = f"; did you mean {error.possibilities[0]!r}?" if error.possibilities else ""
        return f"no such option {error.option_name!r}{near}", more
    text = error.format_message().rstrip(".")
    # A capital that begins a sentence goes; one that is part of a name in capitals stays.
    return text if text[1:2].isupper() else text[:1].lower() + text[1:], more
