"""PyTorch's own samples of `linear_cross_entropy`, run against ours: same shapes, and an error no larger than its own.

A gradient is a sum of products, and two right ways of summing differ by rounding: errors are compared in norm. The
truth is PyTorch in float64.
"""

import pytest
import torch
import torch.nn.functional as F

import xent.torch

pytest.importorskip("expecttest")  # PyTorch's testing room imports it
from torch.testing._internal.common_methods_invocations import op_db

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
VARIANTS = {op.variant_test_name: op for op in op_db if op.name == "nn.functional.linear_cross_entropy"}


def samples(op, dtype):
    for s in op.sample_inputs("cpu", dtype, requires_grad=False):
        weight, target = s.args
        kwargs = {k: v for k, v in s.kwargs.items() if k != "options"}
        if target.is_floating_point():
            axis = min(target.dim() - 1, 1)
            target = target.double().softmax(axis).to(dtype)  # theirs do not sum to 1
        yield (s.input, weight, target), kwargs


def outcome(function, arguments, kwargs, dtype):
    x, w, target = arguments
    kwargs = {k: v.to(dtype) if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()}
    tensors = [x.to(dtype).requires_grad_(), w.to(dtype).requires_grad_()]
    bias = kwargs.pop("linear_bias", None)
    if bias is not None:
        tensors.append(bias.detach().clone().requires_grad_())
        kwargs["linear_bias"] = tensors[2]
    target = target.to(dtype) if target.is_floating_point() else target
    value = function(*tensors[:2], target, **kwargs)
    upstream = torch.randint(-8, 9, value.shape, generator=torch.Generator().manual_seed(0)) / 4.0 + 0.125
    return [value.detach(), *torch.autograd.grad(value, tensors, upstream.to(value.dtype))]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_samples(variant, dtype):
    seen = 0
    for arguments, kwargs in samples(VARIANTS[variant], dtype):
        ours = outcome(xent.torch.linear_cross_entropy, arguments, kwargs, dtype)
        theirs = outcome(F.linear_cross_entropy, arguments, kwargs, dtype)
        truth = outcome(F.linear_cross_entropy, arguments, kwargs, torch.float64)
        for a, t, e in zip(ours, theirs, truth, strict=True):
            assert a.shape == e.shape
            # In float64 the two only agree: neither is the truth.
            ulps = 8 if dtype == torch.float64 else 2
            rounding = ulps * torch.finfo(a.dtype).eps * e.norm()
            assert (a.double() - e).norm() <= (t.double() - e).norm() + rounding, (variant, kwargs)
        seen += 1
    assert seen > 10
