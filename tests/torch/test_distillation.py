"""Distillation: values, gradients, errors, and every way PyTorch differentiates and compiles."""

import itertools
import math
import os
import subprocess
import sys

import mpmath
import pytest
import torch
import torch.nn.functional as F
from samples import CLOSE, by_reference, enough, unread, wide

import xent
import xent.torch as xt
from xent import DistributionError, ShapeError, _native
from xent.torch import _ops_distillation

native = pytest.mark.skipif(not _native.available(), reason=_native.reason() or "there is a core")
forward_mode = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
every_kind = pytest.mark.parametrize("kind", ["forward", "reverse", "js"])
INF = math.inf


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def exact(s, t, kind, temperature):
    """Loss and gradient by the student of one row, 60 digits."""
    with mpmath.workdps(60):
        T = mpmath.mpf(temperature)

        def softmax(a):
            e = [mpmath.exp(mpmath.mpf(x) / T) for x in a]
            return [x / mpmath.fsum(e) for x in e]

        def kl(p, q):
            return mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(p, q, strict=True))

        p, q = softmax(s), softmax(t)
        if kind == "forward":
            return T**2 * kl(q, p), [T * (a - b) for a, b in zip(p, q, strict=True)]
        if kind == "reverse":
            loss = kl(p, q)
            return T**2 * loss, [T * a * (mpmath.log(a / b) - loss) for a, b in zip(p, q, strict=True)]
        m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        mean = kl(p, m)
        return T**2 * (mean + kl(q, m)) / 2, [T * a * (mpmath.log(a / b) - mean) / 2 for a, b in zip(p, m, strict=True)]


# How far the loss lies off, of its value, in float64 and not.
LOSS = {(b, True): 1e-14 for b in ("reference", "native")} | {(b, False): 2.0**-23 for b in ("reference", "native")}
LOSS["triton", False] = 2.0**-21


def gradient_of(student, teacher, upstream=None, **options):
    student = student.detach().requires_grad_()
    loss = xt.distillation_loss(student, teacher, **options)
    (gradient,) = torch.autograd.grad(loss, student, torch.ones_like(loss) if upstream is None else upstream)
    return loss.detach(), gradient


@every_kind
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("noise", [3.0, 0.3, 1e-2, 1e-6])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_exact_however_close_the_two_are(backend, kind, dtype, noise, temperature):
    enough((temperature, dtype) == (2.5, torch.float32) and noise in (0.3, 1e-6))
    teacher = (torch.randn(4, 13, dtype=torch.float64) * 3).to(dtype)
    student = (teacher.double() + noise * torch.randn(4, 13, dtype=torch.float64)).to(dtype)
    loss, gradient = gradient_of(student, teacher, kind=kind, temperature=temperature, reduction="none")
    result = torch.float64 if dtype == torch.float64 else torch.float32
    assert (loss.dtype, gradient.dtype) == (result, dtype)
    eps = torch.finfo(dtype).eps
    for i in range(4):
        value, slope = exact(student[i].tolist(), teacher[i].tolist(), kind, temperature)
        # Logits over the temperature, less the largest, are rounded to float64: what is left of them has that error.
        slack = 1e-14 / noise
        bound = LOSS[backend, dtype == torch.float64] + slack
        assert abs(loss[i].item() - value) <= bound * abs(value)
        scale = max(map(abs, slope))
        for j in range(13):
            close = (2.0**-19 if backend == "triton" else 2e-14 if dtype == torch.float64 else 1e-10) * scale
            close += slack * scale
            assert abs(gradient[i, j].item() - slope[j]) <= close + eps * abs(slope[j]) + torch.finfo(dtype).tiny * eps


@every_kind
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("outcomes", [1, 5, 1025, 3000])
def test_equal_logits_diverge_by_exactly_zero(backend, kind, dtype, outcomes):
    enough(dtype == torch.float32 and outcomes in (5, 1025))
    a = (torch.randn(3, outcomes) * 5).to(dtype)
    a[:, ::7] = -INF
    a[:, 0] = 1.0
    loss, gradient = gradient_of(a, a.clone(), kind=kind, temperature=1.5)
    assert loss.item() == 0
    assert not gradient.any()
    exact_shift = a + 4.0 if dtype != torch.bfloat16 else a
    if torch.equal(exact_shift - 4.0, a):
        assert gradient_of(exact_shift, a, kind=kind)[0].item() == 0


