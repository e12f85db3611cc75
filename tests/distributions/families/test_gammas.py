"""Gamma and inverse gamma distributions, against mpmath at 100 digits."""

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

FAMILIES = ("gamma", "inverse_gamma")
SHAPES = [1e-8, 0.1, 1.0, 3.7, 1e3, 1e8, 1e14]
CHANGES = [0.0, 1e-12, -1e-3, 0.3]
ROWS = [(a, s, b, t) for a in SHAPES for b in SHAPES for s, t in ((1.0, 1.0), (0.1, 3.7))]
ROWS += [(a, 3.7, a * (1 + e), 3.7 * (1 + g)) for a in SHAPES for e in CHANGES for g in CHANGES if e or g]
ROWS += [(a, 3.7, a * (1 + e), 3.7 / (1 + e)) for a in SHAPES for e in CHANGES[1:]]


def exact(row: tuple[float, ...], family: str) -> list[Any]:
    """The parameters as those of gamma distributions, in mpmath."""
    a, s, b, t = (mpmath.mpf(float(x)) for x in row)
    return [a, s, b, t] if family == "gamma" else [a, 1 / s, b, 1 / t]


def true_kl(a: Any, s: Any, b: Any, t: Any) -> Any:
    return (
        mpmath.loggamma(b) - mpmath.loggamma(a) + (a - b) * mpmath.psi(0, a) + a * (s / t - 1) + b * mpmath.log(t / s)
    )


def terms_of_cross_entropy(a: Any, s: Any, b: Any, t: Any, family: str) -> list[Any]:
    slope = 1 - b if family == "gamma" else -1 - b
    size = mpmath.log(t) if family == "gamma" else -mpmath.log(t)
    return [mpmath.loggamma(b), slope * (mpmath.psi(0, a) + mpmath.log(s / t)), a * s / t, size]


