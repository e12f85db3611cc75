"""Logits and targets to test losses with, and what is done with them again and again."""

import contextlib
import os
from importlib.metadata import version
from importlib.util import find_spec

import pytest
import torch

# On a GPU, what Triton computes is what `pytest -m gpu` runs.
TRITON = pytest.param("triton", marks=pytest.mark.gpu if torch.cuda.is_available() else ())
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
CLOSE = {torch.float64: 1e-13, torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 2e-3}


def cannot_interpret():
    """Why kernels cannot be interpreted: int() of an array of one number, which the interpreter takes, left NumPy."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    triton, numpy = ([int(part) for part in version(name).split(".")[:2]] for name in ("triton", "numpy"))
    return "Triton before 3.7 cannot interpret with NumPy 2.4" if triton < [3, 7] and numpy >= [2, 4] else ""


def wide():
    """The widest dtype of the backend that is tested: Triton's kernels have no float64."""
    return torch.float32 if os.environ.get("XENT_BACKEND") == "triton" else torch.float64


def few(cases, n):
    """All `cases`, or `n` from the first to the last, where the kernels are interpreted: that is slow."""
    cases = list(cases)
    if os.environ.get("XENT_BACKEND") != "triton" or torch.cuda.is_available():
        return cases
    return [cases[i * (len(cases) - 1) // (n - 1)] for i in range(n)]


def enough(here):
    """Skip where the kernels are interpreted and the case is not one of those that stand for all."""
    if not here and os.environ.get("XENT_BACKEND") == "triton" and not torch.cuda.is_available():
        pytest.skip("interpreted kernels are slow: other cases stand for this one")


def unread():
    """Skip where targets are not read by the host: their values are then NaN, and an error of a later call."""
    if os.environ.get("XENT_BACKEND") == "triton":
        pytest.skip("a GPU is not waited for: a bad value is NaN there, and a later call says so")


@contextlib.contextmanager
def by_reference():
    """What is computed inside is computed by torch operations, in float64 too."""
    with pytest.MonkeyPatch.context() as at:
        at.setenv("XENT_BACKEND", "reference")
        yield


def rand(shape, seed=2, dtype=torch.float64, low=0.1):
    """Numbers in [low, low + 1), where the backend's tensors are."""
    return (
        torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, device="cpu") + low
    ).to(torch.get_default_device(), dtype)


def sample(shape=(7, 5), dtype=None, seed=0, kind="labels"):
    """Logits, and targets of a kind ("labels", of which one is ignored, or "probabilities"); of `wide()` by default."""
    with torch.device("cpu"):
        x, target = _sample(shape, dtype or wide(), seed, kind)
    return x.to(torch.get_default_device()), target.to(torch.get_default_device())


def _sample(shape, dtype, seed, kind):
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
    upstream = torch.randn(loss.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, device="cpu")
    return loss.detach(), torch.autograd.grad(loss, x, upstream.to(loss))[0]


def truth(function, x, *args, **kwargs):
    """`value_and_gradient` in float64."""
    args = [a.double() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args]
    return value_and_gradient(function, x.double(), *args, **kwargs)


def close(ours, theirs, dtype=None):
    """Pairwise the same to the rounding of `dtype`, by default `wide()`."""
    dtype = dtype or wide()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=CLOSE[dtype], atol=CLOSE[dtype] * 1e-1)


def same_bits(ours, theirs):
    """Pairwise equal, NaN included."""
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
