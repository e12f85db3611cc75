"""Dirichlet and beta distributions, against mpmath at 100 digits."""

from __future__ import annotations

import math
from typing import Any

import array_api_compat.numpy as numpy_namespace
import mpmath
import numpy as np
import pytest

from xent.distributions.families import FORMULAS
from xent.distributions.families._accuracy import TINY, ULP
from xent.testing import ulp_error

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
import array_api_compat.torch as torch_namespace  # noqa: E402  (needs torch)

SHAPES = [1e-8, 0.1, 1.0, 3.7, 1e3, 1e14]
CHANGES = [0.0, 1e-12, -1e-3, 0.3]
BASES = [(a, b) for a in SHAPES for b in SHAPES]
ROWS = [(p, q) for p in BASES for q in BASES[::9]]
ROWS += [((a, b), (a * (1 + e), b * (1 + g))) for a, b in BASES for e in CHANGES for g in CHANGES if e or g]


def exact(a: Any) -> list[Any]:
    return [mpmath.mpf(float(x)) for x in a]


def normaliser(a: list[Any]) -> Any:
    return mpmath.fsum(mpmath.loggamma(x) for x in a) - mpmath.loggamma(mpmath.fsum(a))


def terms_of_cross_entropy(a: list[Any], b: list[Any]) -> list[Any]:
    mean = mpmath.psi(0, mpmath.fsum(a))
    return [normaliser(b), *((y - 1) * (mean - mpmath.psi(0, x)) for x, y in zip(a, b, strict=True))]


def true_kl(a: list[Any], b: list[Any]) -> Any:
    return mpmath.fsum(terms_of_cross_entropy(a, b)) - mpmath.fsum(terms_of_cross_entropy(a, a))


def beta(rows: Any) -> dict[str, Any]:
    a, b = np.array(rows).T
    return {"a": a, "b": b, "low": np.array(0.0), "width": np.array(1.0)}


def test_kl_of_beta() -> None:
    values = FORMULAS["beta"].kl(numpy_namespace, beta([r[0] for r in ROWS]), beta([r[1] for r in ROWS]))
    with mpmath.workdps(80):
        for (a, b), value in zip(ROWS, values, strict=True):
            bound = ULP["beta"]["kl"] if min(*a, *b) >= 0.07 else TINY
            assert ulp_error(float(value), true_kl(exact(a), exact(b)), "float64") <= bound, (a, b)


def test_entropy_and_cross_entropy_of_beta() -> None:
    rows = ROWS[::2]
    p, q = beta([r[0] for r in rows]), beta([r[1] for r in rows])
    entropies = FORMULAS["beta"].entropy(numpy_namespace, p)
    values = FORMULAS["beta"].cross_entropy(numpy_namespace, p, q)
    with mpmath.workdps(80):
        for (a, b), entropy, value in zip(rows, entropies, values, strict=True):
            truth = mpmath.fsum(terms_of_cross_entropy(exact(a), exact(a)))
            assert abs(entropy - truth) <= ULP["beta"]["entropy"] * 2.0**-52 * max(1, abs(truth)), a
            terms = terms_of_cross_entropy(exact(a), exact(b))
            total = mpmath.fsum(terms)
            size = min(abs(truth) + abs(total - truth), mpmath.fsum(abs(term) for term in terms))
            assert abs(value - total) <= ULP["beta"]["cross_entropy"] * 2.0**-52 * max(1, size), (a, b)


@pytest.mark.parametrize("xp", [numpy_namespace, torch_namespace], ids=["numpy", "torch"])
def test_dirichlet_of_five(xp: Any) -> None:
    rng = np.random.default_rng(5)
    a = 10 ** rng.uniform(0, 10, (60, 5))
    near = a[:40] * (1 + 10 ** rng.uniform(-12, -1, (40, 1)) * rng.standard_normal((40, 5)))
    b = np.concatenate([near, 10 ** rng.uniform(0, 10, (20, 5))])
    p, q = ({"concentration": x if xp is numpy_namespace else torch.tensor(x)} for x in (a, b))
    values = FORMULAS["dirichlet"].kl(xp, p, q)
    with mpmath.workdps(80):
        for x, y, value in zip(a, b, values, strict=True):
            assert ulp_error(float(value), true_kl(exact(x), exact(y)), "float64") <= ULP["dirichlet"]["kl"]


def test_huge_and_proportional() -> None:
    for a, b in (((1e14, 1e14), (1.001e14, 1.001e14)), ((1e10, 3e10, 2e10), (1.5e10, 4.5e10, 3e10))):
        p, q = ({"concentration": np.array(x)} for x in (a, b))
        with mpmath.workdps(80):
            truth = true_kl(exact(a), exact(b))
        assert ulp_error(float(FORMULAS["dirichlet"].kl(numpy_namespace, p, q)), truth, "float64") <= 6


