"""The last layer and its loss against all the logits in float64: every option, reduction, dtype and kind of target."""

import pytest
import torch
import torch.nn.functional as F
from samples import CLOSE, DTYPES, by_reference, enough, few, rand, wide

import xent
import xent.torch
from xent.torch import _products

ONE_ROW_MORE = 60_000  # bytes: a few rows a chunk at the sizes below


def layer(dtype, n=23, d=12, c=67, seed=0, inner=()):
    g = torch.Generator().manual_seed(seed)
    with torch.device("cpu"):
        x = torch.randn(n, d, generator=g, dtype=torch.float64).to(dtype)
        w = (torch.randn(c, *inner, d, generator=g, dtype=torch.float64) / 2).to(dtype)
        b = torch.randn(c, *inner, generator=g, dtype=torch.float64).to(dtype)
        y = torch.randint(0, c, (n, *inner), generator=g)
    return [a.to(torch.get_default_device()) for a in (x, w, b, y)]


def logits(x, w, b):
    z = torch.einsum("nd,c...d->nc...", x, w)
    return z if b is None else z + b


def outcome(function, tensors, seed=3):
    """The value, and gradients for a random upstream gradient."""
    tensors = [a.detach().requires_grad_() for a in tensors]
    value = function(*tensors)
    g = torch.Generator().manual_seed(seed)
    upstream = torch.rand(value.shape, generator=g, dtype=torch.float64, device="cpu")
    value.backward(upstream.to(value))
    return [value.detach(), *(a.grad for a in tensors)]


def compare(ours, exact, dtype, times=1.0):
    # Triton leaves the logits of halves in halves.
    loss = CLOSE[dtype if dtype == torch.float64 or wide() == torch.float32 else torch.float32]
    for i, (a, e) in enumerate(zip(ours, exact, strict=True)):
        tolerance = times * (loss if i == 0 else CLOSE[dtype])
        assert (a.double() - e).norm() <= tolerance * e.norm() + 1e-300, i


def labels(y, c):
    y = y.clone()
    y.view(-1)[1] = y.view(-1)[-2] = -100
    return y


def probabilities(y, c):
    shape = (y.shape[0], c, *y.shape[1:])
    made = torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64, device="cpu")
    return made.softmax(1).to(torch.get_default_device(), torch.float32)


def top(y, c):
    indices = torch.stack([y, (y + 1) % c, (y + 5) % c], -1)
    return xent.TopK(indices, torch.tensor([0.5, 0.25, 0.125]).expand(*y.shape, 3), tail="spread")


OPTIONS = [
    {},
    {"label_smoothing": 0.1},
    {"z_loss": 0.01, "softcap": 4.0, "temperature": 1.5},
    {"weight": True, "token_weight": True, "label_smoothing": 0.2},
]


