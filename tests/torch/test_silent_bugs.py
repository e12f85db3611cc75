"""What losses elsewhere got wrong without a word: each rule has its test, on every backend."""

import mmap

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from samples import DTYPES, close, enough, same_bits, sample, value_and_gradient, wide

import xent.torch as xt
from xent import TopK, _native
from xent.testing import ulp_error
from xent.torch import _rows

native = pytest.mark.skipif(not _native.available(), reason="no compiled core")
NAME = {t: str(t).removeprefix("torch.") for t in DTYPES}
TINY = torch.finfo(torch.float32).tiny
HALF = 0.51  # ulp, as promised: rounded once, from float64
# float64 is computed in float64, where z - max is rounded, and e to that power is off |z - max| times as much.
BOUND = {torch.float64: 8.0, torch.float32: HALF, torch.bfloat16: HALF, torch.float16: HALF}


def exact(x, y, upstream):
    """Losses and gradients of rows of logits and labels, to 50 digits."""
    with mp.workdps(50):
        losses, gradients = [], []
        for row, label, u in zip(x.double().tolist(), y.tolist(), upstream.double().tolist(), strict=True):
            relative = [mp.exp(mpf(v) - mpf(row[label])) for v in row]
            total = mp.fsum(relative)
            others = mp.fsum(r for j, r in enumerate(relative) if j != label)
            losses.append(mp.log1p(others))
            gradients += [mpf(u) * (-others / total if j == label else r / total) for j, r in enumerate(relative)]
        return losses, gradients


def kernels_bound(kind, far):
    """Ulps of a number that Triton's kernels make in float32: e^-far is off as far is rounded, before all is rounded.

    The interpreter cuts bfloat16 off where a GPU rounds.
    """
    rounding = 1.0 if kind == torch.bfloat16 and not torch.cuda.is_available() else 0.5
    return rounding + (3.0 + far) * torch.finfo(torch.float32).eps / torch.finfo(kind).eps


def check(x, y, dtype):
    """Loss and gradient, for random upstream gradients, within the bound of their dtypes."""
    upstream = torch.randn(len(x), generator=torch.Generator().manual_seed(5), device="cpu").to(x.device)
    a = x.detach().requires_grad_()
    loss = xt.cross_entropy(a, y, reduction="none")
    (gradient,) = torch.autograd.grad(loss, a, upstream.to(loss.dtype))
    losses, gradients = exact(x, y, upstream.to(loss.dtype))
    below = x.double().amax(1, keepdim=True) - x.double()
    for values, truths, kind, far in (
        (loss, losses, loss.dtype, below.topk(2, largest=False).values[:, 1]),
        (gradient, gradients, dtype, below),
    ):
        numbers = (values.double().reshape(-1).tolist(), truths, far.reshape(-1).tolist())
        for value, truth, distance in zip(*numbers, strict=True):
            error = ulp_error(value, truth, NAME[kind])
            bound = BOUND[kind] if wide() == torch.float64 else kernels_bound(kind, distance)
            if wide() == torch.float32 and abs(truth) < TINY:  # a GPU has no subnormal numbers of e^d
                assert abs(value) <= TINY
            else:
                assert error <= bound, (value, truth, error)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_upstream_gradients_are_not_all_one(backend, dtype):
    check(*sample((6, 11), dtype, kind="labels")[:1], torch.arange(6), dtype)


