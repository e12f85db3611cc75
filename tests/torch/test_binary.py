"""Binary losses: values, gradients, errors, and every way PyTorch differentiates and compiles."""

import math
import subprocess
import sys

import mpmath
import pytest
import torch
import torch.nn.functional as F
from samples import enough, unread

import xent.torch as xt
from xent import DistributionError, ShapeError, _native
from xent.torch import _ops_binary

native = pytest.mark.skipif(not _native.available(), reason=_native.reason() or "there is a core")
FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
LOSSES = {True: xt.binary_cross_entropy_with_logits, False: xt.binary_cross_entropy}
INF = math.inf
# PyTorch's own forward-mode rules are still made with torch.jit.script.
forward_mode = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


def exact(x, y, *, logits, w=1.0, v=1.0):
    """Loss and gradient of one element, 50 digits."""
    with mpmath.workdps(50):
        x, y, w, v = map(mpmath.mpf, (x, y, w, v))
        if logits:
            soft = lambda t: mpmath.log1p(mpmath.exp(-abs(t))) + max(t, 0)  # noqa: E731  # a formula
            sigma = lambda t: 1 / (1 + mpmath.exp(-t)) if t > 0 else mpmath.exp(t) / (1 + mpmath.exp(t))  # noqa: E731
            return w * (v * y * soft(-x) + (1 - y) * soft(x)), w * ((1 - y) * sigma(x) - v * y * sigma(-x))
        one = -mpmath.log(x) if y else 0
        zero = 0 if y == 1 else -mpmath.log(1 - x) if x != 1 else mpmath.inf
        below = 1 - x if y == 0 else x if y == 1 else x * (1 - x)
        above = 1 if y == 0 else -1 if y == 1 else x - y
        return w * (y * one + (1 - y) * zero), w * above / below if below else mpmath.sign(above) * mpmath.inf


def sample(dtype, logits, n=400, seed=0):
    """Inputs over every size there is, labels hard and soft, and those where the gradient cancels."""
    with torch.device("cpu"):
        x, y = _sample(dtype, logits, n, seed)
    return x.to(torch.get_default_device()), y.to(torch.get_default_device())


def _sample(dtype, logits, n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, generator=g, dtype=torch.float64) * torch.logspace(-6, 2, n, dtype=torch.float64)
    if not logits:
        tiny = {torch.float16: 1e-6}.get(dtype, 1e-30)
        x = torch.where(x > 0, torch.rand(n, generator=g, dtype=torch.float64), x.abs().clamp(tiny, 1.0))
    x = x.to(dtype)
    y = torch.rand(n, generator=g, dtype=torch.float64)
    y[::3] = y[::3].round()
    y[1::6] = (x.double().sigmoid() if logits else x.double())[1::6]
    return x, y.to(dtype)


def ulps(a, exactly, dtype):
    """How many units in the last place of `dtype` a value lies off."""
    info = torch.finfo(dtype)
    size = abs(exactly)
    if size == 0 or size >= info.max * (1 + info.eps / 4):
        return 0.0 if float(a) == (math.copysign(INF, exactly) if size else 0.0) else INF
    exponent = int(mpmath.floor(mpmath.log(size, 2)))
    unit = mpmath.mpf(2) ** max(
        exponent - round(-math.log2(info.eps)), round(math.log2(info.smallest_normal * info.eps))
    )
    return float(abs(mpmath.mpf(float(a)) - exactly) / unit)


@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("dtype", FLOATS)
def test_loss_and_gradient_are_exact_to_the_last_places(backend, logits, dtype):
    x, y = sample(dtype, logits)
    x.requires_grad_()
    loss = LOSSES[logits](x, y, reduction="none")
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    result = torch.float64 if dtype == torch.float64 else torch.float32
    assert loss.dtype == result
    assert gradient.dtype == dtype
    loss, x = loss.detach(), x.detach()
    bound, half = (2 if result == torch.float32 and backend != "triton" else 4), dtype.itemsize == 2
    halves = 0.5 + 1e-6
    if backend == "triton":  # 4 units of float32 before; the interpreter cuts what a GPU rounds to bfloat16
        halves = 0.501 if dtype == torch.float16 or x.is_cuda else 1.001
    # Where label and probability are nearly the same, the gradient is the difference of two terms that each have an
    # error of their own: float64's in the reference, less than that in the core.
    if dtype == torch.float64:
        each = 2.0**-50 if backend == "reference" else 2.0**-56 if logits else 0.0
    else:
        each = 2.0**-24 if backend == "triton" else 2.0**-41
    for i in range(len(x)):
        value, slope = exact(x[i].item(), y[i].item(), logits=logits)
        assert ulps(loss[i], value, result) <= bound, (x[i].item(), y[i].item())
        cancelled = abs(float(gradient[i]) - float(slope)) <= each if logits or backend != "native" else False
        assert cancelled or ulps(gradient[i], slope, dtype) <= (halves if half else bound), (
            x[i].item(),
            y[i].item(),
        )


