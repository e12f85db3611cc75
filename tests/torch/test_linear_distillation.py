"""Distillation of the last layer: the same as on whole logits, within its memory, however it is differentiated."""

import math

import pytest
import torch
import torch.nn.functional as F
from samples import CLOSE, by_reference, enough, wide

import xent.torch as xt
from xent import ShapeError, _native
from xent.torch import _linear_distillation_loop as loop
from xent.torch import _ops_linear_distillation
from xent.torch._distillation_operands import Rule
from xent.torch._linear_distillation_loop import Layers, Wanted

native = pytest.mark.skipif(not _native.available(), reason=_native.reason() or "there is a core")
forward_mode = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
every_kind = pytest.mark.parametrize("kind", ["forward", "reverse", "js"])
FIELDS = ("student_input", "student_weight", "student_bias", "teacher_input", "teacher_weight", "teacher_bias")
ORDER = ("student_input", "student_weight", "teacher_input", "teacher_weight")


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def layers(dtype=None, n=30, d=8, e=5, v=40, bias=True):
    made = {
        "student_input": torch.randn(n, d),
        "student_weight": torch.randn(v, d),
        "teacher_input": torch.randn(n, e),
        "teacher_weight": torch.randn(v, e),
    }
    if bias:
        made |= {"student_bias": torch.randn(v), "teacher_bias": torch.randn(v)}
    made = {k: a.to(dtype or wide()) for k, a in made.items()}
    for k in ("student_input", "student_weight", "student_bias"):
        if k in made:
            made[k].requires_grad_()
    return made


def call(made, **options):
    rest = {k: a for k, a in made.items() if k not in ORDER}
    return xt.linear_distillation_loss(*(made[k] for k in ORDER), **rest, **options)


def whole(made, **options):
    wide = {k: a.double() for k, a in made.items()}
    student = F.linear(wide["student_input"], wide["student_weight"], wide.get("student_bias"))
    teacher = F.linear(wide["teacher_input"], wide["teacher_weight"], wide.get("teacher_bias"))
    with by_reference():
        return xt.distillation_loss(student, teacher, **options)


def gradients(loss, made, upstream=None):
    asked = [a for k, a in made.items() if k.startswith("student")]
    return torch.autograd.grad(loss, asked, upstream)


def least(made):
    with pytest.raises(ValueError, match="needs at least") as error:
        call(made, memory_budget=1)
    return int(str(error.value).split("at least ")[1].rstrip(".").replace(",", ""))


@every_kind
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_same_as_on_whole_logits(backend, kind, reduction, small, bias):
    enough((kind, reduction) in (("forward", "mean"), ("js", "none")) and small == bias)
    if small and backend == "reference":
        pytest.skip("torch operations hold all the logits, whatever the budget")
    made = layers(bias=bias)
    weight = torch.rand(30) + 0.1
    weight[::4] = 0
    budget = least(made) + 2000 if small else None
    options = {"kind": kind, "temperature": 1.7, "token_weight": weight, "reduction": reduction}
    loss, expected = call(made, **options, memory_budget=budget), whole(made, **options)
    rtol, atol = (1e-12, 1e-13) if wide() == torch.float64 else (CLOSE[wide()],) * 2
    torch.testing.assert_close(loss.double(), expected, rtol=rtol, atol=atol)
    upstream = torch.rand_like(loss)
    for a, b in zip(gradients(loss, made, upstream), gradients(expected, made, upstream.double()), strict=True):
        torch.testing.assert_close(a, b, rtol=10 * rtol, atol=atol)


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision_stays_near_the_exact(backend, kind, dtype):
    enough(kind == "forward" and dtype != torch.float32)
    made = layers(dtype)
    loss, expected = call(made, kind=kind), whole(made, kind=kind)
    assert loss.dtype == torch.float32
    eps = torch.finfo(dtype).eps
    loss_close = 2e-2 if dtype == torch.bfloat16 else CLOSE[dtype] if backend == "triton" else 2e-6
    torch.testing.assert_close(loss.double(), expected, rtol=loss_close, atol=0)
    for a, b in zip(gradients(loss, made), gradients(expected, made), strict=True):
        assert a.dtype == dtype
        assert (a.double() - b.double()).norm() <= max(4 * eps, 2e-6) * b.double().norm()


@native
def test_more_chunks_do_not_cost_digits():
    made = layers(torch.bfloat16, n=512, v=64)
    exact = gradients(whole(made), made)[1].double()

    def error(budget):
        return ((gradients(call(made, memory_budget=budget), made)[1].double() - exact).norm() / exact.norm()).item()

    assert error(least(made) + 20_000) <= 1.05 * error(None)


