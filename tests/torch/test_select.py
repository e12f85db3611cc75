"""Which backend, where the gradient is made, and why: the pure choice, and what calls say they would use."""

import pytest
import torch
from samples import same_bits, sample, value_and_gradient
from torch._subclasses import FakeTensorMode

import xent
import xent.torch as xt
from xent import BackendUnavailable, _native
from xent.torch import _tiny
from xent.torch._select import Choice, Facts, select

native = pytest.mark.skipif(not _native.available(), reason="no compiled core")


def test_the_reasons_for_each_choice():
    wanted = Facts(differentiable=True)
    assert select(Facts())[:2] == ("native", "none")
    assert select(wanted)[:2] == ("native", "in forward")
    assert select(wanted._replace(reduced=False))[:2] == ("native", "in backward")
    assert select(wanted._replace(half=True))[:2] == ("native", "in backward")
    assert select(wanted._replace(hooked=True))[:2] == ("native", "in backward")
    assert select(wanted._replace(operators=True))[:2] == ("native", "in backward")
    assert select(wanted._replace(core="no core")) == Choice("reference", "autograd", "no core")
    assert select(wanted._replace(obstacle="vmap")) == Choice("reference", "autograd", "vmap")
    assert select(Facts(obstacle="vmap")) == Choice("reference", "none", "vmap")
    assert select(Facts(other="`weight` requires a gradient"))[:2] == ("reference", "autograd")


def test_a_backend_by_name():
    assert select(Facts(forced="reference")) == Choice("reference", "none", "XENT_BACKEND=reference")
    assert select(Facts(forced="native", differentiable=True)) == select(Facts(differentiable=True))
    for fact in ({"core": "no core"}, {"obstacle": "no core"}, {"other": "no core"}):
        with pytest.raises(
            BackendUnavailable, match="XENT_BACKEND=native, but no core. Unset it, or set it to reference."
        ):
            select(Facts(forced="native", **fact))
    with pytest.raises(BackendUnavailable, match="XENT_BACKEND=triton, but these are on the CPU. Unset it, or set it"):
        select(Facts(forced="triton"))
    assert select(Facts(forced="triton", kernels="", gpu=True))[:2] == ("triton", "none")


def test_tensors_on_a_gpu():
    there = Facts(core="on a GPU", kernels="", gpu=True, differentiable=True)
    assert select(there)[:2] == ("triton", "in forward")
    assert select(there._replace(reduced=False))[:2] == ("triton", "in backward")
    assert select(there._replace(half=True))[:2] == ("triton", "in backward")
    assert select(there._replace(operators=True))[:2] == ("triton", "in backward")
    assert select(there._replace(obstacle="vmap"))[:2] == ("reference", "autograd")
    assert select(there._replace(kernels="float64")) == Choice("reference", "autograd", "float64")
    with pytest.raises(BackendUnavailable, match="XENT_BACKEND=native, but on a GPU. Unset it, or set it to reference"):
        select(there._replace(forced="native"))


def test_a_backend_that_is_none():
    with pytest.raises(ValueError, match="`XENT_BACKEND` is 'cuda'; it is one of 'reference', 'native', 'triton'."):
        select(Facts(forced="cuda"))


def chosen(*args, **kwargs):
    return xt.choice(xt.cross_entropy, *args, **kwargs)


@native
def test_what_a_call_would_use():
    x, y = sample((7, 5), torch.float32)
    assert chosen(x, y)[:2] == ("native", "none")
    x.requires_grad_()
    assert chosen(x, y)[:2] == ("native", "in forward")
    assert chosen(x, y, reduction="none")[:2] == ("native", "in backward")
    assert chosen(x.half(), y)[:2] == ("native", "in backward")
    assert chosen(x.bfloat16(), y)[:2] == ("native", "in forward")
    assert chosen(x, y, token_weight=torch.ones(7, requires_grad=True))[:2] == ("native", "in backward")
    assert chosen(x, y, denominator=torch.ones((), requires_grad=True))[:2] == ("native", "in backward")
    assert chosen(x, y, torch.ones(5, requires_grad=True)).reason == "`weight` requires a gradient"
    t = x.detach().softmax(1).requires_grad_()
    assert chosen(x, t).reason == "`target` requires a gradient"
    top = xent.TopK(torch.zeros(7, 1, dtype=torch.int64), torch.ones(7, 1, requires_grad=True))
    assert chosen(x, top).reason == "`target` requires a gradient"
    with torch.no_grad():
        assert chosen(x, y)[:2] == ("native", "none")
    with torch.autograd.graph.saved_tensors_hooks(lambda a: a, lambda a: a):
        assert chosen(x, y)[:2] == ("native", "in backward")
        assert not _tiny.fits(x, y)
    assert xt.choice(xt.token_statistics, x, y)[:2] == ("native", "in backward")