@native
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradient_where_label_and_probability_nearly_agree_has_the_stated_error(dtype):
    x = torch.linspace(-8, 8, 1001, dtype=torch.float64).to(dtype)
    x[0] = 0.358356773853302
    y = x.double().sigmoid().to(dtype)
    y[0] = 0.5886425971984863
    for v in (1.0, 3.0):
        p = y / (v - (v - 1) * y)  # where the two terms cancel
        a = x.clone().requires_grad_()
        loss = xt.binary_cross_entropy_with_logits(a, p, reduction="sum", pos_weight=torch.tensor(v, dtype=dtype))
        (gradient,) = torch.autograd.grad(loss, a)
        for i in range(len(x)):
            slope = exact(x[i].item(), p[i].item(), logits=True, v=v)[1]
            assert abs(gradient[i].item() - slope) <= v * 2.0 ** (-56 if dtype == torch.float64 else -41)


@native
@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("weighed", [False, True])
def test_error_is_never_larger_than_torchs(dtype, logits, weighed):
    x, y = sample(dtype, logits, 20000)
    if not logits:
        x = x.clamp(1e-4, 0.99)  # where torch clips nothing
    w = torch.rand(len(x)).to(dtype) + 0.5 if weighed else None
    options = {"pos_weight": w.flip(0)} if weighed and logits else {}
    theirs = F.binary_cross_entropy_with_logits if logits else F.binary_cross_entropy

    def both(f, a, b, c, o):
        a = a.detach().requires_grad_()
        loss = f(a, b, c, reduction="none", **o)
        return loss.detach().double(), torch.autograd.grad(loss.sum(), a)[0].double()

    wide = {k: a.double() for k, a in options.items()}
    truth = both(LOSSES[logits], x.double(), y.double(), None if w is None else w.double(), wide)
    ours, other = both(LOSSES[logits], x, y, w, options), both(theirs, x, y, w, options)
    for i, kind in enumerate((torch.float32, dtype)):
        unit = torch.finfo(kind).eps * truth[i].abs()
        slack = 2 * unit if kind == torch.float32 else unit / 2
        assert ((ours[i] - truth[i]).abs() <= torch.maximum((other[i] - truth[i]).abs(), slack)).all()


def test_ends_are_as_the_definition_says(backend):
    x = torch.tensor([INF, -INF, INF, -INF, 1e4, -1e4], requires_grad=True)
    y = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    loss = xt.binary_cross_entropy_with_logits(x, y, reduction="none")
    assert loss.tolist() == [0.0, 0.0, INF, INF, 1e4, 0.0]
    assert torch.autograd.grad(loss.sum(), x)[0].tolist() == [0.0, 0.0, 1.0, -1.0, 1.0, 0.0]
    q = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], requires_grad=True)
    y = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5, 0.5])
    loss = xt.binary_cross_entropy(q, y, reduction="none")
    assert loss.tolist() == [0.0, 0.0, INF, INF, INF, INF]
    assert torch.autograd.grad(loss.sum(), q)[0].tolist() == [1.0, -1.0, -INF, INF, -INF, INF]


def test_nan_logit_is_nan(backend):
    x = torch.tensor([math.nan, 1.0], requires_grad=True)
    loss = xt.binary_cross_entropy_with_logits(x, torch.tensor([1.0, 0.0]), reduction="none")
    assert loss.isnan().tolist() == [True, False]
    assert torch.autograd.grad(loss.sum(), x)[0].isnan().tolist() == [True, False]


