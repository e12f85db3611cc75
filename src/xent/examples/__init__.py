"""Held-out predictions of ordinary models on real public data, as small Parquet files; README.md names the sources."""

from __future__ import annotations

import difflib
from pathlib import Path

NAMES = ("digits", "digits-naive-bayes", "digits-trees", "cancer", "cancer-naive-bayes")
"""The examples; the first is what a report shows when asked for no other."""


def path(name: str = NAMES[0]) -> Path:
    """Return the Parquet file of the example `name`; ValueError for a name that is not in `NAMES`.

    Examples
    --------
    >>> from xent import examples
    >>> examples.path("cancer").name
    'cancer.parquet'
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no example {name!r}; there are {', '.join(NAMES)}.{hint}")
    return Path(__file__).parent / f"{name}.parquet"