@native
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_gradients_are_rounded_once_whatever_the_upstream_gradient(dtype):
    made, upstream = layers(dtype), torch.tensor(0.37)
    rule = Rule("forward", 1.0, None, "mean", None)
    p = Layers(*(made[k].detach() for k in FIELDS), None, None)
    found = loop.distill(p, rule, 1 << 28, Wanted(True, True, True))
    for a, b in zip(gradients(call(made), made, upstream), found[1:], strict=True):
        assert b.dtype == torch.float32
        assert torch.equal(a, (b * upstream).to(dtype))


def test_rows_of_weight_zero_are_not_read(backend):
    made = layers(torch.float32)
    weight = torch.ones(30)
    weight[3:7] = 0
    clean = call(made, token_weight=weight)
    expected = gradients(clean, made)
    with torch.no_grad():
        made["student_input"][3:7] = math.nan
        made["teacher_input"][3:7] = math.nan
    loss = call(made, token_weight=weight)
    assert torch.equal(loss, clean)
    found = gradients(loss, made)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert not found[0][3:7].any()


def test_nothing_to_average_is_zero(backend):
    made = layers(torch.float32)
    loss = call(made, token_weight=torch.zeros(30))
    assert loss.item() == 0
    assert all(not g.any() for g in gradients(loss, made))
    empty = layers(torch.float32, n=0)
    loss = call(empty)
    assert loss.item() == 0
    assert all(not g.any() for g in gradients(loss, empty))


def test_denominator_makes_micro_batches_one_batch(backend):
    made = layers()
    loss = call(made)
    expected = gradients(loss, made)
    total, sums = 0.0, None
    for at in (slice(0, 10), slice(10, 30)):
        part = {k: a[at] if k.endswith("input") else a for k, a in made.items()}
        value = call(part, denominator=torch.tensor(30))
        total += value.item()
        found = torch.autograd.grad(value, [made["student_weight"], made["student_bias"]])
        sums = found if sums is None else [a + b for a, b in zip(sums, found, strict=True)]
    rtol, atol = (1e-12, 1e-14) if wide() == torch.float64 else (CLOSE[wide()], CLOSE[wide()] / 10)
    assert total == pytest.approx(loss.item(), rel=rtol)
    for a, b in zip(sums, expected[1:], strict=True):
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


@native
def test_budget_is_kept():
    made = layers(torch.float32, n=4000, d=16, e=16, v=2000, bias=False)
    budget = 2 << 20
    call(made, memory_budget=budget).backward()  # what is made once, beforehand
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
        loss = call(made, memory_budget=budget)
    held = most = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    kept = 4 * (made["student_weight"].numel() + made["student_input"].numel())
    assert most <= budget + kept
    assert loss.item() > 0


