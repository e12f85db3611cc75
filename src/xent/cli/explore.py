"""`xent explore`: write the explorer, one page that works offline."""

from __future__ import annotations

import click

from xent.cli import _outcome as outcome
from xent.cli._help import Command

EXAMPLES = """
xent explore
xent explore -o page.html --open
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.option("-o", "--output", type=click.Path(), metavar="PAGE.html", help="Where; without it explorer.html.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.pass_context
def explore(ctx: click.Context, output: str | None, opens: bool) -> None:
    """Write the explorer: cross-entropy you can touch, on one page.

    Surprisal, entropy, cross-entropy, both directions of KL, the binary loss, three outcomes, labels, gradients and
    training. The page works offline and fetches nothing; the same bytes every time. A report's links lead to the
    explorer.html that lies beside it.
    """
    from xent import explorer

    page = explorer.PAGE if output is None else output
    outcome.check_suffix(ctx, page)
    explorer.write(page)
    outcome.say_written(page)
    if opens:
        outcome.open_page(page)
