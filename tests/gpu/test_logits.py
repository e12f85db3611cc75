"""What only a GPU shows of the losses of logits: sizes past 2^31, graphs, streams, compilers, and no waiting.

These tests need torch, Triton and pytest, and nothing else.
"""

import pytest
import torch
import torch.nn.functional as F

import xent
import xent.torch as xt

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

OPTIONS = {"label_smoothing": 0.1, "z_loss": 1e-3, "softcap": 30.0, "temperature": 1.5}


def rows(n, v, dtype=torch.bfloat16, seed=0):
    """Logits and labels, of which the second is ignored, on the GPU."""
    g = torch.Generator("cuda").manual_seed(seed)
    x = torch.empty(n, v, device="cuda", dtype=dtype).normal_(std=3.0, generator=g)
    y = torch.randint(0, v, (n,), device="cuda", generator=g)
    y[1] = -100
    return x, y


def exact(x, y, options, upstream=None):
    """Mean loss and gradient in float64; few rows."""
    a = x.double().requires_grad_()
    z = a
    if "softcap" in options:
        z = options["softcap"] * torch.tanh(z / options["softcap"])
    z = z / options.get("temperature", 1.0)
    loss = F.cross_entropy(z, y, label_smoothing=options.get("label_smoothing", 0.0), reduction="sum")
    kept = y != -100
    loss = (loss + options.get("z_loss", 0.0) * (z.logsumexp(1)[kept] ** 2).sum()) / kept.sum()
    return loss.detach(), torch.autograd.grad(loss, a, upstream)[0]


@pytest.fixture(autouse=True)
def emptied():
    yield
    torch.cuda.synchronize()
    torch.cuda.empty_cache()


def room_for(gigabytes):
    if torch.cuda.mem_get_info()[0] < gigabytes * 1e9:
        pytest.skip(f"needs {gigabytes} GB of free memory on the GPU")


