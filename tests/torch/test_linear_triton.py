"""What the linear losses do by the Triton kernels alone: chunks, gathering, scaling on the device, and no waiting."""

import gc

import pytest
import torch
import torch.nn.functional as F
from samples import CLOSE, same_bits
from test_linear_memory import most_held as on_the_cpu
from torch.utils._python_dispatch import TorchDispatchMode

import xent
import xent.torch
from xent._errors import BackendUnavailable, DistributionError
from xent.torch import _ops_linear, _ops_linear_statistics, _triton
from xent.torch._linear_operands import linear_operands

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if lack := _triton.lacking(torch.empty(0, device=DEVICE)):
    pytest.skip(lack, allow_module_level=True)
pytestmark = [pytest.mark.gpu] if DEVICE == "cuda" else []

linear, autograd, products, logits_loss = (
    _triton.kernels(name) for name in ("linear", "linear_autograd", "products", "loss")
)
N, D, C = 16, 8, 37


@pytest.fixture(autouse=True)
def by_triton(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "triton")


@pytest.fixture
def chunks(monkeypatch):
    """Call it with a number of rows: so many are walked at a time."""

    def of(size):
        monkeypatch.setattr(linear, "planned", lambda *_, **__: size)

    return of


@pytest.fixture
def calls(monkeypatch):
    """Every product: its name, its rows, and the dtype of what it writes."""
    made = []

    def spied(name):
        function = getattr(products, name)

        def spy(*args, **kwargs):
            out = args[3] if name == "logits" else args[2]
            made.append((name, len(args[0]), out.dtype))
            return function(*args, **kwargs)

        monkeypatch.setattr(products, name, spy)

    for name in ("logits", "input_gradient", "weight_gradient"):
        spied(name)
    return made


def layer(dtype=torch.float32, n=N, ignored=True, inner=(), seed=0):
    g = torch.Generator().manual_seed(seed)
    x, w, b = (torch.randn(s, generator=g).to(DEVICE, dtype) for s in ((n, D), (C, *inner, D), (C, *inner)))
    y = torch.randint(0, C, (n, *inner), generator=g)
    if ignored:
        y.view(-1)[::3] = -100
    return [a.requires_grad_() for a in (x, w, b)], y.to(DEVICE)


def loss(tensors, y, **options):
    x, w, b = tensors
    return xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, **options)


def gradients(value, tensors, upstream=None):
    return torch.autograd.grad(value, tensors, upstream)


def exact(tensors, y, upstream=1.0, **options):
    """Loss and gradients in float64, from all the logits."""
    x, w, b = wide = [a.detach().double().requires_grad_() for a in tensors]
    value = F.cross_entropy(torch.einsum("nd,c...d->nc...", x, w) + b, y, **options)
    return [value.detach(), *torch.autograd.grad((value * upstream).sum(), wide)]


def near(ours, theirs, dtype):
    for a, e in zip(ours, theirs, strict=True):
        assert (a.double() - e).norm() <= CLOSE[dtype] * e.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("reduction", "inner", "size"), [("mean", (), N), ("sum", (2,), 5), ("none", (2,), 5)])
def test_loss_and_gradients_for_any_upstream_gradient(dtype, reduction, inner, size, chunks):
    tensors, y = layer(dtype, inner=inner)
    chunks(size)
    value = loss(tensors, y, reduction=reduction)
    upstream = torch.rand(value.shape, generator=torch.Generator().manual_seed(1)).to(DEVICE) + 0.5
    found = [value.detach(), *gradients(value, tensors, upstream)]
    near(found, exact(tensors, y, upstream.double(), reduction=reduction), dtype)
    assert found[0].dtype == torch.float32
    assert [a.dtype for a in found[1:]] == [dtype] * 3


def test_statistics_and_their_gradients(chunks):
    (x, w, _), y = layer(inner=(2,))
    chunks(5)
    s = xent.torch.linear_token_statistics(x, w, y, softcap=6.0)
    full = [a.detach().requires_grad_() for a in (x, w)]
    e = xent.torch.token_statistics(torch.einsum("nd,cpd->ncp", *full), y, softcap=6.0)
    assert torch.equal(s.argmax, e.argmax)
    torch.testing.assert_close(s[:3], e[:3])
    made = torch.autograd.grad((s.log_prob + 2 * s.entropy).sum(), [x, w])
    near(made, [a.double() for a in torch.autograd.grad((e.log_prob + 2 * e.entropy).sum(), full)], torch.float32)


