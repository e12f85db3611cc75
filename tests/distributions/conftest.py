"""Views of SciPy and torch distributions, made by hand: what the tests of quadrature and summation integrate."""

import numpy as np
import pytest

from xent.distributions._view import View


def _scipy_view(distribution, name="p", quantile=True):
    low, high = (np.asarray(end, dtype=float) for end in distribution.support())
    discrete = hasattr(distribution.dist, "pmf")
    density = distribution.logpmf if discrete else distribution.logpdf
    return View(
        name=name,
        origin=distribution,
        library="numpy",
        dtype="float64",
        device=None,
        batch=low.shape,
        event=(),
        discrete=discrete,
        low=low,
        high=high,
        log_density=density,
        quantile=distribution.ppf if quantile else None,
        draw=None,
        reparametrised=False,
        family=None,
    )


def _torch_view(distribution, low, high, name="p", discrete=False):
    import torch

    batch = tuple(distribution.batch_shape)
    dtype = str(next(p for p in vars(distribution).values() if isinstance(p, torch.Tensor)).dtype).split(".")[1]
    return View(
        name=name,
        origin=distribution,
        library="torch",
        dtype=dtype,
        device=torch.device("cpu"),
        batch=batch,
        event=(),
        discrete=discrete,
        low=np.full(batch, float(low)),
        high=np.full(batch, float(high)),
        log_density=lambda x: distribution.log_prob(torch.tensor(x, dtype=getattr(torch, dtype))),
        quantile=None,
        draw=None,
        reparametrised=False,
        family=None,
    )


@pytest.fixture(scope="session")
def scipy_view():
    return _scipy_view


@pytest.fixture(scope="session")
def torch_view():
    pytest.importorskip("torch")
    return _torch_view