@pytest.mark.parametrize("columns", [131072, 131077])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_more_than_two_to_the_31_elements(columns, reduction):
    room_for(14)
    n = 16400
    x = torch.zeros(n, columns, device="cuda", dtype=torch.bfloat16)
    y = torch.full((n,), -100, device="cuda")
    last, labels = rows(4, columns)
    x[-4:], y[-4:] = last, labels
    x.requires_grad_()
    loss = xt.cross_entropy(x, y, reduction=reduction)
    assert xt.choice(xt.cross_entropy, x, y, reduction=reduction).backend == "triton"
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    few = last.requires_grad_()
    expected = xt.cross_entropy(few, labels, reduction=reduction)
    (slope,) = torch.autograd.grad(expected.sum(), few)
    assert torch.equal(loss if reduction == "mean" else loss[-4:], expected)
    assert torch.equal(gradient[-4:], slope)
    assert not gradient[-6:-4].any()
    s = xt.token_statistics(x.detach(), y)
    assert torch.equal(s.argmax[-4:], torch.where(labels == -100, -1, last.argmax(1)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
@pytest.mark.parametrize("columns", [128256, 50257, 1000, 7])
@pytest.mark.parametrize("options", [{}, OPTIONS], ids=["plain", "all"])
def test_rows_as_long_as_vocabularies(dtype, columns, options):
    x, y = rows(33, columns, dtype)
    truth, slope = exact(x, y, options)
    a = x.detach().requires_grad_()
    loss = xt.cross_entropy(a, y, **options)
    (gradient,) = torch.autograd.grad(loss, a)
    torch.testing.assert_close(loss.double(), truth, rtol=2e-6, atol=0.0)
    digits = {torch.bfloat16: 2**-8, torch.float16: 2**-10, torch.float32: 3e-6}[dtype]
    least = 2**-24 if dtype == torch.float16 else 1e-10
    torch.testing.assert_close(gradient.double(), slope, rtol=digits, atol=least)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_no_call_waits_for_the_gpu(reduction):
    x, y = rows(64, 4099)
    w, tw, d = torch.rand(4099, device="cuda"), torch.rand(64, device="cuda"), torch.tensor(17.0, device="cuda")
    soft = x.float().softmax(1)
    top = xent.TopK(torch.arange(128, device="cuda").view(64, 2), torch.full((64, 2), 0.25, device="cuda"), "spread")
    how = {"denominator": d} if reduction == "mean" else {}

    def step(target):
        a = x.detach().requires_grad_()
        loss = xt.cross_entropy(a, target, w, token_weight=tw, reduction=reduction, **how, **OPTIONS)
        return torch.autograd.grad(loss, a, torch.ones_like(loss) * 0.5)

    for target in (y, soft, top):
        step(target)  # compiles, and asks for the cell of the flag
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for target in (y, soft, top):
            step(target)
        a = x.detach().requires_grad_()
        s = xt.token_statistics(a, y)
        torch.autograd.grad(s[:3], a, [torch.ones_like(v) for v in s[:3]])
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_cuda_graph_gives_the_same_bits():
    x, y = rows(64, 32000)
    still = x.clone().requires_grad_()

    def step():
        loss = xt.cross_entropy(still, y, z_loss=1e-3)
        return loss, torch.autograd.grad(loss, still)[0]

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss, gradient = step()
    for seed in (1, 2):
        with torch.no_grad():
            still.copy_(rows(64, 32000, seed=seed)[0])
        graph.replay()
        expected = step()
        assert torch.equal(loss, expected[0])
        assert torch.equal(gradient, expected[1])


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.filterwarnings("default")  # the compiler of the compiler warns of what it likes
def test_compiled_by_inductor_gives_the_values_of_eager(reduction):
    torch._dynamo.reset()
    x, y = rows(64, 5003)

    def loss(a):
        return xt.cross_entropy(a, y, reduction=reduction, **OPTIONS).sum()

    run = torch.compile(loss, fullgraph=True)
    a, b = (x.detach().requires_grad_() for _ in range(2))
    ours, eager = run(a), loss(b)
    torch.testing.assert_close(ours, eager, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(torch.autograd.grad(ours, a), torch.autograd.grad(eager, b), rtol=2**-7, atol=1e-9)
    torch._dynamo.reset()


def test_a_label_out_of_range_is_said_by_the_next_call_and_read_nowhere():
    x, y = rows(8, 1000)
    y[3], y[5] = 2**40, -7
    loss = xt.cross_entropy(x, y, reduction="none")
    torch.cuda.synchronize()
    with pytest.raises(xent.DistributionError, match="a label out of range"):
        xt.cross_entropy(x, y)
    assert loss.isnan().nonzero()[:, 0].tolist() == [3, 5]
    y[3] = y[5] = 0
    assert xt.cross_entropy(x, y).isfinite()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_twice_gives_the_same_bits(dtype):
    x, y = rows(512, 50257, dtype)
    found = []
    for _ in range(2):
        a = x.detach().requires_grad_()
        loss = xt.cross_entropy(a, y, **OPTIONS)
        found.append((loss.detach(), *torch.autograd.grad(loss, a)))
    assert all(torch.equal(p, q) for p, q in zip(*found, strict=True))


def test_one_pass_takes_no_more_memory_than_a_gradient():
    x, y = rows(512, 128256)
    x.requires_grad_()
    xt.cross_entropy(x, y).backward()
    x.grad = None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    (gradient,) = torch.autograd.grad(xt.cross_entropy(x, y), x)
    extra = torch.cuda.max_memory_allocated() - before - gradient.nbytes
    assert extra < 512 * 128 + 2**20  # some numbers a row


def test_two_streams_do_not_meet():
    x, y = rows(256, 32000)
    expected = xt.cross_entropy(x, y)
    streams = [torch.cuda.Stream() for _ in range(2)]
    for s in streams:
        s.wait_stream(torch.cuda.current_stream())
    found = []
    for i in range(8):
        with torch.cuda.stream(streams[i % 2]):
            found.append(xt.cross_entropy(x, y))
    torch.cuda.synchronize()
    assert all(torch.equal(loss, expected) for loss in found)
