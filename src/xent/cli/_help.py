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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An option that is taken once and given twice is a slip: neither value is used in silence."""
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
            for place, option in enumerate(order):
                single = isinstance(option, click.Option) and not (option.multiple or option.is_flag or option.count)
                if single and option in order[:place]:
                    raise click.UsageError(f"{option.opts[-1]} is given twice; it takes one value", ctx)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, usage, what it does, options."""
        lines = "\n".join(f"  {line.strip()}" for line in self.examples.strip().splitlines())
        formatter.write(f"Examples:\n\n{lines}\n\n")
        super().format_help(ctx, formatter)
