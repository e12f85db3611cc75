"""cross_entropy on every backend: PyTorch's meaning where PyTorch has one, the written formula where it has none."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from samples import DTYPES, close, enough, few, rand, same_bits, sample, truth, value_and_gradient, wide

import xent
import xent.torch as xt

SHAPES = [(5,), (7, 5), (3, 5, 4), (2, 5, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
def test_it_is_what_pytorch_means(backend, shape, kind):
    x, target = sample(shape, kind=kind)
    w = rand(5, low=0.0)
    for reduction, smoothing, weight in few(
        itertools.product(("none", "mean", "sum"), (0.0, 0.1, 1.0), (None, w, -w)), 3
    ):
        how = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
        ours, theirs = value_and_gradient(xt.cross_entropy, x, target, **how), truth(F.cross_entropy, x, target, **how)
        assert ours[0].shape == theirs[0].shape
        close(ours, theirs)


def formula(x, t, kept, *, label_smoothing, z_loss, softcap, temperature, token_weight, weight):
    """A row's loss as it is written, for a distribution `t` (N, V)."""
    z = softcap * torch.tanh(x / softcap) / temperature
    L = z.logsumexp(-1)
    t = (1 - label_smoothing) * t + label_smoothing / x.shape[-1]
    return token_weight * kept * ((weight * t * (L[:, None] - z)).sum(-1) + z_loss * L**2)


def target_of(kind, y, dtype):
    """A target for labels `y`, and the distribution that it is."""
    if kind == "labels":
        return y, F.one_hot(y.clamp(min=0), 5).double()
    if kind == "probabilities":
        target = sample((7, 5), kind=kind)[1].to(dtype)
        return target, target.double()
    index = torch.stack([torch.randperm(5)[:2] for _ in range(7)])
    probs = (torch.rand(7, 2, dtype=torch.float64) * 0.4).to(dtype)
    rest = ((1 - probs.double().sum(-1)) / 3)[:, None].expand(-1, 5)
    return xent.TopK(index, probs, "spread"), rest.scatter(1, index, probs.double())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", ["labels", "probabilities", "top-k"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_every_option_together(backend, dtype, kind, reduction):
    enough((dtype, reduction) in ((torch.float32, "none"), (torch.float32, "mean"), (torch.bfloat16, "sum")))
    x, y = sample((7, 5), dtype)
    tw, w = torch.rand(7, dtype=torch.float64) + 0.1, torch.rand(5, dtype=torch.float64) + 0.1
    options = {"label_smoothing": 0.2, "z_loss": 0.03, "softcap": 2.5, "temperature": 1.7}
    target, t = target_of(kind, y, dtype)
    kept = (y != -100).double() if kind == "labels" else torch.ones(7)
    a, b = x.double().requires_grad_(), x.detach().requires_grad_()
    rows = formula(a, t, kept, token_weight=tw, weight=w, **options)
    share = tw * kept * (w[y.clamp(min=0)] if kind == "labels" else 1.0)
    exact = {"none": rows, "sum": rows.sum(), "mean": rows.sum() / share.sum()}[reduction]
    upstream = torch.rand_like(exact)
    loss = xt.cross_entropy(b, target, w, token_weight=tw, reduction=reduction, **options)
    of_loss = torch.float64 if dtype == torch.float64 else torch.float32
    assert loss.dtype == of_loss
    close([loss], [exact], of_loss)
    gradient = torch.autograd.grad(loss, b, upstream.to(of_loss))[0]
    assert gradient.dtype == dtype
    close([gradient], [torch.autograd.grad(exact, a, upstream)[0]], dtype)


def test_top_k_is_the_distribution_it_stands_for(backend):
    x, _ = sample((4, 6))
    index = torch.stack([torch.randperm(6)[:3] for _ in range(4)])
    probs = torch.rand(4, 3, dtype=torch.float64) / 4
    dropped = torch.zeros(4, 6, dtype=torch.float64).scatter(1, index, probs)
    rest = ((1 - probs.sum(1)) / 3)[:, None].expand(4, 6).scatter(1, index, probs)
    rows = (dropped * -x.double().log_softmax(1)).sum(1)
    close([xt.cross_entropy(x, xent.TopK(index, probs, "drop"), reduction="none")], [rows])
    spread = xt.cross_entropy(x, xent.TopK(index.int(), probs, "spread"), reduction="none")
    close([spread], [F.cross_entropy(x.double(), rest, reduction="none")])
    whole = probs / probs.sum(1, keepdim=True)
    dense = torch.zeros(4, 6, dtype=torch.float64).scatter(1, index, whole)
    close([xt.cross_entropy(x, xent.TopK(index, whole))], [F.cross_entropy(x.double(), dense)])
    images = x.view(2, 2, 6).movedim(2, 1)  # (N, C, d): indices (N, d, k)
    top = xent.TopK(index.view(2, 2, 3), whole.view(2, 2, 3))
    expected = F.cross_entropy(x.double(), dense, reduction="none").view(2, 2)
    close([xt.cross_entropy(images, top, reduction="none")], [expected])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_top_k_of_no_outcome(backend, reduction):
    x, none = sample((4, 6))[0], torch.empty(4, 0)
    for tail, t in (("drop", torch.zeros(4, 6)), ("spread", torch.full((4, 6), 1 / 6))):
        target = xent.TopK(none.long(), none, tail)
        ours = value_and_gradient(xt.cross_entropy, x, target, reduction=reduction)
        close(ours, truth(F.cross_entropy, x, t, reduction=reduction), torch.float32)