@native
@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_error_is_never_larger_than_torchs(kind, dtype):
    teacher = (torch.randn(60, 500) * 3).to(dtype)
    student = (teacher.float() + torch.randn(60, 500)).to(dtype)

    def theirs(s, t):
        p, q = F.log_softmax(s, -1), F.log_softmax(t, -1)
        if kind == "forward":
            rows = F.kl_div(p, q, reduction="none", log_target=True)
        elif kind == "reverse":
            rows = F.kl_div(q, p, reduction="none", log_target=True)
        else:
            m = torch.logaddexp(p, q) - math.log(2)
            rows = (
                F.kl_div(m, p, reduction="none", log_target=True) + F.kl_div(m, q, reduction="none", log_target=True)
            ) / 2
        return rows.sum(-1)

    def with_gradient(f, s):
        s = s.detach().requires_grad_()
        loss = f(s)
        return loss.detach().double(), torch.autograd.grad(loss.sum(), s)[0].double()

    ours = with_gradient(lambda s: xt.distillation_loss(s, teacher, kind=kind, reduction="none"), student)
    other = with_gradient(lambda s: theirs(s, teacher), student)
    truth = with_gradient(lambda s: theirs(s, teacher.double()), student.double())
    for i, kind_of in enumerate((torch.float32, dtype)):
        unit = torch.finfo(kind_of).eps * truth[i].abs()
        slack = 2 * unit if kind_of == torch.float32 else unit / 2
        # The "truth" itself is a float64 difference of logarithms.
        slack = slack + 1e-14
        assert ((ours[i] - truth[i]).abs() <= torch.maximum((other[i] - truth[i]).abs(), slack)).all()


def test_impossible_outcomes(backend):
    student = torch.tensor([[0.0, -INF, 1.0], [0.0, 1.0, 2.0], [0.0, -INF, 1.0]])
    teacher = torch.tensor([[0.0, -INF, 2.0], [0.0, -INF, 2.0], [0.0, 1.0, 2.0]])
    found = {k: xt.distillation_loss(student, teacher, kind=k, reduction="none") for k in ("forward", "reverse", "js")}
    assert found["forward"].isinf().tolist() == [False, False, True]
    assert found["reverse"].isinf().tolist() == [False, True, False]
    assert (found["js"] <= math.log(2)).all()
    pair = xt.distillation_loss(student[:1, ::2], teacher[:1, ::2], kind="forward")
    assert found["forward"][0] == pair
    _, gradient = gradient_of(student, teacher, reduction="none")
    p, q = student.double().softmax(-1), teacher.double().softmax(-1)
    torch.testing.assert_close(gradient.double(), p - q, rtol=1e-6, atol=1e-7)


@every_kind
def test_impossible_where_the_probability_only_underflows(backend, kind):
    low, never = torch.tensor([[0.0, -2000.0]]), torch.tensor([[0.0, -INF]])
    loss = (
        xt.distillation_loss(never, low, kind=kind)
        if kind != "reverse"
        else xt.distillation_loss(low, never, kind=kind)
    )
    assert loss.item() == (0 if kind == "js" else INF)


@every_kind
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("temperature", [1e-30, 1e-3, 1e4, 1e8])
def test_exact_at_the_ends_of_the_temperatures(backend, kind, dtype, temperature):
    enough(kind == "js" or temperature == 1e4)
    teacher = (torch.randn(4, 13, dtype=torch.float64) * min(temperature, 1.0) * 3).to(dtype)
    student = (teacher.double() + torch.randn(4, 13, dtype=torch.float64) * min(temperature, 1.0)).to(dtype)
    loss, gradient = gradient_of(student, teacher, kind=kind, temperature=temperature, reduction="none")
    apart = min(temperature, 1.0) / temperature  # how far the logits, divided, differ
    for i in range(4):
        value, slope = exact(student[i].tolist(), teacher[i].tolist(), kind, temperature)
        rounded = 2.0**-149 if dtype == torch.float32 else 0.0
        bound = 1e-14 * (1 + 1 / apart) + (0.0 if dtype == torch.float64 else LOSS[backend, False])
        assert abs(loss[i].item() - value) <= bound * abs(value) + rounded
        scale = max(map(abs, slope))
        for a, b in zip(gradient[i].tolist(), slope, strict=True):
            assert abs(a - b) <= (bound + (2.0**-19 if backend == "triton" else 2e-14)) * scale + rounded


