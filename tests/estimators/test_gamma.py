"""The remainders of the gamma function against mpmath."""

import mpmath as mp
import numpy as np
import pytest

from xent.estimators import _gamma

PLACES = np.concatenate([np.logspace(-12, 15, 40), [15.9, 15.999, 16.0, 16.001, 17.0, 30.0]])

DEFINITIONS = {
    "stirling": lambda x: mp.loggamma(x) - ((x - 0.5) * mp.log(x) - x + mp.log(2 * mp.pi) / 2),
    "log_excess": lambda x: mp.log(x) - mp.psi(0, x),
    "excess": lambda x: x * mp.psi(1, x) - 1,
    "halfway_excess": lambda x: mp.log(x) - mp.psi(0, x + 0.5),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_remainders(name):
    """From 16 on to 4 units in the last place; below it to 2e-15 of the leading terms, which are up to about 40."""
    found = getattr(_gamma, name)(PLACES)
    with mp.workdps(60):
        for x, y in zip(PLACES, found, strict=True):
            expected = DEFINITIONS[name](mp.mpf(float(x)))
            error = abs(mp.mpf(float(y)) - expected)
            assert error <= (8.9e-16 * abs(expected) if x >= 16 else 1e-14 + 1e-15 * abs(expected)), x


def test_rise_and_what_it_lacks():
    risen, lacking = _gamma.rise(PLACES)
    with mp.workdps(60):
        expected = [mp.mpf(float(x)) * mp.psi(1, mp.mpf(float(x)) + 1) for x in PLACES]
        np.testing.assert_allclose(risen, [float(e) for e in expected], rtol=1e-15)
        np.testing.assert_allclose(lacking, [float(1 - e) for e in expected], rtol=2e-14)


def test_trigamma():
    places = np.logspace(-9, 1.2, 50)
    with mp.workdps(40):
        expected = [float(mp.psi(1, mp.mpf(float(x)))) for x in places]
    np.testing.assert_allclose(_gamma.trigamma(places), expected, rtol=1e-15)


@pytest.mark.parametrize(("x", "more"), [(1e15, 1.0), (3.0, 1e-9), (0.5, 1e12), (7.0, 0.0), (1e-9, 1e-3), (1e6, 1e-3)])
def test_digamma_gap_keeps_its_digits(x, more):
    with mp.workdps(60):
        expected = float(mp.psi(0, mp.mpf(x) + mp.mpf(more)) - mp.psi(0, mp.mpf(x)))
    assert _gamma.digamma_gap(np.array([x]), np.array([more]))[0] == pytest.approx(expected, rel=1e-14, abs=2e-15)
