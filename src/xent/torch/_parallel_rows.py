r"""Rows of which a process holds some of the columns: what they add to the loss, and their gradients. No autograd here.

By torch operations, or handed over to the Triton kernels where the `Shard` says so.

With a_j = w_j t_j the coefficient of outcome j (one-hot, smoothing, class weights and top-k targets are all in it),

    loss = T l + Q + z_loss L^2        T = sum a_j    Q = sum a_j (m - z_j)    m = max z    l = log1p(S)    L = m + l

where S is the sum of e^(z_j - m) with one of the largest left out. A term whose a_j is 0 is 0, also where z_j is -inf.
The sums over the columns of one process are a `Partial`; `_parallel_merge` makes a `State` of those of all. From it

    d loss / dz_j = (T e_j - a_j - a_j S + 2 z_loss L e_j) / (1 + S)                   e_j = e^(z_j - m)

in which nothing cancels where a_j = T and p_j nears 1; and for log_prob, logsumexp and entropy, with E = A / (1 + S),

    dz_j = (-g_l (e_j - 1[j=y] - 1[j=y] S) + e_j (g_L - g_H (z_j - m - E))) / (1 + S)        A = sum of e_j (z_j - m)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from xent.torch import _triton
from xent.torch._options import Options
from xent.torch._parallel_group import Shard
from xent.torch._reference import _expected as expected  # pyright: ignore[reportPrivateUsage]  # the same rule of 0
from xent.torch._reference import _wide as wide  # pyright: ignore[reportPrivateUsage]  # the same precision
from xent.torch._reference import scaled

ELEMENT = 96  # bytes beside each logit, at most, that the operations hold at once
BLOCK = 1 << 15  # logits worked on at once: few enough for a processor's cache

Maybe = torch.Tensor | None


class Aim(NamedTuple):
    """What rows aim at. Labels (n,) and the indices of a top-k (n, k) are of all outcomes; distributions are local."""

    target: torch.Tensor
    probs: Maybe = None
    classes: Maybe = None  # (V_r,) the class weights of the columns here
    spread: bool = False

    def at(self, rows: slice) -> Aim:
        """The same of some of the rows."""
        return self._replace(target=self.target[rows], probs=None if self.probs is None else self.probs[rows])


class Partial(NamedTuple):
    """What the columns of one process say of each row; (n,) each, in the precision of the computation."""

    m: torch.Tensor  # the largest z
    n: torch.Tensor  # how many columns equal it
    s: torch.Tensor  # sum of e^(z_j - m) over the others
    a: torch.Tensor  # sum of e^(z_j - m) (z_j - m); 0 where nobody asked for the entropy
    t: torch.Tensor  # sum of a_j
    q: torch.Tensor  # sum of a_j (m - z_j); of a_j inf where every column is -inf
    argmax: Maybe  # int64, among all outcomes: the lowest here that is the largest; None where nobody asked


class State(NamedTuple):
    """What all columns say of each row; (n,) each, float64. NaN where a row has no finite maximum."""

    m: torch.Tensor
    s: torch.Tensor  # with one of the largest left out
    a: torch.Tensor
    t: torch.Tensor
    q: torch.Tensor
    argmax: Maybe = None  # int64, among all outcomes; None where nobody asked

    def at(self, rows: Any) -> State:
        """The same of some of the rows, in which no largest column is asked for."""
        m, s, a, t, q = (column[rows] for column in self[:5])
        return State(m, s, a, t, q)


def blocks(rows: int, width: int) -> Iterator[slice]:
    """All rows, a few at a time."""
    step = max(1, BLOCK // max(1, width))
    yield from (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def passed(rows: int, width: int) -> int:
    """Bytes that the operations on any number of rows take beside the logits."""
    return ELEMENT * min(max(BLOCK, width), rows * width)


def coefficients(aim: Aim, options: Options, shard: Shard, dtype: torch.dtype) -> torch.Tensor:
    """The a_j (n, V_r) in the `dtype` of the computation; differentiable by probabilities and class weights."""
    smoothing = options.label_smoothing
    if aim.probs is None and aim.target.is_floating_point():
        t = wide(aim.target)
    else:
        index = aim.target.to(torch.int64)
        index = index if aim.probs is not None else index.unsqueeze(-1)
        probs = wide(aim.probs) if aim.probs is not None else torch.ones_like(index, dtype=dtype)
        t = _placed(index, probs, aim.spread, shard)
    if smoothing != 0.0:
        outcomes = shard.outcomes
        t = (1 - smoothing) * t + smoothing / (outcomes.double() if isinstance(outcomes, torch.Tensor) else outcomes)
    return t if aim.classes is None else t * wide(aim.classes)


def _placed(index: torch.Tensor, probs: torch.Tensor, spread: bool, shard: Shard) -> torch.Tensor:
    """`probs` (n, k) at the columns `index` that lie here, and what is missing to 1 spread over the others."""
    rest = probs.new_zeros((index.shape[0], 1))  # k may be 0
    if spread:
        others = shard.outcomes - index.shape[-1]
        others = others.clamp(min=1) if isinstance(others, torch.Tensor) else max(1, others)
        rest = (1 - probs.sum(-1, keepdim=True)).clamp(min=0) / others
    place = index - shard.start
    place = place.masked_fill((place < 0) | (place >= shard.width), shard.width)  # beyond the last, and cut off
    return rest.expand(-1, shard.width + 1).scatter(-1, place, probs)[:, : shard.width]


def _z(logits: torch.Tensor, counted: Maybe, options: Options) -> torch.Tensor:
    """Z of the rows; of those that do not count nothing is read."""
    logits = wide(logits)
    return scaled(logits if counted is None else logits.masked_fill(~counted.unsqueeze(-1), 0.0), options)


def partial(
    logits: torch.Tensor, aim: Aim, counted: Maybe, options: Options, shard: Shard, *, entropy: bool
) -> Partial:
    """What the columns here say of every row; `counted` (n,) bool says which rows are read, None all."""
    if shard.kernels:
        return Partial(*_triton.kernels("parallel").partial(logits, aim, counted, options, shard, entropy=entropy))
    n = logits.shape[0]
    dtype = wide(logits[:0]).dtype
    found = Partial(
        *(logits.new_empty(n, dtype=dtype) for _ in range(6)),
        argmax=logits.new_empty(n, dtype=torch.int64) if entropy else None,
    )
    for at in blocks(n, logits.shape[1]):
        some = None if counted is None else counted[at]
        part = _partial(logits[at], aim.at(at), some, options, shard, entropy=entropy)
        for to, column in zip(found, part, strict=True):
            if to is not None and column is not None:
                to[at] = column
    return found


def _partial(
    logits: torch.Tensor, aim: Aim, counted: Maybe, options: Options, shard: Shard, *, entropy: bool
) -> Partial:
    z = _z(logits, counted, options)
    m = z.amax(-1)
    d = z - m.where(m.isfinite(), 0.0).unsqueeze(-1)
    top = z == m.unsqueeze(-1)
    e = torch.exp(d).masked_fill(top, 0.0)
    a = coefficients(aim, options, shard, z.dtype)
    # From e and not from the largest too: their d is 0, or -inf where every column is.
    below = expected(e, d) if entropy else torch.zeros_like(m)
    n, argmax = top.sum(-1).to(m.dtype), z.argmax(-1) + shard.start if entropy else None
    return Partial(m, n, e.sum(-1), below, a.sum(-1), -expected(a, d), argmax)


class _Row(NamedTuple):
    """The state as columns beside the logits of a block."""

    d: torch.Tensor  # (n, V_r), z - m
    e: torch.Tensor  # (n, V_r)
    s: torch.Tensor  # (n, 1)
    t: torch.Tensor  # (n, 1)


def _row(logits: torch.Tensor, counted: Maybe, options: Options, state: State) -> _Row:
    z = _z(logits, counted, options)
    m, s, t = (column.to(z.dtype).unsqueeze(-1) for column in (state.m, state.s, state.t))
    d = z - m
    return _Row(d, torch.exp(d), s, t)


def _through(dz: torch.Tensor, logits: torch.Tensor, counted: Maybe, options: Options) -> torch.Tensor:
    """The gradient by the logits of that by z: back through temperature and softcap, 0 where nothing counts."""
    if options.temperature != 1.0:
        dz = dz / options.temperature
    if options.softcap is not None:
        capped = torch.tanh(wide(logits) / options.softcap)
        dz = dz * (1 - capped * capped)
    return dz if counted is None else dz.masked_fill(~counted.unsqueeze(-1), 0.0)


def gradient(
    logits: torch.Tensor,
    aim: Aim,
    counted: Maybe,
    options: Options,
    shard: Shard,
    state: State,
    upstream: torch.Tensor,
    *,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """d(sum of upstream x loss)/d(logits) in the columns here; `upstream` (n,). `out` may be `logits`."""
    if shard.kernels:
        return _triton.kernels("parallel").gradient(logits, aim, counted, options, shard, state, upstream, out=out)
    out = torch.empty_like(logits) if out is None else out
    for at in blocks(*logits.shape):
        some, x = None if counted is None else counted[at], logits[at]
        _, e, s, t = _row(x, some, options, state.at(at))
        a = coefficients(aim.at(at), options, shard, e.dtype)
        dz = (t * e - a) - a * s
        if options.z_loss:
            dz = dz + 2 * options.z_loss * (state.m[at].to(e.dtype).unsqueeze(-1) + torch.log1p(s)) * e
        dz = dz * (upstream[at].to(e.dtype).unsqueeze(-1) / (1 + s))
        out[at] = _through(dz, x, some, options).to(out.dtype)
    return out


def coefficient_gradient(
    logits: torch.Tensor, a: torch.Tensor, counted: Maybe, options: Options, state: State, upstream: torch.Tensor
) -> torch.Tensor:
    """d(sum of upstream x loss)/d(a_j) = upstream (l - (z_j - m)); where nothing meets -inf the steepest there is."""
    d, _, s, _ = _row(logits, counted, options, state)
    idle = (a == 0) & (d == -torch.inf)
    each = torch.log1p(s) - d.masked_fill(idle, torch.finfo(d.dtype).min)
    if counted is not None:
        each = each.masked_fill(~counted.unsqueeze(-1), 0.0)
    return (upstream.to(d.dtype).unsqueeze(-1) * each).to(a.dtype)


def statistics_gradient(
    logits: torch.Tensor,
    aim: Aim,
    counted: Maybe,
    options: Options,
    shard: Shard,
    state: State,
    upstream: tuple[Maybe, Maybe, Maybe],
    *,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The gradient by the columns here of log_prob, logsumexp and entropy, whose own are `upstream`, (n,) or None."""
    if shard.kernels:
        backend = _triton.kernels("parallel")
        return backend.statistics_gradient(logits, aim, counted, options, shard, state, upstream, out=out)
    out = torch.empty_like(logits) if out is None else out
    for at in blocks(*logits.shape):
        some, x = None if counted is None else counted[at], logits[at]
        d, e, s, _ = _row(x, some, options, state.at(at))
        g_l, g_L, g_H = (None if g is None else g[at].to(e.dtype).unsqueeze(-1) for g in upstream)
        dz = torch.zeros_like(e)
        if g_l is not None:
            a = coefficients(aim.at(at), options, shard, e.dtype)
            dz = dz - g_l * ((e - a) - a * s)
        if g_L is not None:
            dz = dz + g_L * e
        if g_H is not None:
            mean = state.a[at].to(e.dtype).unsqueeze(-1) / (1 + s)
            dz = dz - g_H * e * (d.masked_fill(d == -torch.inf, 0.0) - mean)
        out[at] = _through(dz / (1 + s), x, some, options).to(out.dtype)
    return out