@pytest.mark.parametrize("tail", ["drop", "spread"])
def test_teacher_that_names_no_outcome(backend, tail):
    student = torch.randn(2, 5)
    nothing = xent.TopK(torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, 0), tail)
    loss, gradient = gradient_of(student, nothing)
    expected, slope = gradient_of(student, torch.zeros(2, 5))
    assert torch.equal(loss, expected * (tail == "spread"))
    torch.testing.assert_close(gradient, slope * (tail == "spread"), rtol=1e-6, atol=1e-9)


@every_kind
def test_gradients_of_a_row_without_a_distribution_are_nan(backend, kind):
    enough(kind != "reverse")
    fine = torch.tensor([[0.0, -INF, 1.0, 2.0]])
    for odd in ([0.0, 1.0, math.nan, 2.0], [0.0, 1.0, INF, 2.0], [-INF] * 4):
        for s, t in ((fine, torch.tensor([odd])), (torch.tensor([odd]), fine)):
            assert gradient_of(s, t, kind=kind)[1].isnan().all()


def test_gradient_of_an_infinite_reverse_divergence_leads_away_from_it(backend):
    student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 1.0, -INF]])
    loss, gradient = gradient_of(student, teacher, kind="reverse")
    assert loss.item() == INF
    assert gradient.tolist() == [[-INF, -INF, INF]]


@native
@pytest.mark.parametrize("which", ["student", "teacher", "indices", "token_weight"])
def test_memory_that_is_freed_before_the_backward_pass(monkeypatch, which):
    monkeypatch.setenv("XENT_BACKEND", "native")
    student, weight = torch.randn(3, 5, requires_grad=True), torch.ones(3)
    teacher, indices = torch.randn(3, 5), torch.tensor([[0, 1]] * 3)
    whole = xent.TopK(indices, torch.full((3, 2), 0.5)) if which == "indices" else teacher
    loss = 2 * xt.distillation_loss(student, whole, token_weight=weight)
    freed = {"student": student, "teacher": teacher, "indices": indices, "token_weight": weight}[which]
    freed.untyped_storage().resize_(0)
    with pytest.raises(
        ValueError, match=r"^The storage of a tensor of shape \(3.*\) was freed before the loss was done"
    ):
        loss.backward()


@native
def test_nothing_large_is_kept_beside_what_goes_elsewhere():
    a = torch.zeros(2, 3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda a: a, lambda a: a):
        assert xt.choice(xt.distillation_loss, a, A)[:2] == ("native", "in backward")
        assert xt.choice(xt.linear_distillation_loss, a, A, A, A)[:2] == ("native", "in backward")


@every_kind
@pytest.mark.parametrize("odd", [math.nan, INF])
def test_rows_without_a_distribution_are_nan(backend, kind, odd):
    fine, bad = torch.randn(2, 4), torch.randn(2, 4)
    bad[1, 2] = odd
    for s, t in ((fine, bad), (bad, fine)):
        loss = xt.distillation_loss(s, t, kind=kind, reduction="none")
        assert loss.isnan().tolist() == [False, True]
    nothing = torch.full((1, 4), -INF)
    assert xt.distillation_loss(fine[:1], nothing, kind=kind).isnan()


@every_kind
def test_extreme_logits(backend, kind):
    student = torch.tensor([[1e4, 0.0, -1e4]]) + 1e4
    teacher = torch.tensor([[0.0, 1e4, -1e4]]) + 1e4
    loss, gradient = gradient_of(student, teacher, kind=kind)
    assert loss.item() == pytest.approx(math.log(2) if kind == "js" else 1e4, rel=1e-7)
    assert gradient.isfinite().all()


