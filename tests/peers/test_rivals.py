"""Beside SciPy, PyTorch and scikit-learn: where they are right we agree, and our error is never larger than theirs."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics

import xent
from xent import Counts, Labels, Logits
from xent.testing import reference, ulp_error

torch = pytest.importorskip("torch")
F = torch.nn.functional


def rows(rng, k=12, n=40):
    p = rng.dirichlet(np.full(k, 0.3), n)
    return p, rng.dirichlet(np.ones(k), n) * 0.99 + 0.01 / k


def no_worse(ours, theirs, truth, dtype="float64"):
    """Element by element: at most the rival's error, or 2 ulp."""
    for a, b, t in zip(np.ravel(ours), np.ravel(theirs), truth, strict=True):
        assert ulp_error(float(a), t, dtype) <= max(ulp_error(float(b), t, dtype), 2)


def test_scipy_entropy_and_relative_entropy():
    p, q = rows(np.random.default_rng(0))
    no_worse(xent.entropy(p), scipy.stats.entropy(p, axis=1), [reference.entropy(a) for a in p])
    truth = [reference.kl_divergence(a, b) for a, b in zip(p, q, strict=True)]
    no_worse(xent.kl_divergence(p, q), scipy.stats.entropy(p, q, axis=1), truth)


def test_scipy_normalises_and_counts_do_too():
    # scipy.stats.entropy takes anything that is not negative and divides by its sum
    counts = np.random.default_rng(1).integers(0, 50, (30, 6)) + 1
    np.testing.assert_allclose(xent.entropy(Counts(counts)), scipy.stats.entropy(counts, axis=1), rtol=1e-14)
    other = counts[::-1]
    np.testing.assert_allclose(
        xent.kl_divergence(Counts(counts), Counts(other)), scipy.stats.entropy(counts, other, axis=1), rtol=1e-12
    )


@pytest.mark.parametrize("base", [2, 10])
def test_scipy_base(base):
    p, _ = rows(np.random.default_rng(2))
    unit = {2: "bits", 10: "bans"}[base]
    np.testing.assert_allclose(xent.entropy(p, unit=unit), scipy.stats.entropy(p, base=base, axis=1), rtol=1e-13)


def test_scipy_special_elementwise():
    x = np.concatenate([[0.0, 1.0, 5e-324, 1e-300], np.random.default_rng(3).uniform(0, 1, 200)])
    np.testing.assert_allclose(xent.surprisal(x), -scipy.special.xlogy(1, x), rtol=1e-15)
    both = scipy.special.entr(x) + scipy.special.entr(1 - x)
    np.testing.assert_allclose(xent.binary_entropy(x), both, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_cross_entropy(dtype):
    rng = np.random.default_rng(4)
    z, y = (rng.normal(size=(60, 9)) * 8).astype(dtype), rng.integers(0, 9, 60)
    theirs = F.cross_entropy(torch.tensor(z), torch.tensor(y), reduction="none")
    truth = [reference.cross_entropy(Labels(a), Logits(b)) for a, b in zip(y, z, strict=True)]
    no_worse(xent.cross_entropy(Labels(y), Logits(z)), theirs, truth, dtype)
    ours = xent.cross_entropy(Labels(torch.tensor(y)), Logits(torch.tensor(z)))
    for a, b, t in zip(ours, theirs, truth, strict=True):
        assert ulp_error(float(a), t, dtype) <= max(ulp_error(float(b), t, dtype), 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_binary_cross_entropy(dtype):
    rng = np.random.default_rng(5)
    x, y = (rng.normal(size=200) * 10).astype(dtype), rng.uniform(0, 1, 200).astype(dtype)
    theirs = F.binary_cross_entropy_with_logits(torch.tensor(x), torch.tensor(y), reduction="none")
    truth = [reference.binary_cross_entropy(a, Logits(b)) for a, b in zip(y, x, strict=True)]
    no_worse(xent.binary_cross_entropy(y, Logits(x)), theirs, truth, dtype)


def test_torch_kl_div_and_its_arguments():
    p, q = rows(np.random.default_rng(6))
    theirs = F.kl_div(torch.tensor(q).log(), torch.tensor(p), reduction="none").sum(1)
    np.testing.assert_allclose(xent.kl_divergence(p, q), theirs, rtol=1e-12)


def test_torch_distributions():
    z = np.random.default_rng(7).normal(size=(20, 5))
    categorical = torch.distributions.Categorical(logits=torch.tensor(z))
    np.testing.assert_allclose(xent.entropy(Logits(z)), categorical.entropy(), rtol=1e-13)
    other = torch.distributions.Categorical(logits=torch.tensor(z[::-1].copy()))
    theirs = torch.distributions.kl_divergence(categorical, other)
    np.testing.assert_allclose(xent.kl_divergence(Logits(z), Logits(z[::-1])), theirs, rtol=1e-12)


def test_sklearn_log_loss():
    rng = np.random.default_rng(8)
    q, y = rng.dirichlet(np.ones(5), 300), rng.integers(0, 5, 300)
    assert math.isclose(xent.cross_entropy(Labels(y), q).mean(), sklearn.metrics.log_loss(y, q), rel_tol=1e-13)
    p, t = rng.uniform(0, 1, 300), rng.integers(0, 2, 300)
    assert math.isclose(xent.binary_cross_entropy(t, p).mean(), sklearn.metrics.log_loss(t, p), rel_tol=1e-13)


def test_sklearn_mutual_information():
    rng = np.random.default_rng(9)
    a, b = rng.integers(0, 4, 500), rng.integers(0, 3, 500)
    table = np.zeros((4, 3), int)
    np.add.at(table, (a, b), 1)
    ours = xent.mutual_information(Counts(table))
    assert math.isclose(ours, sklearn.metrics.mutual_info_score(a, b), rel_tol=1e-9)
