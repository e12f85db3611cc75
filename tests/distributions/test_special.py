"""The gamma function's logarithm, its derivatives and its Bregman divergences, against mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import array_api_compat.numpy as numpy_namespace
import mpmath
import numpy as np
import pytest

from xent.distributions import _bregman, _special
from xent.testing import ulp_error

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
import array_api_compat.torch as torch_namespace  # noqa: E402  (needs torch)

PLACES = np.array([1e-300, 1e-8, 0.1, 0.37, 1.0, 1.4616, 2.0, 3.7, 15.9, 16.0, 100.0, 1e3, 1e8, 1e14, 1e300])
SMALLER = [1e-10, 1e-8, 1e-3, 0.1, 0.5, 1.0, 3.7, 15.5, 20.0, 1e3, 1e8, 1e14]
CHANGES = [1e-12, -1e-12, 1e-8, 1e-3, 0.3, -0.3, 0.7, -0.8]


def both(function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """The values of a function of arrays under NumPy and under PyTorch."""
    with np.errstate(all="ignore"):
        first = function(numpy_namespace, *arguments)
    tensors = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
    return [first, function(torch_namespace, *tensors).numpy()]


def divergence(a: float, b: float) -> Any:
    with mpmath.workdps(90):
        x, y = mpmath.mpf(float(a)), mpmath.mpf(float(b))
        return mpmath.loggamma(y) - mpmath.loggamma(x) - mpmath.psi(0, x) * (y - x)


@pytest.mark.parametrize(("order", "function"), [(-1, _special.lgamma), (0, _special.digamma)])
def test_lgamma_and_digamma_to_four_units_of_the_larger_of_one_and_the_value(order: int, function: Any) -> None:
    for values in both(function, PLACES):
        for x, value in zip(PLACES, values, strict=True):
            with mpmath.workdps(50):
                truth = mpmath.loggamma(float(x)) if order < 0 else mpmath.psi(0, float(x))
                assert abs(mpmath.mpf(float(value)) - truth) <= 4 * 2.0**-52 * max(1, abs(truth))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_polygamma_to_four_ulp(n: int) -> None:
    for values in both(lambda xp, x: _special.polygamma(xp, n, x), PLACES[1:-1]):
        for x, value in zip(PLACES[1:-1], values, strict=True):
            with mpmath.workdps(50):
                assert ulp_error(float(value), mpmath.psi(n, float(x)), "float64") <= 4


def test_limits_and_what_is_outside() -> None:
    x = np.array([0.0, math.inf, -1.5, math.nan])
    for values in both(_special.lgamma, x):
        np.testing.assert_array_equal(values, [math.inf, math.inf, math.nan, math.nan])
    for values in both(_special.digamma, x):
        np.testing.assert_array_equal(values, [-math.inf, math.inf, math.nan, math.nan])
    for values in both(lambda xp, x: _special.polygamma(xp, 2, x), x):
        np.testing.assert_array_equal(values, [-math.inf, 0.0, math.nan, math.nan])


def test_derivatives_of_every_order_are_right() -> None:
    x = torch.tensor([0.1, 1.0, 3.7, 20.0, 1e3], dtype=torch.float64, requires_grad=True)
    value = _special.lgamma(torch_namespace, x)
    for order in range(4):
        (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        for place, slope in zip(x.tolist(), value.tolist(), strict=True):
            with mpmath.workdps(50):
                assert ulp_error(slope, mpmath.psi(order, place), "float64") <= 6


def test_divergence_is_right_for_near_far_tiny_and_huge_arguments() -> None:
    pairs = [(a, b) for a in SMALLER for b in SMALLER if a != b]
    pairs += [(a, a * (1 + change)) for a in SMALLER for change in CHANGES]
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    for values in both(_bregman.lgamma_divergence, a, b):
        for x, y, value in zip(a, b, values, strict=True):
            assert ulp_error(float(value), divergence(x, y), "float64") <= 6, (x, y)


def test_divergence_is_zero_where_equal() -> None:
    for values in both(_bregman.lgamma_divergence, PLACES, PLACES):
        np.testing.assert_array_equal(values, 0.0)


@pytest.mark.parametrize(
    ("function", "truth"),
    [
        (_bregman.log_minus_digamma, lambda x: mpmath.log(x) - mpmath.psi(0, x)),
        (_bregman.digamma_step, lambda x: mpmath.psi(0, x + 0.5) - mpmath.psi(0, x)),
    ],
)
def test_differences_of_digamma_do_not_cancel(function: Any, truth: Any) -> None:
    arguments = (PLACES[1:-1],) if function is _bregman.log_minus_digamma else (PLACES[1:-1], np.full(13, 0.5))
    for values in both(function, *arguments):
        for x, value in zip(PLACES[1:-1], values, strict=True):
            with mpmath.workdps(60):
                assert ulp_error(float(value), truth(mpmath.mpf(float(x))), "float64") <= 4, x


@pytest.mark.parametrize("step", [1e-12, 1e-3, 1.0, 1e6])
def test_steps_of_digamma_of_every_size(step: float) -> None:
    x = PLACES[1:-1]
    for values in both(_bregman.digamma_step, x, np.full(len(x), step)):
        for place, value in zip(x, values, strict=True):
            with mpmath.workdps(90):
                place_ = mpmath.mpf(float(place))
                truth = mpmath.psi(0, place_ + step) - mpmath.psi(0, place_)
                assert ulp_error(float(value), truth, "float64") <= 5, place


def test_log_beta_of_huge_and_tiny() -> None:
    pairs = [(a, b) for a in SMALLER for b in SMALLER]
    for values in both(_bregman.log_beta, np.array(pairs)):
        for (a, b), value in zip(pairs, values, strict=True):
            with mpmath.workdps(60):
                first, second = mpmath.mpf(a), mpmath.mpf(b)
                truth = mpmath.loggamma(first) + mpmath.loggamma(second) - mpmath.loggamma(first + second)
                assert abs(mpmath.mpf(float(value)) - truth) <= 4 * 2.0**-52 * max(
                    1, abs(truth), abs(mpmath.loggamma(min(a, b)))
                )


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_gradients(check: Any) -> None:
    a = torch.tensor([0.1, 3.7, 20.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([0.3, 3.7, 14.0], dtype=torch.float64, requires_grad=True)
    assert check(lambda a, b: _bregman.lgamma_divergence(torch_namespace, a, b), (a, b), fast_mode=True)
    assert check(lambda a: _bregman.gamma_entropy(torch_namespace, a), (a,), fast_mode=True)
    assert check(lambda a, b: _bregman.digamma_step(torch_namespace, a, b), (a, b), fast_mode=True)
    assert check(
        lambda a: _bregman.log_beta(torch_namespace, a),
        (torch.stack([a, b], -1).detach().requires_grad_(),),
        fast_mode=True,
    )
