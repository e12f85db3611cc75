"""The identity as a picture: label entropy - explained + miscalibration, each step from where the last one ended."""

from __future__ import annotations

import math
from typing import Any

from xent.evaluation import Evaluation
from xent.report import _numbers as numbers

WIDTH, LEFT, RIGHT, ROW = 720.0, 136.0, 118.0, 44.0


def waterfall(evaluation: Evaluation, digits: int) -> dict[str, Any]:
    """Places of four bars in a drawing WIDTH wide, and the sentence that says what it shows."""
    steps = _steps(evaluation)
    ends = [end for _, _, start, stop, _ in steps for end in (start, stop) if math.isfinite(end)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    scale = (WIDTH - LEFT - RIGHT) / (high - low) if high > low else 0.0

    def place(value: float) -> float:
        if math.isnan(value):
            return LEFT
        return LEFT + scale * (min(value, high) - low)

    bars = [
        _bar(index, (name, title, place(start), place(stop), text), not math.isnan(value))
        for index, ((name, title, start, stop, value), text) in enumerate(
            zip(steps, numbers.identity(evaluation, digits), strict=False)
        )
    ]
    joints = [
        {"x": round(place(stop), 2), "y": ROW * index + 32, "to": ROW * (index + 1) + 12}
        for index, (_, _, _, stop, _) in enumerate(steps[:-1])
        if math.isfinite(stop) and not math.isnan(steps[index + 1][4])
    ]
    return {
        "width": WIDTH,
        "height": ROW * len(steps) + 6,
        "zero": round(place(0.0), 2),
        "bars": bars,
        "joints": joints,
        "infinite": math.isinf(evaluation.cross_entropy.value),
        "description": describe(evaluation, digits),
    }


def _steps(evaluation: Evaluation) -> list[tuple[str, str, float, float, float]]:
    """Name, title, where the bar starts and stops, and its value; nowhere (NaN) where the value is undefined."""
    whole, explained, bad = evaluation.uncertainty, evaluation.discrimination, evaluation.miscalibration
    loss = evaluation.cross_entropy.value
    return [
        ("uncertainty", "label entropy", 0.0, whole, whole),
        ("explained", "− explained", whole + 0 * explained, whole - explained, explained),
        ("miscalibration", "+ miscalibration", whole - explained, loss + 0 * bad, bad),
        ("loss", "= cross-entropy", 0.0, loss, loss),
    ]


def _bar(index: int, bar: tuple[str, str, float, float, str], defined: bool) -> dict[str, Any]:
    name, title, start, stop, value = bar
    left, right = sorted((start, stop))
    return {
        "name": name,
        "title": title,
        "x": round(left, 2),
        "y": ROW * index + 12,
        "width": round(right - left, 2),
        "text_x": round(right + 8, 2),
        "text_y": ROW * index + 27,
        "value": value,
        "defined": defined,
    }


def describe(evaluation: Evaluation, digits: int) -> str:
    """One sentence, from the numbers."""
    unit = evaluation.unit
    whole, explained, bad, total, _ = numbers.identity(evaluation, digits)
    if math.isnan(evaluation.discrimination):
        return f"The cross-entropy is {total} {unit}, the label entropy {whole} {unit}; what is between is undefined."
    return (
        f"The cross-entropy of {total} {unit} is the label entropy of {whole} {unit}, less {explained} {unit} that the "
        f"forecasts explain, plus {bad} {unit} of miscalibration."
    )