@pytest.mark.parametrize("logits", [True, False])
def test_weight_of_zero_counts_zero(backend, logits):
    x = torch.tensor([-INF, 1.0] if logits else [0.0, 0.5], requires_grad=True)
    loss = LOSSES[logits](x, torch.ones(2), torch.tensor([0.0, 2.0]), reduction="none")
    assert loss[0] == 0
    assert loss[1] > 0
    assert torch.autograd.grad(loss.sum(), x)[0][0] == 0


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_weight_of_zero_counts_zero_whatever_it_multiplies(backend, reduction):
    q, x = torch.tensor([0.0, 1.0, 0.3]), torch.tensor([-INF, math.nan, INF])
    for function, a, options in ((BCE, q, {}), (LOGITS, x, {}), (LOGITS, x, {"pos_weight": torch.tensor(math.nan)})):
        a = a.clone().requires_grad_()
        loss = function(a, torch.tensor([1.0, 0.0, 1.0]), torch.zeros(3), reduction=reduction, **options)
        assert not loss.any()
        assert torch.autograd.grad(loss.sum(), a)[0].tolist() == [0.0, 0.0, 0.0]


def test_gradient_by_a_weight_of_zero_is_the_loss():
    w = torch.zeros(2, requires_grad=True)
    x, y = torch.tensor([0.3, -2.0]), torch.tensor([1.0, 0.0])
    LOGITS(x, y, w, reduction="sum").backward()
    torch.testing.assert_close(w.grad, LOGITS(x, y, reduction="none"), rtol=1e-6, atol=0)


def test_weights_may_be_integers(backend):
    x, y, w = torch.randn(50, requires_grad=True), torch.rand(50), torch.arange(50)
    for kind in (torch.int64, torch.int32, torch.uint8):
        loss = LOGITS(x, y, w.to(kind), pos_weight=w.to(kind))
        expected = LOGITS(x, y, w.float(), pos_weight=w.float())
        assert torch.equal(loss, expected)
        assert torch.equal(torch.autograd.grad(loss, x)[0], torch.autograd.grad(expected, x)[0])


@native
@pytest.mark.parametrize("which", ["input", "target", "weight"])
def test_memory_that_is_freed_before_the_backward_pass(monkeypatch, which):
    monkeypatch.setenv("XENT_BACKEND", "native")
    tensors = {"input": torch.randn(3, requires_grad=True), "target": torch.rand(3), "weight": torch.rand(3)}
    loss = 2 * LOGITS(**tensors)
    tensors[which].untyped_storage().resize_(0)
    with pytest.raises(
        ValueError, match=r"^The storage of a tensor of shape \(3,\) was freed before the loss was done"
    ):
        loss.backward()


@native
def test_nothing_large_is_kept_beside_what_goes_elsewhere():
    x = torch.randn(3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda a: a, lambda a: a):
        assert xt.choice(LOGITS, x, torch.rand(3))[:2] == ("native", "in backward")


@pytest.mark.parametrize("module", [xt.BCELoss, xt.BCEWithLogitsLoss])
def test_modules_refuse_options_when_they_are_made(module):
    with pytest.raises(ValueError, match='^`reduction` is \'foo\'; it is "none", "mean" or "sum".$'):
        module(reduction="foo")


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_outcomes_may_be_boolean_or_integers(backend, kind):
    enough(kind in (torch.bool, torch.int16))
    x, y = torch.randn(50), torch.rand(50) > 0.5
    assert torch.equal(
        xt.binary_cross_entropy_with_logits(x, y.to(kind)), xt.binary_cross_entropy_with_logits(x, y.float())
    )


@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_nothing_to_average_is_zero(backend, logits, reduction):
    x = torch.empty(0, 3, requires_grad=True)
    loss = LOSSES[logits](x, torch.empty(0, 3), reduction=reduction)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, x)[0].shape == (0, 3)


