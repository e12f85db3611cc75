"""`xent plot`: write one of the figures that explain cross-entropy to a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from xent.cli import _manners as manners
from xent.cli._help import Command
from xent.cli._numbers import MINUS, parse
from xent.cli._words import UNITS, Word

EXAMPLES = """
xent plot simplex-cross-entropy -o map.svg --p 0.1,0.2,0.7 --unit bits
xent plot binary-cross-entropy-curves -o curves.png --against logit
xent plot entropy-tangent -o gap.pdf --p 0.3 --q 3/4 --vary model
xent plot code-lengths --p 1/2,1/4,1/4 --q 1/4,1/4,1/2
xent plot kl-integrand --p 0,1 --q 1.5,2
"""

# What each figure is called, shows, and takes besides --unit. In words: help loads no matplotlib.
FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "binary-cross-entropy-curves": ("loss of one yes/no label", ("against",)),
    "binary-cross-entropy-surface": ("loss of soft labels, and its gap", ("view",)),
    "simplex-cross-entropy": ("H(p, q) over all models of 3 outcomes", ("p", "coordinates")),
    "cross-entropy-surface": ("the same, as a surface", ("p",)),
    "entropy-tangent": ("entropy, cross-entropy and KL", ("p", "q", "vary")),
    "code-lengths": ("message lengths as areas", ("p", "q")),
    "kl-integrand": ("KL of two Gaussians, where it comes from", ("p", "q")),
    "forward-reverse-fit": ("one Gaussian for two bumps", ("p",)),
    "estimator-bias": ("mean error of estimates of entropy, by n", ("p",)),
}
# The figures whose p and q are one probability each, not a row of them.
_SINGLE = {"entropy-tangent"}
# Those whose p and q are of Gaussians.
_GAUSSIAN = {"kl-integrand", "forward-reverse-fit"}
_MOST_VALUES = 1000
_TRUTH = (
    "The truth: 0.1,0.2,0.7 or 1/2,1/4,1/4; one number for entropy-tangent; MEAN,SD for kl-integrand; twice "
    "WEIGHT,MEAN,SD for forward-reverse-fit."
)


class _Plot(Command):
    """Lists the figures after the options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Figures"):
            formatter.write_dl([(name, what) for name, (what, _) in FIGURES.items()])


class _Figure(Word):
    """The name of a figure, with hyphens or underscores."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).replace("_", "-"), param, ctx)


def _choice(name: str, words: tuple[str, ...], text: str) -> Any:
    return click.option(f"--{name}", type=Word(words), metavar="|".join(words), help=text)


@click.command(cls=_Plot, examples=EXAMPLES)
@click.argument("name", type=_Figure(tuple(FIGURES)), metavar="NAME")
@click.option("-o", "--output", metavar="FILE", help="A .png, .svg or .pdf file; without it NAME.svg.")
@click.option("--unit", type=Word(UNITS), metavar="UNIT", help="nats, bits or bans; without it the figure's own.")
@click.option("--p", metavar="P", help=_TRUTH)
@click.option("--q", metavar="Q", help="The model, written like --p.")
@_choice("against", ("probability", "logit"), "Horizontal axis of binary-cross-entropy-curves.")
@_choice("view", ("surface", "gap"), "What binary-cross-entropy-surface shows.")
@_choice("coordinates", ("first-two", "triangle"), "Layout of simplex-cross-entropy.")
@_choice("vary", ("truth", "model"), "Horizontal axis of entropy-tangent.")
def plot(name: str, output: str | None, **options: Any) -> None:
    """Draw the figure NAME to a PNG, SVG or PDF file.

    The same call writes the same bytes. The file's metadata says in one sentence what the figure shows.
    """
    given = {key: value for key, value in options.items() if value is not None}
    _refuse_foreign(name, given)
    target = Path(f"{name}.svg" if output is None else output)
    try:
        from xent import plots

        plots.save(getattr(plots, name.replace("-", "_"))(**_arguments(name, given)), target)
    except (ImportError, ValueError) as error:
        raise click.UsageError(_as_typed(str(error))) from None
    except OSError as error:
        raise click.UsageError(f"cannot write {str(target)!r}: {error.strerror or error}") from None
    manners.say(f"wrote {target}")


def _as_typed(message: str) -> str:
    """What a figure says of its arguments, in the words of the command line: options, and no Python to call."""
    message = re.sub(r" To rescale it: .*", " Fractions such as 1/3 are exact.", message)
    return re.sub(r"`(p|q|unit|against|view|coordinates|vary)`", r"--\1", message)


def _refuse_foreign(name: str, given: dict[str, Any]) -> None:
    """An option that this figure does not have is refused with those that it has and the figures that have it."""
    takes = (*FIGURES[name][1], "unit")
    for option in given:
        if option not in takes:
            has = ", ".join(f"--{one}" for one in takes)
            others = ", ".join(other for other, (_, options) in FIGURES.items() if option in options)
            raise click.UsageError(f"{name} has no --{option}; it takes {has} (--{option} is for {others})")


def _arguments(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options as the figure takes them, p and q as numbers."""
    return {key: _numbers(name, key, value) if key in ("p", "q") else value for key, value in given.items()}


def _numbers(name: str, option: str, text: str) -> Any:
    """A row of probabilities, or one where the figure takes one."""
    typed = parse(text.replace(MINUS, "-"))
    if typed.form not in (None, "probs") or (typed.form and name in _GAUSSIAN):
        kind = "means and deviations" if name in _GAUSSIAN else "probabilities"
        raise ValueError(f"--{option} takes {kind}, not {typed.form}")
    count = len(typed.numbers)
    if count > _MOST_VALUES:
        raise ValueError(f"--{option} has {count:,} values; at most {_MOST_VALUES:,} can be told apart in a figure")
    if name not in _SINGLE:
        return typed.numbers
    if count != 1:
        raise ValueError(f"--{option} has {count} values; {name} takes one probability, such as 0.3")
    return typed.numbers[0]