@pytest.mark.parametrize("scale", [1.0, 3.0, 10.0, 30.0])
def test_float64_is_off_by_the_spread_of_the_logits(backend, scale):
    if backend == "triton":
        pytest.skip("float64 goes to the reference")
    x, y = sample((8, 23))[0] * scale / 3, torch.arange(8)
    a = x.detach().requires_grad_()
    loss = xt.cross_entropy(a, y, reduction="none")
    (gradient,) = torch.autograd.grad(loss.sum(), a)
    losses, gradients = exact(x, y, torch.ones(8))
    assert all(ulp_error(v, t, "float64") <= 2 for v, t in zip(loss.tolist(), losses, strict=True))
    allowed = 4 + (x.amax(1, keepdim=True) - x)
    for value, truth, ulps in zip(gradient.view(-1).tolist(), gradients, allowed.view(-1).tolist(), strict=True):
        assert ulp_error(value, truth, "float64") <= ulps


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_target_that_is_nearly_certain(backend, dtype):
    x = torch.zeros(6, 9, dtype=dtype)
    x[:, 4] = torch.tensor([5.0, 9.0, 12.0, 17.0, 30.0, 80.0])
    x[:, 1] = -3.5
    check(x, torch.full((6,), 4), dtype)
    check(x, torch.full((6,), 1), dtype)  # and one that nearly cannot be


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
@pytest.mark.parametrize("offset", [1e4, -1e4])
def test_logits_far_from_zero(backend, dtype, offset):
    x = (sample((6, 11))[0] * 20 + offset).to(dtype)
    check(x, torch.arange(6), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_logits_of_minus_infinity(backend, dtype):
    x, y = sample((6, 11), dtype)[0], torch.arange(6)
    full = value_and_gradient(xt.cross_entropy, x[:, ::2].contiguous(), y // 2, reduction="none")
    x[:, 1::2] = -torch.inf
    loss, gradient = value_and_gradient(xt.cross_entropy, x, y // 2 * 2, reduction="none")
    close([loss, gradient[:, ::2]], full, dtype)
    assert not gradient[:, 1::2].any()
    soft = torch.zeros(6, 11, dtype=dtype)
    soft[:, 0::10] = 0.5
    for options in ({}, {"z_loss": 0.1}, {"temperature": 2.0}, {"weight": torch.rand(11)}):
        loss, gradient = value_and_gradient(xt.cross_entropy, x, soft, **options)
        assert loss.isfinite()
        assert gradient.isfinite().all()
    s = xt.token_statistics(x, y // 2 * 2)
    assert all(a.isfinite().all() for a in s)
    assert (s.entropy <= np.log(6)).all()


def test_mass_on_what_cannot_be_is_infinite(backend):
    x = torch.tensor([[0.0, -torch.inf, 1.0], [2.0, 0.0, 0.0]])
    y, soft = torch.tensor([1, 0]), torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    for target, options in (
        (y, {}),
        (soft, {}),
        (torch.tensor([0, 0]), {"label_smoothing": 0.1}),
        (y, {"label_smoothing": 1.0}),
    ):
        loss, gradient = value_and_gradient(xt.cross_entropy, x, target, reduction="none", **options)
        assert loss[0] == torch.inf
        assert loss[1].isfinite()
        assert gradient.isfinite().all()
    assert (
        xt.cross_entropy(x, y, torch.tensor([1.0, 0.0, 1.0]), reduction="none")[0] == 0
    )  # a class that does not count
    assert xt.token_statistics(x, y).log_prob[0] == -torch.inf


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_has_no_softmax_is_nan(backend, bad):
    for row in ([bad, 0.0, 0.0], [-torch.inf] * 3, [bad] * 3):
        x, y = torch.tensor([row, [0.0, 1.0, 2.0]]), torch.tensor([1, 2])
        loss, gradient = value_and_gradient(xt.cross_entropy, x, y, reduction="none")
        assert loss[0].isnan()
        assert gradient[0].isnan().all()
        assert loss[1].isfinite()
        assert gradient[1].isfinite().all()
        assert all(a[0].isnan() and a[1].isfinite() for a in xt.token_statistics(x, y)[:3])
    assert value_and_gradient(xt.cross_entropy, torch.tensor([[bad]]), torch.tensor([0]))[0].isnan()


@pytest.mark.parametrize("ignore", [-100, -1, 0, 5, 11, 2**31 + 7, -(2**40)])
@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, 1e30])
def test_ignored_rows_are_never_read(backend, ignore, garbage):
    enough(garbage != garbage or ignore == 5)
    x, y = sample((6, 11), torch.float32)
    y = torch.tensor([1, 2, 3, 4, 6, 7])
    expected = value_and_gradient(xt.cross_entropy, x[1::2], y[1::2], label_smoothing=0.1, z_loss=0.1)
    x[::2] = garbage
    y[::2] = ignore
    options = {"label_smoothing": 0.1, "z_loss": 0.1, "ignore_index": ignore}
    loss, gradient = value_and_gradient(xt.cross_entropy, x, y, **options)
    same_bits([loss, gradient[1::2]], expected)
    assert not gradient[::2].any()
    assert not xt.cross_entropy(x, y, reduction="none", **options)[::2].any()
    s = xt.token_statistics(x.requires_grad_(), y, ignore_index=ignore)
    assert not torch.stack(s[:3])[:, ::2].any()
    assert (s.argmax[::2] == -1).all()
    assert not torch.autograd.grad([a.sum() for a in s[:3]], x)[0][::2].any()


def test_ignored_rows_have_no_second_derivative_either():
    x = torch.full((2, 3), torch.nan, dtype=torch.float64)
    x[1] = torch.tensor([0.0, 1.0, 2.0])
    x.requires_grad_()
    y = torch.tensor([-100, 1])
    for output in (xt.cross_entropy(x, y, z_loss=0.1), xt.token_statistics(x, y).entropy.sum()):
        (g,) = torch.autograd.grad(output, x, create_graph=True)
        (h,) = torch.autograd.grad((g[1] ** 2).sum(), x)
        assert not g[0].any()
        assert not h[0].any()
        assert h[1].all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
def test_the_callers_tensors_are_not_changed(backend, dtype, kind):
    enough(dtype == torch.bfloat16)
    x, target = sample((7, 5), dtype, kind=kind)
    w, tw = torch.rand(5), torch.rand(7)
    before = [a.clone() for a in (x, target, w, tw)]
    for reduction in ("mean", "none"):
        for upstream in (1.0, 2.0):
            a = x.detach().requires_grad_()
            loss = xt.cross_entropy(a, target, w, token_weight=tw, reduction=reduction, softcap=2.0, temperature=3.0)
            given = torch.full_like(loss, upstream)
            loss.backward(given, retain_graph=True)
            loss.backward(given)
            assert (given == upstream).all()
    same_bits((x, target, w, tw), before)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_twice_gives_the_same_bits(backend, dtype):
    x, y = sample((300 if wide() == torch.float64 else 9, 70), dtype)
    for reduction in ("mean", "none"):
        same_bits(*(value_and_gradient(xt.cross_entropy, x, y, reduction=reduction, z_loss=0.1) for _ in range(2)))


def test_a_gradient_that_was_handed_out_is_not_handed_out_again(backend):
    x, y = sample((7, 5), torch.float32)
    x.requires_grad_()
    loss = xt.cross_entropy(x, y)
    loss.backward(retain_graph=True)
    once = x.grad.clone()
    x.grad.mul_(100)  # it is the caller's now
    (again,) = torch.autograd.grad(loss, x, retain_graph=True)
    same_bits([again], [once])
    (double,) = torch.autograd.grad(loss, x, torch.tensor(2.0), retain_graph=True)
    same_bits([double], [2 * once])
    x.grad = None
    loss.backward(retain_graph=True)
    loss.backward()
    same_bits([x.grad], [2 * once])
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@native
def test_the_state_is_kept_where_a_gradient_is_asked_for_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "native")
    kept, loss = [], _rows.loss

    def watched(*args, **kwargs):
        found = loss(*args, **kwargs)
        kept.append((found.state is not None, found.gradient is not None))
        return found

    monkeypatch.setattr(_rows, "loss", watched)
    x, y = sample((7, 5), torch.float32)
    xt.cross_entropy(x, y, softcap=3.0)
    with torch.no_grad():
        xt.cross_entropy(x.requires_grad_(), y, softcap=3.0)
    assert kept == [(False, False)] * 2
    xt.cross_entropy(x, y, reduction="none")
    (2 * xt.cross_entropy(x, y, softcap=3.0)).backward()
    assert kept[2:] == [(True, False), (True, True)]  # and none for the gradient again


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "z_loss": 0.1, "softcap": 3.0, "temperature": 2.0}])
@pytest.mark.parametrize("shape", [(40, 5), (40, 300), (40, 1500)], ids=str)
def test_gradients_made_again_are_the_bits_of_those_made_at_once(backend, dtype, options, shape):
    enough(options and shape[1] == (1500 if dtype == torch.bfloat16 else 300))
    if wide() == torch.float32:
        shape = (3, shape[1])
    x, y = sample(shape, dtype)
    for target in (y, sample(shape, dtype, kind="probabilities")[1]):
        a = x.requires_grad_()
        loss = xt.cross_entropy(a, target, reduction="sum", **options)
        (once,) = torch.autograd.grad(loss, a, retain_graph=True)  # at once, but for float16
        (again,) = torch.autograd.grad(loss, a, retain_graph=True)
        same_bits([again], [once])
        (double,) = torch.autograd.grad(loss, a, 2 * torch.ones_like(loss))
        small = once.abs() < 4 * torch.finfo(dtype).tiny  # subnormal: rounded to fewer digits
        same_bits([double[~small]], [2 * once[~small]])


