"""Output files that are either the old one or the new one, whatever happens on the way."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from xent.io._text import printable


@contextmanager
def atomic_write(
    path: str | os.PathLike[str], *, inputs: Iterable[str | os.PathLike[str] | int] = (), binary: bool = False
) -> Generator[IO[Any]]:
    """Open a temporary file beside `path`; it takes the name `path` when the block ends well, and is removed if not.

    Parameters
    ----------
    path : path
        Where the result goes. A link is followed, so what it points to is replaced. Not a directory, not a device.
    inputs : paths and file descriptors
        What was read: writing over one of them is refused.
    binary : bool
        Bytes, else UTF-8 text with newlines as written.

    Raises
    ------
    ValueError
        `path` is one of `inputs`, or is there and is not a regular file.
    OSError
        The folder is missing or cannot be written.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of_the_result(target, Path(path), inputs)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:50]}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        # It names the temporary file, which nobody asked for.
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    try:
        with open(
            descriptor, "wb" if binary else "w", encoding=None if binary else "utf-8", newline=None if binary else ""
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException as error:
        # Ctrl-C included: nothing half written stays behind.
        with suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            # A full disk does not say what could not be written.
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise
    _sync_folder(target.parent)


def _mode_of_the_result(target: Path, asked: Path, inputs: Iterable[str | os.PathLike[str] | int]) -> int:
    """The permissions the file will have; ValueError where it must not be written."""
    shown = printable(asked)
    try:
        there = os.stat(target)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
    if not stat.S_ISREG(there.st_mode):
        raise ValueError(f"{shown}: is not a regular file, so it is not written to")
    for source in inputs:
        with suppress(OSError):
            if os.path.samestat(there, os.stat(source)):
                raise ValueError(f"{shown}: is an input of this call and is never overwritten")
    return stat.S_IMODE(there.st_mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system lets a folder be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