STAND_FOR_ALL = [(labels, 3, "mean", (3,)), (probabilities, 2, "none", ()), (top, 1, "sum", (3,)), (top, 3, "mean", ())]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("target", [labels, probabilities, top])
@pytest.mark.parametrize("inner", [(), (3,)])
def test_equals_cross_entropy_of_the_logits(backend, target, options, reduction, inner):
    enough((target, OPTIONS.index(options), reduction, inner) in STAND_FOR_ALL)
    x, w, b, y = layer(wide(), n=23 if wide() == torch.float64 else 9, inner=inner)
    options, target, c = dict(options), target(y, w.shape[0]), w.shape[0]
    if "weight" in options:
        options["weight"] = rand((c,), seed=7, low=0.5)
        options["token_weight"] = rand(y.shape, seed=8, low=0.0)

    def ours(x, w, b):
        return xent.torch.linear_cross_entropy(
            x, w, target, linear_bias=b, reduction=reduction, memory_budget=ONE_ROW_MORE, **options
        )

    def full(x, w, b):
        return xent.torch.cross_entropy(logits(x, w, b), target, reduction=reduction, **options)

    found = outcome(ours, (x, w, b))
    with by_reference():
        exact = outcome(full, [a.double() for a in (x, w, b)])
    compare(found, exact, wide())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_every_dtype_against_float64(backend, dtype, reduction):
    enough((dtype, reduction) in ((torch.float32, "none"), (torch.bfloat16, "mean"), (torch.float16, "sum")))
    x, w, b, y = layer(dtype)
    y = labels(y, 67)

    def ours(x, w, b):
        return xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, reduction=reduction, memory_budget=ONE_ROW_MORE)

    found = outcome(ours, (x, w, b))
    exact = outcome(
        lambda x, w, b: F.cross_entropy(logits(x, w, b), y, reduction=reduction), [a.double() for a in (x, w, b)]
    )
    compare(found, exact, dtype)
    assert [a.dtype for a in found[1:]] == [dtype] * 3
    assert found[0].dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_no_farther_from_exact_than_torch(dtype):
    x, w, b, y = layer(dtype, n=64, d=48, c=1031)

    def ours(x, w, b):
        return xent.torch.linear_cross_entropy(x, w, y, linear_bias=b)

    def theirs(x, w, b):
        return F.cross_entropy(F.linear(x, w, b), y)

    exact = outcome(theirs, [a.double() for a in (x, w, b)])
    for a, t, e in zip(outcome(ours, (x, w, b)), outcome(theirs, (x, w, b)), exact, strict=True):
        # Products round in whatever order they sum: the errors of two of them differ by some percent either way.
        assert (a.double() - e).norm() <= 1.1 * (t.double() - e).norm() + torch.finfo(a.dtype).eps / 4 * e.norm()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_error_of_the_weights_gradient_stays_at_rounding_for_any_number_of_chunks(dtype, in_chunks):
    x, w, b, y = layer(dtype, n=64, d=32, c=401)
    wide = [a.double() for a in (x, w, b)]
    exact = outcome(lambda x, w, b: F.cross_entropy(logits(x, w, b), y), wide)[2:]
    for chunks in (1, 4, 16, 64):
        walked = in_chunks(64 // chunks)
        found = outcome(lambda x, w, b: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b), (x, w, b))[2:]
        assert len(walked) == (chunks if dtype == torch.bfloat16 else 2 * chunks)  # float16 makes its logits twice
        for a, e in zip(found, exact, strict=True):
            assert (a.double() - e).norm() <= 1.01 * (e.to(dtype).double() - e).norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_bfloat16_where_the_processor_has_units(dtype, monkeypatch, in_chunks):
    """What other processors do, slowly done by this one: right, and no worse with more chunks."""
    monkeypatch.setattr(_products, "bfloat16_units", lambda: True)
    x, w, b, y = layer(dtype, n=64, d=32, c=401, inner=(2,))
    exact = outcome(lambda x, w, b: F.cross_entropy(logits(x, w, b), y), [a.double() for a in (x, w, b)])
    for rows in (64, 4):
        in_chunks(rows, block=100)
        for options in ({}, {"reduction": "none"}):
            found = outcome(
                lambda x, w, b, o=options: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, **o).mean(),
                (x, w, b),
            )
            for a, e in zip(found, exact, strict=True):
                assert (a.double() - e).norm() <= CLOSE[dtype] * e.norm()


def test_a_second_backward_pass_gives_the_same_gradients_again(backend):
    """A gradient handed to autograd may become `.grad`, and be added to: it must not be handed out twice."""
    x, w, b, y = layer(torch.float32)
    for options in ({}, {"reduction": "none"}):
        x, w, b = (a.detach().requires_grad_() for a in (x, w, b))
        loss = xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, **options).sum()
        loss.backward(retain_graph=True)
        first = [a.grad.clone() for a in (x, w, b)]
        loss.backward(torch.tensor(2.0), retain_graph=True)
        loss.backward()
        for a, one in zip((x, w, b), first, strict=True):
            torch.testing.assert_close(a.grad, 4 * one, rtol=1e-6, atol=1e-9)


def test_tied_weights(backend):
    """The weights of the last layer are those of the first: both gradients are added."""
    _, w, _, y = layer(wide())
    tokens = torch.arange(23)

    def ours(w):
        return xent.torch.linear_cross_entropy(w[tokens].tanh(), w, y)

    exact = outcome(lambda w: F.cross_entropy(w[tokens].tanh() @ w.T, y), (w.double(),))
    compare(outcome(ours, (w,)), exact, wide())
    twice = outcome(lambda w: ours(w) + 2 * ours(w), (w,))
    compare([a / 3 for a in twice], outcome(ours, (w,)), wide())