def test_logits_that_change_before_they_are_needed_again(backend):
    """Torch says so where they are; where the gradient is there already, nothing is wrong. So it is in PyTorch."""
    x, y = sample((7, 5), torch.float32)
    for softcap in (None, 3.0):
        for reduction, upstream, needed in (("none", 1.0, True), ("mean", 2.0, True), ("mean", 1.0, False)):
            a = x.detach().requires_grad_()
            b = a * 1
            loss = xt.cross_entropy(b, y, reduction=reduction, softcap=softcap)
            upstream = torch.full_like(loss, upstream)
            (expected,) = torch.autograd.grad(xt.cross_entropy(a, y, reduction=reduction, softcap=softcap), a, upstream)
            b.zero_()
            if backend == "triton" or (backend == "native" and needed):  # on a GPU only the GPU knows what is needed
                with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                    loss.backward(upstream)
            else:
                loss.backward(upstream)
                same_bits([a.grad], [expected])


def test_a_loss_scale_saves_small_gradients(backend):
    x = torch.zeros(20, 100, dtype=torch.float16)
    y = torch.zeros(20, dtype=torch.int64)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(xt.cross_entropy(x, y, denominator=2000) * 2.0**12, x)
    truth = torch.tensor(2.0**12 / 2000 / 100, dtype=torch.float64).half()
    assert (gradient[:, 1:] == truth).all()  # 5e-6 before the scale: four bits


