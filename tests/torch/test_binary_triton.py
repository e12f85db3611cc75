"""The Triton kernel of the binary losses, interpreted: what is special to it, beside what all backends do alike."""

import math

import pytest
import torch
import torch.nn.functional as F

import xent.torch as xt
from xent import BackendUnavailable, DistributionError
from xent.torch import _ops_binary, _triton

triton = pytest.importorskip("triton")
pytestmark = pytest.mark.skipif(not _triton.interpreted(), reason="the kernels run on the CPU with TRITON_INTERPRET=1")
LOSSES = {True: xt.binary_cross_entropy_with_logits, False: xt.binary_cross_entropy}
either = pytest.mark.parametrize("logits", [True, False])


@pytest.fixture(autouse=True)
def forced(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "triton")
    torch.manual_seed(0)


def sample(n, logits, dtype=torch.float32):
    """Inputs of every size, labels hard and soft, and those where the gradient cancels."""
    x = torch.randn(n, dtype=torch.float64) * torch.logspace(-6, 2, n, dtype=torch.float64)
    x = x if logits else torch.rand(n, dtype=torch.float64).clamp(1e-4, 0.99)
    y = torch.rand(n, dtype=torch.float64)
    y[::3] = y[::3].round()
    x = x.to(dtype)
    y[1::6] = (x.double().sigmoid() if logits else x.double())[1::6]
    return x, y.to(dtype)


def both(loss, x, y, w=None, upstream=None, **options):
    x = x.detach().requires_grad_()
    found = loss(x, y, w, **options)
    return found.detach(), torch.autograd.grad(found, x, torch.ones_like(found) if upstream is None else upstream)[0]


def exactly(monkeypatch, logits, x, y, w=None, **options):
    """Loss and gradient of the reference, in float64."""
    wide = {k: a.double() if isinstance(a, torch.Tensor) else a for k, a in options.items()}
    with monkeypatch.context() as at:
        at.setenv("XENT_BACKEND", "reference")
        return both(LOSSES[logits], x.double(), y.double(), None if w is None else w.double(), **wide)


@either
@pytest.mark.parametrize("weighed", [False, True])
def test_error_in_units_of_the_last_place_and_against_torchs(monkeypatch, logits, weighed):
    x, y = sample(4000, logits)
    w = torch.rand(4000) + 0.5 if weighed else None
    options = {"pos_weight": w.flip(0)} if weighed and logits else {}
    truth = exactly(monkeypatch, logits, x, y, w, reduction="none", **options)
    ours = both(LOSSES[logits], x, y, w, reduction="none", **options)
    theirs = F.binary_cross_entropy_with_logits if logits else F.binary_cross_entropy
    other = both(theirs, x, y, w, reduction="none", **options)
    few = 2.0**-21 if weighed else 2.0**-22
    for i in range(2):
        error, their_error = (ours[i] - truth[i]).abs(), (other[i] - truth[i]).abs()
        # Where y is nearly s(x) the slope is the difference of two terms, and its error is that of theirs.
        each = 2.0**-24 * (1 if w is None else 2.25) if logits and i else 0.0
        assert (error <= torch.maximum(their_error, few * truth[i].abs() + each + 2.0**-149)).all()


def test_probabilities_down_to_the_smallest_numbers(monkeypatch):
    q = torch.cat([torch.logspace(-44, 0, 300), 1 - torch.logspace(-7, 0, 300)])
    y = torch.rand(600)
    found, slope = both(xt.binary_cross_entropy, q, y, reduction="none")
    truth, gradient = exactly(monkeypatch, False, q, y, reduction="none")
    torch.testing.assert_close(found.double(), truth, rtol=2.0**-22, atol=0)
    fine = gradient.abs() < torch.finfo(torch.float32).max
    torch.testing.assert_close(slope.double()[fine], gradient[fine], rtol=2.0**-22, atol=0)


