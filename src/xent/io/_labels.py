"""Labels to class indices: they match the class names as text, and whole numbers and truth values are one text each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xent.io._table import Coded, Codes, parse_number, text_of
from xent.io._text import did_you_mean, listed, message, quoted

_TRUTH = ("false", "true")


def _canonical(text: str) -> str:
    """One spelling for 3, 3.0, " 3" and for True, TRUE, true."""
    bare = text.strip()
    if bare.lower() in _TRUTH:
        return bare.lower()
    try:
        number = parse_number(bare)
    except ValueError:
        return bare
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else bare


class Matcher:
    """Finds the class a label names."""

    def __init__(self, classes: Sequence[str]) -> None:
        """`classes` are the names in the order of the columns."""
        self._exact = {name: place for place, name in enumerate(classes)}
        loose: dict[str, int | None] = {}
        for place, name in enumerate(classes):
            key = _canonical(name)
            # Two names with one spelling: only the exact text tells them apart.
            loose[key] = None if key in loose else place
        if set(loose) in ({"0", "1"}, set(_TRUTH)):
            other = _TRUTH if "0" in loose else ("0", "1")
            loose |= {other[place]: loose[name] for place, name in enumerate(sorted(loose))}
        self._loose = loose

    def find(self, value: Any) -> int | None:
        """The index of the class that `value` names, or None."""
        text = text_of(value)
        place = self._exact.get(text)
        return self._loose.get(_canonical(text)) if place is None else place


def match_labels(
    shown: str, column: str, coded: Coded, classes: Sequence[str], source: str, *, indices: bool = False
) -> Codes:
    """A class index a row, -1 where there is no label; ValueError at the first label that is no class.

    With `indices`, labels none of which is a name may be the places of the classes, 0..K-1.
    """
    matcher = Matcher(classes)
    used = set(np.unique(coded.codes).tolist())
    places = [matcher.find(value) if place in used else -1 for place, value in enumerate(coded.values)]
    if indices and all(place is None or place == -1 for place in places):
        places = [_index(value, len(classes)) if place in used else -1 for place, value in enumerate(coded.values)]
    wrong = np.array([place is None for place in places] + [False])
    rows = np.flatnonzero(wrong[coded.codes])
    if rows.size:
        raise _no_class(shown, column, coded, int(rows[0]), classes, source)
    index = np.array([-1 if place is None else place for place in places] + [-1], dtype=np.int64)
    return index[coded.codes]


def _index(value: Any, count: int) -> int | None:
    text = text_of(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) < count else None


def _no_class(shown: str, column: str, coded: Coded, row: int, classes: Sequence[str], source: str) -> ValueError:
    text = text_of(coded.values[coded.codes[row]])
    near = did_you_mean(text, classes)
    return ValueError(
        message(
            f"{shown}: {quoted(column)} row {row} is {quoted(text)}, not one of the {len(classes):,} classes{near}",
            f"classes: {listed(classes)}, from {source}",
            "to name them yourself, in the order of the numbers: --classes A,B,C",
        )
    )
