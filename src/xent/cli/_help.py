"""Help that begins with examples."""

from __future__ import annotations

from typing import Any

import click


class Command(click.Command):
    """A command whose help shows `examples` before its usage."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        """`examples` are lines as they would be typed."""
        kwargs.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, usage, what it does, options."""
        lines = "\n".join(f"  {line.strip()}" for line in self.examples.strip().splitlines())
        formatter.write(f"Examples:\n\n{lines}\n\n")
        super().format_help(ctx, formatter)
