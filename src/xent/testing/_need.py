"""Libraries that only the testing room uses, imported when they are first used."""

from __future__ import annotations

import importlib
from typing import Any


def need(name: str) -> Any:
    """Import the library `name`, or say what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"`xent.testing` needs {name} for this. Install it: pip install {name}") from error