@native
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.uint8], ids=str)
def test_the_short_way_is_the_long_way(monkeypatch, dtype, kind):
    x, y = sample((30, 12), dtype)
    y = y.clamp(min=0).to(kind) if kind == torch.uint8 else y.to(kind)
    assert _tiny.fits(x.detach().requires_grad_(), y)
    short = [value_and_gradient(xt.cross_entropy, x, y)]
    a = x.detach().requires_grad_()
    (once,) = torch.autograd.grad(xt.cross_entropy(a, y), a)
    assert chosen(a, y)[:2] == ("native", "in forward")
    monkeypatch.setattr(_tiny, "_LARGEST", 0)
    assert not _tiny.fits(x.detach().requires_grad_(), y)
    same_bits(short[0], value_and_gradient(xt.cross_entropy, x, y))
    same_bits([once], torch.autograd.grad(xt.cross_entropy(a, y), a))


@native
def test_what_the_core_cannot_read():
    x, y = sample((7, 5), torch.float32)
    assert "on meta" in chosen(x.to("meta"), y.to("meta")).reason
    assert chosen(x.as_subclass(Subclass), y).reason == "a Subclass is not a plain tensor"
    assert chosen(torch.nn.Parameter(x), y).backend == "native"
    negative = torch.complex(x, x).conj().imag
    assert negative.is_neg()
    assert chosen(negative, y).reason == "the sign of a tensor is yet to be applied"
    found = []
    torch.func.grad(lambda a: (found.append(chosen(a, y).reason), a.sum())[1])(x)
    assert found == ["a transform of torch.func (vmap, grad, jvp ...) is active"]


class Subclass(torch.Tensor):
    pass


@native
def test_no_backend_in_silence(monkeypatch):
    x, y = sample()
    monkeypatch.setenv("XENT_BACKEND", "native")
    with pytest.raises(BackendUnavailable, match="`weight` requires a gradient"):
        xt.cross_entropy(x, y, torch.ones(5, dtype=torch.float64, requires_grad=True))
    x.requires_grad_()
    for loss in (xt.cross_entropy(x, y), xt.token_statistics(x, y).entropy.sum()):
        with pytest.raises(BackendUnavailable, match="a derivative of the gradient takes torch operations"):
            torch.autograd.grad(loss, x, create_graph=True)
    monkeypatch.setenv("XENT_BACKEND", "triton")
    with pytest.raises(BackendUnavailable, match="XENT_BACKEND=triton, but float64 is computed by torch operations."):
        xt.cross_entropy(x, y)


def test_without_the_core_there_is_the_reference(monkeypatch):
    x, y = sample()
    monkeypatch.setattr(_native, "_core", None)
    monkeypatch.setattr(_native, "_reason", "the compiled core cannot be used: it is not there")
    assert chosen(x, y).reason == "the compiled core cannot be used: it is not there"
    torch.testing.assert_close(xt.cross_entropy(x, y), torch.nn.functional.cross_entropy(x, y))


def test_choice_looks_at_the_arguments_as_the_call_does():
    x, y = sample()
    with pytest.raises(TypeError, match="`function` is .*; `choice` knows .*cross_entropy.*token_statistics"):
        xt.choice(torch.nn.functional.cross_entropy, x, y)
    with pytest.raises(TypeError, match="missing a required argument: 'target'"):
        chosen(x)
    with pytest.raises(xent.ShapeError, match="`target` has shape"):
        chosen(x, y[:3])


def test_stand_ins_for_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.delenv("XENT_BACKEND", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with FakeTensorMode():
        x, y = torch.empty(4, 8, device="cuda"), torch.empty(4, dtype=torch.int64, device="cuda")
        assert xt.cross_entropy(x, y).is_cuda
    assert xt.cross_entropy(x, y).is_cuda


@native
@pytest.mark.parametrize("shape", [(4, 5), (40, 1000)], ids=["short way", "long way"])
def test_the_core_computes_on_the_cpu_wherever_tensors_are_made(monkeypatch, shape):
    """The device that fresh tensors have by default is not that of the call: the core would write to no memory."""
    monkeypatch.setenv("XENT_BACKEND", "native")
    x, y = sample(shape)
    x.requires_grad_()

    def everything():
        loss = xt.cross_entropy(x, y)
        return loss, *torch.autograd.grad(loss, x), *xt.token_statistics(x.detach(), y)

    expected = everything()
    with torch.device("meta"):
        ours = everything()
    assert all(a.is_cpu for a in ours)
    same_bits(ours, expected)
