"""Every way torch differentiates, batches and compiles: never an error, never a wrong number."""

import contextlib
import functools
import gc

import pytest
import torch
import torch.nn.functional as F
from samples import close, same_bits, sample, value_and_gradient
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import xent
import xent.torch as xt
from xent import _native
from xent.torch import _ops, _ops_statistics

# Forward mode loads decompositions of torch's own, made with what torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
native = pytest.mark.skipif(not _native.available(), reason="no compiled core")

OPTIONS = {
    "plain": {},
    "smoothing": {"label_smoothing": 0.1},
    "z-loss": {"z_loss": 0.3},
    "softcap": {"softcap": 2.0},
    "temperature": {"temperature": 1.7},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "denominator": {"denominator": 2.5},
    "all": {"label_smoothing": 0.1, "z_loss": 0.3, "softcap": 2.0, "temperature": 1.7, "reduction": "none"},
}


def targets():
    """Name -> target of `sample()`."""
    index = torch.tensor([[0, 1], [2, 3], [4, 0], [1, 3], [2, 4], [0, 4], [3, 1]])
    probs = torch.rand(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) / 2
    soft = sample(kind="probabilities")[1]
    return {"labels": sample()[1], "probabilities": soft, "top-k": xent.TopK(index, probs, "spread")}


@pytest.mark.parametrize("kind", ["labels", "probabilities", "top-k"])
@pytest.mark.parametrize("options", OPTIONS)
def test_first_and_second_derivatives(kind, options):
    x, w, tw = sample()[0].requires_grad_(), torch.rand(5, dtype=torch.float64), torch.rand(7, dtype=torch.float64)
    loss = functools.partial(xt.cross_entropy, target=targets()[kind], weight=w, token_weight=tw, **OPTIONS[options])
    assert torch.autograd.gradcheck(loss, (x,))
    assert torch.autograd.gradgradcheck(loss, (x,))


