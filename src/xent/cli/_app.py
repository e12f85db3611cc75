"""The group `xent`: its commands are imported when they run, so that help and completion stay quick."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem

from xent.cli import _manners as manners
from xent.cli._words import Word, nearest_word

# Name: (module, what the list of commands says of it). The module has a click.Command of the command's name.
COMMANDS: dict[str, tuple[str, str]] = {
    "report": ("xent.cli.report", "How good a file of predictions is, and why it is not better."),
    "compare": ("xent.cli.compare", "Which of two files of predictions is better, as shipped and recalibrated."),
    "measure": ("xent.cli.measure", "Entropy, cross-entropy, KL and their kin of numbers or columns."),
    "plot": ("xent.cli.plot", "Draw a figure of cross-entropy to PNG, SVG or PDF."),
    "explore": ("xent.cli.explore", "Write the explorer, an interactive page that works offline."),
    "about": ("xent.cli.about", "Versions, compiled core, threads and what is installed."),
}
EXAMPLES = """\
Examples:

  xent report predictions.parquet -o report.html
  xent report --example digits
  xent measure kl 0.5,0.5 0.9,0.1 --unit bits
"""


@dataclass(slots=True)
class Manner:
    """What --color and --debug say, wherever in the call they stand."""

    color: str = "auto"
    debug: bool = False


class Group(click.Group):
    """Commands by name, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, with the options that every command takes."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        own = {option for parameter in command.params for option in parameter.opts}
        command.params.extend(option for option in _common_options() if not own & set(option.opts))
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name, command and the rest; an unknown name is answered with the nearest one."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = nearest_word(args[0], COMMANDS)
            raise click.UsageError(f"no such command {args[0]!r}" + (f"; did you mean {near!r}?" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first."""
        formatter.write(f"xent: cross-entropy, understood and measured.\n\n{EXAMPLES}\n")
        self.format_usage(ctx, formatter)
        self.format_options(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, none of which is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands, none of which is imported for it."""
        names = [
            CompletionItem(name, help=words) for name, (_, words) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    manner = ctx.ensure_object(Manner)
    if value and parameter.name in ("color", "debug"):
        setattr(manner, parameter.name, value)
    if value and parameter.name == "color":
        manners.COLOR.set(value)
    return value


def _common_options() -> list[click.Option]:
    return [
        click.Option(
            ["--color"],
            type=Word(("auto", "always", "never")),
            metavar="WHEN",
            expose_value=False,
            callback=_keep,
            help="auto, always or never; auto also heeds NO_COLOR and FORCE_COLOR.",
        ),
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, callback=_keep, help="Show the traceback of an error."
        ),
    ]


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from xent import __version__

        manners.write_result(f"xent {__version__}\n")
        ctx.exit()


xent = Group(
    "xent",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show it.",
        ),
        *_common_options(),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80, "terminal_width": 80},
    no_args_is_help=False,
    invoke_without_command=True,
)


@click.pass_context
def _without_command(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        manners.write_result(ctx.get_help() + "\n")


xent.callback = _without_command


def run(args: Sequence[str]) -> int:
    """Run one call of `xent`; its exit code."""
    manner = Manner()
    manners.COLOR.set(manner.color)
    manners.open_streams()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the report.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = _call(list(args), manner)
        sys.stdout.flush()
    except BrokenPipeError:
        manners.silence_stdout()
        return manners.OK
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            manners.silence_stdout()
        return manners.explain(error, debug=manner.debug)
    return code


def _call(args: list[str], manner: Manner) -> int:
    if "_XENT_COMPLETE" in os.environ:
        xent.main(args, prog_name="xent")  # writes what the shell asked for, and leaves
    # Not through `main`: it leaves with 1, which is a failed gate here, when the reader of --help has gone away.
    try:
        with xent.make_context("xent", args, obj=manner) as ctx:
            code = xent.invoke(ctx)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    return code if isinstance(code, int) else manners.OK
