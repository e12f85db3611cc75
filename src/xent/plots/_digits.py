"""Losses, shares and names as the figures of an evaluation write them."""

from __future__ import annotations

import math
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from xent.evaluation.results import Estimate, Evaluation
from xent.io import printable
from xent.plots._labels import text_size

_LONGEST = 200
# Widths of ASCII letters in the widest of the fonts a browser may take are within this of ours.
_SLACK = 1.04


def decimals(estimate: Estimate) -> int:
    """Decimals that show two digits of the standard error, at most 6; four where there is none."""
    if not math.isfinite(estimate.se) or estimate.se <= 0:
        return 4
    return min(max(1 - math.floor(math.log10(estimate.se)), 1), 6)


def digits_of(evaluation: Evaluation) -> int:
    """Decimals for the losses of a figure: those of its mean, or of its finite part."""
    return decimals(evaluation.finite_cross_entropy)


def loss(value: float, digits: int, *, sign: bool = False) -> str:
    """A loss with so many decimals and a true minus; `inf`, or `undefined`; three digits where it would read 0."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "inf" if value > 0 else "−inf"
    text = f"{value:.{digits}f}"
    if value != 0 and float(text) == 0:
        text = f"{value:.2g}"
    return ("+" if sign and value > 0 else "") + text.replace("-", "−")


def share(value: float) -> str:
    """A share as a percentage; `undefined` where it is."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "inf" if value > 0 else "−inf"
    if 0 < abs(value) < 5e-4:
        return "<0.1%" if value > 0 else "−<0.1%"
    return f"{100 * value:,.1f}%".replace("-", "−")


def p_value(value: float) -> str:
    """A p-value with its letter."""
    if math.isnan(value):
        return "p undefined"
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def rows(count: int) -> str:
    """`1 row`, `1,797 rows`."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def name(text: str) -> str:
    """A name from a file, on one line, unprintable characters replaced."""
    return printable(text, _LONGEST)


def width(text: str, points: float, dpi: float) -> float:
    """Width in pixels of a name, taken to the letter; letters our font lacks count as wide ones."""
    plain = "".join(letter if _has(letter) else "—" for letter in text)
    return text_size(plain.replace("$", r"\$"), points, dpi)[0] * _SLACK


def cut(text: str, points: float, dpi: float, room: float) -> str:
    """`text`, or as much of its beginning as fits `room` pixels with an ellipsis."""
    if width(text, points, dpi) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(text[:middle] + "…", points, dpi) <= room else (low, middle - 1)
    return text[:low].rstrip() + "…"


@lru_cache(maxsize=4096)
def _has(letter: str) -> bool:
    return bool(get_font(findfont(FontProperties())).get_char_index(ord(letter)))
