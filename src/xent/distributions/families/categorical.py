"""The categorical distribution: log_probs, loc (its first outcome), and the probabilities where they were told."""

from __future__ import annotations

from typing import Any

from xent.distributions.families._formulas import Formulas, Parameters
from xent.distributions.families._terms import everywhere, silent
from xent.measures import _alpha_rows, _rows
from xent.measures._alpha_pairs import SLIGHT

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


@silent
def _renyi(xp: Any, p: Parameters, q: Parameters, alpha: float) -> Array | None:
    if not _same(xp, p, q):
        return None
    if abs(alpha) < SLIGHT:
        return _kl(xp, q, p)
    if alpha < 0.0:  # of the other two with the other weight it is the same
        p, q, alpha = q, p, 1.0 - alpha
    return _alpha_rows.renyi_divergence(xp, *_row(p), *_row(q), alpha=alpha) / alpha + 0.0 * p["loc"]


FORMULAS = Formulas(_entropy, _kl, _cross_entropy, _renyi)