@pytest.mark.parametrize("kind", [torch.int32, torch.uint8])
def test_labels_of_any_kind_give_the_same_bits(backend, kind):
    x, y = sample((9, 5), torch.float32)
    y = y.clamp(min=0)
    same_bits(*(value_and_gradient(xt.cross_entropy, x, t, ignore_index=3) for t in (y, y.to(kind))))


def test_uint8_labels_are_not_wrapped(backend):
    x, y = torch.randn(3, 300), torch.tensor([156, 255, 0], dtype=torch.uint8)  # -100 as a byte is 156
    for tw in (None, torch.ones(3)):
        torch.testing.assert_close(xt.cross_entropy(x, y, token_weight=tw), F.cross_entropy(x, y.long()))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_memory_of_any_shape(backend, dtype):
    enough(dtype == torch.bfloat16)
    x, y = sample((6, 10), dtype)
    expected = value_and_gradient(xt.cross_entropy, x, y, reduction="none")
    shifted = torch.zeros(61, dtype=dtype)[1:].view(6, 10)
    apart = torch.zeros(6, 20, dtype=dtype)[:, ::2]
    for layout in (shifted.copy_(x), apart.copy_(x), x.t().contiguous().t(), torch.stack([x, x], 1)[:, 0]):
        same_bits(value_and_gradient(xt.cross_entropy, layout, y, reduction="none"), expected)
    assert torch.equal(xt.cross_entropy(x, torch.stack([y, y], 1)[:, 1], reduction="none"), expected[0])
    row = x[:1].detach()
    repeated = value_and_gradient(xt.cross_entropy, row.repeat(6, 1), y, reduction="none")
    same_bits(value_and_gradient(lambda a, t, **k: xt.cross_entropy(a.expand(6, 10), t, **k), row, y, reduction="none"),
              [repeated[0], repeated[1].sum(0, keepdim=True)])  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("shape", [(2, 21, 20, 9), (3, 2000, 2), (2, 3601, 1), (2, 1, 4000), (0, 60, 60)], ids=str)
def test_images_are_their_rows(backend, dtype, kind, shape):
    enough(dtype == torch.bfloat16)
    if wide() == torch.float32:
        shape = (min(shape[0], 2), shape[1], *(min(d, 2) for d in shape[2:]))
    if not shape[0]:
        x, target = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype)
    else:
        x, target = sample(shape, dtype, kind=kind)
    flat = [a.movedim(1, -1).flatten(0, -2) if a.is_floating_point() else a.flatten() for a in (x, target)]
    loss, gradient = value_and_gradient(xt.cross_entropy, x, target)
    expected = value_and_gradient(xt.cross_entropy, *flat)
    same_bits([loss, gradient.movedim(1, -1).flatten(0, -2)], expected)
    last = x.movedim(1, -1).contiguous().movedim(-1, 1)
    same_bits(value_and_gradient(xt.cross_entropy, last, target), [loss, gradient])


def test_derivatives_of_images():
    x, y = sample((2, 60, 60))
    x.requires_grad_()
    (g,) = torch.autograd.grad(xt.cross_entropy(x, y), x, create_graph=True)
    (h,) = torch.autograd.grad((g**2).sum(), x)
    (t,) = torch.autograd.grad(F.cross_entropy(x, y), x, create_graph=True)
    close([g, h], [t, torch.autograd.grad((t**2).sum(), x)[0]])