@native
@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("dtype", FLOATS)
def test_strides_change_no_bit(logits, dtype):
    x, y = (a.reshape(20, 20) for a in sample(dtype, logits))
    w = torch.rand(20).to(dtype)
    plain = x.clone().requires_grad_()
    expected = LOSSES[logits](plain, y, w.expand(20, 20).contiguous())
    (slope,) = torch.autograd.grad(expected, plain)
    room = torch.zeros(20, 60, dtype=dtype)
    room[:, ::3] = x
    layouts = {"transposed": x.T.contiguous().T, "gaps": room[:, ::3], "flipped": x.flip(1).flip(1)}
    for name, a in layouts.items():
        a = a.detach().requires_grad_()
        for target in (y, y.T.contiguous().T):
            loss = LOSSES[logits](a, target, w)
            assert torch.equal(loss, expected), name
            assert torch.equal(torch.autograd.grad(loss, a)[0], slope), name


def test_expanded_inputs(backend):
    x = torch.tensor([0.3], requires_grad=True)
    loss = xt.binary_cross_entropy_with_logits(x.expand(7), torch.ones(7), reduction="sum")
    torch.testing.assert_close(loss, 7 * F.softplus(-x.detach()).squeeze(), rtol=1e-6, atol=0)
    loss.backward()
    torch.testing.assert_close(x.grad, -7 * torch.sigmoid(-x.detach()), rtol=1e-6, atol=0)


def test_misaligned_inputs():
    values = torch.randn(9)
    raw = torch.frombuffer(bytearray(b"\0" + values.numpy().tobytes()), dtype=torch.uint8)
    odd = torch.frombuffer(bytearray(raw.numpy().tobytes()), dtype=torch.float32, offset=1, count=9)
    assert odd.data_ptr() % 4
    assert torch.equal(
        xt.binary_cross_entropy_with_logits(odd, torch.ones(9)),
        xt.binary_cross_entropy_with_logits(values, torch.ones(9)),
    )


def test_callers_tensors_are_left_alone(backend):
    x, y, w = torch.randn(100, requires_grad=True), torch.rand(100), torch.rand(100)
    before = [a.detach().clone() for a in (x, y, w)]
    xt.binary_cross_entropy_with_logits(x, y, w, pos_weight=w).backward()
    assert all(torch.equal(a, b) for a, b in zip((x, y, w), before, strict=True))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_upstream_gradients_and_a_graph_kept(backend, reduction):
    x, y = sample(torch.float32, True)
    x.requires_grad_()
    seeded = torch.Generator().manual_seed(3)
    upstream = torch.randn(400, generator=seeded).to(x.device) if reduction == "none" else torch.tensor(-0.37)
    loss = xt.binary_cross_entropy_with_logits(x, y, reduction=reduction)
    first = torch.autograd.grad(loss, x, upstream, retain_graph=True)[0]
    ones = torch.ones_like(upstream)
    one = torch.autograd.grad(loss, x, ones, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(loss, x, ones, retain_graph=True)[0], one)
    assert torch.equal(torch.autograd.grad(loss, x, upstream)[0], first)
    # Where y is nearly s(x) the reference has the difference of two terms of at most 1 x upstream, in float64.
    torch.testing.assert_close(first, one * upstream, rtol=3e-7, atol=2.0**-50 if backend == "reference" else 0)


def test_gradient_handed_out_may_be_added_to(backend):
    x, y = torch.randn(50, requires_grad=True), torch.rand(50)
    loss = xt.binary_cross_entropy_with_logits(x, y)
    loss.backward(retain_graph=True)
    once = x.grad.clone()
    loss.backward()
    torch.testing.assert_close(x.grad, 2 * once, rtol=1e-7, atol=0)


def test_float16_gradient_survives_a_loss_scale(backend):
    n = 100_000 if backend != "triton" else 10_000
    x = torch.full((n,), -3.0, dtype=torch.float16, requires_grad=True)
    (xt.binary_cross_entropy_with_logits(x, torch.zeros(n)) * 65536.0).backward()
    expected = 65536.0 * torch.sigmoid(torch.tensor(-3.0, dtype=torch.float64)) / n
    assert torch.equal(x.grad, expected.half().expand(n))


