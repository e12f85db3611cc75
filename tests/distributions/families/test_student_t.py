"""Student's t distribution, against mpmath."""

from __future__ import annotations

import math
from typing import Any

import array_api_compat.numpy as numpy_namespace
import mpmath
import numpy as np
import pytest

from xent.distributions.families import FORMULAS, PAIRS
from xent.distributions.families._accuracy import ULP

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
import array_api_compat.torch as torch_namespace  # noqa: E402  (needs torch)

DFS = np.array([1e-8, 1e-3, 0.1, 1.0, 2.0, 3.7, 31.0, 32.0, 33.0, 1e3, 1e8, 1e14])


@pytest.mark.parametrize("xp", [numpy_namespace, torch_namespace], ids=["numpy", "torch"])
def test_entropy(xp: Any) -> None:
    df = DFS if xp is numpy_namespace else torch.tensor(DFS)
    values = FORMULAS["student_t"].entropy(xp, {"df": df, "loc": xp.zeros_like(df), "scale": xp.ones_like(df)})
    with mpmath.workdps(60):
        for df, value in zip(DFS, values, strict=True):
            x = mpmath.mpf(float(df)) / 2
            spread = mpmath.log(2 * x) / 2 + mpmath.loggamma(x) + mpmath.log(mpmath.pi) / 2 - mpmath.loggamma(x + 0.5)
            truth = (x + 0.5) * (mpmath.psi(0, x + 0.5) - mpmath.psi(0, x)) + spread
            assert abs(float(value) - truth) <= ULP["student_t"]["entropy"] * 2.0**-52 * max(1, abs(truth)), df


def test_scale_domain_and_cauchy() -> None:
    df, scale = np.array([1.0, 1.0, 0.0, -1.0, math.nan]), np.array([1.0, 2.0, 1.0, 1.0, 1.0])
    found = FORMULAS["student_t"].entropy(numpy_namespace, {"df": df, "loc": np.array(0.0), "scale": scale})
    np.testing.assert_allclose(found[:2], [math.log(4 * math.pi), math.log(8 * math.pi)], rtol=4e-16)
    assert np.all(np.isnan(found[2:]))


@pytest.mark.parametrize("scale", [1.0, 1 + 1e-9, 0.3])
def test_kl_of_normal(scale: float) -> None:
    dfs = np.array([2.1, 4.0, 15.9, 31.9, 32.0, 40.0, 1e3, 1e5, 1e8])
    p = {"df": dfs, "loc": np.array(0.5), "scale": np.array(scale)}
    q = {"loc": np.array(0.5), "scale": np.array(1.0)}
    values = PAIRS["student_t", "normal"](numpy_namespace, p, q)
    with mpmath.workdps(80):
        for df, value in zip(dfs, values, strict=True):
            n, s = mpmath.mpf(float(df)), mpmath.mpf(scale)
            x = n / 2
            spread = mpmath.log(n) / 2 + mpmath.loggamma(x) + mpmath.log(mpmath.pi) / 2 - mpmath.loggamma(x + 0.5)
            entropy = mpmath.log(s) + (x + 0.5) * (mpmath.psi(0, x + 0.5) - mpmath.psi(0, x)) + spread
            truth = mpmath.log(2 * mpmath.pi) / 2 + s * s * n / (n - 2) / 2 - entropy
            size = truth if df >= 32 else max(1, truth)
            assert abs(float(value) - truth) <= 4 * 2.0**-52 * size, df


def test_kl_of_normal_is_infinite_without_variance() -> None:
    p = {"df": np.array([2.0, 1.0, -1.0]), "loc": np.array(0.0), "scale": np.array(1.0)}
    found = PAIRS["student_t", "normal"](numpy_namespace, p, {"loc": np.array(0.0), "scale": np.array(1.0)})
    np.testing.assert_array_equal(found, [math.inf, math.inf, math.nan])


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(check: Any) -> None:
    def measure(df: Any, scale: Any) -> Any:
        parameters = {"df": df, "loc": torch.zeros_like(df), "scale": scale}
        normal = {"loc": torch.ones_like(df), "scale": torch.ones_like(df)}
        kl = PAIRS["student_t", "normal"](torch_namespace, {**parameters, "df": df + 2.0}, normal)
        return FORMULAS["student_t"].entropy(torch_namespace, parameters), kl

    rows = ((0.7, 3.0, 40.0), (1.0, 2.0, 0.5))
    assert check(measure, [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in rows], fast_mode=True)