@pytest.mark.parametrize("target", ["labels", "probabilities"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_no_rows(backend, reduction, target):
    for shape in ((0, 4), (0, 4, 3), (3, 4, 0)):
        x = torch.empty(shape, requires_grad=True)
        y = torch.empty((shape[0], *shape[2:]), dtype=torch.int64) if target == "labels" else torch.empty(shape)
        loss = xt.cross_entropy(x, y, reduction=reduction)
        assert loss.sum().item() == 0
        loss.sum().backward()
        assert x.grad.shape == shape


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_no_row_that_counts(backend, reduction, smoothing):
    x, options = torch.full((3, 4), torch.nan, requires_grad=True), {"label_smoothing": smoothing, "z_loss": 0.1}
    for weight, tw in ((None, None), (torch.rand(4), torch.full((3,), torch.nan))):
        y = torch.full((3,), 7)
        loss = xt.cross_entropy(x, y, weight, ignore_index=7, reduction=reduction, token_weight=tw, **options)
        assert not loss.any()
        assert torch.equal(torch.autograd.grad(loss.sum(), x)[0], torch.zeros(3, 4))


@pytest.mark.parametrize("held", [0.0, torch.inf, torch.nan])
def test_rows_that_all_weigh_nothing(backend, held):
    x, y = sample((7, 5), torch.float32)
    x[0, 2] = held
    x.requires_grad_()
    for kwargs in ({"token_weight": torch.zeros(7)}, {"weight": torch.zeros(5)}):
        loss = xt.cross_entropy(x, y, **kwargs)
        assert loss.item() == 0
        assert not torch.autograd.grad(loss, x)[0].any()


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_micro_batches_add_up_to_the_batch(backend, dtype, as_tensor):
    x, y = sample((12, 5), dtype)
    count = int((y != -100).sum())
    denominator = torch.tensor(count) if as_tensor else count
    whole, part = x.detach().clone().requires_grad_(), x.detach().clone().requires_grad_()
    xt.cross_entropy(whole, y).backward()
    losses = []
    for rows in range(0, 12, 4):
        loss = xt.cross_entropy(part[rows : rows + 4], y[rows : rows + 4], denominator=denominator)
        loss.backward()
        losses.append(loss.detach().double())
    assert torch.equal(whole.grad, part.grad)
    close([sum(losses)], [xt.cross_entropy(x, y)], torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize("what", ["token_weight", "denominator"])
def test_gradients_of_weights_of_rows(backend, what):
    x, y = sample()
    w = torch.rand(5, dtype=torch.float64)
    tw = (torch.rand(7, dtype=torch.float64) + 0.5).requires_grad_(what == "token_weight")
    d = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    a, b = x.detach().requires_grad_(), x.detach().double().requires_grad_()
    loss = xt.cross_entropy(a, y, w, token_weight=tw, denominator=d if what == "denominator" else None)
    rows = F.cross_entropy(b, y, w, reduction="none") * tw
    kept = y != -100
    exact = rows.sum() / (d if what == "denominator" else (w[y[kept]] * tw[kept]).sum())
    other = tw if what == "token_weight" else d
    close([loss, *torch.autograd.grad(loss, (a, other))], [exact, *torch.autograd.grad(exact, (b, other))])


def test_gradients_of_class_weights_and_targets():
    x, y = sample()
    w = torch.rand(5, dtype=torch.float64, requires_grad=True)
    t = sample(kind="probabilities")[1].requires_grad_()
    losses = (f(x, t, w, label_smoothing=0.1) for f in (xt.cross_entropy, F.cross_entropy))
    close(*(torch.autograd.grad(loss, [w, t]) for loss in losses))
    kept = y != -100
    rows = F.cross_entropy(x, y, reduction="none") * w[y.clamp(min=0)]
    ours, theirs = xt.cross_entropy(x, y, w), rows.sum() / w[y[kept]].sum()
    close(*(torch.autograd.grad(loss, [w]) for loss in (ours, theirs)))


def test_autocast(backend):
    x, y = sample((7, 5), torch.bfloat16)
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        inside = value_and_gradient(xt.cross_entropy, x, y)
    same_bits(inside, value_and_gradient(xt.cross_entropy, x, y))
    assert inside[0].dtype == torch.float32


def test_without_a_gradient(backend):
    x, y = sample()
    with torch.no_grad():
        assert not xt.cross_entropy(x.requires_grad_(), y).requires_grad
    with torch.inference_mode():
        close([xt.cross_entropy(x, y)], [F.cross_entropy(x.double(), y)])
    assert not xt.cross_entropy(x.detach(), y).requires_grad


def test_the_module_is_the_function():
    x, y = sample(dtype=torch.float32)
    w, tw, y = torch.rand(5), torch.rand(7), y.clamp(min=0)
    options = {"ignore_index": 2, "label_smoothing": 0.1, "z_loss": 1e-3, "softcap": 5, "temperature": 2.0}
    module = xt.CrossEntropyLoss(w, **options)
    assert torch.equal(module(x, y), xt.cross_entropy(x, y, w, **options))
    expected = xt.cross_entropy(x, y, w, token_weight=tw, denominator=3, **options)
    assert torch.equal(module(x, y, token_weight=tw, denominator=3), expected)
    assert list(module.state_dict()) == ["weight"]
    assert module.double().weight.dtype == torch.float64


def test_a_module_says_what_is_not_the_default():
    assert repr(xt.CrossEntropyLoss()) == "CrossEntropyLoss()"
    assert repr(xt.CrossEntropyLoss(torch.ones(3), reduction="none", softcap=30.0)) == (
        "CrossEntropyLoss(weight=tensor of shape (3,), reduction='none', softcap=30.0)"
    )