@every_kind
@pytest.mark.parametrize("tail", [None, "drop", "spread"])
def test_top_k_teachers(backend, kind, tail):
    if tail == "drop" and kind != "forward":
        pytest.skip("refused: it would be infinite")
    probs = torch.tensor([[0.5, 0.25, 0.125], [0.25, 0.5, 0.125]], dtype=torch.float64)
    probs = probs if tail else probs * (8 / 7)
    indices = torch.tensor([[4, 0, 2], [1, 5, 3]])
    student = torch.randn(2, 7, dtype=wide())
    t = torch.zeros(2, 7, dtype=torch.float64).scatter(1, indices, probs)
    if tail == "spread":
        t = torch.where(t == 0, 0.125 / 4, t)
    if kind == "reverse" and tail is None:
        loss = xt.distillation_loss(student, xent.TopK(indices, probs, tail), kind=kind, reduction="none")
        assert loss.isinf().all()
        return
    loss, gradient = gradient_of(student, xent.TopK(indices, probs, tail), kind=kind, temperature=2.0, reduction="none")
    s = (student.double() / 2.0).clone().requires_grad_()
    log_p, log_t = s.log_softmax(-1), t.log()
    if kind == "forward":
        value = (torch.special.xlogy(t, t) - t * log_p).sum(-1)
    elif kind == "reverse":
        value = (log_p.exp() * (log_p - log_t)).sum(-1)
    else:
        m = (log_p.exp() + t) / 2
        value = (torch.special.xlogy(t, t) - t * m.log() + log_p.exp() * (log_p - m.log())).sum(-1) / 2
    (slope,) = torch.autograd.grad(value.sum(), s)
    close = {"rtol": 10 * CLOSE[wide()], "atol": CLOSE[wide()] / 10}
    torch.testing.assert_close(loss.double(), 4 * value.detach(), **close)
    torch.testing.assert_close(gradient.double(), 2 * slope, **close)


def test_dropped_tail_with_no_mass_counts_nothing(backend):
    teacher = xent.TopK(torch.tensor([[0, 1]]), torch.zeros(1, 2), "drop")
    loss, gradient = gradient_of(torch.randn(1, 4), teacher)
    assert loss.item() == 0
    assert not gradient.any()


@every_kind
def test_row_of_weight_zero_is_not_read(backend, kind):
    student, teacher = torch.randn(4, 6), torch.randn(4, 6)
    weight = torch.tensor([1.0, 0.0, 2.5, 0.0])
    expected, slope = gradient_of(student[::2], teacher[::2], kind=kind, token_weight=weight[::2])
    student[1], teacher[3] = math.nan, math.nan
    loss, gradient = gradient_of(student, teacher, kind=kind, token_weight=weight)
    assert torch.equal(loss, expected)
    assert torch.equal(gradient[::2], slope)
    assert not gradient[1::2].any()
    each = xt.distillation_loss(student, teacher, kind=kind, token_weight=weight, reduction="none")
    assert each[1] == each[3] == 0
    torch.testing.assert_close(each.sum() / 3.5, loss, rtol=1e-6, atol=0)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_nothing_to_average_is_zero(backend, reduction):
    loss, gradient = gradient_of(torch.empty(0, 5), torch.empty(0, 5), reduction=reduction)
    assert loss.item() == 0
    assert gradient.shape == (0, 5)
    a, b = torch.full((2, 5), math.nan), torch.randn(2, 5)
    loss, gradient = gradient_of(a, b, token_weight=torch.zeros(2), reduction=reduction)
    assert loss.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("tensor", [False, True])
def test_denominator_makes_micro_batches_one_batch(backend, tensor):
    student, teacher = torch.randn(6, 9, dtype=wide()), torch.randn(6, 9, dtype=wide())
    loss, gradient = gradient_of(student, teacher)
    n = torch.tensor(6.0) if tensor else 6
    parts = [gradient_of(student[i : i + 2], teacher[i : i + 2], denominator=n) for i in (0, 2, 4)]
    close = 1e-14 if wide() == torch.float64 else 1e-6
    torch.testing.assert_close(sum(p[0] for p in parts), loss, rtol=close, atol=0)
    torch.testing.assert_close(torch.cat([p[1] for p in parts]), gradient, rtol=close, atol=close / 1e3)


