"""What the processes of a group tell each other of every row: two collectives, one of maxima and one of sums.

Relative to the largest of all, a process below it adds (n + s) e^(m_r - m) to S, one at it n and s; and

    A_r -> (A_r + (m_r - m) (n_r + s_r)) e^(m_r - m)          Q_r -> Q_r + (m - m_r) T_r

In float64, whatever the logits: it is a handful of numbers a row. NaN and inf leave a row without a finite maximum:
it is NaN, whatever a collective makes of a NaN.
"""

from __future__ import annotations

import torch
import torch.distributed as dist

from xent.torch._parallel_group import Shard
from xent.torch._parallel_rows import Partial, State


def merged(p: Partial, beside: torch.Tensor, shard: Shard) -> tuple[State, torch.Tensor]:
    """The state of every row, and the sums over the processes of `beside` (n, e), which travels with it."""
    top = p.m.double().masked_fill(p.m.isnan(), torch.inf)
    m = top.clone()
    dist.all_reduce(m, dist.ReduceOp.MAX, shard.group)
    highest, nothing = top == m, top == -torch.inf
    n, s, a, t, q = (column.double() for column in p[1:6])
    down = (top - m).masked_fill(highest | nothing, 0.0)
    scale = torch.exp(down).masked_fill(nothing, 0.0)
    columns = [
        torch.where(highest, n, 0.0),
        torch.where(highest, s, (n + s) * scale),
        torch.where(highest, a, (a + down * (n + s)) * scale),
        t,
        q - down * t,
    ]
    if p.argmax is not None:  # one a process: the lowest that is at the maximum has the lowest outcome
        slots = top.new_zeros(len(top), shard.ranks)
        slots[:, shard.rank] = torch.where(highest, p.argmax.double() + 1, 0.0)
        columns += slots.unbind(1)
    packed = torch.cat([torch.stack(columns, 1), beside.double()], 1)
    dist.all_reduce(packed, dist.ReduceOp.SUM, shard.group)
    n, s, a, t, q = packed[:, :5].unbind(1)
    found = None
    if p.argmax is not None:
        slots = packed[:, 5 : 5 + shard.ranks]
        first = (slots > 0).to(torch.uint8).argmax(1, keepdim=True)
        found = slots.gather(1, first).squeeze(1).to(torch.int64) - 1
    s = ((n - 1) + s).masked_fill(~m.isfinite(), torch.nan)
    return State(m, s, a, t, q, found), packed[:, len(columns) :]


class Replicated(torch.autograd.Function):
    """What every process has the same of: itself; its gradient is the sum of what each makes of it."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, a: torch.Tensor, shard: Shard) -> torch.Tensor:
        ctx.shard = shard  # pyright: ignore[reportAttributeAccessIssue]  # where a Function keeps what is no tensor
        return a.view_as(a)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]  # one output
        return summed(upstream.clone(memory_format=torch.contiguous_format), ctx.shard), None  # pyright: ignore[reportAttributeAccessIssue]


def summed(a: torch.Tensor, shard: Shard) -> torch.Tensor:
    """The sum over the processes, in the memory of `a`."""
    dist.all_reduce(a, dist.ReduceOp.SUM, shard.group)
    return a
