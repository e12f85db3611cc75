"""The Triton kernel of distillation and what is built on it, interpreted: what is special to it."""

import math

import pytest
import torch
import torch.nn.functional as F
from test_linear_memory import most_held

import xent
import xent.torch as xt
from xent import DistributionError
from xent.torch import _ops_distillation, _ops_linear_distillation, _triton

triton = pytest.importorskip("triton")
pytestmark = pytest.mark.skipif(not _triton.interpreted(), reason="the kernels run on the CPU with TRITON_INTERPRET=1")
every_kind = pytest.mark.parametrize("kind", ["forward", "reverse", "js"])
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


@pytest.fixture(autouse=True)
def forced(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "triton")
    torch.manual_seed(0)


def pair(shape, noise=1.0, dtype=torch.float32, shift=0.0):
    teacher = (torch.randn(shape, dtype=torch.float64) * 3).to(dtype)
    return (teacher.double() + noise * torch.randn(shape, dtype=torch.float64) + shift).to(dtype), teacher


def both(loss, student, teacher, upstream=None, **options):
    student = student.detach().requires_grad_()
    found = loss(student, teacher, **options)
    upstream = torch.ones_like(found) if upstream is None else upstream.to(found.dtype)
    return found.detach(), torch.autograd.grad(found, student, upstream)[0]


def exactly(monkeypatch, student, teacher, **options):
    """Loss and gradient of the reference, in float64."""
    teacher = teacher.double() if isinstance(teacher, torch.Tensor) else teacher
    with monkeypatch.context() as at:
        at.setenv("XENT_BACKEND", "reference")
        return both(xt.distillation_loss, student.double(), teacher, **options)


def near(ours, truth, dtype=torch.float32):
    """The loss to 2^-21, the gradient of each row to as much of its largest number, then rounded to `dtype`."""
    torch.testing.assert_close(ours[0].double(), truth[0], rtol=2.0**-21, atol=0)
    digits = 2.0**-19 if dtype == torch.float32 else torch.finfo(dtype).eps
    error = (ours[1].double() - truth[1]).abs().amax(-1)
    assert (error <= digits * truth[1].abs().amax(-1)).all()


def torchs(student, teacher, kind, temperature):
    p, q = F.log_softmax(student / temperature, -1), F.log_softmax(teacher / temperature, -1)
    if kind == "forward":
        rows = F.kl_div(p, q, reduction="none", log_target=True)
    elif kind == "reverse":
        rows = F.kl_div(q, p, reduction="none", log_target=True)
    else:
        m = torch.logaddexp(p, q) - math.log(2)
        rows = sum(F.kl_div(m, a, reduction="none", log_target=True) for a in (p, q)) / 2
    return rows.sum(-1) * temperature**2


@every_kind
@pytest.mark.parametrize(
    ("noise", "temperature", "shift"), [(3.0, 1.0, 0.0), (0.3, 2.5, 77.7), (1e-5, 1.0, 0.0), (1e-3, 1e4, 0.0)]
)
def test_error_however_close_the_two_are_and_against_torchs(monkeypatch, kind, noise, temperature, shift):
    student, teacher = pair((2, 131), noise, shift=shift)
    options = {"kind": kind, "temperature": temperature, "reduction": "none"}
    truth = exactly(monkeypatch, student, teacher, **options)
    ours = both(xt.distillation_loss, student, teacher, **options)
    near(ours, truth)
    other = both(torchs, student, teacher, kind=kind, temperature=temperature)
    for i, few in enumerate((2.0**-22, 2.0**-20)):
        error, their_error = ((a[i].double() - truth[i]).norm() for a in (ours, other))
        assert error <= max(their_error, few * truth[i].norm())


@every_kind
@pytest.mark.parametrize("dtypes", [(torch.bfloat16,) * 2, (torch.float16, torch.float32), (torch.float32,) * 2])
def test_mixed_precision(monkeypatch, kind, dtypes):
    student, teacher = pair((3, 20))
    student, teacher = student.to(dtypes[0]), teacher.to(dtypes[1])
    truth = exactly(monkeypatch, student, teacher, kind=kind, reduction="none")
    near(both(xt.distillation_loss, student, teacher, kind=kind, reduction="none"), truth, dtypes[0])