@native
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_layout_changes_no_bit(dtype):
    student, teacher = torch.randn(6, 10).to(dtype), torch.randn(6, 10).to(dtype)
    loss, gradient = gradient_of(student, teacher)
    assert torch.equal(loss, xt.distillation_loss(student.T.contiguous().T, teacher.T.contiguous().T))
    shaped = gradient_of(student.reshape(2, 3, 10), teacher.reshape(2, 3, 10))
    assert torch.equal(shaped[0], loss)
    assert torch.equal(shaped[1], gradient.reshape(2, 3, 10))
    room = torch.zeros(6, 15, dtype=dtype)
    room[:, :10] = student
    assert torch.equal(gradient_of(room[:, :10], teacher)[1], gradient)
    one = gradient_of(student[:1].expand(4, 10), teacher[:4])
    assert torch.equal(one[0], xt.distillation_loss(student[:1].repeat(4, 1), teacher[:4]))
    raw = bytearray(b"\0" + student.view(torch.uint8).numpy().tobytes())
    row = torch.frombuffer(raw, dtype=dtype, offset=1, count=10)
    assert row.data_ptr() % row.element_size()
    assert torch.equal(xt.distillation_loss(row, teacher[0]), xt.distillation_loss(student[0], teacher[0]))


def test_callers_tensors_are_left_alone_and_the_teacher_gets_no_gradient(backend):
    student, teacher = torch.randn(4, 7, requires_grad=True), torch.randn(4, 7, requires_grad=True)
    before = student.detach().clone(), teacher.detach().clone()
    xt.distillation_loss(student, teacher, kind="js").backward()
    assert torch.equal(student, before[0])
    assert torch.equal(teacher, before[1])
    assert student.grad is not None
    assert teacher.grad is None


@every_kind
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_upstream_gradients_and_a_graph_kept(backend, kind, reduction):
    enough((kind, reduction) in (("forward", "none"), ("js", "mean")))
    student, teacher = torch.randn(5, 8, requires_grad=True), torch.randn(5, 8)
    loss = xt.distillation_loss(student, teacher, kind=kind, reduction=reduction)
    upstream = torch.randn(5) if reduction == "none" else torch.tensor(-0.37)
    ones = torch.ones_like(upstream)
    first = torch.autograd.grad(loss, student, upstream, retain_graph=True)[0]
    one = torch.autograd.grad(loss, student, ones, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(loss, student, ones, retain_graph=True)[0], one)
    assert torch.equal(torch.autograd.grad(loss, student, upstream)[0], first)
    wide = upstream.unsqueeze(-1) if reduction == "none" else upstream
    torch.testing.assert_close(first, one * wide, rtol=3e-7, atol=0)


def test_float16_gradient_survives_a_loss_scale(backend):
    n = 1000 if backend != "triton" else 60
    student, teacher = torch.randn(n, 4).half(), torch.randn(n, 4).half()
    with by_reference():
        expected = gradient_of(student.double(), teacher.double())[1] * 65536.0
    a = student.requires_grad_()
    (xt.distillation_loss(a, teacher) * 65536.0).backward()
    torch.testing.assert_close(a.grad.double(), expected, rtol=2**-11, atol=2**-25)


