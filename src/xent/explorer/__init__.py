"""The explorer: cross-entropy you can touch, as one offline page and in a notebook.

`write` gives the page as a file, `show` shows it in a notebook, `widget` does so with its distributions in reach of
Python (extra `widget`), `module` is the ES module that all of them run. Nothing is fetched, nothing is sent.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xent.explorer._asset import module as module
from xent.explorer._page import PAGE as PAGE
from xent.explorer._page import Page as Page
from xent.explorer._page import page as _page

if TYPE_CHECKING:
    from xent.explorer._widget import Explorer

_SUFFIXES = (".html", ".htm")
_EXTRA = ("anywidget", "traitlets", "ipywidgets")


def write(path: str | os.PathLike[str]) -> Path:
    """Write the explorer to `path`: one HTML file that works offline, whole or not at all.

    Parameters
    ----------
    path : str or path
        Where to write; the suffix is .html or .htm. A file that is there is replaced.

    Returns
    -------
    Path
        Where it was written. The bytes are the same every time.

    Raises
    ------
    ValueError
        Another suffix, or something there that is no regular file.
    OSError
        A place that cannot be written.
    """
    from xent.io import atomic_write

    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        found = f"the suffix {target.suffix!r}" if target.suffix else "no suffix"
        raise ValueError(f"{str(target)!r} has {found}; the explorer is a page, written as .html or .htm.")
    with atomic_write(target) as file:
        file.write(_page())
    return target


def show() -> Page:
    """Show the explorer where this is the last line of a notebook's cell; opens nothing.

    Returns
    -------
    Page
        The page in a sandboxed frame of its own, which cannot reach the notebook. To read or set its distributions from
        Python, use `widget`.
    """
    return Page(_page())


def widget(*, p: Any = None, q: Any = None, unit: str | None = None) -> Explorer | Page:
    """Show the explorer as a notebook's widget: what is dragged there is read here, and the other way round.

    Parameters
    ----------
    p, q : three probabilities, optional
        Truth and model to begin with, as any list or array.
    unit : {"nats", "bits"}, optional
        The unit to begin with.

    Returns
    -------
    Explorer or Page
        The widget, with the properties `p`, `q` and `unit` and the whole state as the text `state`. Without anywidget
        the page of `show`, which says so.

    Raises
    ------
    DistributionError
        `p` or `q` is not three probabilities that sum to 1.
    ValueError
        An unknown unit.
    ModuleNotFoundError
        There is no anywidget, and `p`, `q` or `unit` is given: the page of `show` cannot take them.
    """
    from xent.explorer import _state

    given = {name: value for name, value in (("p", p), ("q", q), ("unit", unit)) if value is not None}
    state = _state.START
    for name, value in given.items():
        state = _state.replaced(state, name, value)
    try:
        from xent.explorer._widget import Explorer
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        if given:
            named = " and ".join(f"`{name}`" for name in given)
            what = f"`widget` needs {error.name} to take {named}: pip install 'xent[widget]'"
            raise ModuleNotFoundError(what, name=error.name) from None
        return Page(
            _page(),
            "Python and this page do not see each other: for p, q and unit as properties, pip install 'xent[widget]'",
        )
    return Explorer(state=state)
