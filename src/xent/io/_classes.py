"""The classes: their names and their order, from the columns, the file's metadata or the call."""

from __future__ import annotations

from collections.abc import Sequence

from xent.io._layout import Scores, columns_of
from xent.io._table import Coded, Table, is_missing, text_of
from xent.io._text import listed, message, printable, quoted, span


def own_names(scores: Scores, happened: Coded) -> tuple[str, ...] | None:
    """The classes that the columns name: what follows their prefix, or all of the name if that is what labels say."""
    texts = {text_of(value) for value in happened.values if not is_missing(value)} - {""}
    return scores.columns if scores.classes is not None and texts <= set(scores.columns) else scores.classes


def class_names(table: Table, scores: Scores, width: int, given: Sequence[str] | None) -> tuple[tuple[str, ...], str]:
    """The classes in the order of the columns and where that order came from; never from which labels occur.

    `width` is how many scores a row has, 0 for a single column.
    """
    count = width or 2
    own = table.class_names(scores.columns[0]) if scores.classes is None else scores.classes
    if given is not None:
        _refuse_other_order(table.shown, tuple(given), own)
        names, origin = tuple(given), "--classes"
    elif scores.classes is not None:
        names, origin = scores.classes, f"the columns {span(scores.columns)}"
    elif own is not None:
        names, origin = own, "the file's metadata"
    else:
        names = tuple(str(place) for place in range(count))
        origin = f"the order within {printable(scores.columns[0], 40)}" if width else "a single column"
    if len(names) != count:
        raise ValueError(
            f"{table.shown}: {len(names):,} class names from {origin} ({listed(names)}), but {columns_of(scores)} "
            f"of {count:,} classes"
        )
    twice = (
        next((name for place, name in enumerate(names) if name in names[:place]), None)
        if len(set(names)) < count
        else None
    )
    if twice is not None:
        raise ValueError(f"{table.shown}: the class {quoted(twice)} is named twice in {origin}")
    return names, origin


def _refuse_other_order(shown: str, given: tuple[str, ...], own: tuple[str, ...] | None) -> None:
    """The columns' own names in another order would swap the classes without a word."""
    if own is not None and given != own and sorted(given) == sorted(own):
        raise ValueError(
            message(
                f"{shown}: --classes {listed(given)} are the names that the columns have already, in another order",
                f"the columns are, in their order: {listed(own)}",
                "--classes gives columns other names and moves none: leave it out",
            )
        )