def test_derivatives_by_everything_at_once():
    x = sample()[0].requires_grad_()
    t = sample(kind="probabilities")[1].requires_grad_()
    w, tw = (torch.rand(n, dtype=torch.float64).add(0.5).requires_grad_() for n in (5, 7))
    d = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def by_labels(x, w, tw, d):
        return xt.cross_entropy(x, targets()["labels"], w, token_weight=tw, denominator=d, **OPTIONS["smoothing"])

    def by_probabilities(x, t, w, tw):  # a step of t leaves the simplex: a form without the check of its sum
        return xt.cross_entropy(x, t / t.sum(1, keepdim=True), w, token_weight=tw, label_smoothing=0.1, z_loss=0.2)

    for function, arguments in ((by_labels, (x, w, tw, d)), (by_probabilities, (x, t, w, tw))):
        assert torch.autograd.gradcheck(function, arguments, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(function, arguments)


@pytest.mark.parametrize("options", [{}, {"softcap": 2.0, "temperature": 0.7}])
def test_derivatives_of_the_statistics(options):
    x, y = sample()
    function = functools.partial(xt.token_statistics, target=y, **options)
    assert torch.autograd.gradcheck(lambda a: function(a)[:3], (x.requires_grad_(),), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda a: function(a)[:3], (x,))


@pytest.mark.parametrize("kind", ["labels", "probabilities", "top-k"])
def test_functional_transforms(kind):
    x, target = sample()[0], targets()[kind]
    loss = functools.partial(xt.cross_entropy, target=target, label_smoothing=0.1, z_loss=0.1)
    x.requires_grad_()
    expected = torch.autograd.grad(loss(x), x)[0]
    close([torch.func.grad(loss)(x.detach())], [expected])
    tangent = torch.randn(7, 5, dtype=torch.float64)
    slope = (expected * tangent).sum()
    close(torch.func.jvp(loss, (x.detach(),), (tangent,)), [loss(x), slope])
    close(torch.func.vjp(loss, x.detach())[1](torch.tensor(2.0, dtype=torch.float64)), [2 * expected])
    with forward_ad.dual_level():
        close(forward_ad.unpack_dual(loss(forward_ad.make_dual(x.detach(), tangent))), [loss(x), slope])
    hessian = torch.func.hessian(loss)(x.detach())
    close([hessian], [torch.autograd.functional.hessian(loss, x)])
    assert not hessian.isnan().any()


def test_gradients_of_each_row_by_vmap():
    x, y = sample()
    expected = value_and_gradient(lambda a: xt.cross_entropy(a, y, reduction="sum"), x, seed=0)[1]
    one = torch.func.grad(lambda a, t: xt.cross_entropy(a, t, label_smoothing=0.1))
    each = torch.func.vmap(one)(x, y)
    truth = torch.func.vmap(torch.func.grad(lambda a, t: F.cross_entropy(a, t, label_smoothing=0.1)))(x, y.clamp(min=0))
    kept = y != -100
    close([each[kept]], [truth[kept]])
    assert not each[~kept].any()
    assert expected.shape == each.shape
    stack = torch.stack([x, x + 1, 2 * x])
    rows = torch.func.vmap(lambda a: xt.cross_entropy(a, y, reduction="none"))(stack)
    close(rows, [xt.cross_entropy(a, y, reduction="none") for a in stack])
    bad = torch.func.vmap(lambda a, t: xt.cross_entropy(a, t))(x, torch.full((7,), 5))
    assert bad.isnan().all()  # a label out of range cannot raise here


@native
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_batch_of_upstream_gradients(reduction):
    x, y = sample()
    x.requires_grad_()
    for outputs in ([xt.cross_entropy(x, y, reduction=reduction)], xt.token_statistics(x, y)[:3]):
        upstream = [torch.randn(4, *o.shape, dtype=torch.float64) for o in outputs]
        together = torch.autograd.grad(outputs, x, upstream, is_grads_batched=True, retain_graph=True)[0]
        each = [torch.autograd.grad(outputs, x, [u[i] for u in upstream], retain_graph=True)[0] for i in range(4)]
        close(together, each)


def test_tensors_that_are_more_than_tensors():
    x, y = sample(dtype=torch.float32)

    class Named(torch.Tensor):
        pass

    loss = xt.cross_entropy(x.as_subclass(Named), y)
    torch.testing.assert_close(loss.as_subclass(torch.Tensor), xt.cross_entropy(x, y))
    torch.testing.assert_close(
        xt.cross_entropy(x, y.as_subclass(Named)).as_subclass(torch.Tensor), F.cross_entropy(x, y)
    )
    negative = torch.complex(x, -x).conj().imag
    torch.testing.assert_close(xt.cross_entropy(negative, y), F.cross_entropy(negative, y))
    zeros = torch._efficientzerotensor((7, 5)).requires_grad_()  # torch makes them where a gradient is nothing
    for function in (xt.cross_entropy, lambda a, t: xt.token_statistics(a, t).log_prob.sum()):
        same_bits(value_and_gradient(function, zeros, y), value_and_gradient(function, torch.zeros(7, 5), y))
    rows = xt.cross_entropy(x.requires_grad_(), y, reduction="none")
    assert not torch.autograd.grad(rows, x, torch._efficientzerotensor((7,)))[0].any()
    meta = xt.cross_entropy(x.to("meta"), y.to("meta"), reduction="none")
    assert (meta.shape, meta.dtype) == ((7,), torch.float32)


def test_upstream_gradients_of_odd_kinds(backend):
    x, y = sample(dtype=torch.float32)
    x.requires_grad_()
    loss = xt.cross_entropy(x, y, reduction="none")
    expected = torch.autograd.grad(loss, x, -torch.ones(7), retain_graph=True)[0]
    negative = torch.complex(torch.zeros(7), torch.ones(7)).conj().imag
    assert negative.is_neg()
    same_bits([expected], torch.autograd.grad(loss, x, negative, retain_graph=True))
    same_bits([expected], torch.autograd.grad(loss, x, torch.tensor(-1.0).expand(7), retain_graph=True))


# Compiling. The compiler keeps what it made for a function; each test starts afresh.


@pytest.fixture
def compiled():
    torch._dynamo.reset()
    yield functools.partial(torch.compile, fullgraph=True, backend="aot_eager")
    torch._dynamo.reset()


@pytest.mark.parametrize("kind", ["labels", "probabilities", "top-k"])
@pytest.mark.parametrize("options", ["plain", "denominator", "all"])
def test_compiled_gives_the_same_bits(backend, compiled, kind, options):
    x, target, w = sample()[0], targets()[kind], torch.rand(5, dtype=torch.float64)
    loss = functools.partial(xt.cross_entropy, **OPTIONS[options])
    run = compiled(lambda a: loss(a, target, w))
    same_bits(value_and_gradient(run, x), value_and_gradient(loss, x, target, w))


@native
@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the compiler of the compiler warns of what it likes
def test_compiled_by_inductor(compiled):
    x, y = sample(dtype=torch.bfloat16)
    loss = torch.compile(lambda a: xt.cross_entropy(a * 2, y, z_loss=0.1), fullgraph=True)
    same_bits(value_and_gradient(loss, x), value_and_gradient(lambda a: xt.cross_entropy(a * 2, y, z_loss=0.1), x))


@native
def test_compiled_for_shapes_that_change(compiled):
    run = compiled(lambda a, t: xt.cross_entropy(a, t, label_smoothing=0.1, reduction="none"), dynamic=True)
    for n in (7, 3, 12):
        x, y = sample((n, 5), torch.float32)
        same_bits(
            value_and_gradient(run, x, y),
            value_and_gradient(xt.cross_entropy, x, y, label_smoothing=0.1, reduction="none"),
        )


def test_compiled_statistics(backend, compiled):
    x, y = sample(dtype=torch.float32)
    run = compiled(lambda a: xt.token_statistics(a, y, softcap=3.0))
    a, b = (x.detach().requires_grad_() for _ in range(2))
    ours, eager = run(a), xt.token_statistics(b, y, softcap=3.0)
    same_bits(ours, eager)
    upstream = [torch.randn(7) for _ in range(3)]
    same_bits(torch.autograd.grad(ours[:3], a, upstream), torch.autograd.grad(eager[:3], b, upstream))


@native
def test_compiled_code_reads_its_targets_too(compiled):
    run = compiled(lambda a, t: xt.cross_entropy(a, t))
    x, y = sample()
    with pytest.raises(xent.DistributionError, match="`target` has 1 label outside"):
        run(x, y.clamp(min=0).index_fill(0, torch.tensor([2]), 9))


def test_compiled_with_a_denominator_that_is_a_tensor(backend, compiled):
    x, y = sample(dtype=torch.float32)
    run = compiled(lambda a, d: xt.cross_entropy(a, y, denominator=d))
    for count in (torch.tensor(3), torch.tensor(4.5)):
        ours = value_and_gradient(run, x, count)
        close(ours, value_and_gradient(xt.cross_entropy, x, y, denominator=count), torch.float32)


def test_compiled_functional_gradients(compiled):
    x, y = sample()
    gradient = torch.func.grad(lambda a: xt.cross_entropy(a, y))
    close([compiled(gradient)(x)], [gradient(x)])


@native
def test_compiled_for_options_that_change(compiled):
    x, y = sample(dtype=torch.float32)
    run = compiled(lambda a, s: xt.cross_entropy(a, y, label_smoothing=s))
    for s in (0.1, 0.2, 0.3):
        same_bits(value_and_gradient(run, x, s), value_and_gradient(xt.cross_entropy, x, y, label_smoothing=s))
    module = xt.CrossEntropyLoss(torch.rand(5), z_loss=0.1)
    same_bits([compiled(module)(x, y)], [module(x, y)])


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_and_tensors_saved_elsewhere(backend, reentrant):
    x, y = sample(dtype=torch.float32)

    def plain(a):
        return xt.cross_entropy(a * 2, y)

    def elsewhere(a):
        with torch.autograd.graph.save_on_cpu():
            return plain(a)

    expected = value_and_gradient(plain, x)
    same_bits(value_and_gradient(elsewhere, x), expected)
    a = x.detach().requires_grad_()
    loss = checkpoint(plain, a, use_reentrant=reentrant)
    loss.backward(torch.tensor(expected_upstream(loss)))
    same_bits([loss, a.grad], expected)


@native
@pytest.mark.parametrize("n", [30, 3000])
def test_a_checkpoint_holds_no_logits_and_no_gradient(n):
    hidden, head = torch.randn(n, 4, requires_grad=True), torch.randn(50, 4)
    y = torch.arange(n) % 50

    def held():
        gc.collect()
        return sum(a.nbytes for a in gc.get_objects() if type(a) is torch.Tensor)

    before = held()
    how = {"use_reentrant": False, "preserve_rng_state": False}
    loss = torch.utils.checkpoint.checkpoint(lambda a: xt.cross_entropy(a @ head.t(), y), hidden, **how)
    assert held() - before < n * 4  # the logits, and their gradient, take fifty times as much
    loss.backward()
    close([hidden.grad], [torch.autograd.grad(xt.cross_entropy(hidden @ head.t(), y), hidden)[0]], torch.float32)


def expected_upstream(loss):
    """The upstream gradient of `value_and_gradient`."""
    return torch.randn(loss.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).item()


@native
def test_what_only_watches_changes_nothing():
    x, y = sample(dtype=torch.float32)
    expected = value_and_gradient(xt.cross_entropy, x, y)
    with FlopCounterMode(display=False):
        same_bits(value_and_gradient(xt.cross_entropy, x, y), expected)
    with FakeTensorMode():
        loss = xt.cross_entropy(torch.randn(3, 4, requires_grad=True), torch.zeros(3, dtype=torch.int64))
        assert loss.shape == ()
        loss.backward()


@native
@pytest.mark.parametrize("inside", [False, True])
def test_stand_ins_without_numbers_go_through_the_operators(inside):
    mode = torch._subclasses.FakeTensorMode()
    x, y, w = (
        mode.from_tensor(a) for a in (torch.randn(3, 4, requires_grad=True), torch.zeros(3).long(), torch.ones(4))
    )
    with mode if inside else contextlib.nullcontext():
        for function, operator in (
            (lambda: xt.cross_entropy(x, y), "cross_entropy"),
            (lambda: xt.cross_entropy(x, y, w, reduction="none", label_smoothing=0.1), "cross_entropy"),
            (lambda: xt.cross_entropy(x, torch.softmax(x.detach(), 1)), "cross_entropy"),
            (lambda: xt.token_statistics(x, y).entropy, "token_statistics"),
        ):
            loss = function()
            assert operator in type(loss.grad_fn).__name__
            assert torch.autograd.grad(loss.sum(), x)[0].shape == (3, 4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_is_of_operations_and_not_of_numbers():
    x, y = sample(dtype=torch.float32)
    traced = torch.jit.trace(lambda a: xt.cross_entropy(a, y), (x,), check_trace=False)
    close([traced(2 * x)], [xt.cross_entropy(2 * x, y)], torch.float32)


@native
def test_traced_and_exported():
    x, y = sample(dtype=torch.float32)

    class Model(torch.nn.Module):
        def forward(self, a, t):
            return xt.cross_entropy(a, t, label_smoothing=0.1)

    expected, other = (xt.cross_entropy(a, y, label_smoothing=0.1) for a in (x, x + torch.arange(5)))
    program = torch.export.export(Model(), (x, y)).module()
    graph = make_fx(Model())(x, y)
    for run in (program, graph):
        same_bits([run(x, y), run(x + torch.arange(5), y)], [expected, other])
        assert "xent.cross_entropy" in run.graph.python_code("self").src


@native
@pytest.mark.parametrize("kind", ["labels", "probabilities", "top-k"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_operators_keep_torchs_rules(kind, reduction):
    x, target = sample(), targets()[kind]
    x = x[0].requires_grad_()
    first, second = (target.indices, target.probs) if kind == "top-k" else (target, None)
    rest = (
        torch.rand(5),
        torch.rand(7),
        None,
        None,
        kind == "top-k",
        True,
        -100,
        reduction,
        0.1,
        0.2,
        3.0,
        1.5,
        "native",
    )
    torch.library.opcheck(_ops.cross_entropy, (x, first, second, *rest))
    loss, state = _ops.cross_entropy(x, first, second, *rest)
    args = (torch.rand_like(loss), state, x.detach(), first, second, *rest)
    torch.library.opcheck(_ops.cross_entropy_gradient, args)


@native
def test_operators_of_the_statistics_keep_torchs_rules():
    x, y = sample()
    x.requires_grad_()
    torch.library.opcheck(_ops_statistics.token_statistics, (x, y, -100, 3.0, 1.5, "native"))
    state = _ops_statistics.token_statistics(x, y, -100, 3.0, 1.5, "native")[4]
    for upstream in ((torch.rand(7), None, torch.rand(7)), (torch.rand(7),) * 3):
        args = (*upstream, state, x.detach(), y, -100, 3.0, 1.5, "native")
        torch.library.opcheck(_ops_statistics.token_statistics_gradient, args)


@native
def test_derivatives_of_operators_are_those_of_the_formula():
    x, y = sample()
    x.requires_grad_()

    def loss(a):
        rest = (None, None, None, None, None, False, True, -100, "mean", 0.1, 0.2, 3.0, 1.5, "native")
        return _ops.cross_entropy(a, y, *rest)[0]

    assert torch.autograd.gradgradcheck(loss, (x,))
    assert torch.autograd.gradgradcheck(
        lambda a: _ops_statistics.token_statistics(a, y, -100, 3.0, 1.5, "native")[:3], (x,)
    )
