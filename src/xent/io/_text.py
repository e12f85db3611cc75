"""Names from files as text that is safe to show, and the wording shared by the errors of this room."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence


def printable(text: object, limit: int | None = None) -> str:
    """`text` on one line, with control and other unprintable characters replaced, cut to `limit` characters."""
    raw = str(text)
    if limit is not None and len(raw) > limit:
        raw = raw[: limit - 1] + "…"
    return raw if raw.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in raw)


def quoted(text: object, limit: int = 60) -> str:
    """A name from a file, between quotes, short enough for an error."""
    return f"'{printable(text, limit)}'"


def listed(names: Sequence[object], most: int = 8) -> str:
    """`a, b, c` or the first few of them and how many there are."""
    shown = ", ".join(printable(name, 40) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names):,} in all)"


def span(names: Sequence[str]) -> str:
    """Columns in few words: `p_0..p_9`, or all of them up to three."""
    if len(names) > 3:
        return f"{printable(names[0], 30)}..{printable(names[-1], 30)}"
    return ", ".join(printable(name, 30) for name in names)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    known = list(known)
    for candidate in known:
        if candidate.strip().casefold() == word.strip().casefold():
            return candidate
    # 1 is no misspelt -1.
    if _is_number(word):
        return None
    # Long names and long lists make the comparison slow, and its answer worthless.
    near = difflib.get_close_matches(word[:100], [k for k in known[:2000] if len(k) <= 100], n=1, cutoff=0.6)
    return near[0] if near else None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'label'?`, or nothing."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean {quoted(near)}?"


def message(first: str, *more: str) -> str:
    """An error's text: what and where on the first line, then at most three lines of help."""
    return "\n".join([first, *[line for line in more if line][:3]])


def names_in(shown: str, raw: bytes | str) -> tuple[str, ...]:
    """The names of the classes that a file's metadata holds."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str | int) for item in found):
        raise ValueError(f"{shown}: its metadata `classes` is not a JSON list of names")
    return tuple(str(item) for item in found)
