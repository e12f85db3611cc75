"""PyTorch's own samples of its losses, run against ours: same shapes, and an error that is never larger than its own.

The truth is PyTorch in float64 on the same numbers. A value within 2 ulp in float32, or half an ulp in half precision,
counts as no larger, whatever PyTorch's is. In float64 the two only agree: neither is the truth.
"""

import pytest
import torch
import torch.nn.functional as F

import xent
import xent.torch as xt

pytest.importorskip("expecttest")  # PyTorch's testing room imports it
from torch.testing._internal.common_methods_invocations import op_db

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
ULPS = {torch.float64: 4.0, torch.float32: 2.0, torch.bfloat16: 0.501, torch.float16: 0.501}
TRUTH = 2.0**-48  # how far the truth may itself be off, of 1 or its largest element: it loses 1 - p in float64
OPERATORS = {op.name: op for op in op_db if op.name.startswith("nn.functional.")}


def samples(name, dtype):
    """PyTorch's samples: (input, arguments, keyword arguments)."""
    for s in OPERATORS[f"nn.functional.{name}"].sample_inputs("cpu", dtype, requires_grad=False):
        yield s.input, s.args, s.kwargs


def widened(a):
    """Floating tensors in float64; anything else as it is."""
    return a.double() if isinstance(a, torch.Tensor) and a.is_floating_point() else a


def ulp(truth, dtype):
    """The unit in the last place of `dtype` at each truth."""
    limits = torch.finfo(dtype)
    size = torch.exp2(torch.floor(torch.log2(truth.abs().clamp(min=limits.smallest_normal))))
    return size * limits.eps


def no_worse(ours, theirs, truth, what):
    """Element by element: at most the other's error, or what counts as none."""
    same = (ours.double() == truth) | (ours.isnan() & truth.isnan())
    allowed = torch.maximum((theirs.double() - truth).abs(), ULPS[ours.dtype] * ulp(truth, ours.dtype))
    allowed = allowed.clamp(min=TRUTH * max(1.0, *truth.abs().nan_to_num(0.0, 0.0).reshape(-1).tolist()))
    worse = ~same & ~((ours.double() - truth).abs() <= allowed)
    assert not worse.any(), (what, ours[worse], theirs[worse], truth[worse])


def gradients(function, tensor, args, kwargs, upstream):
    """The value, and the gradient by the first argument."""
    a = tensor.detach().clone().requires_grad_()
    value = function(a, *args, **kwargs)
    return value.detach(), torch.autograd.grad(value, a, upstream.to(value.dtype))[0]


def compare(ours, theirs, tensor, args, kwargs):
    """Values and gradients of ours beside theirs, for one random upstream gradient that every dtype can hold."""
    wide = widened(tensor), [widened(a) for a in args], {k: widened(v) for k, v in kwargs.items()}
    shape = theirs(*wide[:1], *wide[1], **wide[2]).shape
    upstream = torch.randint(-8, 9, shape, generator=torch.Generator().manual_seed(0)) / 4.0
    truth = gradients(theirs, *wide, upstream)
    found = gradients(ours, tensor, args, kwargs, upstream)
    other = gradients(theirs, tensor, args, kwargs, upstream)
    assert found[0].shape == shape
    assert found[1].dtype == tensor.dtype
    for value, rival, exact, what in zip(found, other, truth, ("value", "gradient"), strict=True):
        no_worse(value, rival, exact, (what, tuple(tensor.shape), kwargs))


@pytest.fixture(params=["reference", "native"])
def backend(request, monkeypatch):
    from xent import _native

    if request.param == "native" and not _native.available():
        pytest.skip(_native.reason())
    monkeypatch.setenv("XENT_BACKEND", request.param)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_cross_entropy(backend, dtype):
    count = refused = 0
    for tensor, (target,), kwargs in samples("cross_entropy", dtype):
        if target.is_floating_point():  # PyTorch takes any numbers for probabilities
            with pytest.raises(xent.DistributionError, match="`target` row .* sums to"):
                xt.cross_entropy(tensor, target, **kwargs)
            target = target / target.sum(1 if target.dim() > 1 else 0, keepdim=True)
            refused += 1
        compare(xt.cross_entropy, F.cross_entropy, tensor, (target,), kwargs)
        count += 1
    assert count > 15
    assert refused > 3


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("spread", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_rows_as_models_have_them(backend, dtype, spread, smoothing):
    g = torch.Generator().manual_seed(int(spread))
    logits = (spread * torch.randn(40, 300, generator=g, dtype=torch.float64) + 3 * spread).to(dtype)
    labels = torch.randint(0, 300, (40,), generator=g)
    labels[::2] = logits.argmax(1)[::2]  # half of them are what the model says
    soft = (2 * torch.randn(40, 300, generator=g)).softmax(1).to(dtype)
    for target in (labels, soft):
        for reduction in ("none", "mean"):
            kwargs = {"reduction": reduction, "label_smoothing": smoothing}
            compare(xt.cross_entropy, F.cross_entropy, logits, (target,), kwargs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_statistics(backend, dtype):
    logits = (5 * torch.randn(30, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 40).to(dtype)
    labels = logits.argmax(1)

    def composed(which):
        def function(a):
            p = a.log_softmax(1)
            return [p.gather(1, labels[:, None])[:, 0], a.logsumexp(1), -(p.exp() * p).sum(1)][which]

        return function

    for which in range(3):
        compare(lambda a, i=which: xt.token_statistics(a, labels)[i], composed(which), logits, (), {})
