"""What the linear losses hold and what they multiply: never more than the budget, never for what is not asked for."""

import re

import pytest
import torch
import torch.utils.checkpoint
from samples import CLOSE, enough, rand
from torch.profiler import ProfilerActivity, profile

import xent
import xent.torch
from xent.torch import _chunks, _products, _triton

N, D, C = 24, 16, 3001


def most_held(function):
    """The most bytes of tensors that exist at once beyond those that were there before."""
    if torch.get_default_device().type == "cuda":
        pytest.skip("this counts what the CPU holds; test_linear_triton counts what a GPU does")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        function()
    events = [e for e in run.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def layer(dtype, bias=True):
    g = torch.Generator().manual_seed(0)
    with torch.device("cpu"):
        x, w = torch.randn(N, D, generator=g).to(dtype), torch.randn(C, D, generator=g).to(dtype)
        y = torch.randint(0, C, (N,), generator=g)
    x, w, y = (a.to(torch.get_default_device()) for a in (x, w, y))
    return [a.requires_grad_() for a in (x, w, torch.zeros(C, dtype=dtype))], y


def allowed(tensors):
    """The gradients, and the float32 sums that those of weights and bias are kept in where they are shorter."""
    sums = sum(a.numel() * 4 for a in tensors[1:] if a.dtype.itemsize < 4)
    return sums + sum(a.nbytes for a in tensors)


TARGETS = {
    "labels": lambda y: y,
    "half ignored": lambda y: y.masked_fill(torch.arange(N) % 2 == 0, -100),
    "probabilities": lambda y: rand((N, C), seed=1, dtype=torch.float32).softmax(-1),
    "top": lambda y: xent.TopK(torch.stack([y, (y + 1) % C], -1), torch.full((N, 2), 0.4), "spread"),
}


@pytest.mark.parametrize(
    ("dtype", "reduction", "target", "budget"),
    [
        (torch.float32, "mean", "labels", 600_000),
        (torch.float32, "mean", "labels", 50_000_000),
        (torch.float64, "none", "labels", 1_000_000),
        (torch.bfloat16, "mean", "half ignored", 600_000),
        (torch.float16, "mean", "top", 600_000),
        (torch.float32, "sum", "probabilities", 600_000),
    ],
)
def test_the_budget_is_kept(backend, dtype, reduction, target, budget):
    enough((target, budget) == ("half ignored", 600_000))
    tensors, y = layer(dtype)
    x, w, b = tensors
    target = TARGETS[target](y)
    options = {"softcap": 5.0, "z_loss": 0.1, "label_smoothing": 0.1, "weight": torch.ones(C)}

    def step():
        xent.torch.linear_cross_entropy(
            x, w, target, linear_bias=b, reduction=reduction, memory_budget=budget, **options
        ).sum().backward()

    held = most_held(step) - allowed(tensors)
    assert held <= budget
    assert held > min(budget / 4, N * C)  # the budget is there to be used


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_budget_is_kept_by_statistics(backend, dtype):
    enough(dtype == torch.float32)
    tensors, y = layer(dtype)
    x, w, b = tensors

    def step():
        s = xent.torch.linear_token_statistics(x, w, y, linear_bias=b, softcap=5.0, memory_budget=1_000_000)
        (s.log_prob + s.logsumexp + s.entropy).sum().backward()

    assert most_held(step) - allowed(tensors) <= 1_000_000


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("made", ["cut", "turned"])
def test_input_that_no_view_makes_rows_of_is_taken_by_the_chunk(backend, made, ignored, dtype):
    if backend == "triton":
        pytest.skip("it has other sizes of its own in test_linear_triton")
    g = torch.Generator().manual_seed(0)
    with torch.device("cpu"):
        x, w = torch.randn(4, 31, 1024, generator=g).to(dtype), torch.randn(40, 1024, generator=g).to(dtype)
    x, w = (a.to(torch.get_default_device()) for a in (x, w))
    x = (x[:, :-1] if made == "cut" else x.transpose(0, 1)).detach().requires_grad_()
    w.requires_grad_()
    y = torch.randint(0, 40, x.shape[:2], generator=g, device="cpu").to(x.device)
    if ignored:
        y[1, ::2] = -100
    budget = 420_000  # less than a copy of the input in float32, 480 kB

    def step():
        with torch.no_grad():
            xent.torch.linear_cross_entropy(x, w, y, memory_budget=budget)
            xent.torch.linear_token_statistics(x, w, y, memory_budget=budget)

    assert most_held(step) <= budget
    for reduction in ("mean", "none"):
        results = []
        for given in (x, x.reshape(-1, 1024)):
            loss = xent.torch.linear_cross_entropy(given, w, y.reshape(given.shape[:-1]), reduction=reduction)
            results.append([a.reshape(-1) for a in (loss, *torch.autograd.grad(loss.sum(), [x, w]))])
        for a, e in zip(*results, strict=True):
            assert torch.equal(a, e)


def test_the_budget_is_kept_with_positions():
    g = torch.Generator().manual_seed(0)
    x, w = torch.randn(N, D, generator=g).requires_grad_(), torch.randn(C, 3, D, generator=g).requires_grad_()
    y = torch.randint(0, C, (N, 3), generator=g)
    y[::2, 1] = -100
    soft = torch.randn(N, C, 3, generator=g).softmax(1)
    for target in (y, soft):

        def step(target=target):
            xent.torch.linear_cross_entropy(x, w, target, memory_budget=1_000_000).backward()

        assert most_held(step) - allowed([x, w]) <= 1_000_000


def test_a_half_gradient_kept_in_float32_is_counted_or_made_later(backend):
    x = rand((200, 256), seed=0, dtype=torch.bfloat16, low=-0.5).requires_grad_()
    w, y = rand((8, 256), seed=1, dtype=torch.bfloat16, low=-0.5), torch.arange(200) % 8
    results = []
    for budget, gradient in ((300_000, "in backward"), (450_000, "in forward")):  # 204,800 bytes of float32

        def step(budget=budget):
            results.append(
                torch.autograd.grad(xent.torch.linear_cross_entropy(x, w, y, memory_budget=budget) * 0.7, x)[0]
            )

        assert xent.torch.choice(xent.torch.linear_cross_entropy, x, w, y, memory_budget=budget).gradient == gradient
        assert most_held(step) - x.nbytes <= budget
    if backend == "triton":  # the one rounds dz, the other dz times 0.7
        assert (results[0].double() - results[1]).norm() <= CLOSE[torch.bfloat16] * results[1].double().norm()
    else:
        torch.testing.assert_close(*results, rtol=2**-7, atol=1e-6)  # a unit: each is rounded once


def test_top_k_rows_are_checked_within_the_budget(backend):
    if backend == "triton":
        pytest.skip("on a GPU an outcome that is named twice is not looked for")
    x, w = torch.zeros(4000, 2), torch.zeros(64, 2)
    indices, probs = torch.arange(32).expand(4000, 32).contiguous(), torch.full((4000, 32), 1 / 32)

    def step():
        xent.torch.linear_cross_entropy(x, w, xent.TopK(indices, probs), memory_budget=800_000)

    assert most_held(step) <= 800_000  # all at once are sorted into 2 MB
    indices[3990, 1] = 0
    with pytest.raises(xent.DistributionError, match="row 3990 names an outcome twice"):
        step()


def test_the_default_never_refuses_and_what_is_said_is_enough(monkeypatch):
    x, w, y = torch.zeros(20_000, 1), torch.zeros(2, 1), torch.zeros(20_000, dtype=torch.uint8)
    for budget in (None, 1_500_000):  # 75 bytes a row

        def step(budget=budget):
            xent.torch.linear_cross_entropy(x, w, y, memory_budget=budget)

        monkeypatch.setattr(_chunks, "DEFAULT", 400_000)  # less than the states of that many rows
        assert most_held(step) <= 1_500_000


def test_the_least_budget_is_named_and_works(backend):
    tensors, y = layer(torch.bfloat16)
    if backend == "triton":  # a row at a time: each is a launch
        tensors[0], y = tensors[0][:4], y[:4]
    with pytest.raises(ValueError, match="`memory_budget` is 1,000 bytes; this call needs at least") as error:
        xent.torch.linear_cross_entropy(*tensors[:2], y, memory_budget=1000)
    least = int(re.findall(r"at least ([\d,]+), of which", str(error.value))[0].replace(",", ""))
    value = xent.torch.linear_cross_entropy(*tensors[:2], y, memory_budget=least)
    with pytest.raises(ValueError, match=f"at least {least:,}"):
        xent.torch.linear_cross_entropy(*tensors[:2], y, memory_budget=least - 1)
    rtol = 1e-2 if backend == "triton" else 1e-6  # it leaves the logits in bfloat16
    torch.testing.assert_close(value, xent.torch.linear_cross_entropy(*tensors[:2], y), rtol=rtol, atol=0)


@pytest.fixture
def products(backend, monkeypatch):
    """How many rows each of the three products was computed for."""
    rows = dict.fromkeys(("logits", "input_gradient", "weight_gradient"), 0)
    where = _triton.kernels("products") if backend == "triton" else _products.Products

    def counted(name):
        function = getattr(where, name)

        def count(*args, **kwargs):
            rows[name] += len(args[0 if backend == "triton" else 1])  # a method is given itself first
            return function(*args, **kwargs)

        monkeypatch.setattr(where, name, count)

    for name in rows:
        counted(name)
    return rows


@pytest.mark.parametrize(
    ("reduction", "dtype", "wanted", "expected"),
    [
        ("mean", torch.float32, (True, True), (1, 1, 1)),
        ("sum", torch.bfloat16, (True, True), (1, 1, 1)),
        ("mean", torch.float32, (True, False), (1, 1, 0)),
        ("mean", torch.float32, (False, True), (1, 0, 1)),
        ("mean", torch.float32, (False, False), (1, 0, 0)),
        ("none", torch.float32, (True, True), (2, 1, 1)),
        ("none", torch.float32, (False, True), (2, 0, 1)),
        ("none", torch.float32, (False, False), (1, 0, 0)),
        ("mean", torch.float16, (True, True), (2, 1, 1)),
    ],
)
def test_products_are_computed_once_and_only_for_rows_and_gradients_that_count(
    backend, products, reduction, dtype, wanted, expected
):
    enough(wanted != (False, True))
    (x, w, _), y = layer(dtype)
    y = y.masked_fill(torch.arange(N) % 4 != 0, -1)
    for a, asked in zip((x, w), wanted, strict=True):
        a.requires_grad_(asked)
    loss = xent.torch.linear_cross_entropy(x, w, y, ignore_index=-1, reduction=reduction)
    if any(wanted):
        loss.sum().backward()
    assert tuple(products.values()) == tuple(N // 4 * times for times in expected)


def test_nothing_is_kept_where_what_is_saved_goes_elsewhere(backend, products):
    (x, w, _), y = layer(torch.float32)
    torch.utils.checkpoint.checkpoint(xent.torch.linear_cross_entropy, x, w, y, use_reentrant=False).backward()
    assert tuple(products.values()) == (3 * N, N, N)  # the forward pass twice, and once the backward pass


def test_no_gradients_without_grad_mode(backend, products):
    (x, w, b), y = layer(torch.float32)
    with torch.no_grad():
        loss = xent.torch.linear_cross_entropy(x, w, y, linear_bias=b)
    assert not loss.requires_grad
    assert tuple(products.values()) == (N, 0, 0)


@pytest.mark.parametrize("inner", [(), (2,)])
def test_what_ignored_rows_hold_reaches_nothing(backend, inner):
    x, w = rand((12, 4), dtype=torch.float32, low=-0.5), rand((9, *inner, 4), dtype=torch.float32, low=-0.5)
    y = torch.randint(0, 9, (12, *inner), generator=torch.Generator().manual_seed(0), device="cpu").to(x.device)
    y[::3] = 200
    if inner:
        y[1, 0] = 200  # one position of a row: the other counts
    results = []
    for fill in (0.0, torch.nan):
        given = x.clone()
        given[::3] = fill
        tensors = [given.requires_grad_(), w.clone().requires_grad_()]
        xent.torch.linear_cross_entropy(*tensors, y, ignore_index=200).backward()
        results.append([a.grad for a in tensors])
    for a, e in zip(*results, strict=True):
        assert torch.equal(a, e)
        assert torch.isfinite(a).all()
    assert (results[0][0][::3] == 0).all()
