"""Rows of logits on the compiled core: tensors in, tensors out. No autograd, no choice, no message: those live above.

Every function takes `logits` (N, V) on the CPU, float64, float32, bfloat16 or float16, of any strides, and one of three
kinds of target:

    labels    `target` (N,) int64, int32 or uint8, `probs` None
    dense     `target` (N, V) of any floating dtype, `probs` None
    top-k     `target` (N, k) integers, `probs` (N, k) floating; `spread` says where a mass under 1 goes

`weight` (V,) and `token_weight` (N,) are floating or None. A row whose label is `options.ignore_index` is never read.
The loss of a row (xent.torch docs: "what is computed") is already multiplied by its class weight and `token_weight`.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch

from xent import _native
from xent._check import sum_tolerance
from xent.torch import _state
from xent.torch._options import Options
from xent.torch._reference import loss_dtype

_core: Any = _native._core  # pyright: ignore[reportPrivateUsage]  # addresses in place of arrays: not NumPy's business

# The numbers of native/api.hpp and native/loss_api.hpp.
_CODE = {
    torch.float64: 0,
    torch.float32: 1,
    torch.float16: 2,
    torch.bfloat16: 3,
    torch.int32: 6,
    torch.int64: 7,
    torch.uint8: 8,
}
DIGITS = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8}
_REDUCTION = {"none": 0, "mean": 1, "sum": 2}
_LOSS, _LOSS_GRADIENT = 0, 1
_STATE = 4  # doubles a row

Kind = Literal["label", "value", "sum", "index", "duplicate"]
_BAD: tuple[Kind, ...] = ("label", "value", "sum", "index", "duplicate")
_LARGE = 4 << 20  # bytes from which memory is asked for in large pages


class BadRows(Exception):
    """The first row whose target cannot be: what is wrong with it, and which it is."""

    def __init__(self, kind: Kind, row: int) -> None:
        super().__init__(kind, row)
        self.kind: Kind = kind
        self.row = row


class Rows(NamedTuple):
    """What one pass over the logits gives."""

    loss: torch.Tensor  # () for mean and sum, (N,) for none; float64 for float64 logits, else float32
    state: torch.Tensor | None  # (N, 4) float64, what `gradient` needs to read the logits once; or None
    gradient: torch.Tensor | None  # (N, V), dtype of logits


def available() -> bool:
    """Is the compiled core there? Without it nothing of this module may be called."""
    return _native.available()


def empty(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Fresh memory that is about to be filled: in large pages, where it is large and the system has them.

    Touching fresh memory in pages of 4 kB costs more than all the arithmetic of a loss.
    """
    out = torch.empty(shape, dtype=dtype, device="cpu")
    if out.nbytes >= _LARGE:
        _core.large_pages(out.data_ptr(), out.nbytes)
    return out


def _flat(a: torch.Tensor) -> torch.Tensor:
    """`a` itself where its rows lie without gaps, else a copy."""
    return a if a.stride(-1) == 1 or a.size(-1) <= 1 else a.contiguous()


def held(*tensors: torch.Tensor | None) -> None:
    """Refuse what lost its memory between the forward pass and the backward pass: reading it would end the process."""
    for a in tensors:
        if a is not None and _state.freed(a):
            raise ValueError(
                f"The storage of a tensor of shape {tuple(a.shape)} was freed before the loss was done with it. "
                "Free it after the backward pass."
            )


def _doubles(a: torch.Tensor | None) -> torch.Tensor | None:
    return None if a is None else a.detach().to(torch.float64).contiguous()


def _address(a: torch.Tensor | None) -> int:
    return 0 if a is None else a.data_ptr()


