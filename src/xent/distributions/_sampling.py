"""Draws from objects of any make, by `rvs` or `sample`, from a seed."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from xent._errors import ShapeError
from xent.measures._namespace import library

_METHODS = ("rsample", "rvs", "sample")
_COUNTS = ("size", "sample_shape", "shape", "n", "num_samples", "n_samples")
_SOURCES = ("random_state", "rng", "generator", "seed", "key")

Draw = Callable[[int, np.random.Generator], Any]


def drawing_of(
    name: str, value: Any, kind: str, batch: tuple[int, ...], event: tuple[int, ...]
) -> tuple[Draw | None, bool]:
    """How n outcomes are drawn, and whether the draws carry gradients; (None, False) where nothing draws."""
    for method in _METHODS:
        function = getattr(value, method, None)
        if callable(function) and (method != "rsample" or getattr(value, "has_rsample", True)):
            return _drawing(name, function, kind, batch, event), method == "rsample"
    return None, False


def _drawing(
    name: str, function: Callable[..., Any], kind: str, batch: tuple[int, ...], event: tuple[int, ...]
) -> Draw:
    count, source = _parameters(function)

    def draw(n: int, generator: np.random.Generator) -> Any:
        keywords: dict[str, Any] = {}
        seed = int(generator.integers(2**31))
        if source is not None:
            keywords[source] = _source(source, seed)
        shape = (n,) if count in ("sample_shape", "shape") else n
        if count == "size" and (batch or event):
            shape = (n, *batch, *event)
        with _seeded(seed):
            found = function(**{count: shape}, **keywords) if count is not None else function(n, **keywords)
        found = found if library(found) == "torch" else np.asarray(found, dtype=np.float64)
        if tuple(found.shape) != (n, *batch, *event):
            raise ShapeError(f"`{name}` draws {tuple(found.shape)} where {(n, *batch, *event)} was asked for.")
        return found

    return draw


def _parameters(function: Callable[..., Any]) -> tuple[str | None, str | None]:
    """What the number of draws and the source of randomness are called; None where they have no name that is known."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None, None
    return next((a for a in _COUNTS if a in names), None), next((a for a in _SOURCES if a in names), None)


def _source(name: str, seed: int) -> Any:
    if name in ("random_state", "rng", "generator"):
        return np.random.default_rng(seed)
    return sys.modules["jax"].random.PRNGKey(seed) if name == "key" and "jax" in sys.modules else seed


@contextlib.contextmanager
def _seeded(seed: int) -> Generator[None]:
    """The global sources of NumPy and torch seeded, and put back: what takes no source of its own draws from them."""
    state = np.random.get_state()
    torch = sys.modules.get("torch")
    with contextlib.ExitStack() as stack:
        if torch is not None:
            stack.enter_context(torch.random.fork_rng())
            torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)
