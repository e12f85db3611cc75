"""`xent about`."""

from __future__ import annotations

import json

import click

from xent.cli._help import Command
from xent.cli._manners import clean, write_result


@click.command(cls=Command, examples="xent about\nxent about --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def about(as_json: bool) -> None:
    """Versions, the compiled core or why it is missing, threads, instruction set and what is installed."""
    import xent

    facts = xent.about()
    document = {"schema_version": 1, **facts.to_dict()}
    write_result(json.dumps(document, indent=2) + "\n" if as_json else clean(str(facts)) + "\n")
