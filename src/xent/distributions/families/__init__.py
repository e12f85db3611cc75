"""Closed forms, one file a family. `FORMULAS` has what each family knows, `PAIRS` what two different ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions.families._formulas import Formulas

FORMULAS: dict[str, Formulas] = {}

# KL of a member of one family under one of another: (family of p, family of q) -> kl(xp, p, q).
PAIRS: dict[tuple[str, str], Callable[[Any, Any, Any], Any]] = {}