def parameters(rows: Any, xp: Any = numpy_namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    if xp is torch_namespace:
        columns = [torch.tensor(column) for column in columns]
    a, s, b, t = columns
    zero = xp.zeros_like(a)
    return {"concentration": a, "scale": s, "loc": zero}, {"concentration": b, "scale": t, "loc": zero}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("xp", [numpy_namespace, torch_namespace], ids=["numpy", "torch"])
def test_kl(family: str, xp: Any) -> None:
    values = FORMULAS[family].kl(xp, *parameters(ROWS, xp))
    with mpmath.workdps(100):
        for row, value in zip(ROWS, values, strict=True):
            assert ulp_error(float(value), true_kl(*exact(row, family)), "float64") <= ULP[family]["kl"], row


@pytest.mark.parametrize("family", FAMILIES)
def test_entropy_and_cross_entropy(family: str) -> None:
    p, q = parameters(ROWS)
    entropies = FORMULAS[family].entropy(numpy_namespace, p)
    values = FORMULAS[family].cross_entropy(numpy_namespace, p, q)
    with mpmath.workdps(100):
        for row, entropy, value in zip(ROWS, entropies, values, strict=True):
            a, s, b, t = exact(row, family)
            truth = mpmath.fsum(terms_of_cross_entropy(a, s, a, s, family))
            assert abs(entropy - truth) <= ULP[family]["entropy"] * 2.0**-52 * max(1, abs(truth)), row
            terms = terms_of_cross_entropy(a, s, b, t, family)
            size = min(abs(truth) + true_kl(a, s, b, t), mpmath.fsum(abs(term) for term in terms))
            off = abs(value - mpmath.fsum(terms))
            assert off <= ULP[family]["cross_entropy"] * 2.0**-52 * max(1, size), row


def true_renyi(a: Any, s: Any, b: Any, t: Any, alpha: float) -> Any:
    w = mpmath.mpf(alpha)
    m, rate = w * a + (1 - w) * b, w / s + (1 - w) / t
    if m <= 0 or rate <= 0:
        return mpmath.inf
    ends = w * (mpmath.loggamma(a) + a * mpmath.log(s)) + (1 - w) * (mpmath.loggamma(b) + b * mpmath.log(t))
    return (ends - mpmath.loggamma(m) + m * mpmath.log(rate)) / (w * (1 - w))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("alpha", [0.5, 1e-9, 1 - 2.0**-53, 1 - 1e-9])
def test_renyi(family: str, alpha: float) -> None:
    rows = ROWS[::3]
    values = FORMULAS[family].renyi(numpy_namespace, *parameters(rows), alpha)
    with mpmath.workdps(120):
        for row, value in zip(rows, values, strict=True):
            truth = true_renyi(*exact(row, family), alpha)
            assert ulp_error(float(value), truth, "float64") <= ULP[family]["renyi"], row


@pytest.mark.parametrize("family", FAMILIES)
def test_renyi_at_the_ends_is_kl_and_may_diverge(family: str) -> None:
    formulas = FORMULAS[family]
    p, q = parameters([(2.0, 1.0, 3.0, 2.0)])
    assert formulas.renyi(numpy_namespace, p, q, 1.0) == formulas.kl(numpy_namespace, p, q)
    assert formulas.renyi(numpy_namespace, p, q, 0.0) == formulas.kl(numpy_namespace, q, p)
    assert formulas.renyi(numpy_namespace, p, q, 4.0) == math.inf  # the shape 2 * 4 - 3 * 3 is negative


def log_density(x: Any, a: float, s: float, family: str) -> Any:
    if family == "inverse_gamma":
        return log_density(1 / x, a, 1 / s, "gamma") - 2 * mpmath.log(x)
    return (a - 1) * mpmath.log(x) - x / s - mpmath.loggamma(a) - a * mpmath.log(s)


def integral(family: str, p: tuple[float, float], q: tuple[float, float]) -> Any:
    """The cross-entropy by quadrature over log x."""

    def term(y: Any) -> Any:
        x = mpmath.exp(y)
        return -x * mpmath.exp(log_density(x, *p, family)) * log_density(x, *q, family)

    return mpmath.quad(term, [-40, -10, -3, 0, 3, 10, 40])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("row", [(2.5, 1.5, 1.2, 0.7), (1.4, 0.3, 4.0, 2.0)])
def test_the_formulas_are_integrals(row: tuple[float, ...], family: str) -> None:
    p, q = parameters([row])
    formulas = FORMULAS[family]
    surprise, entropy = integral(family, row[:2], row[2:]), integral(family, row[:2], row[:2])
    assert abs(formulas.cross_entropy(numpy_namespace, p, q)[0] - surprise) < 1e-11
    assert abs(formulas.entropy(numpy_namespace, p)[0] - entropy) < 1e-11
    assert abs(formulas.kl(numpy_namespace, p, q)[0] - (surprise - entropy)) < 1e-11


@pytest.mark.parametrize("family", FAMILIES)
def test_ends_of_supports(family: str) -> None:
    p, q = parameters([(2.0, 1.0, 3.0, 2.0), (2.0, 1.0, 3.0, 2.0)])
    reaching = {**q, "loc": np.array([0.0, 1.0])}
    value = FORMULAS[family].kl(numpy_namespace, p, reaching)
    assert math.isfinite(value[0])
    assert value[1] == math.inf
    assert FORMULAS[family].kl(numpy_namespace, reaching, q) is None
    assert FORMULAS[family].cross_entropy(numpy_namespace, p, reaching)[1] == math.inf
    assert FORMULAS[family].renyi(numpy_namespace, p, reaching, 0.5) is None


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("wrong", [-1.0, 0.0, math.nan, math.inf])
def test_outside_the_domain_is_nan(family: str, wrong: float) -> None:
    p, q = parameters([(wrong, 1.0, 3.0, 2.0), (2.0, wrong, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)])
    for value in (
        FORMULAS[family].entropy(numpy_namespace, p),
        FORMULAS[family].kl(numpy_namespace, p, q),
        FORMULAS[family].kl(numpy_namespace, q, p),
        FORMULAS[family].cross_entropy(numpy_namespace, p, q),
        FORMULAS[family].renyi(numpy_namespace, p, q, 0.5),
    ):
        np.testing.assert_array_equal(np.isnan(value), [True, True, False])


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_broadcast(family: str) -> None:
    p = {"concentration": np.array([[1.0], [2.0]]), "scale": np.array(1.0), "loc": np.array(0.0)}
    q = {"concentration": np.array(1.5), "scale": np.array([1.0, 2.0, 3.0]), "loc": np.array(0.0)}
    formulas = FORMULAS[family]
    assert formulas.entropy(numpy_namespace, p).shape == (2, 1)
    for value in (formulas.kl(numpy_namespace, p, q), formulas.cross_entropy(numpy_namespace, p, q)):
        assert value.shape == (2, 3)
    assert formulas.kl(numpy_namespace, p, p).shape == (2, 1)
    assert np.all(formulas.kl(numpy_namespace, p, p) == 0)


def test_exponential_is_a_gamma_distribution() -> None:
    exponential = {"scale": np.array(2.0), "loc": np.array(0.0)}
    gamma = {"concentration": np.array(3.0), "scale": np.array(0.5), "loc": np.array(0.0)}
    promoted = {"concentration": np.array(1.0), **exponential}
    kl = FORMULAS["gamma"].kl
    assert PAIRS["exponential", "gamma"](numpy_namespace, exponential, gamma) == kl(numpy_namespace, promoted, gamma)
    assert PAIRS["gamma", "exponential"](numpy_namespace, gamma, exponential) == kl(numpy_namespace, gamma, promoted)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(family: str, check: Any) -> None:
    formulas = FORMULAS[family]

    def measures(a: Any, s: Any, b: Any, t: Any) -> Any:
        zero = torch.zeros_like(a)
        p, q = ({"concentration": k, "scale": x, "loc": zero} for k, x in ((a, s), (b, t)))
        if check is torch.autograd.gradgradcheck:
            return formulas.entropy(torch_namespace, p), formulas.kl(torch_namespace, p, q)
        return (
            formulas.entropy(torch_namespace, p),
            formulas.kl(torch_namespace, p, q),
            formulas.cross_entropy(torch_namespace, p, q),
            formulas.renyi(torch_namespace, p, q, 0.3),
        )

    rows = ((0.7, 20.0), (1.0, 2.0), (0.7, 14.0), (1.0, 1.5))  # equal, and apart
    assert check(measures, [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in rows], fast_mode=True)
