"""Weibull and Gumbel distributions, against mpmath."""

from __future__ import annotations

import math
from typing import Any

import array_api_compat.numpy as numpy_namespace
import mpmath
import numpy as np
import pytest

from xent.distributions.families import FORMULAS, PAIRS
from xent.distributions.families._accuracy import ULP
from xent.testing import ulp_error

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
import array_api_compat.torch as torch_namespace  # noqa: E402  (needs torch)

SHAPES = [1e-8, 0.1, 1.0, 3.7, 1e3, 1e8, 1e14]
CHANGES = [0.0, 1e-12, -1e-3, 0.3]
WEIBULLS = [(k, s, j, 1.0) for k in SHAPES for j in SHAPES for s in (1.0, 1.1) if j / k < 100 and (k, s) != (j, 1.0)]
WEIBULLS += [(k, 3.7, k * (1 + e), 3.7 * (1 + g)) for k in SHAPES for e in CHANGES for g in CHANGES if e or g]
GUMBELS = [
    (m, s, m + x * s, s * (1 + e)) for m in (0.0, 3.7) for s in SHAPES for x in (0.0, 1.0, -3.0) for e in CHANGES
]


def true_kl(shift: Any, power: Any) -> Any:
    turn = shift + mpmath.loggamma(1 + power)
    grown = mpmath.exp(turn) if turn < 800 else mpmath.inf
    return grown - 1 - shift - mpmath.log(power) + mpmath.euler * (power - 1)


def columns(rows: Any, xp: Any) -> list[Any]:
    found = [np.array(column) for column in zip(*rows, strict=True)]
    return [torch.tensor(column) for column in found] if xp is torch_namespace else found


@pytest.mark.parametrize("xp", [numpy_namespace, torch_namespace], ids=["numpy", "torch"])
def test_kl_of_weibull(xp: Any) -> None:
    k, s, j, t = columns(WEIBULLS, xp)
    p, q = ({"concentration": x, "scale": y, "loc": xp.zeros_like(k)} for x, y in ((k, s), (j, t)))
    values = FORMULAS["weibull"].kl(xp, p, q)
    with mpmath.workdps(120):
        for row, value in zip(WEIBULLS, values, strict=True):
            k, s, j, t = (mpmath.mpf(x) for x in row)
            truth = true_kl(j * mpmath.log(s / t), j / k)
            bound = ULP["weibull"]["kl"] * max(1, mpmath.log(truth))  # of e^t that of t counts t-fold
            assert ulp_error(float(value), truth, "float64") <= bound, row


@pytest.mark.parametrize(("family", "sign"), [("gumbel", 1), ("gumbel_min", -1)])
def test_kl_of_gumbel(family: str, sign: int) -> None:
    rows = [row for row in GUMBELS if row[:2] != row[2:]]
    m, s, n, t = columns(rows, numpy_namespace)
    value = FORMULAS[family].kl(numpy_namespace, {"loc": sign * m, "scale": s}, {"loc": sign * n, "scale": t})
    with mpmath.workdps(80):
        for row, found in zip(rows, value, strict=True):
            m, s, n, t = (mpmath.mpf(x) for x in row)
            assert ulp_error(float(found), true_kl((n - m) / t, s / t), "float64") <= ULP[family]["kl"], row


def test_entropies() -> None:
    k = np.array(SHAPES)
    weibull = FORMULAS["weibull"].entropy(numpy_namespace, {"concentration": k, "scale": 0.0 * k + 3.7, "loc": 0.0 * k})
    gumbel = FORMULAS["gumbel"].entropy(numpy_namespace, {"loc": 0.0 * k, "scale": k})
    with mpmath.workdps(50):
        for x, first, second in zip(k, weibull, gumbel, strict=True):
            shape = mpmath.mpf(float(x))
            truth = 1 + mpmath.euler * (1 - 1 / shape) + mpmath.log(mpmath.mpf(3.7) / shape)
            assert abs(first - truth) <= ULP["weibull"]["entropy"] * 2.0**-52 * max(1, abs(truth))
            truth = mpmath.log(shape) + mpmath.euler + 1
            assert abs(second - truth) <= ULP["gumbel"]["entropy"] * 2.0**-52 * max(1, abs(truth))