@every_kind
def test_equal_rows_diverge_by_exactly_zero(kind):
    a = torch.randn(3, 300) * 5
    a[:, ::7] = -math.inf
    a[:, 0] = 1.0
    for student in (a, a + 0.0, torch.where(a.abs() < 8, a.round(), a) + 4):
        teacher = student - 4 if torch.equal(student, (student - 4) + 4) else student
        loss, gradient = both(xt.distillation_loss, student, teacher, kind=kind, temperature=1.5)
        assert loss == 0
        assert not gradient.any()


@every_kind
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (3, 65)])
def test_shapes_and_blocks(monkeypatch, kind, shape):
    from xent.torch.backends.triton import launch

    student, teacher = pair(shape)
    weight = torch.rand(shape[0]) + 0.5
    expected = exactly(monkeypatch, student, teacher, kind=kind, token_weight=weight, temperature=2.0)
    for narrow, lanes in ((128, 512), (2, 8)):  # a row in one block; in many
        monkeypatch.setattr(launch, "_NARROW", narrow)
        monkeypatch.setattr(launch, "_LANES", lanes)
        found = both(xt.distillation_loss, student, teacher, kind=kind, token_weight=weight, temperature=2.0)
        torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-6, atol=0)
        torch.testing.assert_close(found[1].double(), expected[1], rtol=1e-5, atol=1e-6)


@every_kind
@every_reduction
def test_nothing_is_waited_for(monkeypatch, kind, reduction):
    student, teacher = pair((4, 9))
    weight = torch.tensor([1.0, 0.0, 2.5, 0.5])
    upstream = torch.rand(4) if reduction == "none" else torch.tensor(-0.37)
    options = {"kind": kind, "reduction": reduction, "token_weight": weight}
    expected = [exactly(monkeypatch, student, teacher, upstream=u, **options) for u in (None, upstream)]

    def refused(*_):
        raise AssertionError("the host looked at a value")

    for name in ("item", "__bool__", "__float__", "tolist", "nonzero"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    found = [both(xt.distillation_loss, student, teacher, upstream=u, **options) for u in (None, upstream)]
    monkeypatch.undo()
    for ours, truth in zip(found, expected, strict=True):
        torch.testing.assert_close(ours[0].double(), truth[0], rtol=1e-6, atol=0)
        torch.testing.assert_close(ours[1].double(), truth[1], rtol=1e-5, atol=1e-6)


def test_rows_of_weight_zero_and_rows_without_a_distribution():
    student, teacher = pair((5, 6))
    student[0], teacher[1] = math.nan, math.nan
    student[2, 3], teacher[4] = math.inf, -math.inf
    weight = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0])
    loss, gradient = both(xt.distillation_loss, student, teacher, token_weight=weight, reduction="none")
    assert loss.isnan().tolist() == gradient.isnan().all(-1).tolist() == [False, False, True, False, True]
    assert not loss[:2].any()
    assert not gradient[:2].any()
    loss, gradient = both(xt.distillation_loss, student, teacher, token_weight=torch.zeros(5))
    assert loss == 0
    assert not gradient.any()


@every_kind
@pytest.mark.parametrize("tail", [None, "drop", "spread"])
def test_top_k_teachers_are_made_whole(monkeypatch, kind, tail):
    if kind != "forward" and tail != "spread":
        pytest.skip("refused, or infinite")
    probs = torch.tensor([[0.5, 0.25, 0.125], [0.25, 0.5, 0.125]]) * (1 if tail else 8 / 7)
    teacher = xent.TopK(torch.tensor([[4, 0, 2], [1, 5, 3]]), probs, tail)
    student = torch.randn(2, 7)
    options = {"kind": kind, "temperature": 2.0, "reduction": "none"}
    near(both(xt.distillation_loss, student, teacher, **options), exactly(monkeypatch, student, teacher, **options))


