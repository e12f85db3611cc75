"""`xent plot`: write one of the six figures to a file."""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

# What each figure is called, draws, and takes besides --unit. Kept here in words: help and completion load no matplotlib.
_FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "binary-cross-entropy-curves": ("loss of one yes/no label, by probability or logit", ("against",)),
    "binary-cross-entropy-surface": ("loss over soft label and prediction, or the map of the gap", ("view",)),
    "simplex-cross-entropy": ("map of H(p, q) over all models of three outcomes", ("p", "coordinates")),
    "cross-entropy-surface": ("the same as a surface", ("p",)),
    "entropy-tangent": ("entropy, cross-entropy and the gap between them", ("p", "q", "vary")),
    "code-lengths": ("average message lengths as areas", ("p", "q")),
}
_WORDS: dict[str, tuple[str, ...]] = {
    "unit": ("nats", "bits", "bans"),
    "against": ("probability", "logit"),
    "view": ("surface", "gap"),
    "coordinates": ("first-two", "triangle"),
    "vary": ("truth", "model"),
}
# The figures that take single probabilities for p and q rather than a row of them.
_SINGLE = {"entropy-tangent"}
_MOST_VALUES = 1000


def _refuse(words: str, value: str, choices: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(value.lower().replace("_", "-"), choices, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{words}; choose from {', '.join(choices)}.{hint}"


class _Word(click.ParamType):
    """One of a few words; anything else is refused with the nearest of them."""

    def __init__(self, name: str, choices: tuple[str, ...]) -> None:
        self.name = name
        self._choices = choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        return None if self.name == "figure" else "|".join(self._choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value)
        if word.replace("_", "-") in self._choices:
            return word.replace("_", "-")
        self.fail(_refuse(f"{word!r} is not known", word, self._choices), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(word) for word in self._choices if word.startswith(incomplete)]


class _Numbers(click.ParamType):
    """Numbers with commas between them, as decimals or fractions: 0.5,0.25,0.25 or 1/2,1/4,1/4."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value  # type: ignore[return-value]
        parts = str(value).split(",")
        if len(parts) > _MOST_VALUES:
            self.fail(f"{len(parts):,} values; at most {_MOST_VALUES:,} can be told apart in a figure.", param, ctx)
        return tuple(self._number(part, param, ctx) for part in parts)

    def _number(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        over, slash, under = text.partition("/")
        try:
            number = float(over) / float(under) if slash else float(text)
        except (ValueError, ArithmeticError):
            number = math.nan
        if not math.isfinite(number):
            shown = text.strip() if len(text) <= 40 else text[:37] + "..."
            self.fail(f"{shown!r} is not a number such as 0.25 or 1/4.", param, ctx)
        return number


def _option(name: str, text: str) -> Any:
    return click.option(f"--{name}", type=_Word(name, _WORDS[name]), help=text)


_EPILOG = "\b\nFigures:\n" + "\n".join(f"  {name:<29} {what}" for name, (what, _) in _FIGURES.items())


@click.command(epilog=_EPILOG, short_help="Write one of six figures that explain cross-entropy.")
@click.argument("name", type=_Word("figure", tuple(_FIGURES)), metavar="NAME")
@click.option("-o", "--output", metavar="FILE", help="Where to write: .png, .svg or .pdf.  [default: NAME.svg]")
@_option("unit", "Unit of every number in the figure.  [default: the figure's own]")
@click.option(
    "--p", type=_Numbers(), metavar="P", help="The truth: 0.1,0.2,0.7 or 1/2,1/4,1/4; one value for entropy-tangent."
)
@click.option("--q", type=_Numbers(), metavar="Q", help="The model, written like --p.")
@_option("against", "Horizontal axis of binary-cross-entropy-curves.")
@_option("view", "What binary-cross-entropy-surface shows.")
@_option("coordinates", "How simplex-cross-entropy is laid out.")
@_option("vary", "Horizontal axis of entropy-tangent.")
def plot(name: str, output: str | None, **options: Any) -> None:
    """Write one of six figures that explain cross-entropy.

    \b
    Examples:
      xent plot binary-cross-entropy-curves -o curves.png
      xent plot simplex-cross-entropy -o map.svg --p 0.1,0.2,0.7 --unit bits
      xent plot entropy-tangent -o gap.pdf --p 0.3 --q 3/4 --vary model
      xent plot code-lengths --p 1/2,1/4,1/4 --q 1/4,1/4,1/2

    The same call writes the same bytes. What the figure shows is said in its metadata.
    """
    given = {key: value for key, value in options.items() if value is not None}
    _check_options(name, given)
    plots = _plots()
    target = Path(f"{name}.svg" if output is None else output)
    try:
        plots.save(getattr(plots, name.replace("-", "_"))(**_arguments(name, given)), target)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write {str(target)!r}: {error.strerror or error}") from None
    click.echo(f"wrote {target}", err=True)


def _check_options(name: str, given: dict[str, Any]) -> None:
    """Refuse an option that this figure does not have."""
    takes = (*_FIGURES[name][1], "unit")
    for option in given:
        if option not in takes:
            has = ", ".join(f"--{o}" for o in takes)
            others = [other for other, (_, options) in _FIGURES.items() if option in options]
            raise click.UsageError(
                f"{name} has no --{option}; it takes {has}. --{option} belongs to {', '.join(others)}."
            )


def _arguments(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options as the figure takes them: one value stands for itself where a single probability is meant."""
    if name not in _SINGLE:
        return given
    for option in ("p", "q"):
        if len(given.get(option, (0.0,))) != 1:
            raise ValueError(f"`{option}` has {len(given[option])} values; {name} takes one probability, such as 0.3.")
    return {key: value[0] if key in ("p", "q") else value for key, value in given.items()}


def _plots() -> Any:
    """The figures' room, which needs matplotlib."""
    try:
        from xent import plots
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    return plots
