"""The measures, in nats, on float64 arrays."""
from __future__ import annotations
import numpy as np
def _xlogy(x, y):
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    with np.errstate(all="ignore"):
        return np.where(x == 0, 0.0, x * np.log(y))
def entropy(p): return -_xlogy(p, p).sum(-1)
def cross_entropy(p, q): return -_xlogy(p, q).sum(-1)
def kl_divergence(p, q): return np.maximum(cross_entropy(p, q) - entropy(p), 0)
def surprisal(p):
    with np.errstate(all="ignore"):
        return -np.log(np.asarray(p, float)) + 0.0
def binary_entropy(y): return -_xlogy(y, y) - _xlogy(1 - np.asarray(y, float), 1 - np.asarray(y, float))
def binary_cross_entropy(y, q): return -_xlogy(y, q) - _xlogy(1 - np.asarray(y, float), 1 - np.asarray(q, float))
def binary_kl_divergence(y, q): return np.maximum(binary_cross_entropy(y, q) - binary_entropy(y), 0)
def binary_cross_entropy_logits(y, z): return np.logaddexp(0, -z) if y == 1 else np.logaddexp(0, z)
