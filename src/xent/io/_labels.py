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


class LabelReader:
    """Turns the labels of chunk after chunk into class indices.

    Labels are names of classes. With `indices`, if none of the first rows' labels is a name, they may be the places of
    the classes, 0..K-1; what the first rows decide holds for all.
    """

    def __init__(
        self, column: str, classes: Sequence[str], source: str, *, indices: bool, places: bool | None = None
    ) -> None:
        """`source` says where the class names came from; `places` is what was decided elsewhere."""
        self._column = column
        self._classes = tuple(classes)
        self._source = source
        self._matcher = Matcher(classes)
        self.places: bool | None = places if indices else False

    def read(self, shown: str, start: int, coded: Coded) -> Codes:
        """A class index a row, -1 where there is no label; ValueError at the first label that is no class."""
        used = np.zeros(len(coded.values) + 1, dtype=bool)
        used[coded.codes] = True
        names = [self._matcher.find(value) if used[place] else -1 for place, value in enumerate(coded.values)]
        if self.places is None and any(place != -1 for place in names):
            self.places = all(place is None or place == -1 for place in names)
        found = names
        if self.places:
            mixed = [place is not None and place != -1 for place in names]
            self._refuse(mixed, shown, start, coded, "a name of a class, and those before it are places of classes")
            found = [
                _index(value, len(self._classes)) if used[place] else -1 for place, value in enumerate(coded.values)
            ]
        self._refuse([place is None for place in found], shown, start, coded, None)
        index = np.array([-1 if place is None else place for place in found] + [-1], dtype=np.int64)
        return index[coded.codes]

    def _refuse(self, wrong: list[bool], shown: str, start: int, coded: Coded, what: str | None) -> None:
        if not any(wrong):
            return
        row = int(np.flatnonzero(np.array([*wrong, False])[coded.codes])[0])
        text = text_of(coded.values[coded.codes[row]])
        near = did_you_mean(text, self._classes)
        raise ValueError(
            message(
                f"{shown}: {quoted(self._column)} row {start + row} is {quoted(text)}, "
                f"{what or f'not one of the {len(self._classes):,} classes{near}'}",
                f"classes: {listed(self._classes)}, from {self._source}",
                "to name them yourself, in the order of the numbers: --classes A,B,C",
            )
        )


def _index(value: Any, count: int) -> int | None:
    text = text_of(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) < count else None
