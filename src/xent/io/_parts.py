"""Parts of the input that workers read on their own, with the classes and the options of all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xent.io._open import Input, open_input, shown_input
from xent.io._scan import Options, Scan, Share
from xent.io._text import message


@dataclass(frozen=True, slots=True)
class Part:
    """One file, or row groups of it; `rows` are in it, where that is known before they are read."""

    path: str
    rows: int | None
    options: Options
    share: Share

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of all parts."""
        return self.share.agreed.classes

    def starting_at(self, row: int) -> Part:
        """The same part, its rows numbered from `row`."""
        return replace(self, share=replace(self.share, offset=row))


def parts_of(inputs: Sequence[Input], options: Options) -> tuple[Part, ...]:
    """Cut the inputs into parts; the first rows are read, since they decide for all."""
    for given in inputs:
        if not isinstance(given, str | os.PathLike) or given == "-":
            raise ValueError(
                message(f"{shown_input(given)}: only files can be read in parts", "save it as a file, or read it whole")
            )
    with Scan(inputs, options) as scan:
        agreed = scan.agreed
    found: list[Part] = []
    offset = 0
    for given in inputs:
        path = os.path.abspath(os.fsdecode(given))
        with open_input(given, options.asked, options.format, options.limits) as opened:
            sizes = getattr(opened.table, "group_rows", None)
            total = opened.table.total
        groups = [(None, total)] if sizes is None else [((place,), rows) for place, rows in enumerate(sizes) if rows]
        found += [Part(path, rows, options, Share(agreed, which, offset)) for which, rows in groups]
        offset += total or 0
    return tuple(found)


def scan_part(part: Part) -> Scan:
    """The batches of one part; there may be none."""
    return Scan((part.path,), part.options, part.share)
