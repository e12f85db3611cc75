"""What `xent report` leaves behind: the JSON document, the page, and the lines on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xent.cli import _manners as manners

if TYPE_CHECKING:
    from xent.report import Subject


def document(subject: Subject, options: dict[str, Any], engine: str) -> str:
    """One strict JSON document; what may differ between two runs on the same data is in `provenance`."""
    import json
    import platform
    import sys

    import numpy

    from xent import __version__
    from xent.evaluation import json_ready
    from xent.io import printable

    found = json_ready(subject.fields())
    found["provenance"] = {
        "xent": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "engine": engine,
        "file": "" if subject.facts is None else subject.facts.file,
        "seed": subject.seed,
        "options": options,
        "command": [printable(word) for word in sys.argv[1:]],
    }
    return json.dumps(found, allow_nan=False) + "\n"


def check_suffix(ctx: click.Context, output: str) -> None:
    """The page is HTML; another suffix is a slip, and may well be that of the data."""
    if not output.lower().endswith((".html", ".htm")):
        what = "standard output" if output == "-" else repr(output)
        raise click.UsageError(f"-o writes a page: give it a name that ends in .html or .htm, not {what}", ctx)


def check_page(output: str | None, inputs: list[str]) -> None:
    """Refuse before the work what writing the page would refuse after it."""
    if output is not None:
        from xent.io import check_target

        check_target(output, inputs=[0 if name == "-" else name for name in inputs])


def write_page(subject: Subject, output: str, inputs: list[str | int]) -> None:
    """Write the page, whole or not at all, and say so."""
    from xent.io import atomic_write
    from xent.report.page import to_html

    page = to_html(subject)
    with atomic_write(output, inputs=inputs) as stream:
        stream.write(page)
    say_written(output)


def say_written(output: str) -> None:
    """Name and size of a page."""
    import os

    manners.say(f"wrote {output} ({os.stat(output).st_size / 1000:,.0f} kB, opens offline)")


def open_page(output: str) -> None:
    """Show the page in the browser of this desktop."""
    from pathlib import Path

    if click.launch(Path(output).resolve().as_uri()):
        manners.warn(f"no browser was found to open {output}")


def remark(subject: Subject) -> None:
    """Warnings: what was left out, or used though it is not quite right."""
    audit, facts = subject.evaluation.audit, subject.facts
    if facts is None:
        return
    said = [f"{doubt}" for doubt in facts.doubts]
    if facts.weightless:
        said.insert(0, f"{facts.weightless:,} of {facts.rows:,} rows have weight 0 and are left out")
    if facts.dropped:
        said.insert(0, f"{facts.dropped:,} of {facts.rows:,} rows have no label and are left out")
    if audit.unnormalized_rows:
        said.append(
            f"{audit.unnormalized_rows:,} rows are off 1 by more than rounding and are used as given "
            "(--renormalize rescales them)"
        )
    if audit.renormalized_rows:
        said.append(f"{audit.renormalized_rows:,} rows were rescaled to sum to 1")
    for text in [*said, *_of_clusters(subject.evaluation.clusters)]:
        manners.warn(f"{facts.file}: {text}")


def _of_clusters(clusters: int | None) -> list[str]:
    if clusters == 1:
        return ["1 cluster: no standard errors"]
    if clusters is not None and clusters < 30:
        return [f"{clusters} clusters; intervals from fewer than 30 are rough"]
    return []
