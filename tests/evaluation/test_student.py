"""Tail areas against SciPy."""

import math

import pytest
import scipy.stats

from xent.evaluation._student import chi2_tail, t_quantile

DEGREES = [*range(1, 60), 99, 100, 499, 500, 998, 999, 1000, 1001, 5000, 10**5, 10**6, 10**9]


@pytest.mark.parametrize("df", DEGREES)
def test_t_quantile(df):
    assert t_quantile(df) == pytest.approx(scipy.stats.t.ppf(0.975, df), rel=1e-13)


def test_no_degrees_of_freedom_no_quantile():
    assert math.isnan(t_quantile(0))


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 18, 19, 62])
@pytest.mark.parametrize("x", [0.0, 1e-12, 0.1, 1.0, 3.84, 50.0, 1000.0])
def test_chi2_tail(x, df):
    assert chi2_tail(x, df) == pytest.approx(scipy.stats.chi2.sf(x, df), rel=1e-13)
    assert chi2_tail(-1e-17, df) == 1.0
    assert chi2_tail(math.inf, df) == 0.0
    assert math.isnan(chi2_tail(math.nan, df))