@forward_mode
@every_kind
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_first_and_second_derivatives(kind, reduction):
    student, teacher = (torch.randn(2, 4, dtype=torch.float64) for _ in range(2))
    weight = torch.rand(2, dtype=torch.float64) + 0.5
    student.requires_grad_()

    def loss(a):
        return xt.distillation_loss(a, teacher, kind=kind, temperature=1.3, token_weight=weight, reduction=reduction)

    assert torch.autograd.gradcheck(loss, (student,))
    assert torch.autograd.gradgradcheck(loss, (student,))
    weight = weight.requires_grad_()
    every = lambda a, w: xt.distillation_loss(a, teacher, kind=kind, token_weight=w, reduction=reduction)  # noqa: E731
    assert torch.autograd.gradcheck(every, (student, weight), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(every, (student, weight))


@forward_mode
@every_kind
def test_transforms_of_torch_func(kind):
    student, teacher = (torch.randn(5, 3, dtype=torch.float64) for _ in range(2))
    loss = lambda a, b: xt.distillation_loss(a, b, kind=kind)  # noqa: E731
    each = torch.func.vmap(torch.func.grad(loss))(student, teacher)
    torch.testing.assert_close(
        each, gradient_of(student, teacher, kind=kind, reduction="sum")[1], rtol=1e-10, atol=1e-14
    )
    tangent = torch.randn_like(student)
    _, pushed = torch.func.jvp(lambda a: loss(a, teacher), (student,), (tangent,))
    torch.testing.assert_close(
        pushed, (gradient_of(student, teacher, kind=kind)[1] * tangent).sum(), rtol=1e-10, atol=0
    )


@every_kind
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled_whole_gives_the_same_bits(backend, kind, reduction):
    enough(kind == "js")
    torch.compiler.reset()  # one function is compiled for few backends and options
    student, teacher = torch.randn(6, 11, requires_grad=True), torch.randn(6, 11)
    call = lambda a: xt.distillation_loss(a, teacher, kind=kind, temperature=2.0, reduction=reduction)  # noqa: E731
    loss, whole = call(student), torch.compile(call, fullgraph=True, backend="aot_eager")(student)
    assert torch.equal(loss, whole)
    assert torch.equal(torch.autograd.grad(loss.sum(), student)[0], torch.autograd.grad(whole.sum(), student)[0])


@native
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("sparse", [False, True])
def test_operators_keep_their_promises(reduction, sparse):
    student, weight = torch.randn(4, 6, requires_grad=True), torch.rand(4)
    teacher, probs, tail = torch.randn(4, 6), None, None
    if sparse:
        teacher, probs, tail = torch.tensor([[0, 1]] * 4), torch.full((4, 2), 0.25), "drop"
    rest = (teacher, probs, weight, None, "forward", 2.0, tail, reduction, None, "native")
    torch.library.opcheck(_ops_distillation.distillation, (student, *rest))
    upstream = torch.rand(4) if reduction == "none" else torch.rand(())
    torch.library.opcheck(_ops_distillation.distillation_gradient, (upstream, student.detach(), *rest))


A = torch.zeros(2, 3)
PAIR = (torch.tensor([[0, 1], [1, 2]]), torch.tensor([[0.5, 0.25], [0.5, 0.25]]))
BAD = {
    "kind": (lambda: xt.distillation_loss(A, A, kind="kl"), ValueError,
        '`kind` is \'kl\'; it is "forward", "reverse" or "js".'),
    "reduction": (lambda: xt.distillation_loss(A, A, reduction="batchmean"), ValueError,
        '`reduction` is \'batchmean\'; it is "none", "mean" or "sum".'),
    "temperature": (lambda: xt.distillation_loss(A, A, temperature=0.0), ValueError,
        "`temperature` is 0; it lies between 1e-30 and 1e+08."),
    "temperature too high": (lambda: xt.distillation_loss(A, A, temperature=10**400), ValueError,
        "`temperature` is inf; it lies between 1e-30 and 1e+08."),
    "temperature NaN": (lambda: xt.distillation_loss(A, A, temperature=math.nan), ValueError,
        "`temperature` is nan; it lies between 1e-30 and 1e+08."),
    "temperature with a gradient": (
        lambda: xt.distillation_loss(A, A, temperature=torch.ones((), requires_grad=True)), TypeError,
        "`temperature` requires a gradient, and an option has none. Divide the logits by it, and multiply the loss by"),
    "temperature of nothing": (lambda: xt.distillation_loss(A, A, temperature=None), TypeError,
        "`temperature` is None; it is a number."),
    "shapes": (lambda: xt.distillation_loss(A, torch.zeros(2, 4)), ShapeError,
        "`teacher` has shape (2, 4) and `student` (2, 3); they have the same shape."),
    "no outcome": (lambda: xt.distillation_loss(torch.zeros(2, 0), torch.zeros(2, 0)), ShapeError,
        "`student` has shape (2, 0); its last axis holds at least one logit."),
    "a number": (lambda: xt.distillation_loss(torch.zeros(()), torch.zeros(())), ShapeError,
        "`student` has shape (); its last axis holds at least one logit."),
    "dtype": (lambda: xt.distillation_loss(A, A.long()), TypeError,
        "`teacher` has dtype torch.int64; it is float64, float32, bfloat16 or float16."),
    "token_weight": (lambda: xt.distillation_loss(A, A, token_weight=torch.ones(3)), ShapeError,
        "`token_weight` has shape (3,); it holds one number a row, shape (2,)."),
    "denominator": (lambda: xt.distillation_loss(A, A, denominator=0), ValueError,
        "`denominator` is 0; it is a finite number above 0."),
    "denominator tensor": (lambda: xt.distillation_loss(A, A, denominator=torch.zeros(())), ValueError,
        "`denominator` is 0; it is a finite number above 0."),
    "denominator of a sum": (lambda: xt.distillation_loss(A, A, reduction="sum", denominator=3), ValueError,
        '`denominator` is for `reduction="mean"`; it makes no sense with "sum".'),
    "tail not said": (lambda: xt.distillation_loss(A, xent.TopK(*PAIR)), DistributionError,
        "`teacher.probs` row 0 sums to 0.75."),
    "dropped tail": (lambda: xt.distillation_loss(A, xent.TopK(*PAIR, "drop"), kind="js"), ValueError,
        '`teacher` drops its tail, so that kind="js" would be infinite; pass `tail="spread"`, or kind="forward".'),
    "index": (lambda: xt.distillation_loss(A, xent.TopK(PAIR[0] + 1, PAIR[1], "drop")), DistributionError,
        "`teacher.indices` has 1 label outside [0, 3); 3 at row (1, 1)."),
    "index twice": (lambda: xt.distillation_loss(A, xent.TopK(PAIR[0] * 0, PAIR[1], "drop")), DistributionError,
        "`teacher.indices` row 0 names an outcome twice."),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_plain_sentence(backend, case):
    call, kind, message = BAD[case]
    if kind is DistributionError or case == "denominator tensor":
        unread()
    with torch.device("cpu"), pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@native
def test_choice_says_what_runs_and_why():
    a = torch.zeros(2, 3, requires_grad=True)
    assert xt.choice(xt.distillation_loss, a, A)[:2] == ("native", "in forward")
    assert xt.choice(xt.distillation_loss, a, A, reduction="none")[:2] == ("native", "in backward")
    found = xt.choice(xt.distillation_loss, a, A, token_weight=torch.ones(2, requires_grad=True))
    assert (found.backend, found.reason) == ("reference", "`token_weight` requires a gradient")


BITS = """
import hashlib, torch, xent, xent.torch as xt
i = torch.arange(60 * 4001, dtype=torch.int64).reshape(60, 4001)
noise = ((i * 2654435761) % 2**24).double() / 2**24
digest = hashlib.sha256()
for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
    t = ((noise - 0.5) * 20).to(dtype)
    s = (t.double() + noise.flip(0)).to(dtype).requires_grad_()
    top = xent.TopK(i[:, :5] % 4001, noise[:, :5] / 5, "spread")
    for teacher in (t, top):
        for kind in ("forward", "reverse", "js"):
            loss = xt.distillation_loss(s, teacher, kind=kind, temperature=1.7)
            g, = torch.autograd.grad(loss, s)
            for a in (loss.detach(), g):
                digest.update(a.double().numpy().tobytes())
print(digest.hexdigest())
"""


@native
def test_same_bits_for_any_threads_and_instruction_set():
    from xent import _core

    found = set()
    for isa, threads in zip(_core.runnable(), itertools.cycle(("3", "1")), strict=False):
        env = {**os.environ, "XENT_ISA": isa, "XENT_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", BITS], env=env, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert len(found) == 1
