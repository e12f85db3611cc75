"""The explorer as a page: one file that asks for nothing, and the frame in which notebooks show it."""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from html import escape

from xent.explorer._asset import script, style_hash

PAGE = "explorer.html"
"""The name of the page when it is told no other, to which links of reports lead."""

_START = ';xentExplorer.page(document.getElementById("explorer"))'
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{description}">
<title>Cross-entropy: the explorer</title>
</head>
<body>
<noscript>The explorer is drawn by the script in this file, which asks for nothing from outside: please allow it.\
</noscript>
<div id="explorer"></div>
<script>{script}</script>
</body>
</html>
"""
_DESCRIPTION = (
    "Cross-entropy you can touch: surprisal, entropy, KL divergence, the loss of soft and hard labels, "
    "and training, on one page that works offline."
)


@functools.cache
def page() -> str:
    """The page: the same every time. What may run is its one script, by hash; nothing can be fetched."""
    text = script().rstrip() + _START
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src '{style_hash()}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(policy=policy, description=_DESCRIPTION, script=text)


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """The explorer for a notebook, which shows it in a sandboxed frame: it reaches neither notebook nor network.

    Attributes
    ----------
    html : str
        The page, as `write` writes it.
    note : str
        A remark shown above it; "" for none.
    """

    html: str
    note: str = ""

    def __repr__(self) -> str:
        """The size: the page itself is long."""
        size = len(self.html.encode()) / 1000
        return f"<xent.explorer.Page of {size:,.0f} kB: shown by a notebook, saved by xent.explorer.write(path)>"

    def _repr_html_(self) -> str:
        """Return the page in a frame that may run its script and nothing more."""
        note = f"<p>{escape(self.note)}</p>\n" if self.note else ""
        return (
            f'{note}<iframe sandbox="allow-scripts" srcdoc="{escape(self.html)}" '
            'title="Cross-entropy: the explorer" style="width:100%;height:52rem;border:0"></iframe>'
        )