@pytest.mark.parametrize("alpha", [0.5, 1e-9, 1 - 2.0**-53, 1 - 1e-9])
def test_renyi(alpha: float) -> None:
    rows = [(a, b) for a, b in ROWS if min(*a, *b) >= 0.07][::3]
    values = FORMULAS["beta"].renyi(numpy_namespace, beta([r[0] for r in rows]), beta([r[1] for r in rows]), alpha)
    with mpmath.workdps(120):
        for (a, b), value in zip(rows, values, strict=True):
            w, x, y = mpmath.mpf(alpha), exact(a), exact(b)
            mean = [w * i + (1 - w) * j for i, j in zip(x, y, strict=True)]
            truth = (w * normaliser(x) + (1 - w) * normaliser(y) - normaliser(mean)) / (w * (1 - w))
            assert ulp_error(float(value), truth, "float64") <= ULP["beta"]["renyi"], (a, b)


def test_renyi_at_the_ends_is_kl_and_may_diverge() -> None:
    p, q = beta([(2.0, 3.0)]), beta([(3.0, 1.0)])
    formulas = FORMULAS["beta"]
    assert formulas.renyi(numpy_namespace, p, q, 1.0) == formulas.kl(numpy_namespace, p, q)
    assert formulas.renyi(numpy_namespace, p, q, 0.0) == formulas.kl(numpy_namespace, q, p)
    assert formulas.renyi(numpy_namespace, p, q, 4.0) == math.inf


def test_the_formulas_are_integrals() -> None:
    a, b, c, d, low, width = 2.5, 1.7, 1.2, 3.1, -1.0, 4.0
    ends = {"low": np.array(low), "width": np.array(width)}
    p, q = {"a": np.array(a), "b": np.array(b), **ends}, {"a": np.array(c), "b": np.array(d), **ends}

    def log_density(x: Any, a: float, b: float) -> Any:
        u = (x - low) / width
        return (a - 1) * mpmath.log(u) + (b - 1) * mpmath.log(1 - u) - mpmath.log(width * mpmath.beta(a, b))

    surprise = mpmath.quad(lambda x: -mpmath.exp(log_density(x, a, b)) * log_density(x, c, d), [low, 1, low + width])
    entropy = mpmath.quad(lambda x: -mpmath.exp(log_density(x, a, b)) * log_density(x, a, b), [low, 1, low + width])
    formulas = FORMULAS["beta"]
    assert abs(formulas.cross_entropy(numpy_namespace, p, q) - surprise) < 1e-12
    assert abs(formulas.entropy(numpy_namespace, p) - entropy) < 1e-12
    assert abs(formulas.kl(numpy_namespace, p, q) - (surprise - entropy)) < 1e-12


def test_ends_of_supports() -> None:
    p = beta([(2.0, 3.0), (2.0, 3.0)])
    for inner in ({"low": np.array([0.0, 0.1])}, {"width": np.array([1.0, 0.5])}):
        q = {**p, **inner}
        np.testing.assert_array_equal(FORMULAS["beta"].kl(numpy_namespace, p, q), [0.0, math.inf])
        assert FORMULAS["beta"].renyi(numpy_namespace, p, q, 0.5) is None
    assert FORMULAS["beta"].kl(numpy_namespace, {**p, "width": np.array(0.5)}, p) is None


@pytest.mark.parametrize("wrong", [-1.0, 0.0, math.nan, math.inf])
def test_outside_the_domain_is_nan(wrong: float) -> None:
    p, q = beta([(wrong, 1.0), (2.0, 1.0), (1.0, 1.0)]), beta([(1.0, 1.0), (1.0, wrong), (1.0, 1.0)])
    for value in (FORMULAS["beta"].kl(numpy_namespace, p, q), FORMULAS["beta"].cross_entropy(numpy_namespace, p, q)):
        np.testing.assert_array_equal(np.isnan(value), [True, True, False])
    concentration = np.array([[1.0, 2.0, wrong], [1.0, 1.0, 1.0]])
    value = FORMULAS["dirichlet"].entropy(numpy_namespace, {"concentration": concentration})
    np.testing.assert_array_equal(np.isnan(value), [True, False])


def test_batches_broadcast() -> None:
    p = {"concentration": np.ones((4, 1, 3))}
    q = {"concentration": np.full((2, 3), 2.0)}
    assert FORMULAS["dirichlet"].entropy(numpy_namespace, p).shape == (4, 1)
    assert FORMULAS["dirichlet"].kl(numpy_namespace, p, q).shape == (4, 2)
    assert FORMULAS["dirichlet"].cross_entropy(numpy_namespace, p, q).shape == (4, 2)
    assert FORMULAS["dirichlet"].kl(numpy_namespace, {"concentration": np.ones(3)}, q).shape == (2,)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(check: Any) -> None:
    formulas = FORMULAS["dirichlet"]

    def measures(a: Any, b: Any) -> Any:
        p, q = {"concentration": a}, {"concentration": b}
        if check is torch.autograd.gradgradcheck:
            return formulas.kl(torch_namespace, p, q)
        return (
            formulas.entropy(torch_namespace, p),
            formulas.cross_entropy(torch_namespace, p, q),
            formulas.renyi(torch_namespace, p, q, 0.3),
        )

    rows = ((0.7, 20.0), (0.7, 14.0))
    assert check(measures, [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in rows], fast_mode=True)
