"""How results show themselves, without an arrow that runs upwards.

The room of reports registers its renderers here when it is imported; results of the rooms below ask for them by their
type. The package's face says how to import that room, which happens when the first result is shown.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

_EXTRA = ("rich", "jinja2", "matplotlib")


@dataclass(frozen=True, slots=True)
class Renderer:
    """What shows one type of result: as text (with colour or without), as a page, and as a page written to a path."""

    text: Callable[[Any, bool], str]
    page: Callable[[Any], str]
    write: Callable[[Any, str | os.PathLike[str]], None]


_renderers: dict[type, Renderer] = {}
_loaders: list[Callable[[], object]] = []


def register(kind: type, renderer: Renderer) -> None:
    """Show results of this type so; for the room of reports, when it is imported."""
    _renderers[kind] = renderer


def load_with(loader: Callable[[], object]) -> None:
    """Import the room of reports so; for the package's face."""
    _loaders[:] = [loader]


class Shown:
    """A result that can be shown: in the terminal, as an offline page, in a notebook."""

    __slots__ = ()

    def to_text(self, *, color: bool = False) -> str:
        """Return the report as text, 80 columns wide, with ANSI colours if asked for; needs `xent[report]`."""
        with _extra_named("to_text"):
            return _renderer(type(self)).text(self, color)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the report to `path` as one offline page, whole or not at all; needs `xent[report]`."""
        with _extra_named("to_html"):
            _renderer(type(self)).write(self, path)

    def _repr_html_(self) -> str | None:
        """Return the page in a frame of its own, for notebooks; None without `xent[report]`."""
        if not _extra_is_here():
            return None
        page = _renderer(type(self)).page(self)
        style = "width:100%;height:40rem;border:0;border-radius:8px"
        return f'<iframe sandbox title="Report" style="{style}" srcdoc="{escape(page)}"></iframe>'

    def __str__(self) -> str:
        """Return the report as text; the fields where `xent[report]` is missing, since a string is always there."""
        return self.to_text() if _extra_is_here() else repr(self)


def _renderer(kind: type) -> Renderer:
    if kind not in _renderers:
        for load in _loaders:
            load()
    return _renderers[kind]


def _extra_is_here() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in _EXTRA)


@contextmanager
def _extra_named(method: str) -> Generator[None]:
    """Say which line installs what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        what = f"`{method}` needs {error.name}: pip install 'xent[report]'"
        raise ModuleNotFoundError(what, name=error.name) from None