def test_large_logits_do_not_underflow_early(monkeypatch):
    x = torch.linspace(-110, 110, 401)
    y = (x > 0).float()
    found, slope = both(xt.binary_cross_entropy_with_logits, x, y, reduction="none")
    truth, gradient = exactly(monkeypatch, True, x, y, reduction="none")
    for a, b in ((found, truth), (slope, gradient)):
        torch.testing.assert_close(a.double(), b, rtol=2.0**-22, atol=2.0**-148)


@either
def test_ends_are_as_the_definition_says(logits):
    inf = math.inf
    if logits:
        x = torch.tensor([inf, -inf, inf, -inf, 1e4, -1e4, math.nan])
        y = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
        loss, slope = [0.0, 0.0, inf, inf, 1e4, 0.0], [0.0, 0.0, 1.0, -1.0, 1.0, 0.0]
    else:
        x = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.5])
        y = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 0.5])
        loss, slope = [0.0, 0.0, inf, inf, inf, inf], [1.0, -1.0, -inf, inf, -inf, inf]
    found, gradient = both(LOSSES[logits], x, y, reduction="none")
    assert found[:6].tolist() == loss
    assert gradient[:6].tolist() == slope
    assert found[6].isnan() == gradient[6].isnan() == logits
    found, gradient = both(LOSSES[logits], x, y, torch.zeros(7))
    assert found == 0
    assert not gradient.any()


@either
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nothing_is_waited_for(monkeypatch, logits, reduction):
    x, y = sample(30, logits)
    x = x.clamp(0.01, 0.99)
    expected = exactly(monkeypatch, logits, x, y, reduction=reduction, upstream=None)

    def refused(*_):
        raise AssertionError("the host looked at a value")

    for name in ("item", "__bool__", "__float__", "tolist", "nonzero"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    found = both(LOSSES[logits], x, y, reduction=reduction)
    scaled = both(lambda *a, **k: 3 * LOSSES[logits](*a, **k), x, y, reduction=reduction)
    monkeypatch.undo()
    torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-6, atol=0)
    torch.testing.assert_close(found[1].double(), expected[1], rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(scaled[1].double(), 3 * expected[1], rtol=1e-6, atol=3e-7)


@either
@pytest.mark.parametrize("bad", [-0.5, 1.5, math.nan])
def test_bad_target_is_nan_and_the_next_call_says_so(logits, bad):
    x, y = torch.full((5,), 0.5), torch.tensor([0.0, 1.0, bad, 0.5, 1.0])
    found, slope = both(LOSSES[logits], x, y, reduction="none")
    assert found.isnan().tolist() == slope.isnan().tolist() == [False, False, True, False, False]
    message = r"^`target` of an earlier call held a number outside \[0, 1\]. The loss of its element is NaN.$"
    with pytest.raises(DistributionError, match=message):
        LOSSES[logits](x, x)
    LOSSES[logits](x, x)


def test_bad_probability_is_nan_and_the_next_call_says_so():
    q = torch.tensor([0.5, 1.0 + 2**-20, -0.0])
    assert xt.binary_cross_entropy(q, torch.zeros(3), reduction="none").isnan().tolist() == [False, True, False]
    with pytest.raises(DistributionError, match=r"^`input` of an earlier call held a number outside \[0, 1\]"):
        xt.binary_cross_entropy(q, torch.zeros(3))


def layouts(a):
    room = torch.zeros(*a.shape[:-1], 3 * a.shape[-1])
    room[..., ::3] = a
    return {
        "plain": a,
        "channels last": a.contiguous(memory_format=torch.channels_last),
        "turned": a.transpose(0, 3).contiguous().transpose(0, 3),
        "gaps": room[..., ::3],
    }


@pytest.mark.parametrize("w", [(), (5,), (3, 1, 1), (2, 1, 1, 1), (2, 3, 1, 1), (3, 1, 5), (2, 3, 4, 5)])
def test_layouts_and_broadcasts(monkeypatch, w):
    w = torch.rand(w) + 0.5
    x, y = torch.randn(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    upstream = torch.rand(2, 3, 4, 5)
    options = {"reduction": "none", "pos_weight": w, "upstream": upstream}
    expected = exactly(monkeypatch, True, x, y, w, **options)
    for name, a in layouts(x).items():
        for b in (y, y.contiguous(memory_format=torch.channels_last)):
            found, slope = both(LOSSES[True], a, b, w, **options)
            torch.testing.assert_close(found.double(), expected[0], rtol=1e-6, atol=1e-7, msg=name)
            torch.testing.assert_close(slope.double(), expected[1], rtol=1e-6, atol=1e-7, msg=name)


def test_dense_layouts_and_vectors_are_not_copied():
    from xent.torch.backends.triton import binary

    shape, order = torch.Size((2, 4, 5, 3)), [0, 2, 3, 1]
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert binary._order(x) == order
    assert x.permute(order).is_contiguous()
    for size, span, times in (((), 1, 1), ((3,), 1, 3), ((2, 1, 1, 1), 60, 2), ((5, 1), 3, 5)):
        w = torch.rand(size)
        factor = binary._factor(w, shape, [0, 1, 2, 3])
        assert (factor.span, factor.times, factor.whole) == (span, times, False)
        assert factor.numbers.data_ptr() == w.data_ptr()


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.int64, torch.float64, torch.bfloat16])
def test_targets_of_every_kind(kind):
    x, y = torch.randn(50), torch.rand(50) > 0.5
    assert torch.equal(LOSSES[True](x, y.to(kind)), LOSSES[True](x, y.float()))


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025])
@pytest.mark.parametrize("wide", [False, True])
def test_blocks_and_their_ends(monkeypatch, count, wide):
    from xent.torch.backends.triton import binary

    if wide:  # places are counted in 64 bits
        monkeypatch.setattr(binary.launch, "start", lambda *a, start=binary.launch.start, **k: start(*a, **k | WIDE))
    x, y = torch.randn(count), torch.rand(count)
    w = torch.rand(()) + 1
    expected = exactly(monkeypatch, True, x, y, w)
    found, slope = both(LOSSES[True], x, y, w)
    torch.testing.assert_close(found.double(), expected[0], rtol=1e-6, atol=0)
    torch.testing.assert_close(slope.double(), expected[1], rtol=1e-6, atol=1e-7 / count)