def test_leading_dimensions_and_one_row(backend):
    x, w, b, y = layer(wide(), n=24)
    flat = xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, reduction="none")
    for lead in few([(2, 12), (24, 1), (2, 3, 4)], 2):
        shaped = xent.torch.linear_cross_entropy(
            x.reshape(*lead, -1), w, y.reshape(lead), linear_bias=b, reduction="none"
        )
        assert shaped.shape == lead
        assert torch.equal(shaped.flatten(), flat)
    soft = probabilities(y, 67)
    shaped = xent.torch.linear_cross_entropy(x.reshape(2, 12, -1), w, soft.reshape(2, 12, -1), reduction="none")
    assert shaped.shape == (2, 12)
    one = xent.torch.linear_cross_entropy(x[0], w, y[0], linear_bias=b, reduction="none")
    assert one.shape == ()
    torch.testing.assert_close(one, flat[0], rtol=CLOSE[wide()], atol=0)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_labels_of_other_integers(backend, dtype):
    x, w, _, y = layer(wide())
    expected = xent.torch.linear_cross_entropy(x, w, y)
    assert torch.equal(xent.torch.linear_cross_entropy(x, w, y.to(dtype)), expected)


@pytest.mark.parametrize("layout", ["transposed", "expanded", "misaligned", "strided"])
def test_layouts(backend, layout):
    x, w, b, y = layer(torch.float32, n=24)
    expected = outcome(lambda x, w, b: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b), (x, w, b))
    if layout == "transposed":
        x, w = x.T.contiguous().T, w.T.contiguous().T
    elif layout == "strided":
        x, w = x.repeat_interleave(2, 1)[:, ::2], w.repeat_interleave(3, 0)[::3]
    elif layout == "misaligned":
        x = torch.cat([x.new_zeros(1), x.flatten()])[1:].view(24, -1)
    else:
        x = x[:1].expand(24, -1)
        expected = outcome(
            lambda x, w, b: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b), (x.contiguous(), w, b)
        )
    found = outcome(lambda x, w, b: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b), (x, w, b))
    compare(found, [e.double() for e in expected], torch.float32)


def test_nothing_of_the_callers_is_changed_and_the_same_bits_come_again(backend):
    x, w, b, y = layer(torch.bfloat16)
    before = [a.clone() for a in (x, w, b, y)]

    def ours(x, w, b):
        return xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, memory_budget=ONE_ROW_MORE)

    first, second = outcome(ours, (x, w, b)), outcome(ours, (x, w, b))
    assert all(torch.equal(a, e) for a, e in zip((x, w, b, y), before, strict=True))
    assert all(torch.equal(a, e) for a, e in zip(first, second, strict=True))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("rows", [0, 5])
def test_no_row_that_counts_gives_zero_and_zero_gradients(backend, reduction, rows):
    x, w, b, _ = layer(torch.float32)
    y = torch.full((rows,), -100)
    x = torch.full_like(x[:rows], torch.nan)
    loss, *gradients = outcome(
        lambda x, w, b: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b, reduction=reduction), (x, w, b)
    )
    assert torch.equal(loss, torch.zeros(rows if reduction == "none" else ()))
    assert all(torch.equal(g, torch.zeros_like(a)) for g, a in zip(gradients, (x, w, b), strict=True))


def test_a_denominator_makes_micro_batches_one_batch(backend):
    x, w, _, y = layer(wide(), n=24)
    y = labels(y, 67)
    count = (y != -100).sum()
    whole = outcome(lambda w: xent.torch.linear_cross_entropy(x, w, y), (w,))

    def parts(w):
        return sum(xent.torch.linear_cross_entropy(x[i::3], w, y[i::3], denominator=count) for i in range(3))

    compare(outcome(parts, (w,)), whole, wide())


def test_gradients_by_whatever_multiplies_the_rows(backend):
    x, w, _, y = layer(wide())
    y = labels(y, 67)
    tokens = rand((23,), seed=1, low=0.0)

    def weighed(function, z, tokens, count):
        return function(*z, y, token_weight=tokens, denominator=count)

    given = (x, w, tokens, 2 * tokens.sum())
    ours = outcome(lambda x, w, t, d: weighed(xent.torch.linear_cross_entropy, (x, w), t, d), given)
    with by_reference():
        full = outcome(
            lambda x, w, t, d: weighed(xent.torch.cross_entropy, (x @ w.T,), t, d), [a.double() for a in given]
        )
    compare(ours, full, wide())


