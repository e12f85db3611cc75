import math

import mpmath
import numpy as np
import pytest

from xent.testing import ulp, ulp_error


@pytest.mark.parametrize(
    ("dtype", "one", "tiny"),
    [
        ("float16", 2.0**-10, 2.0**-24),
        ("bfloat16", 2.0**-7, 2.0**-133),
        ("float32", 2.0**-23, 2.0**-149),
        ("float64", 2.0**-52, 2.0**-1074),
    ],
)
def test_spacing_at_one_and_at_zero(dtype, one, tiny):
    assert ulp(1.0, dtype) == one
    assert ulp(0.0, dtype) == tiny
    assert ulp(tiny, dtype) == tiny
    assert ulp(1.0 - one / 2, dtype) == one / 2


def test_the_spacing_is_numpys():
    for x in (1.0, 3.7, 1e-300, 1e300, 2.0**-1074):
        assert ulp(x, "float64") == np.spacing(x)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), "float32", "torch.float32", "single"])
def test_dtypes_of_many_spellings(dtype):
    assert ulp_error(1.0 + 2.0**-23, 1.0, dtype) == 1.0


def test_a_correctly_rounded_number_is_at_most_half_off():
    with mpmath.mp.workdps(60):
        third = mpmath.mpf(1) / 3
    assert ulp_error(1 / 3, third, "float64") <= 0.5
    assert ulp_error(float(np.float32(1 / 3)), third, "float32") <= 0.5


@pytest.mark.parametrize(
    ("actual", "reference", "error"),
    [
        (math.inf, math.inf, 0.0),
        (math.nan, math.nan, 0.0),
        (math.inf, -math.inf, math.inf),
        (1.0, math.inf, math.inf),
        (math.nan, 1.0, math.inf),
        (math.inf, 1.0, math.inf),
        (math.inf, mpmath.mpf("1e400"), 0.0),
        (-math.inf, mpmath.mpf("1e400"), math.inf),
        (0.0, mpmath.mpf("1e-400"), pytest.approx(0.0, abs=1e-70)),
        (1.0, (2.0, 1.0), 0.0),
        (math.inf, mpmath.inf, 0.0),
        (0.0, 0, 0.0),
    ],
)
def test_specials(actual, reference, error):
    assert ulp_error(actual, reference, "float64") == error


def test_unknown_dtype():
    with pytest.raises(ValueError, match="it is one of"):
        ulp_error(1.0, 1.0, "int8")
