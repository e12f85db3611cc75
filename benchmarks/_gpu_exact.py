"""What a case should give: losses spelled out in plain torch, in float64, and the gradient of a few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

Total = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # logits and which rows they are -> their part of the loss
_CELLS = 1 << 26  # logits in float64 at a time
_TOLERANCE = {torch.float32: (1e-5, 1e-4), torch.bfloat16: (1e-2, 5e-2)}  # of the loss, of a gradient


class Exact(NamedTuple):
    """The loss, and of the gradient by each leaf a few rows."""

    loss: float
    gradients: list[tuple[torch.Tensor, torch.Tensor]]  # rows, values


class Errors(NamedTuple):
    """Relative errors: of the loss, and of the sampled gradients in the 2-norm; and whether that is too much."""

    loss: float
    gradient: float | None
    wrong: bool


def spelled_out(
    a: torch.Tensor,
    y: torch.Tensor,
    weight: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of every row, and the weight of each in the mean."""
    z = (a if softcap is None else softcap * torch.tanh(a / softcap)) / temperature
    kept = y != -100
    label = torch.where(kept, y, 0)
    log = torch.logsumexp(z, -1)
    cost = log - z.gather(-1, label[:, None])[:, 0]
    own = torch.ones_like(cost) if weight is None else weight.to(z.dtype)[label]
    all_costs = log - z.mean(-1) if weight is None else (weight.to(z.dtype) * (log[:, None] - z)).mean(-1)
    loss = (1.0 - label_smoothing) * own * cost + label_smoothing * all_costs + z_loss * log * log
    return torch.where(kept, loss, 0.0), torch.where(kept, own, 0.0)


def said(z: torch.Tensor, y: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
    """A policy's loss: what a trainer makes of log-probability and entropy."""
    log_p = F.log_softmax(z, -1)
    return policy(log_p.gather(-1, y[:, None])[:, 0], -(log_p.exp() * log_p).sum(-1), upstream)


def policy(log_prob: torch.Tensor, entropy: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
    """Its sum over rows from the statistics."""
    return -(log_prob * upstream).sum() - 0.01 * entropy.sum()


def divergence(student: torch.Tensor, teacher: torch.Tensor, kind: str, temperature: float) -> torch.Tensor:
    """The sum over rows of T^2 KL or JS."""
    q, p = F.log_softmax(student / temperature, -1), F.log_softmax(teacher / temperature, -1)
    if kind == "reverse":
        p, q = q, p
    if kind != "js":
        return (p.exp() * (p - q)).sum() * temperature**2
    middle = torch.logaddexp(p, q) - torch.log(torch.tensor(2.0, dtype=p.dtype, device=p.device))
    return 0.5 * (p.exp() * (p - middle) + q.exp() * (q - middle)).sum() * temperature**2


def few(n: int, on: torch.Tensor, most: int = 8) -> torch.Tensor:
    """The first and the last of n."""
    half = most // 2
    return torch.arange(n, device=on.device) if n <= most else torch.cat(
        [torch.arange(half, device=on.device), torch.arange(n - half, n, device=on.device)])  # fmt: skip


def _parts(x: torch.Tensor, columns: int) -> tuple[torch.Tensor, ...]:
    return torch.arange(len(x), device=x.device).split(max(_CELLS // columns, 1))


def of_logits(x: torch.Tensor, total: Total) -> Exact:
    """Where the leaf is the logits, of two dimensions or of one."""
    x = x.detach()
    loss = sum(total(x[part].double(), part).item() for part in _parts(x, x[0].numel()))
    rows = few(len(x), x, 8 if x.ndim > 1 else 64)
    z = x[rows].double().requires_grad_()
    total(z, rows).backward()
    return Exact(loss, [(rows, z.grad)])


def of_linear(x: torch.Tensor, w: torch.Tensor, total: Total) -> Exact:
    """Where the leaves are hidden states and weight: all rows add to the gradient of a few outcomes."""
    x, w = x.detach(), w.detach().double()
    rows, outcomes = few(len(x), x), few(len(w), w, 64)
    by_weight = w.new_zeros(len(outcomes), w.size(1))
    loss = 0.0
    for part in _parts(x, len(w)):
        h = x[part].double()
        z = (h @ w.T).requires_grad_()
        here = total(z, part)
        loss += here.item()
        by_weight += torch.autograd.grad(here, z)[0][:, outcomes].T @ h
    z = (x[rows].double() @ w.T).requires_grad_()
    by_logits = torch.autograd.grad(total(z, rows), z)[0]
    return Exact(loss, [(rows, by_logits @ w), (outcomes, by_weight)])


def errors(exact: Exact, loss: torch.Tensor, leaves: tuple[torch.Tensor, ...]) -> Errors:
    """How far a call is from it; of the worst of the leaves where they have gradients."""
    off = abs(loss.item() - exact.loss) / max(abs(exact.loss), 1e-30)
    worst = None
    if leaves[0].grad is not None:
        pairs = [(leaf.grad[rows].double(), g) for leaf, (rows, g) in zip(leaves, exact.gradients, strict=True)]
        worst = max((torch.linalg.vector_norm(a - g) / torch.linalg.vector_norm(g)).item() for a, g in pairs)
    limits = _TOLERANCE[leaves[0].dtype]
    right = off <= limits[0] and (worst is None or worst <= limits[1])  # NaN is not right
    return Errors(off, worst, not right)
