"""`--fail-if TEST`: a field of the JSON, a comparison and a number."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xent.cli._words import nearest_word

_TEST = re.compile(r"\s*([^<>=\s]+)\s*(<=|>=|<|>)\s*(\S+)\s*")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Gate:
    """One test; it fails the call where the comparison holds, or where the number is undefined."""

    text: str
    field: str
    sign: str
    bound: float

    def failure(self, value: float) -> str | None:
        """Why this gate fails, in words, or None."""
        if math.isnan(value):
            return f"gate failed: {self.text} ({self.field} is undefined)"
        if _COMPARE[self.sign](value, self.bound):
            return f"gate failed: {self.text} ({self.field} is {value:.6g})"
        return None


def parse_gate(text: str) -> Gate:
    """`loss>0.25` and its like; ValueError for anything else."""
    found = _TEST.fullmatch(text)
    try:
        bound = math.nan if found is None or "_" in found[3] else float(found[3])
    except ValueError:
        bound = math.nan
    if found is None or math.isnan(bound):
        raise ValueError(
            f"--fail-if {text!r} is no test; write a field, <, <=, > or >=, and a number: --fail-if 'loss>0.25'"
        )
    return Gate(text.strip(), found[1], found[2], bound)


def value_of(document: dict[str, Any], field: str) -> float:
    """The number at a dotted path; `loss` is the cross-entropy, an estimate stands for its value."""
    path = "cross_entropy" if field == "loss" else field
    value: Any = document
    for key in path.split("."):
        value = _step(value, key)
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        known = sorted({"loss", *_paths(document, "")})
        near = nearest_word(field, known)
        hint = f"did you mean {near!r}?" if near else "see the fields in --json"
        raise ValueError(f"--fail-if {field!r} is no number of the report; {hint}")
    return float(value)


def _step(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 10 and int(key) < len(value):
        return value[int(key)]
    return None


def _paths(value: Any, prefix: str) -> Iterator[str]:
    """Dotted paths of all numbers; lists are left out, they would be every class and row."""
    if isinstance(value, dict):
        if prefix and "value" in value:
            yield prefix
        for key, item in value.items():
            yield from _paths(item, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, int | float):
        yield prefix