def _destination(logits: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
    """Where the gradient is written: `out`, or memory of rows without gaps."""
    if out is not None and (out.stride(-1) == 1 or out.size(-1) <= 1):
        return out
    return empty((logits.size(0), logits.size(1)), logits.dtype)


def _rows(
    task: int,
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    spread: bool,
    denominator: float | None,
    state: torch.Tensor | None,
    scale: float,
    upstream: torch.Tensor | None,
    result: torch.Tensor | None,
    out: torch.Tensor | None,
) -> None:
    """The one call into the core."""
    held(logits, target, probs, weight, token_weight)
    logits = _flat(logits)
    n, v = logits.shape
    size = logits.element_size()
    kind, k, tolerance = 0, 0, 0.0
    if probs is not None:
        kind, k, tolerance = 2, target.size(1), sum_tolerance(DIGITS[probs.dtype], v)
        target = target.to(torch.int64).contiguous()
        probs = _doubles(probs)
    elif target.ndim == 2:
        kind, tolerance = 1, sum_tolerance(DIGITS[target.dtype], v)
        target = _flat(target)
    weight, token_weight, upstream = _doubles(weight), _doubles(token_weight), _doubles(upstream)
    bad, row = _core.loss_rows(
        task,
        logits.data_ptr(),
        _CODE[logits.dtype],
        n,
        v,
        logits.stride(0) * size,
        kind,
        target.data_ptr(),
        _CODE[target.dtype],
        target.stride(0) * target.element_size(),
        k,
        _address(probs),
        spread,
        tolerance,
        _address(weight),
        _address(token_weight),
        options.ignore_index,
        _REDUCTION[options.reduction],
        options.label_smoothing,
        options.z_loss,
        options.softcap or 0.0,
        options.temperature,
        math.nan if denominator is None else denominator,
        _address(state),
        scale,
        _address(upstream),
        _address(result),
        _address(out),
        0 if out is None else out.stride(0) * size,
    )
    if bad:
        raise BadRows(_BAD[bad - 1], row)


def loss(
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    *,
    spread: bool = False,
    denominator: float | None = None,
    upstream: float | None = None,
    out: torch.Tensor | None = None,
    state: bool | None = None,
) -> Rows:
    """The loss, reduced as `options` say, and where `upstream` is given d(upstream . loss)/d(logits).

    For "mean", `denominator` replaces the sum of (class weight x token weight) over the kept rows. `out` (which may be
    `logits` itself) receives the gradient. The state is made where the gradient is not, unless `state` says otherwise.
    Raises BadRows(kind, row) at the first row that cannot be: a label out of range, a target that is no distribution.
    """
    n = logits.size(0)
    result = torch.empty((n,) if options.reduction == "none" else (), dtype=loss_dtype(logits.dtype), device="cpu")
    wanted = upstream is None if state is None else state
    kept = torch.empty((n, _STATE), dtype=torch.float64, device="cpu") if wanted else None
    to = None if upstream is None else _destination(logits, out)
    _rows(
        _LOSS,
        logits,
        target,
        probs,
        weight,
        token_weight,
        options,
        spread,
        denominator,
        kept,
        1.0 if upstream is None else upstream,
        None,
        result,
        to,
    )
    if to is not None and out is not None and to is not out:
        to = out.copy_(to)
    return Rows(result, kept, to)


def gradient(
    logits: torch.Tensor,
    target: torch.Tensor,
    probs: torch.Tensor | None,
    weight: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    options: Options,
    state: torch.Tensor,
    upstream: torch.Tensor,
    *,
    spread: bool = False,
    denominator: float | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """d(sum of upstream x loss)/d(logits), from the `state` of an earlier `loss`; `upstream` () or (N,)."""
    to = _destination(logits, out)
    scale = 1.0 if upstream.ndim else upstream.item()
    _rows(
        _LOSS_GRADIENT,
        logits,
        target,
        probs,
        weight,
        token_weight,
        options,
        spread,
        denominator,
        state,
        scale,
        upstream if upstream.ndim else None,
        None,
        to,
    )
    return to if out is None or to is out else out.copy_(to)


class Statistics(NamedTuple):
    """Per row; float64 for float64 logits, else float32. An ignored row has 0, 0, 0, -1."""

    log_prob: torch.Tensor
    logsumexp: torch.Tensor
    entropy: torch.Tensor
    argmax: torch.Tensor  # int64, the lowest index on ties
    state: torch.Tensor  # (N, 4) float64, what `statistics_gradient` needs


def _statistics(
    logits: torch.Tensor,
    target: torch.Tensor,
    options: Options,
    state: torch.Tensor,
    columns: tuple[torch.Tensor | None, ...],
    argmax: torch.Tensor | None,
    out: torch.Tensor | None,
) -> None:
    held(logits, target)
    logits = _flat(logits)
    size = logits.element_size()
    bad, row = _core.statistics_rows(
        logits.data_ptr(),
        _CODE[logits.dtype],
        logits.size(0),
        logits.size(1),
        logits.stride(0) * size,
        target.data_ptr(),
        _CODE[target.dtype],
        target.stride(0) * target.element_size(),
        options.ignore_index,
        options.softcap or 0.0,
        options.temperature,
        state.data_ptr(),
        *map(_address, columns),
        _address(argmax),
        _address(out),
        0 if out is None else out.stride(0) * size,
    )
    if bad:
        raise BadRows(_BAD[bad - 1], row)


def statistics(logits: torch.Tensor, target: torch.Tensor, options: Options) -> Statistics:
    """All four statistics in one pass; labels only. Raises BadRows("label", row)."""
    n = logits.size(0)
    log_prob, logsumexp, entropy = (torch.empty(n, dtype=loss_dtype(logits.dtype), device="cpu") for _ in range(3))
    argmax = torch.empty(n, dtype=torch.int64, device="cpu")
    state = torch.empty((n, _STATE), dtype=torch.float64, device="cpu")
    _statistics(logits, target, options, state, (log_prob, logsumexp, entropy), argmax, None)
    return Statistics(log_prob, logsumexp, entropy, argmax, state)


def statistics_gradient(
    logits: torch.Tensor,
    target: torch.Tensor,
    options: Options,
    state: torch.Tensor,
    log_prob: torch.Tensor | None,
    logsumexp: torch.Tensor | None,
    entropy: torch.Tensor | None,
    *,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """dz_j = g_l (1[j=y] - p_j) + g_L p_j - g_H p_j (log p_j + H), then back through temperature and softcap.

    `log_prob`, `logsumexp`, `entropy` are the upstream gradients, (N,) each, None where there is none.
    """
    to = _destination(logits, out)
    columns = tuple(_doubles(g) for g in (log_prob, logsumexp, entropy))
    _statistics(logits, target, options, state, columns, None, to)
    return to if out is None or to is out else out.copy_(to)
