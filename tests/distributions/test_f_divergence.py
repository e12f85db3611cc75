"""f-divergences of distributions by functions as they are usually written, without their limits at 0."""

import numpy as np
import pytest

import xent

pytest.importorskip("scipy")

from scipy import stats


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.norm(), stats.norm(1)),  # the ratio underflows far out
        (stats.norm(), stats.laplace()),
        (stats.uniform(0, 1), stats.uniform(0, 2)),  # and is 0
        (stats.poisson(3), stats.poisson(4)),
    ],
)
def test_t_log_t_is_the_kl_divergence(p, q):
    found = xent.f_divergence(p, q, f=lambda t: t * np.log(t), details=True)
    assert abs(found.value - xent.kl_divergence(p, q)) <= found.error_bound + 1e-15


def test_a_function_in_the_operations_of_torch():
    torch = pytest.importorskip("torch")
    loc = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    normal = torch.distributions.Normal
    found = xent.f_divergence(normal(loc, 1.0), normal(loc * 0, 1.0), f=lambda t: t * torch.log(t))
    (slope,) = torch.autograd.grad(found, loc)
    assert (found.item(), slope.item()) == pytest.approx((0.5, 1.0), abs=1e-9)


def test_a_function_that_fails_says_so():
    with pytest.raises(TypeError, match="sine"):
        xent.f_divergence(stats.norm(), stats.norm(1), f=lambda t: np.log(t, sine=1))
