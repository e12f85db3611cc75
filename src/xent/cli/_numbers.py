"""Numbers as one types them: decimals, fractions, a minus sign that is no option, and what form they are in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FORMS = ("probs", "logprobs", "logits", "counts", "label")
_DIGITS = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})")
_NUMBER_LIKE = re.compile(r"-(\d|\.\d|inf|∞)")
MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Typed:
    """One argument: its text as typed, its numbers, and the form that was put before it (`logits:1,2`), if any."""

    text: str
    numbers: tuple[float, ...]
    form: str | None


def shield(arguments: Sequence[str]) -> list[str]:
    """Arguments with the minus sign of leading negative numbers replaced, so that they are not read as options."""
    return [MINUS + word[1:] if _NUMBER_LIKE.match(word) else word for word in arguments]


def parse(argument: str) -> Typed:
    """`0.5,0.5`, `1/3 2/3` or `logits:-1,2`; ValueError for what is no number."""
    text = argument.replace(MINUS, "-")
    head, colon, rest = text.partition(":")
    form = head if colon and head in FORMS else None
    if colon and form is None:
        raise ValueError(f"{head!r} is no form; before the colon goes one of {', '.join(FORMS)}")
    words = [word for word in re.split(r"[\s,;]+", (rest if form else text).strip()) if word]
    if not words:
        raise ValueError(f"{argument!r} holds no numbers")
    return Typed(", ".join(words) if " " in text else text, tuple(number(word) for word in words), form)


def number(word: str) -> float:
    """A decimal number or a fraction."""
    above, slash, below = word.partition("/")
    if slash and _DIGITS.fullmatch(above) and _DIGITS.fullmatch(below):
        from fractions import Fraction

        if Fraction(below) == 0:
            raise ValueError(f"{word!r} divides by zero")
        return float(Fraction(above) / Fraction(below))
    try:
        if "_" in word:
            raise ValueError(word)
        return float(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a number; write 0.25, 1/4 or 2.5e-1, with commas between") from None
