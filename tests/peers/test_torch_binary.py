"""PyTorch's own samples of the binary losses and of kl_div: the same calls, the same values and gradients."""

import math

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("expecttest")  # PyTorch's testing room imports it
from torch.testing._internal.common_methods_invocations import op_db

import xent.torch as xt

OPS = {
    op.name.removeprefix("nn.functional."): op
    for op in op_db
    if "binary_cross_entropy" in op.name or "kl_div" in op.name
}


def samples(name, dtype):
    return list(OPS[name].sample_inputs("cpu", dtype, requires_grad=True))


def outcome(function, input, *args, **options):
    """Value and gradient by the input, with an upstream gradient that is not all ones."""
    input = input.detach().requires_grad_()
    args = [a.detach() if isinstance(a, torch.Tensor) else a for a in args]
    options = {k: a.detach() if isinstance(a, torch.Tensor) else a for k, a in options.items()}
    value = function(input, *args, **options)
    upstream = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
    return value.detach(), torch.autograd.grad(value, input, upstream)[0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_samples_of_the_binary_losses(name, dtype):
    checked = 0
    for sample in samples(name, dtype):
        target = sample.args[0]
        if not ((target >= 0) & (target <= 1)).all():
            continue  # targets that are no probabilities: an error here
        ours = outcome(getattr(xt, name), sample.input, *sample.args, **sample.kwargs)
        theirs = outcome(getattr(F, name), sample.input, *sample.args, **sample.kwargs)
        tight = {"rtol": 1e-11, "atol": 1e-13} if dtype == torch.float64 else {"rtol": 3e-5, "atol": 3e-6}
        if theirs[0].isfinite().all() and theirs[0].abs().max() < 99:  # where PyTorch clips nothing
            torch.testing.assert_close(ours, theirs, **tight)
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_forward_distillation_is_kl_div_of_log_softmax(dtype):
    checked = 0
    for sample in samples("kl_div", dtype):
        student, teacher = sample.input, sample.args[0]
        if student.shape != teacher.shape or student.dim() == 0 or student.numel() == 0:
            continue
        for temperature in (1.0, 2.0):

            def theirs(s, t, temperature=temperature):
                a, b = (F.log_softmax(x / temperature, -1) for x in (s, t))
                return F.kl_div(a, b, reduction="none", log_target=True).sum(-1) * temperature**2

            def ours(s, t, temperature=temperature):
                return xt.distillation_loss(s, t, temperature=temperature, reduction="none")

            tight = {"rtol": 1e-10, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 3e-5, "atol": 1e-5}
            torch.testing.assert_close(outcome(ours, student, teacher), outcome(theirs, student, teacher), **tight)
            checked += 1
    assert checked >= 4


def test_batchmean_is_the_mean_over_rows():
    student, teacher = torch.randn(6, 9, dtype=torch.float64), torch.randn(6, 9, dtype=torch.float64)
    theirs = F.kl_div(student.log_softmax(-1), teacher.softmax(-1), reduction="batchmean")
    torch.testing.assert_close(xt.distillation_loss(student, teacher), theirs, rtol=1e-12, atol=0)


def test_where_pytorch_clips_we_do_not():
    q, y = torch.tensor([0.0]), torch.tensor([1.0])
    assert F.binary_cross_entropy(q, y).item() == 100.0
    assert xt.binary_cross_entropy(q, y).item() == math.inf