def test_one_chunk_makes_the_weights_gradient_in_their_dtype_and_several_in_float32(chunks, calls):
    tensors, y = layer(torch.bfloat16, ignored=False)
    for size, dtypes in ((N, [torch.bfloat16]), (6, [torch.float32] * 3)):
        chunks(size)
        gradients(loss(tensors, y), tensors)
        assert [dtype for name, _, dtype in calls if name == "weight_gradient"] == dtypes
        assert {dtype for name, _, dtype in calls if name == "input_gradient"} == {torch.float32}
        calls.clear()
        gradients(loss(tensors, y, reduction="none").sum(), tensors)  # the upstream gradient is in already
        assert [dtype for name, _, dtype in calls if name == "weight_gradient"] == dtypes
        assert {dtype for name, _, dtype in calls if name == "input_gradient"} == {torch.bfloat16}
        calls.clear()


@pytest.mark.parametrize(("reduction", "counts"), [("none", (1, 4, 16)), ("sum", (4, 16))])
def test_error_of_the_weights_gradient_does_not_grow_with_the_chunks(reduction, counts, chunks):
    """Of a sum one chunk is left out: the interpreter cuts what a GPU rounds to bfloat16, and a product rounds."""
    tensors, y = layer(torch.bfloat16, ignored=False)
    theirs = exact(tensors, y, reduction=reduction)[2:]
    errors = []
    for count in counts:
        chunks(N // count)
        made = gradients(loss(tensors, y, reduction=reduction).sum(), tensors)[1:]
        errors.append([(a.double() - e).norm() for a, e in zip(made, theirs, strict=True)])
    for several in errors[1:]:
        for error, one in zip(several, errors[0], strict=True):
            assert error <= 1.01 * one


@pytest.mark.parametrize("adds", [True, False])
def test_products_that_torch_makes_wide_itself(adds, chunks, monkeypatch):
    """What torch does on a GPU, `adds` from some version on, done by its products on the CPU."""
    tensors, y = layer(torch.bfloat16, inner=(2,))
    chunks(5)
    by_blocks = gradients(loss(tensors, y), tensors)
    asked = []

    def widened(function):
        def run(*given, out_dtype=None, out=None):
            if out_dtype is None:
                return function(*given) if out is None else function(*given, out=out)
            asked.append(function)
            made = function(*(a.to(out_dtype) for a in given))
            return made if out is None else out.copy_(made)

        return run

    mm, addmm = torch.mm, torch.addmm
    monkeypatch.setattr(torch, "mm", widened(mm))
    monkeypatch.setattr(torch, "addmm", widened(addmm))
    monkeypatch.setattr(products, "_takes", lambda device, dtype, onto: adds or not onto)
    for a, e in zip(gradients(loss(tensors, y), tensors), by_blocks, strict=True):
        torch.testing.assert_close(a, e, rtol=2**-7, atol=1e-6)
    assert mm in asked
    assert (addmm in asked) == adds


@pytest.mark.parametrize(("reduction", "times"), [("mean", 1), ("none", 2)])
def test_ignored_rows_are_gathered_away_and_counted_once(reduction, times, calls, monkeypatch):
    reads = []
    counted = linear.counted
    monkeypatch.setattr(linear, "counted", lambda *args: reads.append(1) or counted(*args))
    tensors, y = layer()
    with torch.no_grad():
        tensors[0][y == -100] = torch.nan
    found = gradients(loss(tensors, y, reduction=reduction).sum(), tensors)
    count = int((y != -100).sum())
    assert [rows for name, rows, _ in calls if name == "logits"] == [count] * times
    assert len(reads) == 1  # forward: the backward pass keeps the rows
    assert all(torch.isfinite(a).all() for a in found)
    assert (found[0][y == -100] == 0).all()


@pytest.mark.parametrize("inner", [(), (2,)])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_where_nothing_may_wait_all_rows_are_multiplied_and_ignored_ones_reach_nothing(
    inner, reduction, calls, monkeypatch
):
    results = []
    for wait in (True, False):
        monkeypatch.setattr(linear, "may_wait", lambda a, wait=wait: wait)
        tensors, y = layer(inner=inner)
        with torch.no_grad():
            tensors[0][(y == -100).flatten(1).all(1) if inner else y == -100] = torch.nan
        calls.clear()
        value = loss(tensors, y, reduction=reduction)
        results.append([value.detach(), *gradients(value.sum(), tensors)])
    assert {rows for name, rows, _ in calls if name == "logits"} == {N}
    for a, e in zip(*results, strict=True):
        assert torch.isfinite(a).all()
        torch.testing.assert_close(a, e)


def test_the_host_may_wait_for_the_cpu():
    assert linear.may_wait(torch.zeros(1))


def test_a_row_that_counts_nowhere_and_no_rows_at_all():
    for n in (0, 3):
        tensors, _ = layer(n=n)
        y = torch.full((n,), -100, device=DEVICE)
        for options in ({}, {"reduction": "none"}):
            value = loss(tensors, y, **options)
            made = gradients(value.sum(), tensors)
            assert torch.equal(value, torch.zeros_like(value))
            assert all(torch.equal(a, torch.zeros_like(a)) for a in made)


def test_an_upstream_gradient_of_one_hands_out_what_the_forward_pass_made():
    tensors, y = layer(torch.bfloat16)
    value = loss(tensors, y)
    kept = value.grad_fn.gradients.weight
    before = kept.clone()
    _, dw, _ = gradients(value, tensors)
    assert dw.data_ptr() == kept.data_ptr()
    same_bits([dw], [before.view_as(dw)])


@pytest.mark.parametrize("size", [N, 5])
def test_a_second_backward_pass_makes_them_again(size, chunks):
    tensors, y = layer()
    chunks(size)
    value = loss(tensors, y)
    value.backward(retain_graph=True)
    first = [a.grad.clone() for a in tensors]
    value.backward(torch.tensor(2.0, device=DEVICE), retain_graph=True)
    value.backward()
    for a, once in zip(tensors, first, strict=True):
        torch.testing.assert_close(a.grad, 4 * once, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("programs", [1, 3, 2048])
def test_scaling(programs, monkeypatch):
    monkeypatch.setattr(autograd, "_BLOCK", 16)
    monkeypatch.setattr(autograd, "_PROGRAMS", programs)
    g = torch.randn(3, 35, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    for dtype in (torch.float32, torch.float16):  # the interpreter cuts what a GPU rounds to bfloat16
        for upstream in (1.0, 0.7):
            expected = (g * torch.tensor(upstream)).to(dtype)
            given = g.clone()
            found = autograd.scaled(given, torch.tensor(upstream, device=DEVICE), dtype)
            same_bits([found], [expected])
            assert (found is given) == (dtype == torch.float32)
    half = g.half()
    found = autograd.scaled(half.clone(), torch.tensor(0.7, device=DEVICE), torch.float16)
    same_bits([found], [(half.float() * torch.tensor(0.7)).half()])
    assert autograd.scaled(g[:0], torch.tensor(0.7, device=DEVICE), torch.float16).shape == (0, 35)


@pytest.mark.parametrize("wanted", [(True, False, False), (False, True, False), (False, False, True)])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_only_products_of_gradients_that_are_wanted(wanted, reduction, calls):
    tensors, y = layer()
    for a, asked in zip(tensors, wanted, strict=True):
        a.requires_grad_(asked)
    loss(tensors, y, reduction=reduction).sum().backward()
    assert {name for name, *_ in calls} == {"logits"} | {
        name for name, asked in zip(("input_gradient", "weight_gradient"), wanted, strict=False) if asked
    }
    assert [a.grad is not None for a in tensors] == list(wanted)


def meta(n, features=4096, outcomes=128_256, dtype=torch.bfloat16):
    """Operands of a size that is not held."""
    x, w = (torch.empty(s, dtype=dtype, device="meta") for s in ((n, features), (outcomes, features)))
    p = linear_operands(x, w, torch.empty(n, dtype=torch.int64, device="meta"), None, None, None)
    return p, linear.Counted([n], None, None)


def test_the_default_is_one_chunk_of_4096_rows_of_a_large_vocabulary(monkeypatch):
    monkeypatch.setattr(products, "_takes", lambda *_: True)
    for n, size in ((1024, 1024), (4096, 4096), (8192, 4096), (32768, -(-32768 // 7))):
        assert linear.planned(*meta(n), 0, scaled=True) == size
    assert linear.planned(*meta(1000, outcomes=10**9), 0) == 1  # a row that is more than the default


def test_the_plan_counts_what_is_held(monkeypatch):
    p, taken = meta(64, features=32, outcomes=1000)
    whole = 64 * 96 + 16 * 1000
    row = 2 * (1000 + 32) + 128
    monkeypatch.setattr(products, "_takes", lambda *_: True)
    assert linear.planned(p, taken, whole + 64 * row) == 64
    assert linear.planned(p, taken, whole + 64 * row - 1) == 32  # as few chunks as fit, and equal
    assert linear.planned(p, taken, whole + 64 * row + 4 * 64 * 32, scaled=True) == 64  # the input's gradient, wide
    assert linear.planned(p, taken, whole + 64 * row + 4 * 64 * 32 - 1, scaled=True) == 32
    assert linear.planned(p, taken, whole + row) == 1
    with pytest.raises(ValueError, match=f"needs at least {whole + row:,}, of which a row of logits takes {row:,}"):
        linear.planned(p, taken, whole + row - 1)
    monkeypatch.setattr(products, "_takes", lambda device, dtype, adds: not adds)
    with pytest.raises(ValueError, match=f"needs at least {whole + row + 4 * 1000 * 32:,}"):  # a block of dW
        linear.planned(p, taken, whole + row)
    monkeypatch.setattr(products, "_takes", lambda *_: False)
    with pytest.raises(ValueError, match=f"needs at least {whole + row + 4 * 1000 * 32 + 4 * (1000 + 32):,}"):
        linear.planned(p, taken, whole + row)


def test_a_budget_below_the_wide_gradient_makes_it_later(calls):
    tensors, y = layer(torch.bfloat16, n=400, ignored=False)
    budget = 400 * D * 8 - 1
    options = {"memory_budget": budget + 60_000}
    assert xent.torch.choice(xent.torch.linear_cross_entropy, *tensors[:2], y, memory_budget=budget).gradient == (
        "in backward"
    )
    near(gradients(loss(tensors, y, **options), tensors), exact(tensors, y)[1:], torch.bfloat16)


def most_held(function):
    """The most bytes that exist at once beyond those that were there before."""
    function()  # the first call leaves what torch keeps for its products
    if DEVICE == "cpu":
        return on_the_cpu(function)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    function()
    return torch.cuda.max_memory_allocated() - before


@pytest.mark.parametrize(
    ("dtype", "options", "inner", "ignored", "budget"),
    [
        (torch.float32, {}, (), True, 300_000),
        (torch.bfloat16, {}, (), False, 300_000),
        (torch.bfloat16, {"reduction": "none"}, (3,), True, 300_000),
        (torch.float32, {"reduction": "none"}, (3,), True, 300_000),
    ],
)
def test_the_budget_is_kept(dtype, options, inner, ignored, budget):
    g = torch.Generator().manual_seed(0)
    x, w = (torch.randn(s, generator=g).to(DEVICE, dtype).requires_grad_() for s in ((24, 16), (3001, *inner, 16)))
    y = torch.randint(0, 3001, (24, *inner), generator=g).to(DEVICE)
    if ignored:
        y[::4] = -100

    def step():
        value = xent.torch.linear_cross_entropy(x, w, y, memory_budget=budget, **options).sum()
        gc.collect()  # the interpreter leaves what it worked on in circles
        value.backward()
        x.grad = w.grad = None

    held = most_held(step) - x.nbytes - w.nbytes - (4 * w.numel() if dtype == torch.bfloat16 else 0)
    assert held <= budget


@pytest.mark.parametrize("made", ["cut", "turned"])
def test_the_budget_is_kept_where_no_view_makes_rows_of_the_input(made):
    g = torch.Generator().manual_seed(0)
    x, w = torch.randn(4, 31, 1024, generator=g).to(DEVICE), torch.randn(40, 1024, generator=g).to(DEVICE)
    x = x[:, :-1] if made == "cut" else x.transpose(0, 1)
    y = torch.zeros(x.shape[:2], dtype=torch.int64, device=DEVICE)
    assert most_held(lambda: xent.torch.linear_cross_entropy(x, w, y, memory_budget=420_000)) <= 420_000  # of 480 kB


def test_a_bad_label_is_nan_and_said_at_the_next_call():
    tensors, y = layer(ignored=False)
    y[3] = C
    value = loss(tensors, y, reduction="none")
    assert value.isnan().nonzero().flatten().tolist() == [3]
    with pytest.raises(DistributionError, match=f"`target` of an earlier call held a label out of range: {C}"):
        loss(tensors, y.clamp(max=0))
    xent.torch.linear_token_statistics(*tensors[:2], y)
    with pytest.raises(DistributionError, match="label out of range"):
        xent.torch.linear_token_statistics(*tensors[:2], y.clamp(max=0))


def test_choice_names_the_kernels():
    tensors, y = layer()
    for function, gradient in (
        (xent.torch.linear_cross_entropy, "in forward"),
        (xent.torch.linear_token_statistics, "in backward"),
    ):
        found = xent.torch.choice(function, *tensors[:2], y)
        assert found[:2] == ("triton", gradient)
        assert found.reason.startswith("tensors on a GPU" if y.is_cuda else "tensors on the CPU")
    with pytest.raises(BackendUnavailable, match="float64 is computed by torch operations"):
        xent.torch.linear_cross_entropy(*(a.double() for a in tensors[:2]), y)


def test_a_second_derivative_leaves_the_kernels():
    tensors, y = layer()
    with pytest.raises(BackendUnavailable, match="a derivative of the gradient takes torch operations"):
        torch.autograd.grad(loss(tensors, y), tensors, create_graph=True)
    s = xent.torch.linear_token_statistics(*tensors[:2], y)
    with pytest.raises(BackendUnavailable, match="a derivative of the gradient takes torch operations"):
        torch.autograd.grad(s.log_prob.sum(), tensors[:2], create_graph=True)


def test_a_second_derivative_is_that_of_the_reference(monkeypatch):
    tensors, y = layer()
    s, value = xent.torch.linear_token_statistics(*tensors[:2], y), loss(tensors, y)
    monkeypatch.delenv("XENT_BACKEND")
    x, w, b = wide = [a.detach().double().requires_grad_() for a in tensors]
    z, kept = x @ w.T, y != -100
    entropy = -(z.log_softmax(1) * z.softmax(1)).sum(1)[kept].sum()
    for ours, theirs in ((value, F.cross_entropy(z + b, y)), (s.entropy.sum(), entropy)):
        seconds = []
        for function, by in ((ours, tensors[0]), (theirs, wide[0])):
            (dx,) = torch.autograd.grad(function, by, create_graph=True, retain_graph=True)
            seconds.append(torch.autograd.grad(dx.square().sum(), by, retain_graph=True)[0])
        near(seconds[:1], seconds[1:], torch.float32)


def test_input_that_no_view_makes_rows_of(chunks):
    x = torch.randn(3, 6, D, generator=torch.Generator().manual_seed(0)).to(DEVICE)[:, :-1]
    (_, w, b), _ = layer()
    y = torch.arange(15, device=DEVICE).view(3, 5)
    chunks(4)
    for labels in (y, y.masked_fill(y % 4 == 0, -100)):
        results = []
        for given in (x.detach().requires_grad_(), x.detach().reshape(15, D).requires_grad_()):
            value = xent.torch.linear_cross_entropy(given, w, labels.reshape(given.shape[:-1]), linear_bias=b)
            results.append([value.detach(), torch.autograd.grad(value, given)[0].reshape(15, D)])
        same_bits(*results)


def test_a_number_that_the_host_has_is_not_copied_to_the_device(monkeypatch):
    def refused(*_):
        raise AssertionError("a copy is waited for")

    monkeypatch.setattr(torch.Tensor, "to", refused, raising=False)
    assert logits_loss.placed(torch.tensor(3), torch.device("meta")).dtype == torch.float64


def test_what_multiplies_and_divides_stays_on_the_device():
    tensors, y = layer()
    tokens = torch.rand(N, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    classes = torch.rand(C, generator=torch.Generator().manual_seed(2)).to(DEVICE) + 0.5
    with torch.no_grad():
        count = (y != -100).sum()
        total = loss(tensors, y, reduction="sum")
        torch.testing.assert_close(loss(tensors, y, denominator=count), loss(tensors, y))
        torch.testing.assert_close(loss(tensors, y, denominator=2.0), total / 2)
        rows = F.cross_entropy(tensors[0] @ tensors[1].T + tensors[2], y, weight=classes, reduction="none")
        shares = classes[y.clamp(min=0)] * tokens * (y != -100)
        found = loss(tensors, y, weight=classes, token_weight=tokens)
        torch.testing.assert_close(found, (rows * tokens).sum() / shares.sum())
    made = gradients(loss(tensors, y, denominator=1e-39), tensors, torch.tensor(1e-39, device=DEVICE))
    near(made, exact(tensors, y, reduction="sum")[1:], torch.float32)  # no float32 holds 1 / 1e-39


@pytest.mark.parametrize("kind", ["soft", "top"])
@pytest.mark.parametrize("inner", [(), (2,)])
def test_distributions_as_targets(kind, inner, chunks):
    tensors, y = layer(ignored=False, inner=inner)
    chunks(6)
    t = torch.randn(N, C, *inner, generator=torch.Generator().manual_seed(5)).softmax(1).to(DEVICE)
    if kind == "top":
        indices = torch.stack([y, (y + 1) % C], -1)
        target = xent.TopK(indices, torch.tensor([0.5, 0.5], device=DEVICE).expand(indices.shape))
        t = (F.one_hot(y, C) + F.one_hot((y + 1) % C, C)).movedim(-1, 1).float() / 2
    else:
        target = t
    value = loss(tensors, target)
    divide = {"reduction": "sum"}  # torch divides by N alone where there are positions
    near([value.detach() * y.numel()], exact(tensors, t.double(), **divide)[:1], torch.float32)
    made = gradients(value * y.numel(), tensors)
    near(made, exact(tensors, t.double(), **divide)[1:], torch.float32)


class Multiplied(TorchDispatchMode):
    """The dtypes that are multiplied number by number."""

    def __init__(self):
        super().__init__()
        self.dtypes = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.mul.Tensor:
            self.dtypes |= {a.dtype for a in args}
        return function(*args, **(kwargs or {}))


def test_an_operator_rounds_no_upstream_gradient_to_half():
    tensors, y = layer(torch.bfloat16)
    with Multiplied() as seen:
        gradients(xent.torch.linear_cross_entropy(*tensors[:2], y) / 3, tensors[:2])
    assert seen.dtypes == {torch.float32}  # a GPU casts a number to the half tensor beside it


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_opcheck(dtype, reduction):
    (x, w, b), y = layer(dtype)
    tensors = (x, w.detach().unsqueeze(1).requires_grad_(), b.detach().unsqueeze(1).requires_grad_(), y.unsqueeze(1))
    tensors = (*tensors, None, None, None, None)
    plain = (None, False, True, -100, reduction, 0.1, 0.1, 5.0, 1.0, "triton", 0)
    torch.library.opcheck(_ops_linear.linear_cross_entropy, (*tensors, [reduction == "mean"] * 3, *plain))
    detached = [None if a is None else a.detach() for a in tensors]
    value, state, *_ = _ops_linear.linear_cross_entropy(*detached, [False] * 3, *plain)
    torch.library.opcheck(
        _ops_linear.linear_cross_entropy_gradient,
        (torch.ones_like(value), state, *detached, [True, False, True], *plain),
    )


def test_opcheck_statistics():
    (x, w, b), y = layer()
    tensors = (x, w.detach().unsqueeze(1).requires_grad_(), b.detach().unsqueeze(1).requires_grad_(), y.unsqueeze(1))
    plain = (-100, None, 1.0, "triton", 0)
    torch.library.opcheck(_ops_linear_statistics.linear_token_statistics, (*tensors, *plain))
    detached = [a.detach() for a in tensors]
    log_prob, *_, state = _ops_linear_statistics.linear_token_statistics(*detached, *plain)
    torch.library.opcheck(
        _ops_linear_statistics.linear_token_statistics_gradient,
        (log_prob, None, log_prob, state, [True, True, False], *detached, *plain),
    )