def test_the_formulas_are_integrals() -> None:
    def weibull(x: Any, k: float, s: float) -> Any:
        return mpmath.log(k / s) + (k - 1) * mpmath.log(x / s) - (x / s) ** k

    def gumbel(x: Any, m: float, s: float) -> Any:
        return -(x - m) / s - mpmath.exp(-(x - m) / s) - mpmath.log(s)

    cases = [
        ("weibull", weibull, (1.7, 0.8), (2.4, 1.5), [0, 0.5, 1, 2, 6], ("concentration", "scale")),
        ("gumbel", gumbel, (0.3, 0.8), (1.0, 1.5), [-4, -1, 1, 4, 12, 40], ("loc", "scale")),
    ]
    for family, log, first, second, places, names in cases:
        p, q = ({"loc": np.array(0.0), **dict(zip(names, map(np.array, x), strict=True))} for x in (first, second))

        def term(x: Any, log: Any = log, first: Any = first, second: Any = second) -> Any:
            return mpmath.exp(log(x, *first)) * (log(x, *first) - log(x, *second))

        def surprise(x: Any, log: Any = log, first: Any = first) -> Any:
            return -mpmath.exp(log(x, *first)) * log(x, *first)

        assert abs(FORMULAS[family].kl(numpy_namespace, p, q) - mpmath.quad(term, places)) < 1e-11
        assert abs(FORMULAS[family].entropy(numpy_namespace, p) - mpmath.quad(surprise, places)) < 1e-11


def test_ends_and_domain_of_weibull() -> None:
    p = {"concentration": np.array([1.0, 1.0, -1.0]), "scale": np.array(1.0), "loc": np.array(0.0)}
    q = {**p, "concentration": np.array(2.0), "loc": np.array([0.0, 1.0, 0.0])}
    value = FORMULAS["weibull"].kl(numpy_namespace, p, q)
    assert math.isfinite(value[0])
    assert value[1] == math.inf
    assert math.isnan(value[2])
    assert FORMULAS["weibull"].kl(numpy_namespace, q, p) is None
    assert math.isnan(FORMULAS["gumbel"].entropy(numpy_namespace, {"loc": np.array(0.0), "scale": np.array(-1.0)}))


def test_exponential_is_a_weibull_distribution() -> None:
    exponential = {"scale": np.array(2.0), "loc": np.array(0.0)}
    weibull = {"concentration": np.array(1.0), "scale": np.array(0.5), "loc": np.array(0.0)}
    expected = 4.0 - 1.0 - math.log(4.0)
    assert abs(PAIRS["exponential", "weibull"](numpy_namespace, exponential, weibull) - expected) < 1e-15
    expected = 0.25 - 1.0 + math.log(4.0)
    assert abs(PAIRS["weibull", "exponential"](numpy_namespace, weibull, exponential) - expected) < 1e-15


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(check: Any) -> None:
    def measures(a: Any, s: Any, b: Any, t: Any) -> Any:
        zero = torch.zeros_like(a)
        p, q = ({"concentration": k, "scale": x, "loc": zero} for k, x in ((a, s), (b, t)))
        first, second = {"loc": a, "scale": s}, {"loc": b, "scale": t}
        return (
            FORMULAS["weibull"].entropy(torch_namespace, p),
            FORMULAS["weibull"].kl(torch_namespace, p, q),
            FORMULAS["gumbel"].kl(torch_namespace, first, second),
            FORMULAS["gumbel_min"].kl(torch_namespace, first, second),
        )

    rows = ((0.7, 3.0), (1.0, 2.0), (0.7, 2.5), (1.0, 1.5))  # equal, and apart
    assert check(measures, [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in rows], fast_mode=True)
