"""Output files that are either the old one or the new one, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from xent.io._text import printable

_DESCRIPTORS = "/proc/self/fd"


@contextmanager
def atomic_write(
    path: str | os.PathLike[str], *, inputs: Iterable[str | os.PathLike[str] | int] = (), binary: bool = False
) -> Generator[IO[Any]]:
    """Open a temporary file; it takes the name `path` when the block ends well, and is gone if not.

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
        descriptor, name = _temporary(target)
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
            if name is None:
                # Known before it is made, so that it is removed whenever Ctrl-C comes.
                name = os.fspath(target.parent / f".{target.name[:50]}.{secrets.token_hex(8)}.tmp")
                # With a folder's descriptor, which an absolute path does without, the link is to what /proc points to.
                os.link(f"{_DESCRIPTORS}/{file.fileno()}", name, src_dir_fd=file.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException as error:
        # Ctrl-C included: nothing half written stays behind.
        with suppress(FileNotFoundError):
            if name is not None:
                os.unlink(name)
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            # A full disk does not say what could not be written.
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise
    _sync_folder(target.parent)


def check_target(path: str | os.PathLike[str], *, inputs: Iterable[str | os.PathLike[str] | int] = ()) -> None:
    """Raise what `atomic_write` would, where that can be told before there is anything to write."""
    target = Path(os.path.realpath(path))
    _mode_of_the_result(target, Path(path), inputs)
    reason = errno.ENOTDIR if target.parent.exists() else errno.ENOENT
    if target.parent.is_dir():
        reason = 0 if os.access(target.parent, os.W_OK | os.X_OK) else errno.EACCES
    if reason:
        raise OSError(reason, os.strerror(reason), os.fspath(path))


def _temporary(target: Path) -> tuple[int, str | None]:
    """A new file beside `target`, and its name: none where the system has files without names, which nothing leaves."""
    kind = getattr(os, "O_TMPFILE", None)
    if kind is not None and os.path.isdir(_DESCRIPTORS):
        with suppress(OSError):  # not every file system has them
            return os.open(target.parent, kind | os.O_RDWR | os.O_CLOEXEC, 0o600), None
    return tempfile.mkstemp(prefix=f".{target.name[:50]}.", suffix=".tmp", dir=target.parent)


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
