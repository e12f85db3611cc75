"""How many threads an evaluation may take."""

from __future__ import annotations

from xent import _native


def threads() -> int:
    """As many as the compiled core deals its work to; 1 without it."""
    return _native.threads()