@forward_mode
@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_first_and_second_derivatives(logits, reduction):
    g = torch.Generator().manual_seed(3)
    x = torch.rand(2, 4, generator=g, dtype=torch.float64) * 0.8 + 0.1
    y, w, v = (torch.rand(2, 4, generator=g, dtype=torch.float64) * 0.8 + 0.1 for _ in range(3))
    extra = {"pos_weight": v} if logits else {}
    x.requires_grad_()
    once = lambda a: LOSSES[logits](a, y, w, reduction=reduction, **extra)  # noqa: E731
    assert torch.autograd.gradcheck(once, (x,))
    assert torch.autograd.gradgradcheck(once, (x,))
    for a in (y, w, v):
        a.requires_grad_()
    every = lambda a, b, c, d: LOSSES[logits](a, b, c, reduction=reduction, **({"pos_weight": d} if logits else {}))  # noqa: E731
    args = (x, y, w, v) if logits else (x, y, w)
    check = every if logits else lambda a, b, c: every(a, b, c, None)
    assert torch.autograd.gradcheck(check, args, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(check, args)


@forward_mode
@pytest.mark.parametrize("logits", [True, False])
def test_transforms_of_torch_func(logits):
    x, y = torch.rand(5, 3, dtype=torch.float64), torch.rand(5, 3, dtype=torch.float64)
    loss = lambda a, b: LOSSES[logits](a, b)  # noqa: E731
    each = torch.func.vmap(torch.func.grad(loss))(x, y)
    for i in range(5):
        a = x[i].clone().requires_grad_()
        torch.testing.assert_close(each[i], torch.autograd.grad(loss(a, y[i]), a)[0], rtol=1e-12, atol=0)
    t = torch.rand_like(x)
    _, tangent = torch.func.jvp(lambda a: loss(a, y), (x,), (t,))
    a = x.clone().requires_grad_()
    torch.testing.assert_close(tangent, (torch.autograd.grad(loss(a, y), a)[0] * t).sum(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled_whole_gives_the_same_bits(backend, logits, reduction):
    enough(logits)
    torch.compiler.reset()  # one function is compiled for few backends and options
    x, y = sample(torch.float32, logits)
    w = torch.rand(400)

    def step(a):
        loss = LOSSES[logits](a, y, w, reduction=reduction)
        return loss, torch.autograd.grad(loss.sum(), a)[0]

    eager = step(x.clone().requires_grad_())
    whole = torch.compile(lambda a: LOSSES[logits](a, y, w, reduction=reduction), fullgraph=True, backend="aot_eager")
    a = x.clone().requires_grad_()
    loss = whole(a)
    assert torch.equal(loss, eager[0])
    assert torch.equal(torch.autograd.grad(loss.sum(), a)[0], eager[1])


@native
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_operators_keep_their_promises(reduction):
    x, y = torch.randn(6, 5, requires_grad=True), torch.rand(6, 5)
    w = torch.rand(5)
    torch.library.opcheck(_ops_binary.binary_cross_entropy, (x, y, w, None, True, reduction, "native"))
    upstream = torch.rand(6, 5) if reduction == "none" else torch.rand(())
    args = (upstream, x.detach(), y, w, w, True, reduction, "native")
    torch.library.opcheck(_ops_binary.binary_cross_entropy_gradient, args)


BCE, LOGITS = xt.binary_cross_entropy, xt.binary_cross_entropy_with_logits
BAD = {
    "input above 1": (lambda: BCE(torch.tensor([[0.5, 2.0]]), torch.zeros(1, 2)), DistributionError,
        "`input` is 2 at (0, 1), outside [0, 1]. If these are logits, use `binary_cross_entropy_with_logits`."),
    "input NaN": (lambda: BCE(torch.tensor([math.nan]), torch.zeros(1)), DistributionError,
        "`input` is NaN at 0, outside [0, 1]."),
    "target below 0": (lambda: LOGITS(torch.zeros(2), torch.tensor([0.0, -0.5])), DistributionError,
        "`target` is -0.5 at 1, outside [0, 1]. It is the probability of 1; class indices are for `cross_entropy`."),
    "target of classes": (lambda: LOGITS(torch.zeros(2), torch.tensor([0, 2])), DistributionError,
        "`target` is 2 at 1, outside [0, 1]."),
    "target NaN": (lambda: LOGITS(torch.zeros(()), torch.tensor(math.nan)), DistributionError,
        "`target` is NaN, outside [0, 1]."),
    "shapes": (lambda: BCE(torch.zeros(2, 1), torch.zeros(2)), ShapeError,
        "`target` has shape (2,) and `input` (2, 1); they have the same shape."),
    "weight": (lambda: BCE(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2)), ShapeError,
        "`weight` has shape (2,), which does not broadcast to that of `input`, (2, 3)."),
    "weight too wide": (lambda: BCE(torch.zeros(2), torch.zeros(2), torch.ones(3, 2)), ShapeError,
        "`weight` has shape (3, 2), which does not broadcast to that of `input`, (2,)."),
    "pos_weight": (lambda: LOGITS(torch.zeros(2), torch.zeros(2), pos_weight=torch.ones(3)), ShapeError,
        "`pos_weight` has shape (3,), which does not broadcast to that of `input`, (2,)."),
    "reduction": (lambda: BCE(torch.zeros(2), torch.zeros(2), None, "batchmean"), ValueError,
        '`reduction` is \'batchmean\'; it is "none", "mean" or "sum".'),
    "dtype": (lambda: LOGITS(torch.zeros(2, dtype=torch.int64), torch.zeros(2)), TypeError,
        "`input` has dtype torch.int64; it is float64, float32, bfloat16 or float16."),
    "target dtype": (lambda: LOGITS(torch.zeros(2), torch.zeros(2, dtype=torch.complex64)), TypeError,
        "`target` has dtype torch.complex64;"),
    "no tensor": (lambda: LOGITS([0.0], torch.zeros(1)), TypeError, "`input` is a list; it is a torch.Tensor."),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_plain_sentence(case, backend):
    call, kind, message = BAD[case]
    if kind is DistributionError:
        unread()
    with torch.device("cpu"), pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@native
def test_choice_says_what_runs_and_why():
    x, y = torch.zeros(2, requires_grad=True), torch.zeros(2)
    found = xt.choice(xt.binary_cross_entropy_with_logits, x, y)
    assert (found.backend, found.gradient) == ("native", "in forward")
    found = xt.choice(xt.binary_cross_entropy, x, y, reduction="none")
    assert (found.backend, found.gradient) == ("native", "in backward")
    found = xt.choice(xt.binary_cross_entropy_with_logits, x, y, pos_weight=torch.ones(2, requires_grad=True))
    assert (found.backend, found.reason) == ("reference", "`pos_weight` requires a gradient")


def test_modules_hold_the_options_and_show_them():
    x, y, w = torch.randn(4, 3), torch.rand(4, 3), torch.rand(3)
    loss = xt.BCEWithLogitsLoss(w, reduction="sum", pos_weight=w)
    assert (
        repr(loss) == "BCEWithLogitsLoss(weight=tensor of shape (3,), reduction='sum', pos_weight=tensor of shape (3,))"
    )
    assert torch.equal(loss(x, y), xt.binary_cross_entropy_with_logits(x, y, w, "sum", w))
    assert set(loss.state_dict()) == set(torch.nn.BCEWithLogitsLoss(w, pos_weight=w).state_dict())
    assert loss.double().pos_weight.dtype == torch.float64
    plain = xt.BCELoss()
    assert repr(plain) == "BCELoss()"
    assert torch.equal(plain(x.sigmoid(), y), xt.binary_cross_entropy(x.sigmoid(), y))


BITS = """
import hashlib, torch, xent.torch as xt
n = 300_000
i = torch.arange(n, dtype=torch.int64)
noise = ((i * 2654435761) % 2**24).double() / 2**24
digest = hashlib.sha256()
for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
    x, y, w = ((noise - 0.5) * 30).to(dtype), noise.flip(0).to(dtype), noise.roll(1).to(dtype)
    q = noise.to(dtype)
    for f, a, more in ((xt.binary_cross_entropy_with_logits, x, {"pos_weight": w}), (xt.binary_cross_entropy, q, {})):
        a = a.requires_grad_()
        for reduction in ("mean", "none"):
            loss = f(a, y, w, reduction=reduction, **more)
            g, = torch.autograd.grad(loss.sum(), a)
            for t in (loss.detach(), g):
                digest.update(t.double().numpy().tobytes())
print(digest.hexdigest())
"""


@native
def test_same_bits_for_any_threads_and_instruction_set():
    import itertools
    import os

    from xent import _core

    found = set()
    for isa, threads in zip(_core.runnable(), itertools.cycle(("3", "1")), strict=False):
        env = {**os.environ, "XENT_ISA": isa, "XENT_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", BITS], env=env, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert len(found) == 1
