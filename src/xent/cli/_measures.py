"""The measures of the command line, by name: which function, how many arguments, and how the line reads."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xent._errors import DistributionError, ShapeError
from xent.cli._numbers import FORMS, Typed, parse


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: the function in `xent`, its letters for one argument and for two (empty: not taken).

    pure: what a number without a unit of information is called ("" for nothing), None where the unit is asked for;
    alpha: whether it has an order.
    """

    function: str
    one: str
    two: str
    letters: tuple[str, str] = ("p", "q")
    elementwise: bool = False
    reverse: bool = False
    pure: str | None = None
    alpha: bool = False


MEASURES: dict[str, Measure] = {
    "entropy": Measure("entropy", "H(p)", ""),
    "cross-entropy": Measure("cross_entropy", "", "H(p, q)"),
    "kl": Measure("kl_divergence", "", "KL(p || q)", reverse=True),
    "js": Measure("js_divergence", "", "JS(p, q)"),
    "bce": Measure("binary_cross_entropy", "", "BCE(y, q)", letters=("y", "q"), elementwise=True),
    "perplexity": Measure("perplexity", "perplexity of p", "perplexity of q under p", pure="outcomes"),
    "renyi": Measure("renyi_divergence", "", "D(p || q)", alpha=True, reverse=True),
    "tsallis": Measure("tsallis_divergence", "", "D(p || q)", alpha=True, reverse=True, pure=""),
    "alpha": Measure("alpha_divergence", "", "D(p || q)", alpha=True, reverse=True, pure=""),
    "hellinger": Measure("hellinger_distance", "", "d(p, q)", pure=""),
    "tv": Measure("total_variation", "", "TV(p, q)", pure=""),
    "chi2": Measure("chi_square_divergence", "", "chi2(p || q)", reverse=True, pure=""),
    "surprisal": Measure("surprisal", "-log p", "", elementwise=True),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Values of a measure and how they are named; `where` is set for the rows of a file."""

    measure: str
    name: str
    unit: str
    values: tuple[float, ...]
    mean: float
    texts: tuple[str, ...] = ()
    reverse: float | None = None
    where: str | None = None


def from_call(
    name: str,
    numbers: Sequence[str],
    unit: str,
    truth: str | None,
    model: str | None,
    alpha: float | None = None,
) -> Answer:
    """The measure of numbers that were typed."""
    measure = MEASURES[name]
    options = _options(name, measure, unit, alpha)
    _check_count(name, measure, len(numbers))
    typed = [parse(argument) for argument in numbers]
    if measure.elementwise and len({len(one.numbers) for one in typed}) > 1:
        found = " and ".join(str(len(one.numbers)) for one in typed)
        raise ValueError(f"{name} goes number by number, but there are {found} of them")
    forms = _forms([one.form for one in typed], truth, model)
    arguments = [_wrapped(_array(one, form), form) for one, form in zip(typed, forms, strict=True)]
    values = _apply(measure, arguments, options)
    backwards = measure.reverse and "label" not in forms and len(typed) == 2
    return Answer(
        name,
        measure.two if len(typed) == 2 else measure.one,
        unit if measure.pure is None else measure.pure,
        values,
        math.fsum(values) / len(values),
        texts=_texts(measure, typed, forms),
        reverse=_apply(measure, arguments[::-1], options)[0] if backwards else None,
    )


def from_file(
    name: str,
    specs: Sequence[str],
    unit: str,
    truth: str | None,
    model: str | None,
    path: str,
    file_format: str | None,
    alpha: float | None = None,
) -> Answer:
    """The measure of every row of a file's columns."""
    from xent.io import printable, read_columns, span

    measure = MEASURES[name]
    options = _options(name, measure, unit, alpha)
    _check_count(name, measure, len(specs))
    heads = [spec.partition(":") for spec in specs]
    prefixed = [head if colon and head in FORMS else None for head, colon, _ in heads]
    bare = [rest if form else spec for spec, form, (_, _, rest) in zip(specs, prefixed, heads, strict=True)]
    forms = _forms(prefixed, truth, model)
    found = read_columns(path, bare, label_first=forms[0] == "label", format=file_format)
    for spec, form, (numbers, _) in zip(bare, forms, found, strict=True):
        if numbers.ndim == 1 and form != "label" and not measure.elementwise:
            raise ValueError(
                f"{printable(path)}: {name} needs a column for each outcome, and {printable(spec, 60)!r} is one column"
                "\nname them all: A,B,C, or 'p_*', or a column of lists"
            )
    arguments = [_wrapped(numbers, form) for (numbers, _), form in zip(found, forms, strict=True)]
    try:
        values = _apply(measure, arguments, options)
    except (DistributionError, ShapeError) as error:
        raise type(error)(f"{printable(path)}: {error}") from None
    where = "  ".join(
        f"{letter} = {span(columns)}" for letter, (_, columns) in zip(_letters(measure, forms), found, strict=False)
    )
    title = measure.two if len(specs) == 2 else measure.one
    shown_unit = unit if measure.pure is None else measure.pure
    return Answer(name, title, shown_unit, values, math.fsum(values) / len(values), where=where)


def _check_count(name: str, measure: Measure, count: int) -> None:
    taken = {1: bool(measure.one), 2: bool(measure.two)}
    if not taken.get(count, False):
        words = {(True, False): "one", (False, True): "two", (True, True): "one or two"}[(taken[1], taken[2])]
        order = ": the truth first, then the model" if taken[2] else ""
        raise ValueError(f"{name} takes {words} NUMBERS, not {count}{order}; numbers of one are separated by commas")


def _forms(typed: list[str | None], truth: str | None, model: str | None) -> list[str]:
    """The form of each argument: what stands before it, else the option for the truth or for the model."""
    forms = [form or "probs" for form in typed]
    if truth is not None and typed[0] is None:
        forms[0] = truth
    if model is not None and typed[-1] is None:
        if len(typed) == 1 and truth is not None:
            raise ValueError(f"the numbers cannot be both --{truth} and --{model}")
        forms[-1] = model
    return forms


def _array(typed: Typed, form: str) -> Any:
    import numpy as np

    if form != "label":
        return np.array(typed.numbers)
    if len(typed.numbers) != 1 or not typed.numbers[0].is_integer():
        raise ValueError(f"a label is one whole number, not {typed.text!r}")
    return np.array(int(typed.numbers[0]))


def _wrapped(array: Any, form: str) -> Any:
    import xent

    kinds = {"logits": xent.Logits, "logprobs": xent.LogProbs, "counts": xent.Counts, "label": xent.Labels}
    return kinds[form](array) if form in kinds else xent.Probs(array)


def _options(name: str, measure: Measure, unit: str, alpha: float | None) -> dict[str, Any]:
    """The keywords of the function: the unit where it has one, the order where it has one."""
    if measure.alpha and alpha is None:
        raise ValueError(f"{name} has an order: give it with --alpha, such as --alpha 0.5")
    if alpha is not None and not measure.alpha:
        raise ValueError(f"{name} has no order; --alpha is for renyi, tsallis and alpha")
    options: dict[str, Any] = {} if measure.pure is not None else {"unit": unit}
    return {**options, "alpha": alpha} if measure.alpha else options


def _apply(measure: Measure, arguments: list[Any], options: dict[str, Any]) -> tuple[float, ...]:
    import numpy as np

    import xent

    try:
        values = getattr(xent, measure.function)(*arguments, **options)
    except (DistributionError, ShapeError) as error:
        raise type(error)(_in_words_of_the_call(str(error))) from None
    return tuple(np.asarray(values, dtype=np.float64).reshape(-1).tolist())


_REWORDED = (
    (r" along axis -?\d+", ""),
    (r" \(shapes .*\)", ""),
    (r"has 1 label outside \[0, (\d+)\); (-?\d+)", r"is the label \2; with \1 outcomes, labels are below \1, from 0"),
    (r"xent\.Labels\(.*?\)", "--label"),
    (r"xent\.Logits\(.*?\)", "--logits"),
    (r"xent\.LogProbs\(.*?\)", "--logprobs"),
    (r"xent\.Counts\(.*?\)", "--counts"),
    (r" at 0 is ", " is "),
)
"""What speaks of arrays, in words of the command line."""


def _in_words_of_the_call(text: str) -> str:
    """A measure's error without its advice on Python, and with ours."""
    first = text.split(". ")[0].replace("`", "").rstrip(".")
    for pattern, words in _REWORDED:
        first = re.sub(pattern, words, first)
    more = "say what the numbers are, if not probabilities: --logits, --logprobs, --counts" if "sum" in first else ""
    return f"{first}\n{more}" if more else first


def _texts(measure: Measure, typed: list[Typed], forms: list[str]) -> tuple[str, ...]:
    """What each value is of: `p = 0.5,0.5  q = 0.9,0.1`."""
    if not measure.elementwise:
        letters = _letters(measure, forms)
        return ("  ".join(f"{letter} = {one.text}" for letter, one in zip(letters, typed, strict=True)),)
    rows = zip(*(one.numbers for one in typed), strict=True)
    return tuple(
        "  ".join(f"{letter} = {value:.6g}" for letter, value in zip(_letters(measure, forms), row, strict=False))
        for row in rows
    )


def _letters(measure: Measure, forms: list[str]) -> list[str]:
    """What each argument is called: `q`, or `logit q` where the numbers are logits."""
    before = {"logits": "logit ", "logprobs": "log ", "counts": "counts "}
    return [
        "y" if form == "label" else before.get(form, "") + letter
        for letter, form in zip(measure.letters, forms, strict=False)
    ]
