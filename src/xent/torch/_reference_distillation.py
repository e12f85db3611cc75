"""The definition of distillation in plain differentiable torch: right under every transform.

With z = logits / T, log p = log softmax(z), d = log p_s - log p_t (s student, t teacher), psi(d) = e^d - 1 - d:

    forward   KL(p_t || p_s) = sum p_t psi(d)             reverse   KL(p_s || p_t) = sum p_s psi(-d)
    js        (KL(p_t || m) + KL(p_s || m)) / 2, m = (p_s + p_t) / 2

times T^2. All terms are >= 0, so nothing cancels however close the two are. Outcomes that both rule out count 0. The
teacher is a constant. On the CPU it is computed in float64 and rounded once.
"""

from __future__ import annotations

import math

import torch

from xent.torch._reference import _wide as wide  # pyright: ignore[reportPrivateUsage]
from xent.torch._reference import dense, loss_dtype, normaliser

# 1/k!, k = 2 .. 16: psi(d) / d^2 for |d| <= 1/2 to 2^-54.
_SERIES = [1 / math.factorial(k) for k in range(16, 1, -1)]


def _psi(d: torch.Tensor) -> torch.Tensor:
    near = torch.zeros_like(d)
    for coefficient in _SERIES:
        near = near * d + coefficient
    return d * d * near


def _divergence(p: torch.Tensor, q: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """KL(p || q) of rows whose logarithms differ by d = log q - log p."""
    near = d.abs() <= 0.5
    absent = p == 0
    far = q - p - p * d.masked_fill(near | (absent & ~torch.isnan(d)), 0.0)
    # A difference of -inf where p is no more than underflowed: impossible all the same.
    far = far.masked_fill(absent & (d == -torch.inf), torch.inf)
    return torch.where(near, p * _psi(d.masked_fill(~near, 0.0)), far).sum(-1)


def _log_mean(d: torch.Tensor) -> torch.Tensor:
    """log((1 + e^d) / 2)."""
    up = d > 1
    below = torch.log1p(torch.expm1(d.masked_fill(up, 0.0)) / 2)
    above = d + torch.log1p(torch.exp(-d.masked_fill(~up, 0.0))) - math.log(2)
    return torch.where(up, above, below)


def _of_rows(log_s: torch.Tensor, log_t: torch.Tensor, kind: str) -> torch.Tensor:
    both = (log_s == -torch.inf) & (log_t == -torch.inf)
    d = (log_s - log_t.masked_fill(both, 0.0)).masked_fill(both, 0.0)
    s, t = torch.exp(log_s), torch.exp(log_t)
    if kind == "forward":
        return _divergence(t, s, d)
    if kind == "reverse":
        return _divergence(s, t, -d)
    m = (s + t) / 2
    return (_divergence(t, m, _log_mean(d)) + _divergence(s, m, _log_mean(-d))) / 2


def _log_softmax(z: torch.Tensor) -> torch.Tensor:
    n = normaliser(z)
    return n.d - n.l.unsqueeze(-1)


def distillation(
    student: torch.Tensor,
    teacher: torch.Tensor,
    probs: torch.Tensor | None,
    token_weight: torch.Tensor | None,
    divisor: torch.Tensor | None = None,
    *,
    kind: str,
    temperature: float,
    tail: str | None,
    reduction: str,
    denominator: float | None = None,
) -> torch.Tensor:
    """The loss of rows (N, V), reduced; `teacher` are logits (N, V), or indices (N, k) of `probs`.

    A mean is over `denominator`, `divisor` (the same as a tensor), or the sum of the rows' weights.
    """
    mass = None
    if probs is None:
        log_t = _log_softmax(wide(teacher.detach()) / temperature)
    else:
        t = dense(teacher, probs.detach(), student.shape[-1], tail == "spread")
        mass = t.sum(-1)
        log_t = torch.log(t / mass.masked_fill(mass == 0, 1.0).unsqueeze(-1))
    z = wide(student) / temperature
    skipped = None
    if token_weight is not None:  # what a row of weight 0 holds reaches no value and no derivative
        skipped = token_weight == 0
        z = z.masked_fill(skipped.unsqueeze(-1), 0.0)
        log_t = log_t.masked_fill(skipped.unsqueeze(-1), -math.log(student.shape[-1]))
    loss = _of_rows(_log_softmax(z), log_t, kind)
    if mass is not None and tail == "drop":
        loss = torch.special.xlogy(mass, mass) + mass * loss.masked_fill(mass == 0, 0.0)
        loss = loss if skipped is None else loss.masked_fill(skipped, 0.0)
    weight = torch.ones_like(loss) if token_weight is None else wide(token_weight)
    return _reduced(loss * temperature**2, weight, divisor, denominator, reduction).to(loss_dtype(student.dtype))


def _reduced(
    loss: torch.Tensor,
    weight: torch.Tensor,
    divisor: torch.Tensor | None,
    denominator: float | None,
    reduction: str,
) -> torch.Tensor:
    """Rows times weights: each, their sum, or their mean, which is 0 where no row counts."""
    loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if divisor is not None:
        return loss.sum() / divisor
    if denominator is not None:
        return loss.sum() / denominator
    nothing = (weight == 0).all()
    return loss.sum().masked_fill(nothing, 0.0) / weight.sum().masked_fill(nothing, 1.0)
