"""Hypothesis strategies for the arguments of the measures, with the cases that break formulas in them.

Each returns NumPy arrays of the wanted dtype: rows of a length between `min_k` and `max_k`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.testing._need import need

st: Any = need("hypothesis.strategies")

# the largest distance of logits that keeps every probability normal
_WIDTH = {"float64": 700.0, "float32": 80.0, "float16": 9.0, "bfloat16": 80.0}
_SMALLEST = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}


def _dtype(name: str) -> Any:
    """The NumPy dtype of this name; that of bfloat16 is from the package ml_dtypes."""
    return np.dtype(need("ml_dtypes").bfloat16 if name == "bfloat16" else name)


def _rows(min_k: int, max_k: int, elements: Any) -> Any:
    return st.lists(elements, min_size=min_k, max_size=max_k)


def _ten_to_the(x: float) -> float:
    return float(10.0**x)


def _normal(weights: list[float], dtype: str, zeros: bool = True) -> Any:
    """Weights over their sum, rounded to `dtype`; all zeros become a one-hot row.

    Without `zeros`, what would be 0 (or subnormal) in `dtype` is its smallest normal number.
    """
    row = np.asarray(weights, dtype=np.float64)
    total = row.sum()
    row = row / total if total > 0 else np.eye(1, row.size)[0]
    return (row if zeros else np.maximum(row, _SMALLEST[dtype])).astype(_dtype(dtype))


@st.composite
def distributions(draw: Any, min_k: int = 1, max_k: int = 12, dtype: str = "float64", zeros: bool = True) -> Any:
    """A distribution: even, ragged over many magnitudes, near one-hot, one-hot, with exact zeros if `zeros`."""
    magnitude = st.floats(-30.0, 0.0).map(_ten_to_the)
    weight = st.one_of(st.floats(0.01, 1.0), magnitude, *([st.just(0.0)] if zeros else []))
    weights = draw(_rows(min_k, max_k, weight))
    if draw(st.booleans()):  # near one-hot: all the others share a small mass
        mass = draw(magnitude)
        weights = [w * mass for w in weights]
        weights[draw(st.integers(0, len(weights) - 1))] = 1.0
    return _normal(weights, dtype, zeros)


@st.composite
def near_equal_pairs(draw: Any, min_k: int = 2, max_k: int = 12, dtype: str = "float64") -> Any:
    """Two distributions whose entries differ by a relative amount between 1e-15 and 1e-1 (or not at all)."""
    p = draw(distributions(min_k, max_k, dtype, zeros=False)).astype(np.float64)
    size = _ten_to_the(draw(st.floats(-15.0, -1.0)))
    steps = draw(st.lists(st.floats(-1.0, 1.0), min_size=p.size, max_size=p.size))
    return p.astype(_dtype(dtype)), _normal(list(p * (1.0 + size * np.asarray(steps))), dtype, zeros=False)


@st.composite
def logits(draw: Any, min_k: int = 1, max_k: int = 12, dtype: str = "float64", masked: bool = True) -> Any:
    """Logits with ties, offsets up to 1e4, wide gaps, and masked outcomes (-inf, never all) if `masked`."""
    width = _WIDTH[dtype]
    value = st.one_of(st.floats(-3.0, 3.0), st.floats(-width, width), st.sampled_from([0.0, 1.0, -width]))
    row = np.asarray(draw(_rows(min_k, max_k, value)))
    row = row + draw(st.sampled_from([0.0, 0.0, 1.0, -1e3, 1e4]))
    if masked and row.size > 1 and draw(st.booleans()):
        keep = draw(st.integers(0, row.size - 1))
        mask = np.asarray(draw(st.lists(st.booleans(), min_size=row.size, max_size=row.size)))
        mask[keep] = False
        row[mask] = -np.inf
    return row.astype(_dtype(dtype))


def labels(k: int) -> Any:
    """A class index in [0, k)."""
    return st.integers(0, k - 1)
