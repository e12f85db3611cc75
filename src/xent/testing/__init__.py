"""The testing room: errors in units in the last place, references at any precision, and hypothesis strategies.

    from xent.testing import reference, ulp_error

    ulp_error(xent.entropy(p), reference.entropy(p), "float64")

`reference` needs mpmath and `strategies` needs hypothesis; both are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from xent.testing._ulp import ulp as ulp
from xent.testing._ulp import ulp_error as ulp_error

if TYPE_CHECKING:
    from types import ModuleType

    from xent.testing import reference as reference
    from xent.testing import strategies as strategies

__all__ = ["reference", "strategies", "ulp", "ulp_error"]


def __getattr__(name: str) -> ModuleType:
    """Import `reference` and `strategies` when they are asked for: each needs a library of its own."""
    if name in ("reference", "strategies"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
