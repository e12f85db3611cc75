"""Two predictions side by side: by their ids where both have them, else row by row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xent.io._predictions import Predictions
from xent.io._text import message, quoted

Places = NDArray[np.int64]


class Joined(NamedTuple):
    """Which rows of two predictions are partners.

    `a[i]` and `b[i]` are the places of one row in each, in the order of the first; `only_a` and `only_b` count the rows
    without a partner.
    """

    a: Places
    b: Places
    only_a: int
    only_b: int


def join(a: Predictions, b: Predictions) -> Joined:
    """Find the partner of each row: the row of the same id, where both have ids, else the row at the same place.

    Ids are compared as text, so that 7 from one file is "7" from another.

    Raises
    ------
    ValueError
        An id that names two rows of one file, a row without an id, or no ids and unequal numbers of rows.
    """
    if a.id is None or b.id is None:
        return _row_by_row(a, b)
    names_a, names_b = _spelled_alike(a.id, b.id)
    for predictions, names in ((a, names_a), (b, names_b)):
        _refuse_nameless(predictions)
        _refuse_copies(predictions, names)
    if names_a.dtype == object:
        found = _partners_by_text(names_a, names_b)
    else:
        _, in_a, in_b = np.intersect1d(names_a, names_b, assume_unique=True, return_indices=True)
        order = np.argsort(in_a)
        found = (in_a[order].astype(np.int64), in_b[order].astype(np.int64))
    return Joined(*found, len(a) - found[0].size, len(b) - found[0].size)


def _row_by_row(a: Predictions, b: Predictions) -> Joined:
    if a.facts.rows != b.facts.rows:
        without = [side.facts.file for side in (a, b) if side.id is None]
        raise ValueError(
            message(
                f"{b.facts.file}: {b.facts.rows:,} rows, but {a.facts.file} has {a.facts.rows:,}, and rows are "
                f"compared one by one: no id column in {' and '.join(without)}",
                "give both files a column that names their rows: --id COLUMN",
            )
        )
    # Rows may have been left out of either, so partners are those with one number in their files.
    _, in_a, in_b = np.intersect1d(a.rows, b.rows, assume_unique=True, return_indices=True)
    return Joined(in_a.astype(np.int64), in_b.astype(np.int64), len(a) - in_a.size, len(b) - in_b.size)


def _spelled_alike(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as whole numbers, or both as text."""
    if a.dtype.kind == b.dtype.kind == "i":
        return a, b
    return _texts(a), _texts(b)


def _texts(names: NDArray[Any]) -> NDArray[Any]:
    return np.fromiter((str(name) for name in names.tolist()), dtype=object, count=len(names))


def _partners_by_text(a: NDArray[Any], b: NDArray[Any]) -> tuple[Places, Places]:
    place = {name: i for i, name in enumerate(b.tolist())}
    found = np.fromiter((place.get(name, -1) for name in a.tolist()), dtype=np.int64, count=len(a))
    return np.flatnonzero(found >= 0), found[found >= 0]


def _refuse_nameless(side: Predictions) -> None:
    if side.unnamed is not None and side.unnamed.any():
        row = int(side.rows[int(np.argmax(side.unnamed))])
        raise ValueError(
            message(f"{side.facts.file}: row {row} has no id, so its partner is unknown", "give every row an id")
        )


def _refuse_copies(side: Predictions, names: NDArray[Any]) -> None:
    """Two rows of one name could both be the partner."""
    if names.dtype == object:
        if len(set(names.tolist())) == len(names):
            return
        seen: dict[str, int] = {}
        pairs = ((seen.setdefault(name, place), place) for place, name in enumerate(names.tolist()))
        first, again = next(pair for pair in pairs if pair[0] != pair[1])
    else:
        order = np.argsort(names, kind="stable")
        copies = np.flatnonzero(names[order][1:] == names[order][:-1])
        if not copies.size:
            return
        # Of all copies the one that comes up first, and the row it repeats.
        nearest = copies[np.argmin(order[copies + 1])]
        first, again = int(order[nearest]), int(order[nearest + 1])
    raise ValueError(
        message(
            f"{side.facts.file}: the id {quoted(names[first])} names two rows, {side.rows[first]} and "
            f"{side.rows[again]}",
            "an id names one row: mend it, or name another column with --id",
        )
    )
