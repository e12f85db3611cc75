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

from typing import NamedTuple

import torch

from xent.torch._options import Options


class Rows(NamedTuple):
    """What one pass over the logits gives."""

    loss: torch.Tensor  # () for mean and sum, (N,) for none; float64 for float64 logits, else float32
    state: torch.Tensor  # (N, 2) float64: per row max z and log1p(S), what `gradient` needs to read the logits once
    gradient: torch.Tensor | None  # (N, V), dtype of logits


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
) -> Rows:
    """The loss, reduced as `options` say, and where `upstream` is given d(upstream . loss)/d(logits).

    For "mean", `denominator` replaces the sum of (class weight x token weight) over the kept rows. `out` (which may be
    `logits` itself) receives the gradient.
    Raises BadRows(kind, row) at the first row that cannot be: a label out of range, a target that is no distribution.
    """
    raise NotImplementedError


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
    raise NotImplementedError


class Statistics(NamedTuple):
    """Per row; float64 for float64 logits, else float32. An ignored row has 0, 0, 0, -1."""

    log_prob: torch.Tensor
    logsumexp: torch.Tensor
    entropy: torch.Tensor
    argmax: torch.Tensor  # int64, the lowest index on ties
    state: torch.Tensor  # (N, 3) float64: max z, log1p(S), entropy


def statistics(logits: torch.Tensor, target: torch.Tensor, options: Options) -> Statistics:
    """All four statistics in one pass; labels only."""
    raise NotImplementedError


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
    raise NotImplementedError