def test_only_what_is_wanted_and_tied_weights(backend):
    made = layers()
    made["student_weight"].requires_grad_(False)
    loss = call(made)
    loss.backward()
    assert made["student_weight"].grad is None
    assert made["student_input"].grad is not None
    w = torch.randn(12, 6, dtype=wide(), requires_grad=True)
    x = F.embedding(torch.arange(9) % 12, w)
    t, u = torch.randn(9, 3, dtype=wide()), torch.randn(12, 3, dtype=wide())
    tied = torch.autograd.grad(xt.linear_distillation_loss(x, w, t, u), w, retain_graph=True)[0]
    expected = torch.autograd.grad(xt.distillation_loss(x @ w.T, t @ u.T), w)[0]
    rtol, atol = (1e-11, 1e-13) if wide() == torch.float64 else (1e-5, 1e-6)
    torch.testing.assert_close(tied, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_graph_kept_gives_the_same_again(backend, reduction):
    made = layers(torch.float32)
    loss = call(made, reduction=reduction)
    upstream = torch.ones_like(loss)
    asked = [a for k, a in made.items() if k.startswith("student")]
    first = [g.clone() for g in torch.autograd.grad(loss, asked, upstream, retain_graph=True)]
    second = torch.autograd.grad(loss, asked, upstream)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@forward_mode
@every_kind
def test_derivatives_and_transforms(kind):
    made = layers(n=3, d=2, e=2, v=4)
    tensors = [made[k] for k in ("student_input", "student_weight", "student_bias")]

    def loss(x, w, b):
        return xt.linear_distillation_loss(
            x, w, made["teacher_input"], made["teacher_weight"], student_bias=b, kind=kind
        )

    assert torch.autograd.gradcheck(loss, tensors)
    assert torch.autograd.gradgradcheck(loss, tensors)
    plain = [a.detach() for a in tensors]
    expected = torch.autograd.grad(loss(*tensors), tensors)
    for a, b in zip(torch.func.grad(loss, argnums=(0, 1, 2))(*plain), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)
    _, pushed = torch.func.jvp(loss, tuple(plain), tuple(torch.ones_like(a) for a in plain))
    torch.testing.assert_close(pushed, sum(g.sum() for g in expected), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled_whole_gives_the_same_bits(backend, reduction):
    torch.compiler.reset()  # one function is compiled for few backends and options
    made = layers(torch.float32)
    loss = call(made, reduction=reduction, temperature=2.0)
    compiled = torch.compile(
        lambda: call(made, reduction=reduction, temperature=2.0), fullgraph=True, backend="aot_eager"
    )()
    assert torch.equal(loss, compiled)
    upstream = torch.ones_like(loss)
    for a, b in zip(gradients(loss, made, upstream), gradients(compiled, made, upstream), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


@native
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_operators_keep_their_promises(reduction):
    made = layers(torch.float32, n=4, d=3, e=2, v=5)
    tensors = [
        made[k]
        for k in ("student_input", "student_weight", "student_bias", "teacher_input", "teacher_weight", "teacher_bias")
    ]
    rest = (torch.rand(4), None, "js", 1.5, None, reduction, None, 1 << 20, "native")
    torch.library.opcheck(_ops_linear_distillation.linear_distillation, (*tensors, *rest))
    upstream = torch.rand(4) if reduction == "none" else torch.rand(())
    plain = [a.detach() for a in tensors]
    torch.library.opcheck(
        _ops_linear_distillation.linear_distillation_gradient, (upstream, [True, False, True], *plain, *rest)
    )


def test_autocast_multiplies_as_linear_does(backend):
    made = layers(torch.float32, bias=False)
    with torch.autocast(torch.get_default_device().type, dtype=torch.bfloat16):
        loss = call(made)
    half = {k: a.to(torch.bfloat16) for k, a in made.items()}
    assert torch.equal(loss, call(half))
    assert gradients(loss, made)[0].dtype == torch.float32


X, W = torch.zeros(2, 3), torch.zeros(4, 3)
BAD = {
    "features": (lambda: xt.linear_distillation_loss(X, torch.zeros(4, 2), X, W), ShapeError,
        "`student_input` has shape (2, 3) and `student_weight` (4, 2); they are (..., D) and (V, D), of the same D"),
    "outcomes": (lambda: xt.linear_distillation_loss(X, W, X, torch.zeros(5, 3)), ShapeError,
        "the student has rows (2,) of 4 outcomes and the teacher (2,) of 5; both are the same."),
    "rows": (lambda: xt.linear_distillation_loss(X, W, torch.zeros(3, 3), W), ShapeError,
        "the student has rows (2,) of 4 outcomes and the teacher (3,) of 4; both are the same."),
    "dtypes": (lambda: xt.linear_distillation_loss(X, W.double(), X, W), TypeError,
        "`student_weight` has dtype torch.float64 and `student_input` torch.float32; convert one of them."),
    "bias": (lambda: xt.linear_distillation_loss(X, W, X, W, teacher_bias=torch.zeros(3)), ShapeError,
        "`teacher_bias` has shape (3,); for this `teacher_weight` it is (4,)."),
    "bias dtype": (lambda: xt.linear_distillation_loss(X, W, X, W, student_bias=torch.zeros(4).double()), TypeError,
        "`student_bias` has dtype torch.float64 and `student_weight` torch.float32; convert one of them."),
    "kind": (lambda: xt.linear_distillation_loss(X, W, X, W, kind="kl"), ValueError, "`kind` is 'kl'; it is"),
    "budget": (lambda: xt.linear_distillation_loss(X, W, X, W, memory_budget=10), ValueError,
        "`memory_budget` is 10 bytes, too little for one row of logits of student and teacher; this call needs"),
    "token_weight": (lambda: xt.linear_distillation_loss(X, W, X, W, token_weight=torch.ones(3)), ShapeError,
        "`token_weight` has shape (3,); it holds one number a row, shape (2,)."),
    "denominator": (lambda: xt.linear_distillation_loss(X, W, X, W, denominator=torch.zeros(())), ValueError,
        "`denominator` is 0; it is a finite number above 0."),
}  # fmt: skip


@native
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_plain_sentence(case):
    wrong, kind, message = BAD[case]
    with pytest.raises(kind) as error:
        wrong()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@native
def test_choice_says_what_runs_and_why():
    made = layers(torch.float32, bias=False)
    args = [made[k] for k in ORDER]
    assert xt.choice(xt.linear_distillation_loss, *args)[:2] == ("native", "in forward")
    assert xt.choice(xt.linear_distillation_loss, *args, reduction="none")[:2] == ("native", "in backward")
