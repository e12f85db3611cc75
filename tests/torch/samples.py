"""Logits and targets to test losses with, and what is done with them again and again."""

import torch

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
CLOSE = {torch.float64: 1e-13, torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 2e-3}


def sample(shape=(7, 5), dtype=torch.float64, seed=0, kind="labels"):
    """Logits, and targets of a kind ("labels", of which one is ignored, or "probabilities")."""
    g = torch.Generator().manual_seed(seed)
    x = (3 * torch.randn(shape, generator=g, dtype=torch.float64)).to(dtype)
    axis = 0 if len(shape) == 1 else 1
    outer = (*shape[:axis], *shape[axis + 1 :])
    if kind == "labels":
        y = torch.randint(0, shape[axis], outer, generator=g)
        if len(shape) > 1:
            y.view(-1)[1] = -100
        return x, y
    return x, torch.randn(shape, generator=g, dtype=torch.float64).softmax(axis).to(dtype)


def value_and_gradient(function, x, *args, seed=1, **kwargs):
    """The loss, and the gradient by x for a random upstream gradient."""
    x = x.detach().requires_grad_()
    loss = function(x, *args, **kwargs)
    upstream = torch.randn(loss.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return loss.detach(), torch.autograd.grad(loss, x, upstream.to(loss.dtype))[0]


def close(ours, theirs, dtype=torch.float64):
    """Pairwise the same to the rounding of `dtype`."""
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=CLOSE[dtype], atol=CLOSE[dtype] * 1e-1)


def same_bits(ours, theirs):
    """Pairwise equal, NaN included."""
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