def test_gradients_by_class_weights_and_distributions():
    """Only torch operations make them."""
    x, w, _, y = layer(torch.float64)
    soft, classes = probabilities(y, 67).double(), rand((67,), low=0.0)
    compare(
        outcome(lambda x, w, c, t: xent.torch.linear_cross_entropy(x, w, t, weight=c), (x, w, classes, soft)),
        outcome(lambda x, w, c, t: xent.torch.cross_entropy(x @ w.T, t, weight=c), (x, w, classes, soft)),
        torch.float64,
    )


def test_float16_gradients_survive_the_loss_scale():
    """Each gradient is far below what float16 holds; the scale lifts it before anything is rounded."""
    x, w, _, y = layer(torch.float16, n=64, d=8, c=2048)
    found = outcome(lambda x, w: 65536 * xent.torch.linear_cross_entropy(x, w / 8, y), (x, w))
    exact = outcome(lambda x, w: 65536 * F.cross_entropy(x @ w.T / 8, y), (x.double(), w.double()))
    for a, e in zip(found[1:], exact[1:], strict=True):
        assert (a.double() - e).norm() <= CLOSE[torch.float16] * e.norm()


def test_autocast_casts_as_linear_does(backend):
    x, w, b, y = layer(torch.float32)
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        found = outcome(lambda x, w, b: xent.torch.linear_cross_entropy(x, w, y, linear_bias=b), (x, w, b))
    rounded = [a.bfloat16().double() for a in (x, w, b)]
    exact = outcome(lambda x, w, b: F.cross_entropy(F.linear(x, w, b), y), rounded)
    compare(found, exact, torch.bfloat16)
    assert all(a.dtype == torch.float32 for a in found)
    close = CLOSE[torch.bfloat16] if backend == "triton" else 1e-6  # it leaves the logits in bfloat16
    torch.testing.assert_close(found[0].double(), exact[0], rtol=close, atol=0)


@pytest.mark.parametrize("given", ["view", "cut"])
def test_a_half_gradient_is_rounded_once(backend, given):
    if backend == "triton":
        pytest.skip("logits and their gradients are rounded to bfloat16 before: test_linear_triton tells the dtypes")
    g = torch.Generator().manual_seed(0)
    made = [torch.randn(s, generator=g, device="cpu").bfloat16() for s in ((6, 5, 16), (50, 16))]
    made.append(torch.randint(0, 50, (6, 5), generator=g, device="cpu"))
    x, w, y = (a.to(torch.get_default_device()) for a in made)
    x, y = (x, y) if given == "view" else (x[:, :-1], y[:, 1:])
    x, scale = x.detach().requires_grad_(), 0.7237
    (dx,) = torch.autograd.grad(xent.torch.linear_cross_entropy(x, w, y) * scale, x)
    double = x.detach().double().requires_grad_()
    with by_reference():
        (exact,) = torch.autograd.grad(xent.torch.linear_cross_entropy(double, w.double(), y) * scale, double)
    once = exact.bfloat16()
    ulp = (once.view(torch.int16) + 1).view(torch.bfloat16).double() - once.double()
    # half a unit, and what float32 logits and, in units for bfloat16, rounded differences add
    most = 0.51 if _products.product_dtype(torch.bfloat16) == torch.float32 else 4.0
    assert ((dx.double() - exact).abs() <= most * ulp.abs()).all()


def test_a_denominator_that_float32_cannot_divide_by_alone(backend):
    x, w, y = torch.eye(4, 3, requires_grad=True), torch.ones(5, 3, requires_grad=True), torch.arange(4)
    for tiny in (1e-39, 1e-37):
        loss = xent.torch.linear_cross_entropy(x, w, y, denominator=tiny)
        made = torch.autograd.grad(loss, [x, w], torch.tensor(tiny))
        expected = torch.autograd.grad(xent.torch.linear_cross_entropy(x, w, y, reduction="sum"), [x, w])
        for a, e in zip(made, expected, strict=True):
            torch.testing.assert_close(a, e, rtol=1e-5, atol=1e-7)
