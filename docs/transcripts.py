"""The commands shown in the documents print what they show: `python docs/transcripts.py [--write] FILE...`.

A fenced block marked `console` holds commands, each with its output below it. `$ cat NAME` shows a file, which is made
before the commands that follow in the same document; `$ xent ...` is run in that folder, which holds copies of the
bundled predictions too: `digits.parquet`, `cancer.parquet` and so on. What goes to standard error stands after standard
output. A line of `...` alone stands for any lines, ` ...` for the rest of its line; so a document can go through a long
output in pieces, and a command that is there again is not run again. `--write` puts in what commands print now, save in
outputs with such dots.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xent import examples

BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command of a block and the lines below it."""

    command: str
    shown: tuple[str, ...]


def steps(block: str) -> Iterator[Step]:
    """The commands of one block."""
    command: str | None = None
    shown: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield Step(command, tuple(shown))
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command is not None:
        yield Step(command, tuple(shown))


@dataclass(frozen=True)
class Workplace:
    """The folder of one document's commands, and what those that were run printed."""

    folder: Path
    printed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, step: Step) -> tuple[str, ...]:
        """What the command prints; for `cat`, the file is made as it is shown."""
        words = shlex.split(step.command)
        if words[0] == "cat":
            text = "".join(f"{line}\n" for line in _stripped(step.shown))
            (self.folder / words[1]).write_text(text, encoding="utf-8")
            self.printed.clear()
            return step.shown
        if words[0] != "xent":
            raise SystemExit(f"only `cat` and `xent` can be run: {step.command}")
        if step.command not in self.printed:
            self.printed[step.command] = self._output(words[1:])
        return self.printed[step.command]

    def _output(self, arguments: list[str]) -> tuple[str, ...]:
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONUTF8": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "xent", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        return tuple(f"{done.stdout}{done.stderr}".rstrip("\n").split("\n"))


def _stripped(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Without blank lines at the end, which separate a command from the one before it."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return tuple(line.rstrip() for line in lines[:end])


def agrees(shown: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether the lines are the same, but for those that `...` stands for."""
    pattern = "".join(map(_pattern, _stripped(shown)))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _stripped(printed))) is not None


def _pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    return (re.escape(line[:-3]) + r".*\n") if line.endswith(" ...") else re.escape(line) + r"\n"


@contextmanager
def workplace() -> Generator[Workplace]:
    """A folder for the commands of one document, with the bundled predictions in it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in examples.NAMES:
            shutil.copy(examples.path(name), folder)
        yield Workplace(Path(folder))


def differences(path: Path) -> list[str]:
    """Each command whose output is not what the document shows."""
    found: list[str] = []
    with workplace() as place:
        for block in BLOCK.findall(path.read_text("utf-8")):
            for step in steps(block):
                printed = place.run(step)
                if not agrees(step.shown, printed):
                    found.append("\n".join([f"{path.name}: $ {step.command}", *printed]))
    return found


def write(path: Path) -> None:
    """Put in what the commands print now."""
    with workplace() as place:

        def renewed(block: re.Match[str]) -> str:
            parts = list(steps(block[0]))
            texts = [_text(step, place, last=step is parts[-1]) for step in parts]
            return "".join(texts)

        path.write_text(BLOCK.sub(renewed, path.read_text("utf-8")), encoding="utf-8")


def _text(step: Step, place: Workplace, *, last: bool) -> str:
    printed = place.run(step)
    cut = any(line.strip() == "..." or line.endswith(" ...") for line in step.shown)
    lines = _stripped(step.shown if cut else printed)
    return "".join(f"{line}\n" for line in (f"$ {step.command}", *lines)) + ("" if last else "\n")


def main(arguments: list[str]) -> int:
    """Check the files, or renew them first."""
    paths = [Path(name) for name in arguments if name != "--write"]
    if "--write" in arguments:
        for path in paths:
            write(path)
    found = [text for path in paths for text in differences(path)]
    print("\n\n".join(found) if found else "all commands print what is shown")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
