"""The categorical distribution: log_probs, loc (its first outcome), and the probabilities where they were told."""

from __future__ import annotations

from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import everywhere, silent
from xent.measures import _rows

Array = Any


def _row(p: Parameters) -> tuple[str, Array]:
    """The row as the measures take it: its kind and array."""
    return ("probs", p["probs"]) if "probs" in p else ("logits", p["log_probs"])


def _same(xp: Any, p: Parameters, q: Parameters) -> bool:
    return everywhere(xp, p["loc"] == q["loc"]) and p["log_probs"].shape[-1] == q["log_probs"].shape[-1]


@silent
def _entropy(xp: Any, p: Parameters) -> Array:
    return _rows.entropy(xp, *_row(p)) + 0.0 * p["loc"]


@silent
def _kl(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _rows.kl_divergence(xp, *_row(p), *_row(q)) + 0.0 * p["loc"] if _same(xp, p, q) else None


@silent
def _cross_entropy(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    return _rows.cross_entropy(xp, *_row(p), *_row(q)) + 0.0 * p["loc"] if _same(xp, p, q) else None


FORMULAS = Formulas(_entropy, _kl, _cross_entropy)
