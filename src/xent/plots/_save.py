"""Writing a figure: the same bytes every time, whole or not at all."""

from __future__ import annotations

import difflib
import io
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xent.io import atomic_write
from xent.plots import _style
from xent.plots._arguments import option
from xent.plots._description import describe

SUFFIXES = ("png", "svg", "pdf")


def save(drawn: Axes | Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to `path` as PNG, SVG or PDF by its suffix.

    Text in SVG stays text and the names of the artists are ids. The description goes into the file's metadata, dates do
    not: the same figure gives the same bytes. The file appears whole or not at all.

    Parameters
    ----------
    drawn : Axes or Figure
        What a function of `xent.plots` returned, or the figure around it.
    path : str or path
        Where to write; the suffix is .png, .svg or .pdf.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    ValueError
        A suffix that is none of the three.
    OSError
        A place that cannot be written.
    """
    target = Path(path)
    data = render(drawn, suffix(target))
    with atomic_write(target, binary=True) as file:
        file.write(data)
    return target


def render(drawn: Axes | Figure, kind: str) -> bytes:
    """A figure as the bytes of a "png", "svg" or "pdf" file, with its description and without a date.

    Parameters
    ----------
    drawn : Axes or Figure
        What a function of `xent.plots` returned, or the figure around it.
    kind : {"png", "svg", "pdf"}
        The kind of file.

    Returns
    -------
    bytes
        The same for the same figure, on every run.

    Raises
    ------
    ValueError
        An unknown kind.
    """
    option("kind", kind, SUFFIXES)
    figure: Any = drawn.get_figure(root=True) if isinstance(drawn, Axes) else drawn
    out = io.BytesIO()
    with _style.settings(), unique_gids(figure), quiet():
        figure.savefig(out, format=kind, metadata=_metadata(kind, describe(drawn)))
    return out.getvalue()


def suffix(path: Path) -> str:
    """The kind of file that `path` asks for; ValueError for any other."""
    kind = path.suffix.lower().removeprefix(".")
    if kind in SUFFIXES:
        return kind
    near = difflib.get_close_matches(kind, SUFFIXES, n=1)
    hint = f" Did you mean {path.stem}.{near[0]}?" if near else ""
    found = f"the suffix {path.suffix!r}" if kind else "no suffix"
    raise ValueError(f"{str(path)!r} has {found}; a figure is written as .png, .svg or .pdf.{hint}")


def _metadata(kind: str, description: str) -> dict[str, Any]:
    if kind == "png":
        return {"Description": description} if description else {}
    if kind == "svg":
        return {"Date": None, **({"Description": description} if description else {})}
    return {"CreationDate": None, **({"Subject": description} if description else {})}


@contextmanager
def quiet() -> Generator[None]:
    """A name in letters that the font lacks is drawn as boxes (and is text in SVG): nothing to warn of."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


@contextmanager
def unique_gids(figure: Any) -> Generator[None]:
    """An id occurs once in a file: of artists that share a name, the second is written as name-2, and so on."""
    seen: dict[str, int] = {}
    renamed: list[tuple[Any, str]] = []
    for artist in figure.findobj():
        gid = artist.get_gid()
        if gid is None:
            continue
        seen[gid] = seen.get(gid, 0) + 1
        if seen[gid] > 1:
            renamed.append((artist, gid))
            artist.set_gid(f"{gid}-{seen[gid]}")
    try:
        yield
    finally:
        for artist, gid in renamed:
            artist.set_gid(gid)