WIDE = {"WIDE": True}


@either
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_operators_keep_their_promises_and_compile_whole(logits, reduction):
    x, y, w = torch.rand(6, 5), torch.rand(6, 5), torch.rand(5)
    plain = (y, w, None, logits, reduction, "triton")
    torch.library.opcheck(_ops_binary.binary_cross_entropy, (x.clone().requires_grad_(), *plain))
    upstream = torch.rand(6, 5) if reduction == "none" else torch.rand(())
    torch.library.opcheck(_ops_binary.binary_cross_entropy_gradient, (upstream, x, *plain))
    call = lambda a, b, c, **k: LOSSES[logits](a, b, c, **k)  # noqa: E731
    eager = both(call, x, y, w, upstream, reduction=reduction)
    whole = both(torch.compile(call, fullgraph=True, backend="aot_eager"), x, y, w, upstream, reduction=reduction)
    assert torch.equal(eager[0], whole[0])
    assert torch.equal(eager[1], whole[1])


def test_choice_and_second_derivatives():
    x = torch.randn(4, requires_grad=True)
    found = xt.choice(xt.binary_cross_entropy_with_logits, x, torch.rand(4))
    assert found[:2] == ("triton", "in forward")
    assert xt.choice(xt.binary_cross_entropy_with_logits, x, torch.rand(4), reduction="none")[1] == "in backward"
    loss = xt.binary_cross_entropy_with_logits(x, torch.rand(4))
    with pytest.raises(BackendUnavailable, match="^XENT_BACKEND=triton, but a derivative of the gradient"):
        torch.autograd.grad(loss, x, create_graph=True)
