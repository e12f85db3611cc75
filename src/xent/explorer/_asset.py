"""The script of the explorer, as it was built from web/: one file, which comes with the package."""

from __future__ import annotations

import functools
import pkgutil
import re

# The build puts the hash of the style sheet first, which the script adds and a page must allow.
_STYLE = re.compile(r"/\*css (sha256-[A-Za-z0-9+/]{43}=)\*/\n")


def module() -> str:
    """Return the explorer as an ES module in the form of anywidget.

    Returns
    -------
    str
        It exports `{ render({ model, el }) }` and needs nothing else. The model's one key is `state`: the text that a
        link to the explorer has after its `#`.

    Examples
    --------
    >>> from xent import explorer
    >>> explorer.module().splitlines()[-1]
    'export default { render: xentExplorer.render };'
    """
    return f"{script().rstrip()}\nexport default {{ render: xentExplorer.render }};\n"


@functools.cache
def script() -> str:
    """The script as built: it defines `xentExplorer`, with `page` and `render`."""
    data = pkgutil.get_data("xent.explorer", "explorer.js")
    if data is None:
        raise FileNotFoundError("xent/explorer/explorer.js")
    return data.decode("utf-8")


def style_hash() -> str:
    """What a Content-Security-Policy calls the style sheet that the script adds."""
    found = _STYLE.match(script())
    if found is None:
        raise ValueError("explorer.js does not begin with the hash of its style sheet; build it with web/build.mjs")
    return found[1]