def test_upstream_gradients_are_multiplied_in_before_rounding(backend):
    x, y = sample((6, 11), torch.bfloat16)[0], torch.arange(6)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(xt.cross_entropy(x, y, reduction="sum") * 3, x)
    _, truth = exact(x.detach(), y, torch.full((6,), 3.0))
    bound = kernels_bound(torch.bfloat16, 20.0) if backend == "triton" else HALF
    assert all(
        ulp_error(g, t, "bfloat16") <= bound for g, t in zip(gradient.double().reshape(-1).tolist(), truth, strict=True)
    )


@pytest.mark.parametrize("V", [1, 2, 7, 8, 15, 16, 17, 33, 63, 64, 65])
def test_lanes_beside_the_row_hold_nothing(backend, V):
    enough(V in (1, 7, 16, 33, 65))
    for dtype in (torch.float32, torch.bfloat16):
        x, y = torch.full((3, V), -50.0, dtype=dtype), torch.tensor([0, V // 2, V - 1])
        options = {"softcap": 3.0, "label_smoothing": 0.1, "reduction": "none"}  # a padded 0 would be far above
        loss, gradient = value_and_gradient(xt.cross_entropy, x, y, **options)
        torch.testing.assert_close(loss, torch.full((3,), float(np.log(V))))
        s = xt.token_statistics(x, y, softcap=3.0)
        torch.testing.assert_close(s.entropy, torch.full((3,), float(np.log(V))))
        assert (s.argmax == 0).all()
        if V == 1:
            assert not loss.any()
            assert not gradient.any()


def available_memory():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


@pytest.mark.slow
def test_more_than_two_to_the_31_elements(monkeypatch):
    from xent import _native

    if not _native.available() or available_memory() < 8e9:
        pytest.skip("needs the compiled core and 8 GB of memory")
    monkeypatch.setenv("XENT_BACKEND", "native")
    N, V = 16385, 131072
    empty = mmap.mmap(-1, 2 * N * V)  # zeros that take no memory until they are written
    x = torch.from_numpy(np.frombuffer(empty, dtype=np.uint16)).view(torch.bfloat16).view(N, V)
    x[-1] = torch.linspace(-5, 5, V)
    y = torch.full((N,), -100)
    y[-1] = V - 1
    a = x.requires_grad_()
    loss = xt.cross_entropy(a, y)
    loss.backward()
    same_bits([loss, a.grad[-1:]], value_and_gradient_of_one(x.detach()[-1:], y[-1:]))
    assert not a.grad[-2].any()
    assert xt.token_statistics(x.detach(), y).argmax[-1] == x.detach()[-1].argmax()


def value_and_gradient_of_one(x, y):
    x = x.clone().requires_grad_()
    loss = xt.cross_entropy(x, y)
    return loss, torch.autograd.grad(loss, x)[0]


@pytest.mark.parametrize("masked", [-1000.0, -2000.0, -1e16, -1e20, torch.finfo(torch.float32).min, -torch.inf])
def test_a_listed_outcome_without_mass_may_be_masked(backend, masked):
    # The spread mass must not be taken from a sum in which the mask has drowned everything else.
    x = torch.tensor([[1.0, 2.0, masked, 0.5]], requires_grad=True)
    target = TopK(torch.tensor([[0, 2]]), torch.tensor([[0.6, 0.0]]), tail="spread")
    loss = xt.cross_entropy(x, target)
    loss.backward()
    with mp.workdps(50):
        total = mp.fsum(mp.exp(v) for v in (1, 2, 0.5))
        truth = mp.log(total) - mpf(float(np.float32(0.6))) - (1 - mpf(float(np.float32(0.6)))) / 2 * mpf(2.5)
    assert abs(loss.item() - truth) < 1e-7
    assert x.grad[0, 2] == 0.0


def test_nothing_that_weighs_has_no_gradient_whatever_the_rows_hold(backend):
    x = torch.full((2, 5), torch.inf, requires_grad=True)
    loss = xt.cross_entropy(x, torch.tensor([0, 1]), weight=torch.zeros(5))
    loss.backward()
    assert loss.item() == 0.0
    assert (x.grad == 0).all()
