"""`xent about`."""

from __future__ import annotations

import json
from typing import Any

import click

from xent.cli._help import Command
from xent.cli._manners import clean, write_result


@click.command(cls=Command, examples="xent about\nxent about --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def about(as_json: bool) -> None:
    """Versions, the compiled core or why it is missing, threads, instruction set and what is installed."""
    import xent

    facts: dict[str, Any] = dict(xent.about())
    if as_json:
        write_result(json.dumps({"schema_version": 1, **facts}, indent=2, default=str) + "\n")
        return
    width = max(len(key) for key in facts)
    write_result("".join(f"{key:<{width}}   {clean(_in_words(value))}\n" for key, value in facts.items()))


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_in_words(item) for item in value) or "none"
    return (
        {True: "yes", False: "no", None: "none"}.get(value, str(value)) if value in (True, False, None) else str(value)
    )
