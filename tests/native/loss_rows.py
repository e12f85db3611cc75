"""The losses' binding with NumPy arrays in place of tensors: for machines and builds without PyTorch."""

import math

import ml_dtypes
import numpy as np

from xent import _native

CODE = {
    np.dtype(np.float64): 0,
    np.dtype(np.float32): 1,
    np.dtype(np.float16): 2,
    np.dtype(ml_dtypes.bfloat16): 3,
    np.dtype(np.int32): 6,
    np.dtype(np.int64): 7,
    np.dtype(np.uint8): 8,
}


def address(a):
    return 0 if a is None else a.ctypes.data


def loss(
    logits,
    target,
    probs=None,
    *,
    weight=None,
    token_weight=None,
    ignore=-100,
    reduction=1,
    smoothing=0.0,
    z_loss=0.0,
    cap=0.0,
    temperature=1.0,
    state=None,
    upstream=None,
    spread=False,
    out=None,
    task=0,
):
    """(bad, row), loss, gradient or None; `state` is written by task 0 and read by task 1."""
    n, v = logits.shape
    wide = np.float64 if logits.dtype == np.float64 else np.float32
    result = np.empty(n if reduction == 0 else (), wide)
    kind = 2 if probs is not None else 1 if target.ndim == 2 else 0
    found = _native._core.loss_rows(
        task,
        address(logits),
        CODE[logits.dtype],
        n,
        v,
        logits.strides[0],
        kind,
        address(target),
        CODE[target.dtype],
        target.strides[0],
        target.shape[1] if kind == 2 else 0,
        address(probs),
        spread,
        1e-4,
        address(weight),
        address(token_weight),
        ignore,
        reduction,
        smoothing,
        z_loss,
        cap,
        temperature,
        math.nan,
        address(state),
        1.0,
        address(upstream),
        address(result),
        address(out),
        0 if out is None else out.strides[0],
    )
    return found, result, out


def statistics(logits, target, state, columns, argmax, *, out=None, cap=0.0, ignore=-100):
    """Columns of log_prob, logsumexp, entropy: results, or with `out` the gradients that come back through them."""
    n, v = logits.shape
    return _native._core.statistics_rows(
        address(logits),
        CODE[logits.dtype],
        n,
        v,
        logits.strides[0],
        address(target),
        CODE[target.dtype],
        target.strides[0],
        ignore,
        cap,
        1.0,
        address(state),
        *map(address, columns),
        address(argmax),
        address(out),
        0 if out is None else out.strides[0],
    )
