"""Statistics of the last layer against those of all its logits."""

import pytest
import torch
from samples import CLOSE, DTYPES, by_reference, enough

import xent.torch


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("inner", [(), (3,)])
def test_equal_those_of_the_logits(backend, dtype, inner, in_chunks):
    enough((dtype, inner) in ((torch.float32, (3,)), (torch.float16, ())))
    g = torch.Generator().manual_seed(0)
    with torch.device("cpu"):
        made = [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in ((20, 8), (31, *inner, 8))]
        y = torch.randint(0, 31, (20, *inner), generator=g)
        y.view(-1)[::4] = -100
        made += [y, *(torch.rand(y.shape, generator=g, dtype=torch.float64) for _ in range(3))]
    x, w, y, *upstreams = (a.to(torch.get_default_device()) for a in made)

    def run(function, *tensors):
        tensors = [a.detach().requires_grad_() for a in tensors]
        found = function(*tensors)
        pairs = zip(found[:3], upstreams, strict=True)
        sum((value.double() * u).sum() for value, u in pairs).backward()
        return found, [a.grad for a in tensors]

    walked = in_chunks(7)
    ours, gradients = run(lambda x, w: xent.torch.linear_token_statistics(x, w, y, softcap=6.0), x, w)
    # three of 15 rows that count, or of 20 of which a position does; forward and back
    assert len(walked) == (18 if backend == "triton" and inner else 6)
    with by_reference():
        full, exact = run(
            lambda x, w: xent.torch.token_statistics(torch.einsum("nd,c...d->nc...", x, w), y, softcap=6.0),
            x.double(),
            w.double(),
        )
    # Triton leaves the logits of halves in halves.
    rtol, atol = (CLOSE[dtype],) * 2 if backend == "triton" and dtype.itemsize == 2 else (1e-5, 1e-6)
    assert torch.equal(ours.argmax, full.argmax)
    for a, e in zip(ours[:3], full[:3], strict=True):
        torch.testing.assert_close(a.double(), e, rtol=rtol, atol=atol)
    for a, e in zip(gradients, exact, strict=True):
        assert (a.double() - e).norm() <= CLOSE[dtype] * e.norm()


def test_an_upstream_gradient_of_one_alone(backend):
    x, w = torch.randn(5, 4, requires_grad=True), torch.randn(7, 4)
    y = torch.arange(5)
    (a,) = torch.autograd.grad(xent.torch.linear_token_statistics(x, w, y).log_prob.sum(), x)
    (b,) = torch.autograd.grad(-xent.torch.linear_cross_entropy(x, w, y, reduction="sum"), x)
    torch.testing.assert_close(a, b)


def test_nothing_counts(backend):
    x = torch.full((3, 4), torch.nan, requires_grad=True)
    found = xent.torch.linear_token_statistics(x, torch.ones(5, 4), torch.full((3,), -100))
    found.log_prob.sum().backward()
    assert [v.tolist() for v in found] == [[0.0] * 3] * 3 + [[-1] * 3]
    assert torch.equal(x.grad, torch.zeros(3, 4))