BAD = {
    "negative": ([[0, 1]], [[1.5, -0.5]], "spread"),
    "too much": ([[0, 1]], [[0.75, 0.5]], "drop"),
    "too little": ([[0, 1]], [[0.25, 0.5]], None),
    "no outcome": ([[0, 4]], [[0.5, 0.5]], None),
    "NaN": ([[0, 1]], [[0.5, math.nan]], None),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_top_k_teacher_is_nan_and_the_next_call_says_so(case):
    indices, probs, tail = BAD[case]
    teacher = xent.TopK(torch.tensor([*indices, [0, 1]]), torch.tensor([*probs, [0.5, 0.5]]), tail)
    loss, gradient = both(xt.distillation_loss, torch.randn(2, 4), teacher, reduction="none")
    assert loss.isnan().tolist() == gradient.isnan().all(-1).tolist() == [True, False]
    with pytest.raises(DistributionError, match="^`teacher` of an earlier call held a row of probabilities that is no"):
        xt.distillation_loss(*pair((2, 3)))
    xt.distillation_loss(*pair((2, 3)))


@every_kind
def test_gradient_in_place_of_the_students_logits(kind):
    from xent.torch._distillation_operands import Rule
    from xent.torch.backends.triton import distillation

    student, teacher = pair((3, 37))
    rule = Rule(kind, 1.5, None, "sum", None)
    fresh = distillation.distillation(student, teacher, None, None, None, rule=rule, upstream=1.0)
    there = distillation.distillation(student, teacher, None, None, None, rule=rule, upstream=1.0, out=student)
    assert there.gradient is student
    assert torch.equal(there.loss, fresh.loss)
    assert torch.equal(student, fresh.gradient)


def test_layouts_change_no_bit():
    student, teacher = pair((4, 24))
    expected = both(xt.distillation_loss, student, teacher)
    room = torch.zeros(4, 72)
    room[:, ::3] = student
    padded = torch.zeros(4, 30)
    padded[:, 3:27] = teacher
    for a in (student.T.contiguous().T, room[:, ::3]):
        found = both(xt.distillation_loss, a, padded[:, 3:27])
        assert torch.equal(found[0], expected[0])
        assert torch.equal(found[1], expected[1])


@pytest.mark.parametrize(("reduction", "sparse"), [("mean", False), ("none", True)])
def test_operators_keep_their_promises_and_compile_whole(reduction, sparse):
    student, weight = torch.randn(4, 6), torch.rand(4)
    teacher, probs, tail = torch.randn(4, 6), None, None
    if sparse:
        teacher, probs, tail = torch.tensor([[0, 1]] * 4), torch.full((4, 2), 0.25), "drop"
    rest = (teacher, probs, weight, None, "forward", 2.0, tail, reduction, None, "triton")
    upstream = torch.rand(4) if reduction == "none" else torch.rand(())
    torch.library.opcheck(_ops_distillation.distillation, (student.clone().requires_grad_(), *rest))
    torch.library.opcheck(_ops_distillation.distillation_gradient, (upstream, student, *rest))
    whole = xent.TopK(teacher, probs, tail) if sparse else teacher
    options = {"temperature": 2.0, "token_weight": weight, "reduction": reduction}
    call = lambda a: xt.distillation_loss(a, whole, **options)  # noqa: E731
    eager = both(lambda a, _: call(a), student, None, upstream)
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    found = both(lambda a, _: compiled(a), student, None, upstream)
    assert torch.equal(eager[0], found[0])
    assert torch.equal(eager[1], found[1])


def layers(dtype=torch.float32, n=9):
    made = [torch.randn(s).to(dtype) for s in ((n, 8), (40, 8), (40,), (n, 5), (40, 5), (40,))]
    return [a.requires_grad_() for a in made[:3]], made[3:]


def linear(student, teacher, **options):
    (x, w, b), (t, u, c) = student, teacher
    return xt.linear_distillation_loss(x, w, t, u, student_bias=b, teacher_bias=c, **options)


@every_kind
@every_reduction
def test_last_layers_in_chunks(monkeypatch, kind, reduction):
    student, teacher = layers()
    weight = torch.rand(9) + 0.1
    weight[::4] = 0
    options = {"kind": kind, "temperature": 1.7, "token_weight": weight, "reduction": reduction}
    upstream = torch.rand(9) if reduction == "none" else torch.rand(())
    with monkeypatch.context() as at:
        at.setenv("XENT_BACKEND", "reference")
        expected = linear(student, teacher, **options)
        slopes = torch.autograd.grad(expected, student, upstream)
    with torch.no_grad():  # what a row of weight 0 holds reaches nothing
        student[0][0] = math.nan
        teacher[0][4] = math.inf

    def refused(*_):
        raise AssertionError("the host looked at a value")

    for name in ("item", "__bool__", "__float__", "tolist", "nonzero"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    found = linear(student, teacher, **options, memory_budget=8000)
    first = torch.autograd.grad(found, student, upstream, retain_graph=True)
    second = torch.autograd.grad(found, student, upstream)
    monkeypatch.undo()
    torch.testing.assert_close(found, expected, rtol=2e-6, atol=0)
    for a, b, c in zip(first, second, slopes, strict=True):
        assert torch.equal(a, b)
        assert (a - c).norm() <= 2e-6 * c.norm()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_last_layers_of_half_precision(dtype):
    student, teacher = layers(dtype)
    wide = [a.detach().double().requires_grad_() for a in student]
    z, t = (F.linear(*(b.double() for b in a)) for a in (wide, teacher))
    truth = torchs(z, t, "forward", 1.0).mean()
    slopes = torch.autograd.grad(truth, wide)
    found = linear(student, teacher)
    for a, b in zip(torch.autograd.grad(found, student), slopes, strict=True):
        assert a.dtype == dtype
        assert (a.double() - b).norm() <= 4 * torch.finfo(dtype).eps * b.norm()


def test_last_layers_keep_to_their_budget():
    student, teacher = layers()
    with pytest.raises(ValueError, match=r"^`memory_budget` is 10 bytes, too little for one row of logits") as error:
        linear(student, teacher, memory_budget=10)
    least = int(str(error.value).split("at least ")[1].rstrip(".").replace(",", ""))
    torch.testing.assert_close(linear(student, teacher, memory_budget=least), linear(student, teacher))
    with pytest.raises(ValueError, match="too little"):
        linear(student, teacher, memory_budget=least - 1)


@pytest.mark.parametrize(("dtype", "budget"), [(torch.float32, 300_000), (torch.bfloat16, 500_000)])
def test_last_layers_hold_two_logits_of_a_chunk_and_no_more(dtype, budget):
    tensors = [torch.randn(s).to(dtype) for s in ((24, 16), (3001, 16), (24, 16), (3001, 16))]
    student, teacher = [a.requires_grad_() for a in tensors[:2]], tensors[2:]
    weight = torch.rand(24)

    def step():
        xt.linear_distillation_loss(*student, *teacher, token_weight=weight, memory_budget=budget).backward()
        student[0].grad = student[1].grad = None

    step()  # the first call leaves what torch keeps for its products
    sums = 0 if dtype == torch.float32 else sum(4 * a.numel() for a in student)
    assert most_held(step) - sums - sum(a.nbytes for a in student) <= budget


def test_last_layers_as_operators():
    student, teacher = layers(n=3)
    tensors = [a.detach() for a in student] + teacher
    rest = (torch.rand(3), None, "js", 1.5, None, "mean", None, 1 << 20, "triton")
    torch.library.opcheck(_ops_linear_distillation.linear_distillation, (*student, *teacher, *rest))
    torch.library.opcheck(
        _ops_linear_distillation.linear_distillation_gradient, (torch.rand(()), [True, False, True], *tensors, *rest)
    )
    loss = linear(student, teacher)
    whole = torch.compile(linear, fullgraph=True, backend="aot_eager")(student, teacher)
    assert torch.equal(loss, whole)
    for a, b in zip(torch.autograd.grad(loss, student), torch.autograd.grad(whole, student), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


def test_choice_says_what_runs():
    a, b = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3)
    assert xt.choice(xt.distillation_loss, a, b)[:2] == ("triton", "in forward")
    assert xt.choice(xt.linear_distillation_loss, a, b, b, b)[:2] == ("triton", "in forward")
