"""The state of the explorer as text, `v=1&chapter=simplex&unit=nats&p=0.1,0.2,0.7&q=...`: what a link has after its #.

The same rules as the page's own (web/src/state.js), for the keys that Python reads and sets. Values are used as given,
never rescaled, clipped or rounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import numpy as np

from xent import _check
from xent._errors import DistributionError, ShapeError
from xent._forms import Form

Shares = tuple[float, float, float]

START = "v=1"
"""The state in which everything has its default."""

UNITS = ("nats", "bits")
_LONGEST = 2000
_OFF = 1e-12
"""How far from 1 three shares may sum, added up in their order."""

_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BROKEN = re.compile(r"%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class Values:
    """What Python reads of a state; the defaults are the page's."""

    p: Shares = (0.1, 0.2, 0.7)
    q: Shares = (0.6, 0.3, 0.1)
    unit: str = "nats"


def read(state: str) -> Values:
    """The values that the page shows for this state: a key that is missing or not accepted has its default."""
    given = _given(state)
    if given is None:
        return Values()
    found: dict[str, Any] = {name: _shares(given[name]) for name in ("p", "q") if name in given}
    found["unit"] = given["unit"] if given.get("unit") in UNITS else None
    return Values(**{name: value for name, value in found.items() if value is not None})


def replaced(state: str, name: str, value: Any) -> str:
    """The state with `p`, `q` or `unit` set to `value`, and every other key as it was.

    A state that the page would refuse whole counts as one in which everything has its default.
    """
    text = f"{name}={_unit(value) if name == 'unit' else ','.join(map(number_text, shares(name, value)))}"
    parts = (_plain(state) if _given(state) else START).split("&")
    place = next((i for i, part in enumerate(parts) if _key(part) == name), len(parts))
    others = [part for part in parts if _key(part) != name]
    whole = "&".join([*others[:place], text, *others[place:]])
    # Only keys that the page ignores can make it too long to be read.
    return whole if _length(whole) <= _LONGEST else f"{START}&{text}"


def link(chapter: str, unit: str, p: Sequence[float], q: Sequence[float]) -> str:
    """A state that shows these shares in a chapter; a unit that the page does not have is left to it."""
    values = [f"{name}={','.join(map(number_text, shares(name, value)))}" for name, value in (("p", p), ("q", q))]
    return "&".join([START, f"chapter={chapter}", *([f"unit={unit}"] if unit in UNITS else []), *values])


def shares(name: str, value: Any) -> Shares:
    """`value` as three shares that the page accepts; DistributionError or ShapeError for anything else."""
    array = _numbers(name, value)
    if array.shape != (3,):
        raise ShapeError(f"`{name}` has shape {array.shape}; the explorer takes three probabilities.")
    if not (np.isfinite(array).all() and (array >= 0).all()):
        _check.bad_row(name, "probs", array, None, _OFF)
    a, b, c = array.tolist()
    total = a + b + c
    if not abs(total - 1) <= _OFF:
        raise DistributionError(
            f"`{name}` sums to {_total(total)}, not 1 to within 1e-12, and the explorer rescales nothing. "
            f"To rescale it: `xent.normalize(numpy.float64({name}))`."
        )
    if max(a, b, c) > 1:  # by a rounding, which the page would not take either
        raise DistributionError(f"`{name}` has {max(a, b, c)!r}; a probability is at most 1.")
    return a, b, c


def number_text(value: float) -> str:
    """A finite number as JavaScript prints it: the shortest decimal that reads back to the same double."""
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    if not any(digits):
        return "0"
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if -6 < point <= 21:
        if point <= 0:
            text = "0." + "0" * -point + text
        elif point >= len(text):
            text += "0" * (point - len(text))
        else:
            text = f"{text[:point]}.{text[point:]}"
    else:
        text = f"{text[0]}{'.' if text[1:] else ''}{text[1:]}e{point - 1:+d}"
    return f"-{text}" if sign else text


def _given(state: str) -> dict[str, str] | None:
    """The keys and their texts, the last of each; None where the page refuses the whole."""
    text = state.removeprefix("#")
    if not text:
        return {}
    if _length(text) > _LONGEST:
        return None
    pairs = (part.partition("=") for part in _plain(text).split("&"))
    given = {_decoded(key): _decoded(value) for key, equals, value in pairs if key and equals}
    return given if given.get("v") == "1" else None


def _plain(state: str) -> str:
    """The state as `key=value&...`, also where it was percent-encoded as a whole."""
    text = state.removeprefix("#")
    return text if "=" in text else _decoded(text)


def _key(part: str) -> str:
    name, equals, _ = part.partition("=")
    return _decoded(name) if equals else ""


def _decoded(text: str) -> str:
    """Percent-encoding undone; where it is broken, a text that is accepted nowhere."""
    if _BROKEN.search(text):
        return "\0"
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return "\0"


def _length(text: str) -> int:
    """As JavaScript counts: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shares(text: str) -> Shares | None:
    words = text.split(",")
    if len(words) != 3 or not all(_DECIMAL.fullmatch(word) for word in words):
        return None
    a, b, c = (float(word) for word in words)
    good = all(0 <= share <= 1 for share in (a, b, c)) and abs(a + b + c - 1) <= _OFF
    return (a, b, c) if good else None


def _unit(value: Any) -> str:
    if value in UNITS:
        return value
    raise ValueError(f"`unit` is {value!r}; the explorer shows 'nats' or 'bits'.")


def _numbers(name: str, value: Any) -> Any:
    if isinstance(value, Form):
        if value.kind != "probs":
            _check.refuse_kind(name, value.kind, {"probs"})
        value = value.values
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "buifO" or (array.dtype.kind == "O" and any(isinstance(v, str) for v in array.flat)):
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        shown = repr(value)
        raise DistributionError(
            f"`{name}` is {shown if len(shown) <= 60 else shown[:57] + '...'}; it holds three plain numbers."
        ) from None


def _total(total: float) -> str:
    """With as many digits as show that it is not 1."""
    return next((text for digits in range(4, 17) if float(text := f"{total:.{digits}g}") != 1), repr(total))
