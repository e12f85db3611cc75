"""Options and arguments that take one of a few words, and the nearest word for those that do not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

UNITS = ("nats", "bits", "bans")


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    near = difflib.get_close_matches(word.lower()[:100], list(known), n=1, cutoff=0.5)
    return near[0] if near else None


class Word(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic only in newer click
    """One of a few words; an error names the nearest."""

    name = "word"

    def __init__(self, words: Sequence[str]) -> None:
        """`words` are all that is taken."""
        self.words = tuple(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word itself."""
        if value in self.words:
            return value
        near = nearest_word(value, self.words)
        what = param.human_readable_name if isinstance(param, click.Argument) else param.opts[0] if param else "value"
        more = f"did you mean {near!r}?" if near else f"it is one of {', '.join(self.words)}"
        raise click.UsageError(f"{what} {value!r} is not known; {more}", ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The words that begin as typed."""
        return [CompletionItem(word) for word in self.words if word.startswith(incomplete)]
