"""The definition of every row's loss and statistics, in plain float64 torch: what the compiled core is held to."""

import torch

from xent.torch._options import Options


def transformed(logits: torch.Tensor, options: Options) -> torch.Tensor:
    z = logits.double()
    if options.softcap is not None:
        z = options.softcap * torch.tanh(z / options.softcap)
    return z / options.temperature


def dense(target, probs, shape, *, spread=False):
    """Any target as a float64 distribution; ignored rows are 0."""
    if probs is not None:
        probs, target = probs.double(), target.long()
        t = torch.zeros(shape, dtype=torch.float64)
        if spread and shape[1] > probs.shape[1]:
            t += ((1 - probs.sum(1)).clamp_min(0) / (shape[1] - probs.shape[1]))[:, None]
        return t.scatter(1, target, probs)
    if target.ndim == 2:
        return target.double()
    t = torch.zeros(shape, dtype=torch.float64)
    inside = (target >= 0) & (target.long() < shape[1])
    return t.scatter(1, torch.where(inside, target.long(), 0)[:, None], inside[:, None].double())


def losses(logits, target, probs, weight, token_weight, options: Options, *, spread=False, denominator=None):
    """Reduced as the options say."""
    n, v = logits.shape
    kept = torch.ones(n, dtype=torch.bool)
    if probs is None and target.ndim == 1:
        kept = target != options.ignore_index
    z = transformed(torch.where(kept[:, None], logits.double(), 0.0), options)
    t = dense(target, probs, (n, v), spread=spread)
    w = torch.ones(v, dtype=torch.float64) if weight is None else weight.double()
    share = torch.ones(n, dtype=torch.float64) if token_weight is None else token_weight.double()
    smooth = ((1 - options.label_smoothing) * t + options.label_smoothing / max(v, 1)) * w
    lse = z.logsumexp(1)
    surprisal = torch.where(smooth == 0, 0.0, -z.log_softmax(1))
    per_row = share * ((smooth * surprisal).sum(1) + options.z_loss * lse**2)
    per_row = torch.where(kept, per_row, 0.0)
    if options.reduction == "none":
        return per_row
    if options.reduction == "sum" or not kept.any():
        return per_row.sum()
    own = w[target.long().clamp(0, v - 1)] if probs is None and target.ndim == 1 else 1.0
    return per_row.sum() / ((share * own)[kept].sum() if denominator is None else denominator)


def with_gradient(logits, *args, upstream=1.0, **kwargs):
    """The loss and d(upstream . loss)/d(logits), both float64."""
    a = logits.detach().double().requires_grad_()
    loss = losses(a, *args, **kwargs)
    (gradient,) = torch.autograd.grad((loss * upstream).sum(), a, allow_unused=True)
    return loss.detach(), gradient


def statistics(logits, target, options: Options):
    """log_prob, logsumexp, entropy, argmax of every row; an ignored one has 0, 0, 0, -1."""
    kept = target != options.ignore_index
    z = transformed(torch.where(kept[:, None], logits.double(), 0.0), options)
    lse, log_p = z.logsumexp(1), z.log_softmax(1)
    p = log_p.exp()
    entropy = -(p * torch.where(p > 0, log_p, 0.0)).sum(1)
    log_prob = log_p.gather(1, torch.where(kept, target.long(), 0)[:, None])[:, 0]
    best = (z == z.amax(1, keepdim=True)).double().argmax(1)
    return (*(torch.where(kept, x, 0.0) for x in (log_prob, lse, entropy)), torch.where(kept, best, -1))
