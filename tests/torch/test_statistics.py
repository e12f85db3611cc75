"""token_statistics on every backend: four numbers a row, three gradients, each with its own upstream."""

import pytest
import torch
from mpmath import mp, mpf
from samples import CLOSE, DTYPES, close, few, same_bits, sample, wide

import xent.torch as xt
from xent.testing import ulp_error


def upstream(like, seed=3):
    numbers = torch.randn(like.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed), device="cpu")
    return numbers.to(like)


@pytest.mark.parametrize("shape", [(5,), (7, 5), (3, 5, 4), (2, 5, 3, 2)], ids=str)
@pytest.mark.parametrize("options", [{}, {"softcap": 2.0}, {"temperature": 0.7}, {"softcap": 2.0, "temperature": 3.0}])
def test_the_four_statistics(backend, shape, options):
    x, y = sample(shape)
    x.requires_grad_()
    axis = 0 if len(shape) == 1 else 1
    s = xt.token_statistics(x, y, **options)
    a = x.detach().double().requires_grad_()
    z = a if "softcap" not in options else options["softcap"] * torch.tanh(a / options["softcap"])
    z = z / options.get("temperature", 1.0)
    kept, logp = (y != -100), z.log_softmax(axis)
    label = y.clamp(min=0).unsqueeze(axis)
    truth = (logp.gather(axis, label).squeeze(axis), z.logsumexp(axis), -(logp.exp() * logp).sum(axis))
    truth = tuple(t * kept for t in truth)
    close(s[:3], truth)
    assert torch.equal(s.argmax, z.argmax(axis).masked_fill(~kept, -1))
    assert s.log_prob.shape == y.shape
    for which in few(([0, 1, 2], [0], [1], [0, 2], [2]), 2):
        given = [upstream(s[i], i) for i in which]
        ours = torch.autograd.grad([s[i] for i in which], x, given, retain_graph=True)
        given = [g.double() for g in given]
        theirs = torch.autograd.grad([truth[i] for i in which], a, given, retain_graph=True)
        scale = theirs[0].abs().max().clamp_min(1.0)  # three gradients may cancel: the largest says how well
        close([ours[0] / scale], [theirs[0] / scale])


def exactly(x, y):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XENT_BACKEND", "reference")
        return xt.token_statistics(x.double(), y)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes(backend, dtype):
    x, y = sample((6, 9), dtype)
    s = xt.token_statistics(x.requires_grad_(), y)
    of_values = torch.float64 if dtype == torch.float64 else torch.float32
    assert [a.dtype for a in s] == [of_values, of_values, of_values, torch.int64]
    assert not s.argmax.requires_grad
    truth = exactly(x, y)
    close(s[:3], truth[:3], of_values)
    (gradient,) = torch.autograd.grad([a.sum() for a in s[:3]], x)
    assert gradient.dtype == dtype


def test_values_are_right_to_the_last_digit(backend):
    x, y = sample((8, 13), torch.float32)
    x[3:] = x[3:] * 10 + 1e4
    y = torch.arange(8)
    s = xt.token_statistics(x, y)
    with mp.workdps(50):
        for i, row in enumerate(x.double().tolist()):
            lse = mp.log(mp.fsum(mp.exp(mpf(v)) for v in row))
            p = [mp.exp(mpf(v) - lse) for v in row]
            truths = mpf(row[i]) - lse, lse, -mp.fsum(q * mp.log(q) for q in p)
            for value, truth in zip((s.log_prob[i], s.logsumexp[i], s.entropy[i]), truths, strict=True):
                assert ulp_error(value.item(), truth, "float32") <= (2.0 if backend == "triton" else 0.51)


def test_ties_give_the_lowest_index(backend):
    x = torch.tensor([[1.0, 3.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0], [-torch.inf, 2.0, -torch.inf, 2.0]])
    assert xt.token_statistics(x.repeat(1, 20), torch.zeros(3, dtype=torch.int64)).argmax.tolist() == [1, 0, 1]


def test_log_prob_is_the_loss(backend):
    x, y = sample((30, 40), torch.float32)
    assert torch.equal(-xt.token_statistics(x, y).log_prob, xt.cross_entropy(x, y, reduction="none"))


def test_certainty(backend):
    x = torch.tensor([[40.0, 0.0, 0.0], [80.0, 0.0, -torch.inf]], dtype=wide(), requires_grad=True)
    s = xt.token_statistics(x, torch.tensor([0, 0]))
    tiny = 2 * torch.tensor(-40.0, dtype=torch.float64).exp()
    (gradient,) = torch.autograd.grad(s.log_prob.sum(), x)
    for value, exact in ((-s.log_prob[0], tiny), (s.entropy[0], 41 * tiny), (gradient[0, 0], tiny)):
        torch.testing.assert_close(value.double(), exact, rtol=CLOSE[wide()], atol=0.0)
    assert s.entropy[1] > 0


def test_no_rows(backend):
    s = xt.token_statistics(torch.empty(0, 4, requires_grad=True), torch.empty(0, dtype=torch.int64))
    assert [tuple(a.shape) for a in s] == [(0,)] * 4


def test_same_bits_and_nothing_changed(backend):
    x, y = sample((50, 33), torch.bfloat16)
    before = x.clone()
    found = []
    for _ in range(2):
        a = x.detach().requires_grad_()
        s = xt.token_statistics(a, y)
        g = torch.autograd.grad(s[:3], a, [upstream(t) for t in s[:3]], retain_graph=True)
        same_bits(g, torch.autograd.grad(s[:3], a, [upstream(t) for t in s[:3]]))
        found.append([*s, *g])
    same_bits(*found)
    same_bits([x], [before])
