"""Predictions to evaluate."""

import numpy as np
import pytest


def binary(n=300, seed=0, slope=0.6, intercept=0.3):
    """Labels, logits and probabilities of class 1; logits are off by `slope` and `intercept`."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) * 2
    y = (rng.random(n) < 1 / (1 + np.exp(-(slope * x + intercept)))).astype(int)
    return y, x, 1 / (1 + np.exp(-x))


def several(n=300, k=5, seed=0, sharpness=0.5):
    """Labels, logits and probabilities of `k` classes; logits are too sharp."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k)) * 3
    y = (z * sharpness + rng.gumbel(size=(n, k))).argmax(axis=1)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return y, z, e / e.sum(axis=1, keepdims=True)


@pytest.fixture(name="binary")
def _binary():
    return binary


@pytest.fixture(name="several")
def _several():
    return several
