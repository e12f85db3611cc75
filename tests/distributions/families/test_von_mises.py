"""The von Mises distribution, against mpmath."""

from __future__ import annotations

import math
from typing import Any

import array_api_compat.numpy as numpy_namespace
import mpmath
import numpy as np
import pytest

from xent.distributions._bessel import mean_cosine
from xent.distributions.families import FORMULAS
from xent.distributions.families._accuracy import ULP
from xent.testing import ulp_error

torch = pytest.importorskip("torch")
import array_api_compat.torch as torch_namespace  # noqa: E402  (needs torch)

SIZES = [1e-8, 0.1, 3.7, 49.0, 60.0, 199.0, 201.0, 1e8, 1e15]
CHANGES = [1e-12, 1e-8, -1e-3, 0.3]
ROWS = [(k, 0.0, j, turn) for k in SIZES for j in SIZES for turn in (0.0, 0.5) if k != j or turn]
ROWS += [(k, 0.0, k * (1 + e), turn) for k in SIZES for e in CHANGES for turn in (0.0, 1e-8)]


def log_i0(k: Any) -> tuple[Any, Any]:
    """log I0 and its derivative; beyond 1000 by the asymptotic series, which is exact to 100 digits from 1e8 on."""
    if k < 1000:
        return mpmath.log(mpmath.besseli(0, k)), mpmath.besseli(1, k) / mpmath.besseli(0, k)
    term, total, slope = mpmath.mpf(1), mpmath.mpf(1), mpmath.mpf(0)
    for m in range(1, 30):
        term *= mpmath.mpf((2 * m - 1) ** 2) / (8 * m * k)
        total, slope = total + term, slope - m * term / k
    return k - mpmath.log(2 * mpmath.pi * k) / 2 + mpmath.log(total), 1 - 1 / (2 * k) + slope / total


def members(rows: Any, xp: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    k, m, j, n = (np.array(column) for column in zip(*rows, strict=True))
    if xp is torch_namespace:
        k, m, j, n = (torch.tensor(x) for x in (k, m, j, n))
    return {"concentration": k, "loc": m}, {"concentration": j, "loc": n}


@pytest.mark.parametrize("xp", [numpy_namespace, torch_namespace], ids=["numpy", "torch"])
def test_kl(xp: Any) -> None:
    values = FORMULAS["von_mises"].kl(xp, *members(ROWS, xp))
    with mpmath.workdps(100):
        known = {k: log_i0(mpmath.mpf(k)) for row in ROWS for k in (row[0], row[2])}
        for row, value in zip(ROWS, values, strict=True):
            k, m, j, n = (mpmath.mpf(x) for x in row)
            (start, slope), (end, _) = known[row[0]], known[row[2]]
            truth = end - start + slope * (k - j + 2 * j * mpmath.sin((m - n) / 2) ** 2)
            assert ulp_error(float(value), truth, "float64") <= ULP["von_mises"]["kl"], row


def test_entropy_and_mean() -> None:
    sizes = np.array([*SIZES, 1.0, 17.0, 1e3])
    values = FORMULAS["von_mises"].entropy(numpy_namespace, {"concentration": sizes, "loc": np.array(0.0)})
    means = mean_cosine(numpy_namespace, sizes)
    with mpmath.workdps(60):
        for size, value, mean in zip(sizes, values, means, strict=True):
            k = mpmath.mpf(float(size))
            log, slope = log_i0(k)
            truth = mpmath.log(2 * mpmath.pi) + log - k * slope
            assert abs(value - truth) <= ULP["von_mises"]["entropy"] * 2.0**-52 * max(1, abs(truth)), size
            assert ulp_error(float(mean), slope, "float64") <= 4, size


def test_the_formulas_are_integrals() -> None:
    def log(x: Any, k: float, m: float) -> Any:
        return k * mpmath.cos(x - m) - mpmath.log(2 * mpmath.pi * mpmath.besseli(0, k))

    p, q = members([(2.5, 0.3, 0.7, 1.0)], numpy_namespace)
    places = [-mpmath.pi, 0, mpmath.pi]
    kl = mpmath.quad(lambda x: mpmath.exp(log(x, 2.5, 0.3)) * (log(x, 2.5, 0.3) - log(x, 0.7, 1.0)), places)
    entropy = mpmath.quad(lambda x: -mpmath.exp(log(x, 2.5, 0.3)) * log(x, 2.5, 0.3), places)
    assert abs(FORMULAS["von_mises"].kl(numpy_namespace, p, q)[0] - kl) < 1e-13
    assert abs(FORMULAS["von_mises"].entropy(numpy_namespace, p)[0] - entropy) < 1e-13


def test_uniform_circle_batches_and_domain() -> None:
    p, q = members([(0.0, 0.0, 0.0, 1.0), (0.0, 0.0, -1.0, 0.0), (math.nan, 0.0, 1.0, 0.0)], numpy_namespace)
    np.testing.assert_array_equal(FORMULAS["von_mises"].kl(numpy_namespace, p, q), [0.0, math.nan, math.nan])
    assert abs(FORMULAS["von_mises"].entropy(numpy_namespace, p)[0] - math.log(2 * math.pi)) < 1e-15
    wide = {"concentration": np.ones((2, 1)), "loc": np.zeros(3)}
    assert FORMULAS["von_mises"].entropy(numpy_namespace, wide).shape == (2, 3)
    assert FORMULAS["von_mises"].kl(numpy_namespace, wide, wide).shape == (2, 3)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(check: Any) -> None:
    def measures(k: Any, m: Any, j: Any) -> Any:
        p, q = {"concentration": k, "loc": m}, {"concentration": j, "loc": torch.zeros_like(m)}
        return FORMULAS["von_mises"].entropy(torch_namespace, p), FORMULAS["von_mises"].kl(torch_namespace, p, q)

    rows = ((2.0, 300.0, 300.0, 3.0), (0.0, 0.5, 0.0, 1.0), (2.0, 250.0, 10.0, 20.0))
    assert check(measures, [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in rows], fast_mode=True)
