"""Rows of logits by the Triton kernels: tensors in, tensors out. No autograd, no choice, no message, and no waiting.

Rows are those of `Operands`: logits (N, V), float32, bfloat16 or float16, of any strides. No value is looked at here:
what divides is a tensor, and a row whose target cannot be gives NaN and raises a flag (`flag`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from xent._check import sum_tolerance
from xent.torch._operands import Operands
from xent.torch._options import Options
from xent.torch._rows import DIGITS
from xent.torch.backends.triton import flag, launch
from xent.torch.backends.triton.kernels.fused import fused_kernel
from xent.torch.backends.triton.kernels.gradient import gradient_kernel
from xent.torch.backends.triton.kernels.statistics import statistics_kernel

STATE, PARTIAL = 4, 6  # float64 a row


class Shard(NamedTuple):
    """Which columns of all these logits are: both tensors of one int64 on their device."""

    first: torch.Tensor
    outcomes: torch.Tensor


class Found(NamedTuple):
    """What one pass gives."""

    loss: torch.Tensor  # (N,): float64 where it is to be summed, else float32
    state: torch.Tensor | None  # (4, N) float64: m, S, T, H
    gradient: torch.Tensor | None  # (N, V), of the sum of the losses over the divisor


class Statistics(NamedTuple):
    """Per row; an ignored one has 0, 0, 0, -1."""

    log_prob: torch.Tensor
    logsumexp: torch.Tensor
    entropy: torch.Tensor
    argmax: torch.Tensor
    state: torch.Tensor


class Partial(NamedTuple):
    """What the rows of a shard add to those of all: see `statistics_kernel`."""

    state: torch.Tensor  # (6, N) float64: m, n, s, A, T, Q
    argmax: torch.Tensor | None  # (N,) int64, a column of all


def even(a: torch.Tensor) -> torch.Tensor:
    """`a` itself where its rows lie without gaps, else a copy."""
    return a if a.stride(-1) == 1 or a.size(-1) <= 1 else a.contiguous()


def _arguments(o: Operands, options: Options, shard: Shard | None) -> tuple[dict[str, Any], int]:
    """What all the kernels take, and how many programs there are."""
    logits, dense, top = o.logits, o.probs is None and o.target.is_floating_point(), o.probs is not None
    n, v = logits.shape
    cap, heat = options.softcap or 1.0, options.temperature
    k = o.target.size(1) if top else 1
    given = o.target if o.probs is None else o.probs
    apart = v % 16 > 0 or logits.stride(0) % 16 > 0  # no loads of 128 bits: each logit has an address of its own
    heavy = dense or top or o.weight is not None or options.softcap is not None or apart
    blocks = launch.blocks(v, logits.element_size(), heavy=heavy)
    return {
        "logits": logits,
        "logits_stride": logits.stride(0),
        "count": n,
        "columns": v,
        "target": o.target,
        "target_stride": o.target.stride(0),
        "probs": o.probs,
        "k": k,
        "weight": o.weight,
        "tokens": o.token_weight,
        "first": None if shard is None else shard.first,
        "outcomes": None if shard is None else shard.outcomes,
        "ignore_index": options.ignore_index,
        "smoothing": options.label_smoothing,
        "tolerance": sum_tolerance(DIGITS[given.dtype], v) if dense or top else 0.0,
        "zeta": options.z_loss,
        "cap": cap,
        "cap_inverse": 1.0 / cap,
        "heat": heat,
        "heat_inverse": 1.0 / heat,
        "CAP": options.softcap is not None,
        "HEAT": heat != 1.0,
        "EXACT": logits.dtype == torch.float32,
        "BASE": not dense and (options.label_smoothing != 0.0 or o.spread),
        "DENSE": dense,
        "TOPK": top,
        "SPREAD": o.spread,
        "WHOLE": top and not o.tail,
        "WEIGHT": o.weight is not None,
        "K": launch.power(k),
        **blocks._asdict(),
    }, launch.cdiv(n, blocks.R)


def readable(o: Operands) -> Operands:
    """The same rows as the kernels read them: without gaps, and class weights and tokens beside one another."""
    soft = o.probs is not None
    return o._replace(
        logits=even(o.logits.detach()),
        target=o.target.detach().contiguous() if soft else even(o.target.detach()) if o.target.ndim > 1 else o.target,
        probs=None if o.probs is None else o.probs.detach().contiguous(),
        weight=None if o.weight is None else o.weight.detach().contiguous(),
        token_weight=None if o.token_weight is None else o.token_weight.detach().contiguous(),
    )


def loss(
    o: Operands,
    options: Options,
    divisor: torch.Tensor | None,
    *,
    gradient: bool,
    state: bool = True,
    out: torch.Tensor | None = None,
) -> Found:
    """The loss of every row, and where `gradient` is asked for that of their sum over `divisor`, to `out` if given.

    `divisor` () float64, or None; infinite, no row counts. `out` may be the logits.
    """
    o = readable(o)
    n, device = len(o.logits), o.logits.device
    kept = torch.empty((STATE, n), dtype=torch.float64, device=device) if state else None
    dtype = torch.float32 if options.reduction == "none" else torch.float64
    losses = torch.empty(n, dtype=dtype, device=device)
    arguments, programs = _arguments(o, options, None)
    if not gradient:
        kept = kept if state else torch.empty((STATE, n), dtype=torch.float64, device=device)
        launch.start(
            statistics_kernel, programs, o.logits, **arguments, flag=flag.cell(o.logits), state=kept, loss=losses,
            log_prob=None, logsumexp=None, entropy=None, argmax=None, PARTIAL=False, ENTROPY=False,
        )  # fmt: skip
        return Found(losses, kept, None)
    to = o.logits.new_empty(o.logits.shape) if out is None or not _plain(out) else out
    launch.start(
        fused_kernel, programs, o.logits, **arguments, flag=flag.cell(o.logits), state=kept, divisor=divisor,
        loss=losses, out=to, out_stride=to.stride(0),
    )  # fmt: skip
    return Found(losses, kept, to if out is None or to is out else out.copy_(to))


def _plain(a: torch.Tensor) -> bool:
    return a.stride(-1) == 1 or a.size(-1) <= 1


def gradient(
    o: Operands,
    options: Options,
    state: torch.Tensor,
    upstream: torch.Tensor,
    divisor: torch.Tensor | None = None,
    *,
    by_logsumexp: torch.Tensor | None = None,
    by_entropy: torch.Tensor | None = None,
    out: torch.Tensor | None = None,
    unless_one: bool = False,
    shard: Shard | None = None,
) -> torch.Tensor:
    """d(sum of upstream x loss / divisor)/d(logits) from the state; `upstream` () or (N,).

    For statistics `upstream` is that of log_prob, negated, and those of logsumexp and entropy (N,) stand beside it.
    `unless_one`: `out` is the gradient for an upstream of 1, and left alone where `upstream` () is 1.
    """
    o = readable(o)
    to = o.logits.new_empty(o.logits.shape) if out is None or not _plain(out) else out
    arguments, programs = _arguments(o, options, shard)
    launch.start(
        gradient_kernel, programs, o.logits, **arguments, state=state, divisor=divisor,
        upstream=upstream.detach(), upstream_stride=upstream.stride(0) if upstream.ndim else 0,
        by_logsumexp=None if by_logsumexp is None else by_logsumexp.detach().contiguous(),
        by_entropy=None if by_entropy is None else by_entropy.detach().contiguous(), out=to, out_stride=to.stride(0),
        UNLESS_ONE=unless_one and to is out,
    )  # fmt: skip
    return to if out is None or to is out else out.copy_(to)


def statistics(o: Operands, options: Options) -> Statistics:
    """All four statistics in one pass; labels only."""
    o = readable(o)
    n, device = len(o.logits), o.logits.device
    log_prob, logsumexp, entropy = (torch.empty(n, dtype=torch.float32, device=device) for _ in range(3))
    argmax = torch.empty(n, dtype=torch.int64, device=device)
    state = torch.empty((STATE, n), dtype=torch.float64, device=device)
    arguments, programs = _arguments(o, options, None)
    launch.start(
        statistics_kernel, programs, o.logits, **arguments, flag=flag.cell(o.logits), state=state, loss=None,
        log_prob=log_prob, logsumexp=logsumexp, entropy=entropy, argmax=argmax, PARTIAL=False, ENTROPY=True,
    )  # fmt: skip
    return Statistics(log_prob, logsumexp, entropy, argmax, state)


def partial(o: Operands, options: Options, shard: Shard, *, entropy: bool) -> Partial:
    """What the columns of a shard add to the state of each row; argmax and A where `entropy` is asked for."""
    o = readable(o)
    n, device = len(o.logits), o.logits.device
    state = torch.empty((PARTIAL, n), dtype=torch.float64, device=device)
    argmax = torch.empty(n, dtype=torch.int64, device=device) if entropy else None
    arguments, programs = _arguments(o, options, shard)
    launch.start(
        statistics_kernel, programs, o.logits, **arguments, flag=None, state=state, loss=None, log_prob=None,
        logsumexp=None, entropy=None, argmax=argmax, PARTIAL=True, ENTROPY=entropy,
    )  # fmt: skip
    return Partial(state, argmax)
