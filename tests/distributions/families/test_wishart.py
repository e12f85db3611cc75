"""The Wishart distribution, against mpmath."""

from __future__ import annotations

import math
from typing import Any

import array_api_compat.numpy as numpy_namespace
import mpmath
import numpy as np
import pytest

from xent.distributions.families import FORMULAS
from xent.distributions.families._accuracy import ULP
from xent.testing import ulp_error

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
import array_api_compat.torch as torch_namespace  # noqa: E402  (needs torch)

GROWTHS = (1e-12, 1e-8, 1e-3, 1.0)
DFS = ((0.1, 2.0), (5.0, 5.0 * (1 + 1e-8)), (5.0, 5.0), (1e3, 1e3 * 1.001), (7.0, 1e3))


def factor(rng: np.random.Generator, d: int) -> Any:
    made = np.tril(rng.standard_normal((d, d)))
    made[range(d), range(d)] = np.exp(rng.standard_normal(d))
    return made


def cases() -> list[tuple[float, Any, float, Any]]:
    rng = np.random.default_rng(3)
    found = []
    for d in (1, 2, 3):
        for first, second in DFS:
            for growth in GROWTHS:
                p = factor(rng, d)
                q = p * np.exp(growth * rng.standard_normal((d, d)))
                found.append((first + d - 1, p, second + d - 1, q))
    return found


def log_det(a: Any) -> Any:
    return 2 * mpmath.fsum(mpmath.log(a[i, i]) for i in range(a.rows))


def log_gamma(x: Any, d: int) -> Any:
    return d * (d - 1) * mpmath.log(mpmath.pi) / 4 + mpmath.fsum(
        mpmath.loggamma(x - mpmath.mpf(j) / 2) for j in range(d)
    )


def log_gamma_slope(x: Any, d: int) -> Any:
    return mpmath.fsum(mpmath.psi(0, x - mpmath.mpf(j) / 2) for j in range(d))


def true_kl(n: Any, p: Any, m: Any, q: Any) -> Any:
    inverse = q**-1 * p
    d = p.rows
    trace = mpmath.fsum(x * x for x in inverse)
    found = m / 2 * (log_det(q) - log_det(p)) + n / 2 * (trace - d)
    return found + log_gamma(m / 2, d) - log_gamma(n / 2, d) + (n - m) / 2 * log_gamma_slope(n / 2, d)


def true_entropy(n: Any, p: Any) -> Any:
    d = p.rows
    size = (d + 1) * log_det(p) / 2 + d * (d + 1) * mpmath.log(2) / 2
    return size + log_gamma(n / 2, d) - (n - d - 1) / 2 * log_gamma_slope(n / 2, d) + n * d / 2


def exact(a: Any) -> Any:
    return mpmath.matrix([[mpmath.mpf(float(x)) for x in row] for row in a])


@pytest.mark.parametrize("xp", [numpy_namespace, torch_namespace], ids=["numpy", "torch"])
def test_entropy_and_kl(xp: Any) -> None:
    def array(a: Any) -> Any:
        return np.asarray(a) if xp is numpy_namespace else torch.tensor(a, dtype=torch.float64)

    for n, p, m, q in cases():
        first, second = {"df": array(n), "scale_tril": array(p)}, {"df": array(m), "scale_tril": array(q)}
        kl, entropy = FORMULAS["wishart"].kl(xp, first, second), FORMULAS["wishart"].entropy(xp, first)
        with mpmath.workdps(60):
            n, p, m, q = mpmath.mpf(n), exact(p), mpmath.mpf(m), exact(q)
            assert ulp_error(float(kl), true_kl(n, p, m, q), "float64") <= ULP["wishart"]["kl"], (n, m, p.rows)
            truth = true_entropy(n, p)
            size = max(1, abs(truth), (p.rows + 1) * mpmath.fsum(abs(mpmath.log(p[i, i])) for i in range(p.rows)))
            assert abs(float(entropy) - truth) <= ULP["wishart"]["entropy"] * 2.0**-52 * size, (n, p.rows)


def test_of_one_dimension_is_a_gamma_distribution() -> None:
    wishart = {"df": np.array(3.0), "scale_tril": np.array([[2.0]])}
    gamma = {"concentration": np.array(1.5), "scale": np.array(8.0), "loc": np.array(0.0)}
    found = FORMULAS["wishart"].entropy(numpy_namespace, wishart)
    assert abs(found - FORMULAS["gamma"].entropy(numpy_namespace, gamma)) < 4e-15


def test_batches_and_domain() -> None:
    rng = np.random.default_rng(4)
    p = {"df": np.array([4.0, 1.0, math.nan]), "scale_tril": factor(rng, 3)}
    q = {"df": np.full((2, 1), 5.0), "scale_tril": factor(rng, 3)}
    np.testing.assert_array_equal(np.isnan(FORMULAS["wishart"].entropy(numpy_namespace, p)), [False, True, True])
    value = FORMULAS["wishart"].kl(numpy_namespace, p, q)
    assert value.shape == (2, 3)
    np.testing.assert_array_equal(np.isnan(value), [[False, True, True]] * 2)
    upper = {**p, "df": np.array(4.0), "scale_tril": factor(rng, 3).T}
    assert math.isnan(FORMULAS["wishart"].entropy(numpy_namespace, upper))
    np.testing.assert_array_equal(FORMULAS["wishart"].kl(numpy_namespace, q, q), np.zeros((2, 1)))


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(check: Any) -> None:
    rng = np.random.default_rng(5)

    def measures(n: Any, p: Any, m: Any, q: Any) -> Any:
        first, second = {"df": n, "scale_tril": torch.tril(p)}, {"df": m, "scale_tril": torch.tril(q)}
        return FORMULAS["wishart"].entropy(torch_namespace, first), FORMULAS["wishart"].kl(
            torch_namespace, first, second
        )

    arguments = [np.array(4.0), factor(rng, 2), np.array(5.0), factor(rng, 2)]
    assert check(
        measures, [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arguments], fast_mode=True
    )
