"""The linear losses under everything torch does to a function: differentiated again, batched, pushed, compiled."""

import pytest
import torch
from samples import CLOSE, close, same_bits, wide

import xent.torch
from xent import _native
from xent.torch import _ops_linear, _ops_linear_statistics

# Forward mode loads decompositions of torch's own, made with what torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")

FUNCTIONS = ["mean", "none", "statistics"]


def layer(dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    with torch.device("cpu"):
        made = [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in ((6, 4), (9, 4), (9,))]
        y = torch.randint(0, 9, (6,), generator=g)
    y[2] = -100
    *made, y = (a.to(torch.get_default_device()) for a in (*made, y))
    return [a.requires_grad_() for a in made], y


def function(kind, y):
    if kind == "statistics":

        def run(x, w, b):
            s = xent.torch.linear_token_statistics(x, w, y, linear_bias=b, softcap=5.0, temperature=1.3)
            return s.log_prob, s.logsumexp, s.entropy

    else:

        def run(x, w, b):
            return xent.torch.linear_cross_entropy(
                x, w, y, linear_bias=b, reduction=kind, softcap=5.0, label_smoothing=0.1, z_loss=0.1
            )

    return run


def flat(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_gradients_by_difference(kind):
    tensors, y = layer()
    run = function(kind, y)
    assert torch.autograd.gradcheck(run, tensors, check_batched_grad=True)
    assert torch.autograd.gradcheck(run, tensors, check_forward_ad=True, check_backward_ad=False)
    assert torch.autograd.gradgradcheck(run, tensors)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_compiled_gives_the_values_of_eager(backend, kind, dtype):
    results = []
    for wrap in (lambda f: f, lambda f: torch.compile(f, fullgraph=True, backend="aot_eager")):
        tensors, y = layer(dtype)
        found = flat(wrap(function(kind, y))(*tensors))
        sum(v.sum() * (i + 2) for i, v in enumerate(found)).backward()
        results.append([*(v.detach() for v in found), *(a.grad for a in tensors)])
    if backend == "reference":  # eager by the chunk, compiled all at once: the sums have another order
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=CLOSE[ours.dtype], atol=CLOSE[ours.dtype])
    elif backend == "triton" and dtype == torch.bfloat16:  # the interpreter cuts what torch and a GPU round: a unit
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=torch.finfo(ours.dtype).eps, atol=0)
    else:
        same_bits(*results)
    torch.compiler.reset()


@pytest.mark.parametrize(
    ("kind", "core"),
    [(kind, "there") for kind in ("probabilities", "top-k", "token_weight")] + [("labels", "not there")],
)
def test_the_reference_is_compiled_as_torch_operations(monkeypatch, kind, core):
    """Its gradients are made by autograd, which stops at an operator."""
    if core == "there":
        monkeypatch.setenv("XENT_BACKEND", "reference")
    else:
        monkeypatch.delenv("XENT_BACKEND", raising=False)
        monkeypatch.setattr(_native, "available", lambda: False)
        monkeypatch.setattr(_native, "reason", lambda: "there is no core")
    (x, w, b), y = layer()
    target, options = y.clamp(min=0), {}
    if kind == "probabilities":
        target = torch.randn(6, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64).softmax(1)
    elif kind == "top-k":
        target = xent.TopK(target.unsqueeze(1), torch.full((6, 1), 0.5), "spread")
    else:
        target, tokens = y, torch.arange(1.0, 7.0, requires_grad=kind == "token_weight")
        options = {"token_weight": tokens, "denominator": torch.tensor(3.0)}

    def run(x, w, b):
        return xent.torch.linear_cross_entropy(x, w, target, linear_bias=b, **options)

    results = []
    for call in (run, torch.compile(run, fullgraph=True, backend="aot_eager")):
        loss = call(x, w, b)
        results.append([loss.detach(), *torch.autograd.grad(loss, [x, w, b])])
    close(*results)
    torch.compiler.reset()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_opcheck(dtype, reduction):
    (x, w, b), y = layer(dtype)
    w, b = (a.detach().unsqueeze(1).requires_grad_() for a in (w, b))
    tensors = (x, w, b, y.unsqueeze(1), None, None, None, None)
    plain = (None, False, True, -100, reduction, 0.1, 0.1, 5.0, 1.0, "native", 1 << 20)
    inside = reduction == "mean"
    torch.library.opcheck(_ops_linear.linear_cross_entropy, (*tensors, [inside] * 3, *plain))
    detached = [a.detach() if a is not None else None for a in tensors]
    loss, state, *_ = _ops_linear.linear_cross_entropy(*detached, [False] * 3, *plain)
    torch.library.opcheck(
        _ops_linear.linear_cross_entropy_gradient,
        (torch.ones_like(loss), state, *detached, [True, False, True], *plain),
    )


def test_opcheck_statistics():
    (x, w, b), y = layer(torch.float32)
    w, b = (a.detach().unsqueeze(1).requires_grad_() for a in (w, b))
    tensors, plain = (x, w, b, y.unsqueeze(1)), (-100, None, 1.0, "native", 1 << 20)
    torch.library.opcheck(_ops_linear_statistics.linear_token_statistics, (*tensors, *plain))
    detached = [a.detach() for a in tensors]
    log_prob, *_, state = _ops_linear_statistics.linear_token_statistics(*detached, *plain)
    torch.library.opcheck(
        _ops_linear_statistics.linear_token_statistics_gradient,
        (log_prob, None, log_prob, state, [True, True, False], *detached, *plain),
    )


def test_functional_transforms():
    (x, w, b), y = layer()
    x, w, b, y = x.detach(), w.detach(), b.detach(), y.clamp(min=0)

    def one(x, y):
        return xent.torch.linear_cross_entropy(x, w, y, linear_bias=b)

    each = torch.func.vmap(torch.func.grad(one))(x, y)
    given = x.clone().requires_grad_()
    xent.torch.linear_cross_entropy(given, w, y, linear_bias=b, reduction="sum").backward()
    close([each], [given.grad])
    tangent = torch.ones_like(w)
    _, pushed = torch.func.jvp(lambda w: xent.torch.linear_cross_entropy(x, w, y), (w,), (tangent,))
    gradient = torch.func.grad(lambda w: xent.torch.linear_cross_entropy(x, w, y))(w)
    close([pushed], [(gradient * tangent).sum()])


def test_checkpointing_through_the_input(backend):
    (x, w, b), y = layer(wide())

    def run(x):
        return xent.torch.linear_cross_entropy(x.tanh(), w, y, linear_bias=b)

    (plain,) = torch.autograd.grad(run(x), x)
    (again,) = torch.autograd.grad(torch.utils.checkpoint.checkpoint(run, x, use_reentrant=False), x)
    same_bits([again], [plain])


def test_module_is_the_function_and_takes_the_state_of_torchs():
    torch.manual_seed(0)
    for inner in ((), (2,)):
        ours = xent.torch.LinearCrossEntropyLoss(4, 9, out_features=inner, bias=True, label_smoothing=0.1)
        theirs = torch.nn.LinearCrossEntropyLoss(4, 9, out_features=inner, bias=True, label_smoothing=0.1)
        ours.load_state_dict(theirs.state_dict())
        x, y = torch.randn(6, 4), torch.randint(0, 9, (6, *inner))
        close([ours(x, y)], [theirs(x, y)], torch.float32)
    assert "label_smoothing=0.1" in repr(ours)
